//! A server before it runs.

use std::sync::Arc;

use tidewire_protocol::frame::RefusalCode;

use crate::{
    engine::{Engine, MemoryEngine},
    hook::{Hook, Publishing},
    settings::Settings,
    tidewire::Tidewire,
};

/// Makes a [`Tidewire`] server.
///
/// ```
/// use tidewire_server::{RefusalCode, Tidewire};
///
/// let tidewire = Tidewire::builder()
///     .on_publish(|publishing| match publishing.payload.len() {
///         0 => Err(RefusalCode::REJECTED),
///         _ => Ok(()),
///     })
///     .build();
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct Builder {
    settings: Settings,
    engine: Option<Arc<dyn Engine>>,
    hook: Hook,
}

impl Builder {
    /// Limits and intervals. Default: [`Settings::default`].
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Where messages are kept. Default: a [`MemoryEngine`].
    pub fn engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// What to ask about each publish of a client or over HTTP, before the engine is: an error refuses it, and is told to who
    /// published. What the program publishes itself is not asked about. Default: nothing is refused.
    ///
    /// It is called on the connection's task, so it must not block. A publish with an idempotency key that is sent again is
    /// asked about again.
    pub fn on_publish(
        mut self,
        ask: impl Fn(&Publishing<'_>) -> Result<(), RefusalCode> + Send + Sync + 'static,
    ) -> Self {
        self.hook = Hook::new(ask);
        self
    }

    /// The server, without connections.
    #[must_use]
    pub fn build(self) -> Tidewire {
        let engine = self.engine.unwrap_or_else(|| Arc::new(MemoryEngine::new()));
        Tidewire::with(self.settings, engine, self.hook)
    }
}
