//! A room of receivers: one log of encoded frames for all of them, and a cursor for each.
//!
//! Publishing appends once and wakes who had read to the end. A receiver that does not read costs its cursor and no
//! more; when the log has moved past it, it has fallen behind.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use bytes::Bytes;
use slab::Slab;

use crate::outbox::Outbox;

/// Charged for each frame beside its bytes: its place in the log, and the allocation's header.
const FRAME_OVERHEAD: usize = 64;

/// Who is in it, and what was said lately.
#[derive(Debug)]
pub(crate) struct Room {
    state: Mutex<State>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    log: VecDeque<Entry>,
    /// The offset of the log's first entry; offsets count from 0 and have no holes.
    first: u64,
    bytes: usize,
    /// The waker of each member that has read to the end.
    members: Slab<Option<Waker>>,
}

#[derive(Debug)]
struct Entry {
    from: usize,
    frame: Bytes,
}

/// One receiver's place in a room. Dropping it leaves.
#[derive(Debug)]
pub(crate) struct Member {
    room: Arc<Room>,
    key: usize,
    next: u64,
}

/// What this member should have read next is no longer kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FellBehind;

impl Room {
    /// A room that keeps at most `max_bytes`, or its newest frame if that alone is larger.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            max_bytes,
        }
    }

    /// Joins at the log's end: only what is said from now on is seen.
    pub(crate) fn join(self: &Arc<Self>) -> Member {
        let mut state = self.lock();
        Member {
            key: state.members.insert(None),
            next: state.end(),
            room: Arc::clone(self),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&self) -> u64 {
        self.first + self.log.len() as u64
    }

    fn append(&mut self, entry: Entry, max_bytes: usize) {
        self.bytes += cost(&entry);
        self.log.push_back(entry);
        while self.bytes > max_bytes && self.log.len() > 1 {
            if let Some(evicted) = self.log.pop_front() {
                self.bytes -= cost(&evicted);
                self.first += 1;
            }
        }
    }
}

impl Member {
    /// Appends a frame that every other member will see.
    pub(crate) fn publish(&self, frame: Bytes) {
        let mut state = self.room.lock();
        state.append(Entry { from: self.key, frame }, self.room.max_bytes);
        let waiting: Vec<Waker> = state.members.iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Moves frames of others into `outbox` until it is full or the log's end is reached; then `cx` is woken by the next.
    pub(crate) fn poll_frames(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Result<(), FellBehind> {
        let mut state = self.room.lock();
        let read = self.next.checked_sub(state.first).ok_or(FellBehind)?;
        for entry in state.log.iter().skip(usize::try_from(read).unwrap_or(usize::MAX)) {
            if outbox.is_full() {
                return Ok(());
            }
            self.next += 1;
            if entry.from != self.key {
                outbox.push_chunk(entry.frame.clone());
            }
        }
        match &mut state.members[self.key] {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let waker = self.room.lock().members.remove(self.key);
        // Dropped outside of the lock: the last reference to a task may run its destructor.
        mem::drop(waker);
    }
}

fn cost(entry: &Entry) -> usize {
    entry.frame.len() + FRAME_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(max_bytes: usize) -> Arc<Room> {
        Arc::new(Room::new(max_bytes))
    }

    fn frame(byte: u8, len: usize) -> Bytes {
        Bytes::from(vec![byte; len])
    }

    fn read(member: &mut Member) -> Result<bool, FellBehind> {
        let mut outbox = Outbox::default();
        let mut cx = Context::from_waker(Waker::noop());
        member.poll_frames(&mut cx, &mut outbox)?;
        Ok(!outbox.is_empty())
    }

    #[test]
    fn everyone_but_the_sender_sees_a_frame_once() {
        let room = room(1 << 20);
        let (mut sender, mut other) = (room.join(), room.join());
        sender.publish(frame(1, 10));
        assert_eq!((read(&mut sender), read(&mut other)), (Ok(false), Ok(true)));
        assert_eq!((read(&mut sender), read(&mut other)), (Ok(false), Ok(false)));
    }

    #[test]
    fn who_joins_later_does_not_see_what_was_said_before() {
        let room = room(1 << 20);
        let sender = room.join();
        sender.publish(frame(1, 10));
        assert_eq!(read(&mut room.join()), Ok(false));
    }

    #[test]
    fn a_place_that_was_left_is_not_mistaken_for_its_next_owner() {
        let room = room(1 << 20);
        let leaver = room.join();
        let mut stays = room.join();
        leaver.publish(frame(1, 10));
        drop(leaver);
        let mut joins = room.join();
        assert_eq!((read(&mut stays), read(&mut joins)), (Ok(true), Ok(false)));
        stays.publish(frame(2, 10));
        assert_eq!(read(&mut joins), Ok(true));
    }

    #[test]
    fn a_member_falls_behind_at_the_first_byte_over_the_bound() {
        let bound = 2 * (100 + FRAME_OVERHEAD);
        for (last, expected) in [(100, Ok(true)), (101, Err(FellBehind))] {
            let room = room(bound);
            let (sender, mut slow) = (room.join(), room.join());
            sender.publish(frame(1, 100));
            sender.publish(frame(2, last));
            assert_eq!(read(&mut slow), expected, "{last}");
        }
    }

    #[test]
    fn one_frame_larger_than_the_bound_still_reaches_who_keeps_up() {
        let room = room(10);
        let (sender, mut quick) = (room.join(), room.join());
        sender.publish(frame(1, 1000));
        assert_eq!(read(&mut quick), Ok(true));
        assert_eq!(room.lock().log.len(), 1);
    }

    #[test]
    fn a_full_outbox_leaves_the_rest_in_the_log() {
        let room = room(4 << 20);
        let (sender, mut other) = (room.join(), room.join());
        for _ in 0..3 {
            sender.publish(frame(1, crate::outbox::HIGH_WATER));
        }
        for expected in [true, true, true, false] {
            assert_eq!(read(&mut other), Ok(expected));
        }
    }
}
