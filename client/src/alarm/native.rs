//! Time over tokio.

use core::{
    future::pending,
    hash::{BuildHasher, Hasher},
};
use std::{hash::RandomState, sync::Weak};

use tidewire_protocol::{Instant, client::Input};
use tokio::{runtime::Handle, sync::watch, time};

use crate::{driver::Shared, sink::Sink, transport::Endpoint};

/// Where a client's time begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(time::Instant);

/// A timer, and the task that waits for it. Dropping it ends the task.
#[derive(Debug)]
pub(crate) struct Alarm {
    due: watch::Sender<Option<Instant>>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self(time::Instant::now())
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::new(self.0.elapsed())
    }
}

/// A random number.
pub(crate) fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl Alarm {
    /// For a client that may not be finished yet. Without a runtime it never rings; then no transport opens either.
    pub(crate) fn new(_: &Endpoint, client: Weak<Shared<impl Sink>>, clock: &Clock) -> Self {
        let (due, changes) = watch::channel(None);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(run(client, *clock, changes));
        }
        Self { due }
    }

    /// The next turn is due then. One that comes too early does no harm, so an earlier one is left as it is.
    pub(crate) fn set(&self, now: Instant, at: Option<Instant>) {
        self.due.send_if_modified(|due| {
            let is_covered = matches!((*due, at), (Some(due), Some(at)) if now < due && due <= at);
            if !is_covered {
                *due = at;
            }
            !is_covered
        });
    }

    /// Never: the system's monotonic clock is taken at its word.
    #[allow(clippy::unused_self, reason = "the browser's stops its timer")]
    pub(crate) const fn has_jumped(&self, _: &Clock) -> bool {
        false
    }

    /// The next turn is due once those who run now have finished.
    pub(crate) fn soon(&self) {
        self.due.send_replace(Some(Instant::default()));
    }
}

async fn run(client: Weak<Shared<impl Sink>>, clock: Clock, mut changes: watch::Receiver<Option<Instant>>) {
    loop {
        let due = *changes.borrow_and_update();
        let ring = async {
            match due {
                Some(at) => time::sleep_until(clock.0 + at.elapsed()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = ring => match client.upgrade() {
                Some(client) => client.turn(Input::Timeout),
                None => return,
            },
        }
    }
}
