//! Which messages are under way: sent, and not yet received by all.

use std::{collections::VecDeque, time::Instant};

/// A message is complete when every receiver has it, and at most `limit` are incomplete at any time.
///
/// Each receiver gets messages in the order they were sent, so they complete in that order too.
#[derive(Debug)]
pub(super) struct Window {
    receivers: u32,
    limit: usize,
    complete: u64,
    incomplete: VecDeque<Incomplete>,
}

#[derive(Debug)]
struct Incomplete {
    sent_at: Instant,
    /// How many receivers do not have it.
    missing: u32,
}

impl Window {
    pub(super) fn new(receivers: u32, limit: usize) -> Self {
        Self {
            receivers,
            limit,
            complete: 0,
            incomplete: VecDeque::new(),
        }
    }

    /// How many messages every receiver has.
    pub(super) fn complete(&self) -> u64 {
        self.complete
    }

    /// How many messages were sent, which is also the number of the next: they count from 0.
    pub(super) fn sent(&self) -> u64 {
        self.complete + self.incomplete.len() as u64
    }

    pub(super) fn is_full(&self) -> bool {
        self.incomplete.len() >= self.limit
    }

    /// The next message is being sent.
    pub(super) fn on_sent(&mut self, now: Instant) {
        self.incomplete.push_back(Incomplete {
            sent_at: now,
            missing: self.receivers,
        });
    }

    /// One receiver has message `number`. Returns when that was sent; `None` if it was not sent, or all have it already.
    pub(super) fn on_received(&mut self, number: u64) -> Option<Instant> {
        let index = usize::try_from(number.checked_sub(self.complete)?).ok()?;
        let message = self.incomplete.get_mut(index)?;
        message.missing = message.missing.checked_sub(1)?;
        let sent_at = message.sent_at;
        while self.incomplete.pop_front_if(|message| message.missing == 0).is_some() {
            self.complete += 1;
        }
        Some(sent_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_message_may_be_sent_when_all_receivers_have_the_oldest() {
        let mut window = Window::new(2, 3);
        let now = Instant::now();
        for _ in 0..3 {
            assert!(!window.is_full());
            window.on_sent(now);
        }
        assert!(window.is_full());
        for number in [0, 1, 2] {
            assert_eq!(window.on_received(number), Some(now));
        }
        assert!(window.is_full(), "the second receiver has none");
        window.on_received(0);
        assert!(!window.is_full());
        assert_eq!((window.complete(), window.sent()), (1, 3));
    }

    #[test]
    fn what_was_not_sent_or_is_complete_cannot_be_received() {
        let mut window = Window::new(1, 2);
        assert_eq!(window.on_received(0), None);
        window.on_sent(Instant::now());
        assert!(window.on_received(0).is_some());
        assert_eq!(window.on_received(0), None);
        assert_eq!(window.on_received(1), None);
    }
}
