//! What happened, in order: the newest entries, and how many older ones were let go.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// One thing that happened. It never changes after it was noted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry<What> {
    /// Its number, from 0, never given twice.
    pub(crate) id: u64,
    /// When, as local time since midnight.
    pub(crate) time_of_day: Duration,
    /// What.
    pub(crate) what: What,
}

/// The newest [`MAX_ENTRIES`] entries.
#[derive(Debug, PartialEq)]
pub(crate) struct Entries<What> {
    entries: VecDeque<Rc<Entry<What>>>,
    next_id: u64,
    dropped: u64,
}

impl<What> Entries<What> {
    /// Notes what happened; the oldest entry makes room when there is none.
    pub(crate) fn note(&mut self, time_of_day: Duration, what: What) {
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(Rc::new(Entry {
            id: self.next_id,
            time_of_day,
            what,
        }));
        self.next_id += 1;
    }

    /// Forgets everything that was noted.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.dropped = 0;
    }

    /// What is kept, the oldest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Rc<Entry<What>>> {
        self.entries.iter()
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries have made room for newer ones since the last [`clear`](Self::clear).
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many entries were ever noted.
    pub(crate) fn noted(&self) -> u64 {
        self.next_id
    }
}

// Entries are shared, so what they tell need not be cloned, nor have a default.

impl<What> Clone for Entries<What> {
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            ..*self
        }
    }
}

impl<What> Default for Entries<What> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            next_id: 0,
            dropped: 0,
        }
    }
}

/// Entries kept.
pub(crate) const MAX_ENTRIES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(timeline: &Entries<()>) -> (u64, u64, usize) {
        let ids: Vec<u64> = timeline.entries().map(|entry| entry.id).collect();
        (ids[0], ids[ids.len() - 1], ids.len())
    }

    #[test]
    fn the_oldest_entries_make_room_and_are_counted() {
        let mut timeline = Entries::default();
        for _ in 0..MAX_ENTRIES {
            timeline.note(Duration::ZERO, ());
        }
        assert_eq!((ids(&timeline), timeline.dropped()), ((0, 499, MAX_ENTRIES), 0));
        timeline.note(Duration::ZERO, ());
        assert_eq!((ids(&timeline), timeline.dropped()), ((1, 500, MAX_ENTRIES), 1));
    }

    #[test]
    fn clearing_forgets_entries_but_never_repeats_an_id() {
        let mut timeline = Entries::default();
        timeline.note(Duration::ZERO, ());
        timeline.clear();
        assert!(timeline.is_empty());
        timeline.note(Duration::ZERO, ());
        assert_eq!(ids(&timeline), (1, 1, 1));
    }
}
