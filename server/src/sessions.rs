//! Sessions between transports: which connection has each, which rooms it is in, and which of its publishes wait.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tidewire_protocol::{
    Admission, Answer, Asked, Attached, CloseCode, ConnectionId, MemberId, OwnedPayload, RoomName, Sequence, SessionId,
    frame::RefusalCode,
};
use tracing::debug;

use crate::{clock::Clock, mailbox::Mailbox, random, room::Room, settings::Settings};

/// All sessions of a server.
#[derive(Debug)]
pub(crate) struct Sessions {
    clock: Clock,
    max_waiting_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    machine: tidewire_protocol::Sessions,
    kept: HashMap<SessionId, Kept>,
}

/// What is kept of a session beside what the machine keeps.
#[derive(Debug)]
struct Kept {
    member: MemberId,
    connection: ConnectionId,
    mailbox: Arc<Mailbox>,
    rooms: Vec<InRoom>,
    publishing: Publishes,
}

/// A session is in a room.
#[derive(Debug)]
struct InRoom {
    name: RoomName,
    room: Arc<Room>,
    /// Which connection has subscribed to it last.
    by: ConnectionId,
}

/// What is under way of a session's publishes.
#[derive(Debug)]
enum Publishes {
    None,
    /// One is with the engine, and the others wait for it.
    One {
        others: VecDeque<Publish>,
        bytes: usize,
    },
}

/// A client's publish.
#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) sequence: Sequence,
    pub(crate) room: RoomName,
    pub(crate) payload: Result<OwnedPayload, RefusalCode>,
}

/// What is to be done about a publish that arrived.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// It is its turn: of this member, and to be settled.
    Its((MemberId, Publish)),
    /// It is not.
    Not(Verdict),
}

/// What the connection is to know of a publish that arrived on it.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// What became of it.
    Answered(Answer),
    /// The answer will come by mail.
    Waits,
    /// Nothing: the session is not this connection's, or others are told.
    Ignored,
    /// The client broke the terms.
    Violation,
}

/// What follows when a publish was answered.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// The connection to tell.
    pub(crate) tell: Option<(ConnectionId, Arc<Mailbox>)>,
    /// Whose turn it is.
    pub(crate) next: Option<Publish>,
}

impl Sessions {
    pub(crate) fn new(clock: Clock, settings: &Settings) -> Self {
        let machine = tidewire_protocol::Sessions::new(
            settings.session_ttl,
            settings.max_unanswered as usize,
            settings.max_sessions,
        );
        Self {
            clock,
            max_waiting_bytes: settings.max_waiting_bytes,
            state: Mutex::new(State {
                machine,
                kept: HashMap::new(),
            }),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().machine.len()
    }

    /// Gives a connection the session it asks for, or a new one. Says too whether the session is in rooms that the
    /// connection has yet to ask for.
    pub(crate) fn attach(
        &self,
        connection: ConnectionId,
        mailbox: &Arc<Mailbox>,
        asked: Asked,
    ) -> Result<(Attached, bool), CloseCode> {
        let no_randomness = |_| CloseCode::INTERNAL_ERROR;
        let (fresh, stranger) = (
            random::session().map_err(no_randomness)?,
            random::member().map_err(no_randomness)?,
        );
        let mut state = self.lock();
        let expired = state.expire(self.clock.now());
        let State { machine, kept } = &mut *state;
        // Anybody who knows a session may have it, so whose it is need not be asked.
        let member = asked
            .session
            .and_then(|id| machine.member(id))
            .cloned()
            .unwrap_or(stranger);
        let result = machine.attach(connection, asked, fresh, &member).map(|attached| {
            let session = kept.entry(attached.session).or_insert_with(|| Kept {
                member: attached.member.clone(),
                connection,
                mailbox: Arc::clone(mailbox),
                rooms: Vec::new(),
                publishing: Publishes::None,
            });
            session.connection = connection;
            let before = std::mem::replace(&mut session.mailbox, Arc::clone(mailbox));
            let displaced = attached.displaced.map(|_| before);
            (attached, !session.rooms.is_empty(), displaced)
        });
        drop(state);
        expired.into_iter().for_each(Kept::exit_all);
        let (attached, is_in_rooms, displaced) = result?;
        if let Some(displaced) = displaced {
            displaced.close(CloseCode::TAKEN_OVER);
        }
        Ok((attached, is_in_rooms))
    }

    /// A connection ended: its session waits.
    pub(crate) fn detach(&self, id: SessionId, connection: ConnectionId) {
        let now = self.clock.now();
        self.lock().machine.detach(now, id, connection);
    }

    /// The client ended the session.
    pub(crate) fn end(&self, id: SessionId, connection: ConnectionId) {
        let mut state = self.lock();
        let ended = if state.machine.end(id, connection) {
            state.kept.remove(&id)
        } else {
            None
        };
        drop(state);
        ended.into_iter().for_each(Kept::exit_all);
    }

    /// Forgets those that have waited for long enough.
    pub(crate) fn expire(&self) {
        let expired = self.lock().expire(self.clock.now());
        if !expired.is_empty() {
            debug!(sessions = expired.len(), "expired");
        }
        expired.into_iter().for_each(Kept::exit_all);
    }

    /// Forgets a session of which nobody can say what became of its publishes. Its client will be told so.
    pub(crate) fn forget(&self, id: SessionId) {
        let mut state = self.lock();
        state.machine.forget(id);
        let forgotten = state.kept.remove(&id);
        drop(state);
        if let Some(forgotten) = forgotten {
            forgotten.mailbox.close(CloseCode::TRY_AGAIN_LATER);
            forgotten.exit_all();
        }
    }

    /// A session has subscribed to a room on this connection, and is there from now on.
    pub(crate) fn enter(&self, id: SessionId, connection: ConnectionId, name: &RoomName, room: &Arc<Room>) {
        let mut state = self.lock();
        let Some(session) = state.attached(id, connection) else {
            return;
        };
        if let Some(there) = session.rooms.iter_mut().find(|it| it.name == *name) {
            there.by = connection;
            return;
        }
        session.rooms.push(InRoom {
            name: name.clone(),
            room: Arc::clone(room),
            by: connection,
        });
        let member = session.member.clone();
        drop(state);
        room.enter(&member);
    }

    /// A session has left a room.
    pub(crate) fn exit(&self, id: SessionId, connection: ConnectionId, name: &RoomName) {
        self.exit_where(id, connection, |it| it.name == *name);
    }

    /// A session has left the rooms it was in before this connection had it, and that were not asked for since.
    pub(crate) fn exit_others(&self, id: SessionId, connection: ConnectionId) {
        self.exit_where(id, connection, |it| it.by != connection);
    }

    fn exit_where(&self, id: SessionId, connection: ConnectionId, is_left: impl Fn(&InRoom) -> bool) {
        let mut state = self.lock();
        let Some(session) = state.attached(id, connection) else {
            return;
        };
        let left: Vec<InRoom> = session.rooms.extract_if(.., |it| is_left(it)).collect();
        let member = session.member.clone();
        drop(state);
        left.iter().for_each(|it| it.room.exit(&member));
    }

    /// A publish arrived on a connection: says whether the engine is to be asked at once.
    pub(crate) fn admit(&self, id: SessionId, connection: ConnectionId, publish: Publish) -> Admitted {
        let mut state = self.lock();
        match state.machine.admit(id, connection, publish.sequence) {
            Some(Admission::New) => {}
            Some(Admission::Answered(answer)) => return Admitted::Not(Verdict::Answered(answer)),
            Some(Admission::Pending) => return Admitted::Not(Verdict::Waits),
            Some(Admission::Violation) => return Admitted::Not(Verdict::Violation),
            None => return Admitted::Not(Verdict::Ignored),
        }
        let Some(session) = state.kept.get_mut(&id) else {
            return Admitted::Not(Verdict::Ignored);
        };
        match &mut session.publishing {
            Publishes::One { others, bytes } => {
                *bytes += publish.cost();
                others.push_back(publish);
                Admitted::Not(Verdict::Waits)
            }
            none => {
                *none = Publishes::One {
                    others: VecDeque::new(),
                    bytes: 0,
                };
                Admitted::Its((session.member.clone(), publish))
            }
        }
    }

    /// The engine answered.
    pub(crate) fn settle(&self, id: SessionId, sequence: Sequence, answer: Answer) -> Settled {
        let mut state = self.lock();
        let to = state.machine.settle(id, sequence, answer);
        let Some(session) = state.kept.get_mut(&id) else {
            return Settled::default();
        };
        let next = match &mut session.publishing {
            Publishes::One { others, bytes } => {
                let next = others.pop_front();
                *bytes -= next.as_ref().map_or(0, Publish::cost);
                next
            }
            Publishes::None => None,
        };
        if next.is_none() {
            session.publishing = Publishes::None;
        }
        Settled {
            tell: to.map(|to| (to, Arc::clone(&session.mailbox))),
            next,
        }
    }

    /// Whether so many publishes of a session wait for the engine that no more are to be read.
    pub(crate) fn is_full(&self, id: SessionId) -> bool {
        let state = self.lock();
        let publishing = state.kept.get(&id).map(|session| &session.publishing);
        matches!(publishing, Some(Publishes::One { bytes, .. }) if *bytes > self.max_waiting_bytes)
    }

    /// Every client is to come back after a time between the two.
    pub(crate) fn go_away(&self, min: Duration, max: Duration) {
        let mailboxes: Vec<Arc<Mailbox>> = self.lock().kept.values().map(|it| Arc::clone(&it.mailbox)).collect();
        mailboxes.iter().for_each(|mailbox| mailbox.go_away(min, max));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Those that are to leave their rooms once the lock is free.
    fn expire(&mut self, now: tidewire_protocol::Instant) -> Vec<Kept> {
        let expired = self.machine.expire(now);
        expired.iter().filter_map(|id| self.kept.remove(id)).collect()
    }

    fn attached(&mut self, id: SessionId, connection: ConnectionId) -> Option<&mut Kept> {
        self.kept
            .get_mut(&id)
            .filter(|session| session.connection == connection)
    }
}

impl Kept {
    fn exit_all(self) {
        self.rooms.iter().for_each(|it| it.room.exit(&self.member));
    }
}

impl Publish {
    /// What it takes while it waits.
    fn cost(&self) -> usize {
        size_of::<Self>() + self.payload.as_ref().map_or(0, |payload| payload.as_payload().len())
    }
}
