//! What a server asks its [`Access`], with a deadline, and how an answer is told.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tidewire_protocol::frame::RefusalCode;
use tokio::time::timeout;
use tracing::warn;

use super::{
    Access, Allowed, Connecting, Decision, Denied, Pass, Publishing, Signalling, Subscribing, revoked::Revoked,
};
use crate::{metrics::Metrics, settings::Settings};

/// Stands before all that somebody asks for.
#[derive(Debug)]
pub(crate) struct Decider {
    access: Arc<dyn Access>,
    timeout: Duration,
    revoked: Arc<Revoked>,
    metrics: Arc<Metrics>,
}

/// A pass that was given, or why none was.
pub(crate) type Passed = Result<Arc<Pass>, Denied>;

impl Decider {
    pub(crate) fn new(access: Arc<dyn Access>, settings: &Settings, metrics: Arc<Metrics>) -> Self {
        Self {
            access,
            timeout: settings.access_timeout,
            revoked: Arc::new(Revoked::new(settings.max_token_life)),
            metrics,
        }
    }

    /// What was revoked.
    pub(crate) fn revoked(&self) -> &Revoked {
        &self.revoked
    }

    /// Somebody connects, or renews its token.
    pub(crate) fn connect(&self, connecting: &Connecting<'_>) -> Decision<Passed> {
        let (revoked, metrics) = (Arc::clone(&self.revoked), Arc::clone(&self.metrics));
        let passed = move |decided: Result<Pass, Denied>| {
            let passed = decided.and_then(|mut pass| {
                pass.issued.get_or_insert_with(SystemTime::now);
                revoked.apply(&mut pass).map(|()| Arc::new(pass))
            });
            passed.inspect_err(|denied| metrics.on_denied(*denied))
        };
        match self.access.connect(connecting) {
            Decision::Now(decided) => Decision::Now(passed(decided)),
            Decision::Later(deciding) => {
                let decided = in_time(self.timeout, deciding, Err(Denied::Unavailable));
                Decision::later(async move { passed(decided.await) })
            }
        }
    }

    /// A session asks for a room's messages.
    pub(crate) fn subscribe(&self, subscribing: &Subscribing<'_>) -> Decision<Result<(), RefusalCode>> {
        match self.access.subscribe(subscribing) {
            now @ Decision::Now(_) => now,
            Decision::Later(deciding) => Decision::later(in_time(self.timeout, deciding, UNDECIDED)),
        }
    }

    /// Somebody publishes.
    pub(crate) async fn publish(&self, publishing: Publishing<'_>) -> Result<Allowed, RefusalCode> {
        match self.access.publish(&publishing) {
            Decision::Now(decided) => decided,
            Decision::Later(deciding) => in_time(self.timeout, deciding, Err(RefusalCode::UNAVAILABLE)).await,
        }
    }

    /// A session signals.
    pub(crate) fn signal(&self, signalling: &Signalling<'_>) -> bool {
        self.access.signal(signalling)
    }
}

/// What is decided in time, or otherwise this.
async fn in_time<T>(limit: Duration, deciding: impl Future<Output = T>, otherwise: T) -> T {
    match timeout(limit, deciding).await {
        Ok(decided) => decided,
        Err(_) => {
            warn!("who may do what was not decided in time");
            otherwise
        }
    }
}

const UNDECIDED: Result<(), RefusalCode> = Err(RefusalCode::UNAVAILABLE);
