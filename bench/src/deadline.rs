//! The end of every wait: a deadline, or a signal that asks this program to end.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on SIGINT, SIGTERM and SIGHUP make every [`Deadline`] pass, so that servers are stopped on the way out.
pub(crate) fn end_on_signal() -> Result<()> {
    ctrlc::set_handler(|| STOPPED.store(true, Ordering::Relaxed)).context("cannot handle signals")
}

/// Whether this program was asked to end.
pub(crate) fn is_stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    /// `limit` from now.
    pub(crate) fn after(limit: Duration) -> Self {
        Self {
            at: Instant::now() + limit,
            limit,
        }
    }

    /// An error once it has passed, or when this program was asked to end.
    pub(crate) fn check(&self) -> Result<()> {
        if is_stopped() {
            bail!("stopped by a signal");
        }
        if Instant::now() >= self.at {
            bail!("not done after the limit of {:?}", self.limit);
        }
        Ok(())
    }

    /// How long it is until then; a millisecond once it has passed.
    pub(crate) fn left(&self) -> Duration {
        self.at
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1))
    }

    /// Polls `is_done` every `interval` until it says yes.
    pub(crate) fn poll_until(&self, interval: Duration, mut is_done: impl FnMut() -> Result<bool>) -> Result<()> {
        while !is_done()? {
            self.check()?;
            std::thread::sleep(interval);
        }
        Ok(())
    }
}
