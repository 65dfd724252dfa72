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

/// Those that were sent on the present transport come first, then those that were sent on an earlier one, then the rest. They are
/// answered in order, so the numbers of those that were sent follow one another.
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
    /// How many of the entries were sent in this session; `last` is the number of the last of them.
    numbered: usize,
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
    /// It need not be sent after this moment.
    pub(super) expires: Option<Instant>,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            max_publishes: 1024,
            max_bytes: 16 << 20,
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
            numbered: 0,
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
        Ok(self.put(room, payload, ttl.map(|ttl| now + ttl)))
    }

    fn put(&mut self, room: RoomName, payload: OwnedPayload, expires: Option<Instant>) -> PublishId {
        let id = PublishId(self.next_id);
        self.next_id += 1;
        self.next_expiry = earliest(self.next_expiry, expires);
        self.entries.push_back(Entry {
            id,
            room,
            payload,
            expires,
        });
        id
    }

    /// How many were sent in this session: the first ones.
    pub(super) const fn numbered(&self) -> usize {
        self.numbered
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

    /// Takes a publish of an earlier client's that it had not sent.
    pub(super) fn adopt(&mut self, room: RoomName, payload: OwnedPayload, expires: Option<Instant>) {
        self.bytes += payload.as_payload().len();
        self.put(room, payload, expires);
    }

    /// Takes one that it had sent: all of those come first, and the last that it gave out is the number of the last of them.
    pub(super) fn adopt_sent(&mut self, room: RoomName, payload: OwnedPayload) -> Result<(), Rule> {
        if self.numbered < self.entries.len() || self.numbered as u64 >= self.last.0 {
            return Err(Rule::OutOfRange);
        }
        self.numbered += 1;
        self.adopt(room, payload, None);
        Ok(())
    }

    /// The next to be sent on this transport, in order, and its number; at most `max_unanswered` wait for an answer.
    pub(super) fn next_to_send(&mut self, max_unanswered: u32) -> Option<(Sequence, &Entry)> {
        if !self.has_more(max_unanswered) {
            return None;
        }
        if self.sent == self.numbered {
            self.numbered += 1;
            self.last = self.last.next();
        }
        let entry = self.entries.get_mut(self.sent)?;
        entry.expires = None;
        self.sent += 1;
        Some((Sequence(self.last.0 - (self.numbered - self.sent) as u64), entry))
    }

    /// Whether there is one to be sent.
    pub(super) fn has_more(&self, max_unanswered: u32) -> bool {
        self.sent < self.entries.len().min(max_unanswered as usize)
    }

    /// The transport is gone: what was not answered is to be sent again.
    pub(super) const fn detach(&mut self) {
        self.sent = 0;
    }

    /// The server has accepted nothing but what it has answered: the rest is as if it had never been sent.
    pub(super) const fn take_back(&mut self) {
        self.last = self.answered();
        self.numbered = 0;
    }

    /// The last sequence number that was given out in this session.
    pub(super) const fn last(&self) -> Sequence {
        self.last
    }

    /// Every publish of this session up to this one was answered.
    pub(super) const fn answered(&self) -> Sequence {
        Sequence(self.last.0 - self.numbered as u64)
    }

    /// The answer to the first of them came. One that was known before, or is not its turn, is nothing new.
    pub(super) fn answer(&mut self, sequence: Sequence) -> Option<Entry> {
        if self.numbered == 0 || sequence != self.answered().next() {
            return None;
        }
        self.remove(0)
    }

    /// The session is gone. The next begins from the first number.
    pub(super) const fn replace_session(&mut self) {
        self.last = Sequence(0);
    }

    /// Takes out the first that fails for this reason, until there is none: then it is known when the next expires.
    pub(super) fn take_failed(&mut self, why: PublishError, now: Instant) -> Option<Entry> {
        let mut next_expiry = None;
        for index in 0..self.entries.len() {
            let Entry { id, expires, .. } = self.entries[index];
            let fails = match why {
                PublishError::Unconfirmed => index < self.numbered || id.0 < self.given_before,
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
        self.numbered -= usize::from(index < self.numbered);
        self.sent -= usize::from(index < self.sent);
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
        for (left, is_good) in [("ssuu", true), ("uu", true), ("sss", false), ("us", false)] {
            let mut outbox = Outbox::new(OutboxLimits::default());
            outbox.go_on_after(Sequence(2));
            let mut adopted = left.chars().map(|kind| {
                let (room, payload) = (RoomName::new("lobby").expect("a name"), OwnedPayload::from("x"));
                match kind {
                    's' => outbox.adopt_sent(room, payload),
                    _ => {
                        outbox.adopt(room, payload, None);
                        Ok(())
                    }
                }
            });
            assert_eq!(adopted.all(|it| it.is_ok()), is_good, "{left:?}");
        }
    }
}
