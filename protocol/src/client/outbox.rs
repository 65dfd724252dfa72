//! Publishes that were not answered, in order.

use core::time::Duration;
use std::collections::VecDeque;

use crate::{
    error::Rule,
    frame::RefusalCode,
    ids::{RoomName, Sequence},
    payload::OwnedPayload,
    time::{Instant, earliest},
};

/// A client's name for one of its publishes; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishId(pub u64);

/// How much may wait for an answer, sent or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// How many publishes. Default: 1,024.
    pub max_publishes: usize,
    /// How many bytes of payload. Default: 16 MiB.
    pub max_bytes: usize,
}

/// Why a publish failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// The server refused it. It was not accepted.
    Refused(RefusalCode),
    /// It was sent, or [left](super::Client::save) to another client, and the session expired before the answer came: whether it
    /// was accepted is unknown.
    Unconfirmed,
    /// Its time to live passed before it could be sent. It was not accepted.
    Expired,
    /// The client was closed before it was sent. It was not accepted.
    Closed,
}

/// Those that were sent on the present transport come first, then those that were sent on an earlier one, then the rest.
#[derive(Debug)]
pub(super) struct Outbox {
    entries: VecDeque<Entry>,
    bytes: usize,
    limits: OutboxLimits,
    /// The last sequence number that was given out in this session.
    last: Sequence,
    next_id: u64,
    /// Those named before this were given to another client, which may have sent them.
    given_before: u64,
    /// How many of the entries were sent on the present transport.
    sent: usize,
    /// None of those that were not sent expires before this.
    next_expiry: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: PublishId,
    pub(super) room: RoomName,
    pub(super) payload: OwnedPayload,
    pub(super) state: EntryState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryState {
    /// It was never sent, and need not be after this moment.
    Unsent { expires: Option<Instant> },
    /// It was sent on some transport of this session, under this number.
    Sent { sequence: Sequence },
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            max_publishes: 1024,
            max_bytes: 16 << 20,
        }
    }
}

impl Entry {
    pub(super) const fn was_sent(&self) -> bool {
        matches!(self.state, EntryState::Sent { .. })
    }

    const fn expires(&self) -> Option<Instant> {
        match self.state {
            EntryState::Unsent { expires } => expires,
            EntryState::Sent { .. } => None,
        }
    }
}

impl Outbox {
    pub(super) const fn new(limits: OutboxLimits) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            limits,
            last: Sequence(0),
            next_id: 1,
            given_before: 0,
            sent: 0,
            next_expiry: None,
        }
    }

    /// Takes a publish, or gives its payload back where it is full.
    pub(super) fn push(
        &mut self,
        now: Instant,
        room: RoomName,
        payload: OwnedPayload,
        ttl: Option<Duration>,
    ) -> Result<PublishId, OwnedPayload> {
        let bytes = self.bytes.saturating_add(payload.as_payload().len());
        if self.entries.len() >= self.limits.max_publishes || bytes > self.limits.max_bytes {
            return Err(payload);
        }
        self.bytes = bytes;
        let expires = ttl.map(|ttl| now + ttl);
        Ok(self.put(room, payload, EntryState::Unsent { expires }))
    }

    fn put(&mut self, room: RoomName, payload: OwnedPayload, state: EntryState) -> PublishId {
        let id = PublishId(self.next_id);
        self.next_id += 1;
        let entry = Entry {
            id,
            room,
            payload,
            state,
        };
        self.next_expiry = earliest(self.next_expiry, entry.expires());
        self.entries.push_back(entry);
        id
    }

    /// All that were not answered.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        // The iterator of a `VecDeque` is quicker, and larger.
        (0..self.entries.len()).map(|index| &self.entries[index])
    }

    /// All that there is goes to another client too.
    pub(super) const fn give(&mut self) {
        self.given_before = self.next_id;
    }

    /// What an earlier client had given out in the session that goes on.
    pub(super) const fn go_on_after(&mut self, last: Sequence) {
        self.last = last;
    }

    /// Takes a publish of an earlier client's: sent under a number, or to be sent, as it was there.
    pub(super) fn adopt(&mut self, room: RoomName, payload: OwnedPayload, state: EntryState) -> Result<(), Rule> {
        if let EntryState::Sent { sequence } = state {
            let is_next = match self.entries.back().map(|before| before.state) {
                None => true,
                Some(EntryState::Sent { sequence: before }) => before < sequence,
                Some(EntryState::Unsent { .. }) => false,
            };
            if !is_next || sequence > self.last {
                return Err(Rule::OutOfRange);
            }
        }
        self.bytes += payload.as_payload().len();
        self.put(room, payload, state);
        Ok(())
    }

    /// The next to be sent on this transport, in order, and its number; at most `max_unanswered` wait for an answer.
    pub(super) fn next_to_send(&mut self, max_unanswered: u32) -> Option<(Sequence, &Entry)> {
        if !self.has_more(max_unanswered) {
            return None;
        }
        let entry = self.entries.get_mut(self.sent)?;
        let sequence = match entry.state {
            EntryState::Sent { sequence } => sequence,
            EntryState::Unsent { .. } => {
                self.last = self.last.next();
                self.last
            }
        };
        entry.state = EntryState::Sent { sequence };
        self.sent += 1;
        Some((sequence, entry))
    }

    /// Whether there is one to be sent.
    pub(super) fn has_more(&self, max_unanswered: u32) -> bool {
        self.sent < self.entries.len().min(max_unanswered as usize)
    }

    /// The transport is gone: what was not answered is to be sent again.
    pub(super) const fn detach(&mut self) {
        self.sent = 0;
    }

    /// The last sequence number that was given out in this session.
    pub(super) const fn last(&self) -> Sequence {
        self.last
    }

    /// Every publish of this session up to this one was answered.
    pub(super) fn answered(&self) -> Sequence {
        match self.entries.front() {
            Some(Entry {
                state: EntryState::Sent { sequence },
                ..
            }) => Sequence(sequence.0 - 1),
            _ => self.last,
        }
    }

    /// The answer to a publish came; `None` if it was known before.
    pub(super) fn answer(&mut self, sequence: Sequence) -> Option<Entry> {
        let is_it = |entry: &Entry| matches!(entry.state, EntryState::Sent { sequence: sent } if sent == sequence);
        let index = self.entries().position(is_it)?;
        self.remove(index)
    }

    /// The session is gone. The next begins from the first number.
    pub(super) const fn replace_session(&mut self) {
        self.last = Sequence(0);
    }

    /// Takes out the first that fails for this reason, until there is none: then it is known when the next expires.
    pub(super) fn take_failed(&mut self, why: PublishError, now: Instant) -> Option<Entry> {
        let mut next_expiry = None;
        for index in 0..self.entries.len() {
            let entry = &self.entries[index];
            let expires = entry.expires();
            let fails = match why {
                PublishError::Unconfirmed => entry.was_sent() || entry.id.0 < self.given_before,
                PublishError::Expired => expires.is_some_and(|at| at <= now),
                _ => true,
            };
            if fails {
                return self.remove(index);
            }
            next_expiry = earliest(next_expiry, expires);
        }
        self.next_expiry = next_expiry;
        None
    }

    /// When to look again at those that were not sent.
    pub(super) const fn next_expiry(&self) -> Option<Instant> {
        self.next_expiry
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn remove(&mut self, index: usize) -> Option<Entry> {
        // Answers come in order, so it is nearly always the first that is taken out. `VecDeque::remove` is quicker for
        // the others, and larger.
        (0..index)
            .rev()
            .for_each(|before| self.entries.swap(before, before + 1));
        let entry = self.entries.pop_front()?;
        if index < self.sent {
            self.sent -= 1;
        }
        self.bytes -= entry.payload.as_payload().len();
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_an_earlier_client_left_is_taken_in_order_and_each_number_once() {
        let sent = |sequence| EntryState::Sent {
            sequence: Sequence(sequence),
        };
        let unsent = EntryState::Unsent { expires: None };
        for (left, is_good) in [
            (&[sent(1), sent(2), unsent, unsent][..], true),
            (&[sent(1), sent(1)], false),
            (&[sent(2), sent(1)], false),
            (&[unsent, sent(1)], false),
            (&[sent(3)], false),
        ] {
            let mut outbox = Outbox::new(OutboxLimits::default());
            outbox.go_on_after(Sequence(2));
            let mut adopted = left.iter().map(|state| {
                let room = RoomName::new("lobby").expect("a name");
                outbox.adopt(room, OwnedPayload::from("x"), *state)
            });
            assert_eq!(adopted.all(|it| it.is_ok()), is_good, "{left:?}");
        }
    }
}
