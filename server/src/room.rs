//! One room on this server: its log, who is in it, and who waits for news of it.
//!
//! Publishing appends once and wakes who had read to the end. A receiver that does not read costs its cursor and no more;
//! when the log has moved past it, it finds a gap.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
};

use bytes::Bytes;
use tidewire_protocol::{
    Frame as _, Instant, Log, MemberId, Members, Position, Presence, PresenceDigest, Retention, RoomNumber, SessionId,
    Transient, TransientKind, TransientLimits, Transients,
    frame::{Payload, PresenceWanted, ServerFrame},
};

use crate::{
    budget::Budget,
    rooms::Rooms,
    wakers::{Ticket, Wakers, Woken},
};

/// One room.
#[derive(Debug)]
pub(crate) struct Room {
    number: RoomNumber,
    retention: Retention,
    /// How often those who wait for each interest have been called; beside the lock, so that looking is cheap.
    calls: [AtomicU64; 2],
    /// What its log takes of the budget.
    bytes: AtomicUsize,
    budget: Arc<Budget>,
    rooms: Weak<Rooms>,
    state: Mutex<State>,
}

/// What is behind the lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) log: Log,
    pub(crate) transients: Transients<Option<SessionId>>,
    presence: Presence,
    /// Who is there as frames, until that changes.
    present: Option<Bytes>,
    wakers: [Wakers; 2],
    readers: usize,
}

/// What a reader waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Messages and signals.
    Said = 0,
    /// These, and who joins and leaves.
    SaidAndPresence = 1,
}

/// Who is called after a change.
#[derive(Clone, Copy)]
enum Called {
    All,
    PresenceReaders,
}

/// One receiver's place among those who wait. Dropping it leaves.
#[derive(Debug)]
pub(crate) struct Reader {
    room: Arc<Room>,
    interest: Interest,
    ticket: Option<Ticket>,
}

impl Room {
    /// A room whose log begins after `position`. What it keeps counts against `budget`; where that is overdrawn, `rooms` are
    /// to give some back.
    pub(crate) fn new(
        number: RoomNumber,
        position: Position,
        retention: Retention,
        budget: Arc<Budget>,
        rooms: Weak<Rooms>,
    ) -> Arc<Self> {
        let state = State {
            log: Log::starting_after(number, position, retention),
            transients: Transients::new(TransientLimits::default()),
            presence: Presence::default(),
            present: None,
            wakers: Default::default(),
            readers: 0,
        };
        Arc::new(Self {
            number,
            retention,
            calls: Default::default(),
            bytes: AtomicUsize::new(0),
            budget,
            rooms,
            state: Mutex::new(state),
        })
    }

    pub(crate) fn number(&self) -> RoomNumber {
        self.number
    }

    pub(crate) fn head(&self) -> Position {
        self.lock().log.head()
    }

    /// How many bytes its log keeps, by the last count.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn members(&self) -> Vec<MemberId> {
        self.lock().presence.members().cloned().collect()
    }

    pub(crate) fn readers(&self) -> usize {
        self.lock().readers
    }

    /// Changes the log, and calls all readers.
    pub(crate) fn append<T>(&self, append: impl FnOnce(&mut Log) -> T) -> T {
        self.change(Called::All, |state| append(&mut state.log))
    }

    /// Begins another log after `position`, unless this one goes on from there.
    pub(crate) fn reopen(&self, position: Position) {
        self.change(Called::All, |state| {
            let head = state.log.head();
            if head.epoch != position.epoch || head.offset < position.offset {
                state.log = Log::starting_after(self.number, position, self.retention);
            }
        });
    }

    /// Lets go of what is too old, and says whether nothing is left.
    pub(crate) fn evict(&self, now: Instant) -> bool {
        let mut state = self.lock();
        state.log.evict(now);
        self.count(&state);
        state.log.is_empty()
    }

    /// Lets go of the oldest messages until at most `bytes` are kept.
    pub(crate) fn shrink(&self, bytes: usize) {
        let mut state = self.lock();
        while state.log.bytes() > bytes && state.log.evict_oldest() {}
        self.count(&state);
    }

    /// Passes a signal on to who is there, but for its sender.
    pub(crate) fn signal(&self, from: Option<SessionId>, sender: &str, payload: Payload<'_>) {
        let frame = self.encode(&ServerFrame::Signal {
            room: self.number,
            sender,
            payload,
        });
        let kind = TransientKind::Signal(from);
        self.change(Called::All, |state| state.transients.push(Transient { kind, frame }));
    }

    /// One of a member's sessions is in the room.
    pub(crate) fn enter(&self, member: &MemberId) {
        let frame = self.joined(member);
        self.tell_presence(frame, |presence| presence.join(member));
    }

    /// The same, unless so many members are there already and this is not one of them. Says whether it is in.
    pub(crate) fn admit(&self, member: &MemberId, max_members: usize) -> bool {
        let frame = self.joined(member);
        let mut is_in = true;
        self.tell_presence(frame, |presence| {
            is_in = presence.len() < max_members || presence.contains(member);
            is_in && presence.join(member)
        });
        is_in
    }

    fn joined(&self, member: &MemberId) -> Bytes {
        self.encode(&ServerFrame::Joined {
            room: self.number,
            member: member.as_str(),
        })
    }

    /// One of a member's sessions is no longer in the room.
    pub(crate) fn exit(&self, member: &MemberId) {
        let frame = self.encode(&ServerFrame::Left {
            room: self.number,
            member: member.as_str(),
        });
        self.tell_presence(frame, |presence| presence.leave(member));
    }

    fn tell_presence(&self, frame: Bytes, change: impl FnOnce(&mut Presence) -> bool) {
        let mut state = self.lock();
        if !change(&mut state.presence) {
            return;
        }
        let State {
            transients, present, ..
        } = &mut *state;
        *present = None;
        transients.push(Transient {
            kind: TransientKind::Presence,
            frame,
        });
        let woken = self.call(&mut state, Called::PresenceReaders);
        drop(state);
        woken.into_iter().flatten().for_each(Woken::wake);
    }

    fn change<T>(&self, called: Called, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        let is_overdrawn = self.count(&state);
        let woken = self.call(&mut state, called);
        drop(state);
        woken.into_iter().flatten().for_each(Woken::wake);
        if is_overdrawn && let Some(rooms) = self.rooms.upgrade() {
            rooms.relieve();
        }
        result
    }

    fn call(&self, state: &mut State, called: Called) -> [Option<Woken>; 2] {
        let mut call = |interest: Interest| {
            let wakers = &mut state.wakers[interest as usize];
            let woken = wakers.call();
            self.calls[interest as usize].store(wakers.calls(), Ordering::Release);
            woken
        };
        let presence = call(Interest::SaidAndPresence);
        match called {
            Called::All => [Some(call(Interest::Said)), Some(presence)],
            Called::PresenceReaders => [None, Some(presence)],
        }
    }

    /// Brings the budget up to date, and says whether it is overdrawn.
    fn count(&self, state: &State) -> bool {
        let bytes = state.log.bytes();
        let before = self.bytes.swap(bytes, Ordering::Relaxed);
        self.budget.change(before, bytes)
    }

    fn encode(&self, frame: &ServerFrame<'_>) -> Bytes {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        bytes.into()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<PresenceWanted> for Interest {
    fn from(wanted: PresenceWanted) -> Self {
        match wanted {
            PresenceWanted::Nothing => Self::Said,
            PresenceWanted::List | PresenceWanted::Changes(_) => Self::SaidAndPresence,
        }
    }
}

impl State {
    /// Who is there, in short.
    pub(crate) fn digest(&self) -> PresenceDigest {
        self.presence.digest()
    }

    /// Who is there, as the frames that say so.
    pub(crate) fn present(&mut self, room: RoomNumber) -> Bytes {
        let Self { presence, present, .. } = self;
        present.get_or_insert_with(|| encode_present(room, presence)).clone()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.change(*self.bytes.get_mut(), 0);
    }
}

impl Reader {
    pub(crate) fn new(room: Arc<Room>, interest: Interest) -> Self {
        room.lock().readers += 1;
        Self {
            room,
            interest,
            ticket: None,
        }
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Whether it is told who joins and leaves.
    pub(crate) fn follows_presence(&self) -> bool {
        self.interest == Interest::SaidAndPresence
    }

    /// Whether there may be something to read: not where it waits and was not called since. One load, and no lock.
    pub(crate) fn may_have_news(&self) -> bool {
        let calls = &self.room.calls[self.interest as usize];
        self.ticket
            .is_none_or(|ticket| ticket.calls != calls.load(Ordering::Acquire))
    }

    /// Reads under the room's lock. Where `read` says that it has seen everything, `waker` is woken by what comes next.
    pub(crate) fn read(&mut self, waker: &Waker, read: impl FnOnce(&Room, &mut State) -> SawEverything) {
        let mut state = self.room.lock();
        let old = match read(&self.room, &mut state) {
            SawEverything::Yes => state.wakers[self.interest as usize].wait(&mut self.ticket, waker),
            SawEverything::No => None,
        };
        drop(state);
        drop(old);
    }
}

/// Whether a reader has read to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SawEverything {
    Yes,
    No,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.room.lock();
        state.readers -= 1;
        let waker = self
            .ticket
            .and_then(|ticket| state.wakers[self.interest as usize].leave(ticket));
        drop(state);
        // Outside of the lock: the last reference to a task may run its destructor.
        mem::drop(waker);
    }
}

fn encode_present(room: RoomNumber, presence: &Presence) -> Bytes {
    let (mut names, mut bytes) = (Vec::new(), Vec::new());
    let mut members = presence.members().map(MemberId::as_str).peekable();
    loop {
        let mut length = 0;
        let some = std::iter::from_fn(|| {
            let member = members.next_if(|_| length < PRESENT_BYTES)?;
            length += member.len();
            Some(member)
        });
        // The iterator is done with before it is asked whether there are more.
        let names = Members::write(some, &mut names);
        let more = members.peek().is_some();
        ServerFrame::Present {
            room,
            more,
            members: names,
        }
        .encode(&mut bytes);
        if !more {
            return bytes.into();
        }
    }
}

/// A list of who is there goes on in another frame when it is longer than this.
const PRESENT_BYTES: usize = 8 << 10;
