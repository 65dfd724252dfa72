//! The time that machines are told.

use tidewire_protocol::Instant;

/// Counts from its own beginning. All that share a room or a session must share the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    begun: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            begun: tokio::time::Instant::now(),
        }
    }

    pub(crate) fn now(self) -> Instant {
        Instant::new(self.begun.elapsed())
    }

    /// A machine's moment as the runtime's timers know it.
    pub(crate) fn at(self, moment: Instant) -> tokio::time::Instant {
        self.begun
            .checked_add(moment.elapsed())
            // Not for a century, as `tokio::time::sleep` has it.
            .unwrap_or_else(|| self.begun + std::time::Duration::from_secs(86_400 * 365 * 30))
    }
}
