//! A server before it runs.

use std::sync::Arc;

use crate::{
    access::{Access, Open},
    api::ApiKeys,
    engine::{Engine, MemoryEngine},
    settings::Settings,
    tidewire::Tidewire,
};

/// Makes a [`Tidewire`] server.
///
/// ```
/// use std::sync::Arc;
/// use tidewire_server::{Settings, Tidewire, engine::MemoryEngine};
///
/// let mut settings = Settings::default();
/// settings.max_rooms = 100;
/// let tidewire = Tidewire::builder()
///     .settings(settings)
///     .engine(Arc::new(MemoryEngine::new()))
///     .build();
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct Builder {
    settings: Settings,
    engine: Option<Arc<dyn Engine>>,
    access: Option<Arc<dyn Access>>,
    api_keys: Option<ApiKeys>,
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

    /// Who may do what. Default: [`Open`], everybody may do everything.
    pub fn access(mut self, access: impl Access) -> Self {
        self.access = Some(Arc::new(access));
        self
    }

    /// With which keys other programs may use [`Tidewire::api`] and [`Tidewire::metrics`]. Default: everybody may where everybody may do everything; where
    /// rules were given by [`access`](Self::access), nobody.
    pub fn api_keys(mut self, keys: ApiKeys) -> Self {
        self.api_keys = Some(keys);
        self
    }

    /// The server, without connections.
    #[must_use]
    pub fn build(self) -> Tidewire {
        let engine = self.engine.unwrap_or_else(|| Arc::new(MemoryEngine::new()));
        let (access, otherwise): (Arc<dyn Access>, _) = match self.access {
            Some(access) => (access, ApiKeys::none()),
            None => (Arc::new(Open), ApiKeys::unneeded()),
        };
        Tidewire::with(self.settings, engine, access, self.api_keys.unwrap_or(otherwise))
    }
}
