//! When the next message may be sent.

use std::time::{Duration, Instant};

/// How fast messages are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// The next as soon as fewer than this many are under way.
    Window(usize),
    /// One each interval, whatever became of those before.
    Steady {
        /// From one message to the next.
        interval: Duration,
        /// When the next is due.
        next: Option<Instant>,
    },
}

impl Pace {
    pub(crate) const fn steady(interval: Duration) -> Self {
        Self::Steady { interval, next: None }
    }

    /// How many messages may be under way.
    pub(super) const fn outstanding(self) -> usize {
        match self {
            Self::Window(limit) => limit,
            Self::Steady { .. } => usize::MAX,
        }
    }

    /// The first message of a run is due now.
    pub(super) fn begin(&mut self, now: Instant) {
        if let Self::Steady { next, .. } = self {
            *next = Some(now);
        }
    }

    /// Whether a message is due, which is then to be sent.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        match self {
            Self::Steady {
                interval,
                next: Some(next),
            } => {
                let is_due = *next <= now;
                if is_due {
                    *next += *interval;
                }
                is_due
            }
            _ => true,
        }
    }

    /// How long it is until the next is due, if that is for time to say.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        match self {
            Self::Steady { next: Some(next), .. } => next.saturating_duration_since(now),
            _ => Duration::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_at_fixed_times_however_late_one_was() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::steady(Duration::from_millis(50));
        pace.begin(start);
        assert!(pace.take(start));
        assert!(!pace.take(at(49)));
        assert_eq!(pace.wait(at(49)), Duration::from_millis(1));
        assert!(pace.take(at(120)));
        assert!(pace.take(at(120)), "the third was due at 100");
        assert!(!pace.take(at(120)));
    }
}
