//! What happened, in order: the newest entries, and how many older ones were let go.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::payload::Payload;

/// One thing that happened. It never changes after it was noted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its number, from 0, never given twice.
    pub(crate) id: u64,
    /// When, as local time since midnight.
    pub(crate) time_of_day: Duration,
    /// What.
    pub(crate) what: What,
}

/// What an entry tells: one of the four events of a WebSocket, or a message that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The connection opened.
    Open {
        /// The full address.
        address: String,
        /// How long that took from the request to connect.
        took: Duration,
    },
    /// A message arrived.
    Message {
        /// Its size, and as much of it as is kept.
        payload: Payload,
        /// The time since the message was sent that this one answers.
        round_trip: Option<Duration>,
    },
    /// A message was handed to the browser.
    Sent(Payload),
    /// The connection failed. The event carries no reason: browsers keep it to themselves.
    Error,
    /// The connection ended.
    Close {
        /// The status code of the close frame, or what the browser reports without one.
        code: u16,
        /// What the other side said, often nothing.
        reason: String,
        /// Whether both sides exchanged close frames.
        was_clean: bool,
    },
}

/// The newest [`MAX_ENTRIES`] entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timeline {
    entries: VecDeque<Rc<Entry>>,
    next_id: u64,
    dropped: u64,
}

impl Timeline {
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
        *self = Self {
            next_id: self.next_id,
            ..Self::default()
        };
    }

    /// What is kept, the oldest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Rc<Entry>> {
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

/// Entries kept.
pub(crate) const MAX_ENTRIES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(timeline: &Timeline) -> (u64, u64, usize) {
        let ids: Vec<u64> = timeline.entries().map(|entry| entry.id).collect();
        (ids[0], ids[ids.len() - 1], ids.len())
    }

    #[test]
    fn the_oldest_entries_make_room_and_are_counted() {
        let mut timeline = Timeline::default();
        for _ in 0..MAX_ENTRIES {
            timeline.note(Duration::ZERO, What::Error);
        }
        assert_eq!((ids(&timeline), timeline.dropped()), ((0, 499, MAX_ENTRIES), 0));
        timeline.note(Duration::ZERO, What::Error);
        assert_eq!((ids(&timeline), timeline.dropped()), ((1, 500, MAX_ENTRIES), 1));
    }

    #[test]
    fn clearing_forgets_entries_but_never_repeats_an_id() {
        let mut timeline = Timeline::default();
        timeline.note(Duration::ZERO, What::Error);
        timeline.clear();
        assert!(timeline.is_empty());
        timeline.note(Duration::ZERO, What::Error);
        assert_eq!(ids(&timeline), (1, 1, 1));
    }
}
