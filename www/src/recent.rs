//! The newest of the times that were measured.

use std::collections::VecDeque;
use std::time::Duration;

/// At most [`MAX_RECENT`] times, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recent(VecDeque<Duration>);

impl Recent {
    /// Notes a time; the oldest makes room when there is none.
    pub(crate) fn note(&mut self, time: Duration) {
        if self.0.len() == MAX_RECENT {
            self.0.pop_front();
        }
        self.0.push_back(time);
    }

    /// What is kept, the oldest first.
    pub(crate) fn times(&self) -> impl ExactSizeIterator<Item = Duration> {
        self.0.iter().copied()
    }

    /// The newest.
    pub(crate) fn last(&self) -> Option<Duration> {
        self.0.back().copied()
    }
}

/// Times kept.
pub(crate) const MAX_RECENT: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_times_are_kept() {
        let ms = Duration::from_millis;
        let mut recent = Recent::default();
        for number in 0..MAX_RECENT as u64 {
            recent.note(ms(number));
        }
        assert_eq!((recent.times().next(), recent.times().len()), (Some(ms(0)), MAX_RECENT));
        recent.note(ms(99));
        assert_eq!((recent.times().next(), recent.times().len()), (Some(ms(1)), MAX_RECENT));
        assert_eq!(recent.last(), Some(ms(99)));
    }
}
