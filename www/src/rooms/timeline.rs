//! What was said and what happened, in order; then what this page has published and not yet seen in the room.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tidewire_client::{Gap, MemberId, Position, PublishErrorCause, TransportKind};

use crate::entries::{self, Entries};
use crate::payload::Payload;
use crate::rooms::transports::Loss;

/// One thing that happened.
pub(crate) type Entry = entries::Entry<What>;

/// What an entry tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A message of the room.
    Message(Said),
    /// A publish that failed.
    Failed {
        /// What was to be said.
        payload: Payload,
        /// Why it was not, as far as is known.
        cause: PublishErrorCause,
    },
    /// Messages that can no longer be had.
    Gap(Gap),
    /// Messages that should have come and did not, and of which nobody spoke: how many. Not to be seen, as is promised.
    Hole(u64),
    /// The subscription has begun: the first message is the one after this position.
    Joined(Position),
    /// It goes on, after this position.
    Resumed(Position),
    /// The connection ended, and the client will make another.
    LinkLost(Loss),
    /// The session goes on over another kind of transport.
    Moved(TransportKind),
}

/// A message of the room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its place.
    pub(crate) position: Position,
    /// Who; nobody for the server itself.
    pub(crate) sender: Option<MemberId>,
    /// Whether that is this page.
    pub(crate) is_mine: bool,
    /// Whether it, or a later one, had come before. Not to be seen, as is promised.
    pub(crate) is_doubled: bool,
    /// What.
    pub(crate) payload: Payload,
}

/// A publish of this page whose message has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Its number among the page's publishes.
    pub(crate) number: u64,
    /// When it was published, as local time since midnight.
    pub(crate) time_of_day: Duration,
    /// What is to be said.
    pub(crate) payload: Payload,
    /// Where it is in the room, once that was answered.
    pub(crate) place: Option<Position>,
}

/// What happened, and what is pending.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timeline {
    entries: Entries<What>,
    /// In the order in which they were published.
    pending: VecDeque<Rc<Pending>>,
}

impl Timeline {
    /// Notes what happened; the oldest entry makes room when there is none.
    pub(crate) fn note(&mut self, time_of_day: Duration, what: What) {
        self.entries.note(time_of_day, what);
    }

    /// Notes a message, which takes the place of the publish that it came of.
    pub(crate) fn note_message(&mut self, time_of_day: Duration, said: Said) {
        // Those of this page come in the order in which they were published.
        let is_it = |pending: &Rc<Pending>| match pending.place {
            Some(place) => place == said.position,
            None => said.is_mine && pending.payload == said.payload,
        };
        if let Some(index) = self.pending.iter().position(is_it) {
            self.pending.remove(index);
        }
        self.note(time_of_day, What::Message(said));
    }

    /// A publish is under way.
    pub(crate) fn publish(&mut self, number: u64, time_of_day: Duration, payload: Payload) {
        if self.pending.len() == MAX_PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back(Rc::new(Pending {
            number,
            time_of_day,
            payload,
            place: None,
        }));
    }

    /// A publish was accepted at this place. Its message is still to come.
    pub(crate) fn place(&mut self, number: u64, place: Position) {
        if let Some(index) = self.find(number) {
            Rc::make_mut(&mut self.pending[index]).place = Some(place);
        }
    }

    /// Takes out a publish that has ended.
    pub(crate) fn take(&mut self, number: u64) -> Option<Rc<Pending>> {
        self.pending.remove(self.find(number)?)
    }

    /// Takes out the publishes that were accepted at places which are past.
    pub(crate) fn forget_placed(&mut self, is_past: impl Fn(Position) -> bool) {
        self.pending.retain(|pending| !pending.place.is_some_and(&is_past));
    }

    /// Forgets what was noted, but not what is pending.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// What is kept, the oldest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Rc<Entry>> {
        self.entries.entries()
    }

    /// What is pending, the oldest first.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Rc<Pending>> {
        self.pending.iter()
    }

    /// How many publishes were not answered.
    pub(crate) fn unanswered(&self) -> usize {
        self.pending.iter().filter(|pending| pending.place.is_none()).count()
    }

    /// How many entries have made room for newer ones since the last [`clear`](Self::clear).
    pub(crate) fn dropped(&self) -> u64 {
        self.entries.dropped()
    }

    /// How many entries were ever noted.
    pub(crate) fn noted(&self) -> u64 {
        self.entries.noted()
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.pending
            .binary_search_by_key(&number, |pending| pending.number)
            .ok()
    }
}

/// Publishes shown that are pending: as many as the client lets wait.
pub(crate) const MAX_PENDING: usize = 1024;

#[cfg(test)]
mod tests {
    use tidewire_client::{Epoch, Offset};

    use super::*;
    use crate::entries::MAX_ENTRIES;

    fn at(offset: u64) -> Position {
        Position {
            epoch: Epoch(1),
            offset: Offset(offset),
        }
    }

    fn said(offset: u64, text: &str, is_mine: bool) -> Said {
        Said {
            position: at(offset),
            sender: None,
            is_mine,
            is_doubled: false,
            payload: Payload::of_text(text),
        }
    }

    fn publishing(texts: &[&str]) -> Timeline {
        let mut timeline = Timeline::default();
        for (number, text) in texts.iter().enumerate() {
            timeline.publish(number as u64, Duration::ZERO, Payload::of_text(text));
        }
        timeline
    }

    fn numbers(timeline: &Timeline) -> Vec<u64> {
        timeline.pending().map(|pending| pending.number).collect()
    }

    #[test]
    fn the_oldest_entries_make_room_and_are_counted() {
        let mut timeline = Timeline::default();
        for _ in 0..MAX_ENTRIES {
            timeline.note(Duration::ZERO, What::Hole(1));
        }
        assert_eq!((timeline.entries().count(), timeline.dropped()), (MAX_ENTRIES, 0));
        timeline.note(Duration::ZERO, What::Hole(1));
        assert_eq!((timeline.entries().count(), timeline.dropped()), (MAX_ENTRIES, 1));
        assert_eq!(timeline.entries().next().map(|entry| entry.id), Some(1));
    }

    #[test]
    fn a_message_takes_the_place_of_its_publish_before_the_answer() {
        let mut timeline = publishing(&["a", "b", "b"]);
        timeline.note_message(Duration::ZERO, said(1, "a", false));
        assert_eq!(numbers(&timeline), [0, 1, 2], "somebody else said the same");
        timeline.note_message(Duration::ZERO, said(2, "b", true));
        assert_eq!(numbers(&timeline), [0, 2], "the first of two that are equal");
    }

    #[test]
    fn a_message_takes_the_place_of_the_publish_that_was_answered_with_its_place() {
        let mut timeline = publishing(&["a", "a"]);
        timeline.place(1, at(7));
        assert_eq!(timeline.unanswered(), 1);
        // Of an earlier session, so not known as this page's own by its sender.
        timeline.note_message(Duration::ZERO, said(7, "a", false));
        assert_eq!(numbers(&timeline), [0]);
    }

    #[test]
    fn a_publish_with_a_place_is_not_mistaken_for_another_with_the_same_words() {
        let mut timeline = publishing(&["a", "a"]);
        timeline.place(0, at(7));
        timeline.note_message(Duration::ZERO, said(8, "a", true));
        assert_eq!(numbers(&timeline), [0]);
    }

    #[test]
    fn what_was_accepted_and_can_no_longer_come_is_forgotten() {
        let mut timeline = publishing(&["a", "b", "c"]);
        timeline.place(0, at(7));
        timeline.place(1, at(9));
        timeline.forget_placed(|place| place.offset <= Offset(8));
        assert_eq!(numbers(&timeline), [1, 2]);
    }

    #[test]
    fn clearing_keeps_what_is_pending() {
        let mut timeline = publishing(&["a"]);
        timeline.note(Duration::ZERO, What::Hole(1));
        timeline.clear();
        assert_eq!((timeline.entries().count(), numbers(&timeline)), (0, vec![0]));
        assert_eq!(timeline.noted(), 1);
    }

    #[test]
    fn what_is_pending_is_bounded() {
        let mut timeline = Timeline::default();
        for number in 0..=MAX_PENDING as u64 {
            timeline.publish(number, Duration::ZERO, Payload::of_text("x"));
        }
        assert_eq!(timeline.pending().count(), MAX_PENDING);
        assert_eq!(numbers(&timeline)[0], 1);
    }
}
