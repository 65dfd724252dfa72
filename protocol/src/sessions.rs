//! Sessions as the server keeps them: between transports, and over a take-over.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    codes::CloseCode,
    frame::Outcome,
    ids::{MemberId, Sequence, SessionId},
    ledger::{Admission, Answer, Ledger},
    register::{Granted, Term},
    time::Instant,
};

/// A driver's name for one connection of a session's many; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// All sessions of a server. Of several that share an engine each has its own: it [adopts](Self::adopt) what a
/// [`Register`](crate::Register) grants, and what another server has taken over it [loses](Self::lose).
///
/// Who loses a log must also forget the sessions that published to it: a publish that is sent again would be new to the log,
/// and a subscriber that had it would get it twice.
#[derive(Debug)]
pub struct Sessions {
    sessions: BTreeMap<SessionId, Session>,
    /// Those that wait, by the moment at which they are forgotten.
    waiting: BTreeSet<(Instant, SessionId)>,
    ttl: Duration,
    max_unanswered: usize,
    max_sessions: usize,
}

#[derive(Debug)]
struct Session {
    member: MemberId,
    ledger: Ledger,
    /// Since when this server has it.
    term: Term,
    life: Life,
    /// The latest of its client's attempts to connect that has come through.
    attempt: u64,
}

#[derive(Clone, Copy, Debug)]
enum Life {
    /// It has a transport.
    Attached(ConnectionId),
    /// It waits for its client's return, until then.
    Waiting(Instant),
}

/// What a hello asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The session to go on with.
    pub session: Option<SessionId>,
    /// Which of the client's attempts to connect this is.
    pub attempt: u64,
    /// Every publish up to this one has been answered.
    pub answered: Sequence,
}

/// What a connection that said hello needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// What became of the session that was asked for.
    pub outcome: Outcome,
    /// The session from now on.
    pub session: SessionId,
    /// How others see it.
    pub member: MemberId,
    /// The connection that had it, and is to be closed with [`TAKEN_OVER`](crate::CloseCode::TAKEN_OVER).
    pub displaced: Option<ConnectionId>,
    /// Every publish up to this one was answered.
    pub settled: Sequence,
    /// The last publish that was taken.
    pub taken: Sequence,
    /// The answers that the client may not have.
    pub answers: Vec<(Sequence, Answer)>,
}

impl Sessions {
    /// None yet. A session is kept for `ttl` after its transport ended; there are at most `max_sessions`.
    #[must_use]
    pub const fn new(ttl: Duration, max_unanswered: usize, max_sessions: usize) -> Self {
        Self {
            sessions: BTreeMap::new(),
            waiting: BTreeSet::new(),
            ttl,
            max_unanswered,
            max_sessions,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// How many of them wait for their client's return.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Whether there are as many as there may be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.sessions.len() >= self.max_sessions
    }

    /// Whether a connection has it.
    #[must_use]
    pub fn is_attached(&self, id: SessionId) -> bool {
        let session = self.sessions.get(&id);
        session.is_some_and(|session| matches!(session.life, Life::Attached(_)))
    }

    /// The term under which this server has a session, or has had it last.
    #[must_use]
    pub fn held(&self, id: SessionId) -> Option<Term> {
        self.sessions.get(&id).map(|session| session.term)
    }

    /// How others see a session.
    #[must_use]
    pub fn member(&self, id: SessionId) -> Option<&MemberId> {
        self.sessions.get(&id).map(|session| &session.member)
    }

    /// Goes on with the session that was asked for, or begins one that is called `fresh`, 128 bits nobody can guess.
    ///
    /// A session that [`expire`](Self::expire), which is to be called before, has forgotten is not found.
    ///
    /// # Errors
    ///
    /// The code to close the connection with: [`TOO_MANY_SESSIONS`](CloseCode::TOO_MANY_SESSIONS);
    /// [`TAKEN_OVER`](CloseCode::TAKEN_OVER) where a later attempt of the same client was here first; or
    /// [`UNAUTHORIZED`](CloseCode::UNAUTHORIZED) where the session belongs to another member. It stays what it was: in a new one,
    /// what the client had to say would be said in another's name.
    pub fn attach(
        &mut self,
        connection: ConnectionId,
        asked: Asked,
        fresh: SessionId,
        member: &MemberId,
    ) -> Result<Attached, CloseCode> {
        let resumed = asked.session.filter(|id| self.sessions.contains_key(id));
        let id = resumed.unwrap_or(fresh);
        self.check_member(id, member)?;
        self.check_count(id)?;
        let max_unanswered = self.max_unanswered;
        self.sessions.entry(id).or_insert_with(|| Session {
            member: member.clone(),
            ledger: Ledger::new(max_unanswered),
            term: Term::default(),
            life: Life::Attached(connection),
            attempt: asked.attempt,
        });
        self.take(connection, id, asked)
    }

    /// Gives a connection a session that the servers share, and that was granted to this one: the one that was asked for, or
    /// one that begins. Where another server has had it since, what this one knew of its publishes is replaced.
    ///
    /// # Errors
    ///
    /// As [`attach`](Self::attach). It is taken over too where this server has it under a later term already.
    pub fn adopt(
        &mut self,
        connection: ConnectionId,
        asked: Asked,
        id: SessionId,
        member: &MemberId,
        granted: &Granted,
    ) -> Result<Attached, CloseCode> {
        self.check_member(id, member)?;
        self.check_count(id)?;
        // Of one that begins, nothing was answered.
        let answered = asked.answered.0 * u64::from(asked.session == Some(id));
        let adopted = || Ledger::adopted(self.max_unanswered, Sequence(answered), &granted.accepted);
        let session = self.sessions.entry(id).or_insert_with(|| Session {
            member: member.clone(),
            ledger: adopted(),
            term: granted.term,
            life: Life::Attached(connection),
            attempt: asked.attempt,
        });
        if granted.term < session.term {
            return Err(CloseCode::TAKEN_OVER);
        }
        if granted.term > session.term {
            (session.term, session.ledger) = (granted.term, adopted());
        }
        self.take(connection, id, asked)
    }

    fn check_member(&self, id: SessionId, member: &MemberId) -> Result<(), CloseCode> {
        match self.member(id) {
            Some(owner) if owner != member => Err(CloseCode::UNAUTHORIZED),
            _ => Ok(()),
        }
    }

    fn check_count(&self, id: SessionId) -> Result<(), CloseCode> {
        match self.is_full() && !self.sessions.contains_key(&id) {
            true => Err(CloseCode::TOO_MANY_SESSIONS),
            false => Ok(()),
        }
    }

    /// Gives a connection a session that is there.
    fn take(&mut self, connection: ConnectionId, id: SessionId, asked: Asked) -> Result<Attached, CloseCode> {
        let session = self.sessions.get_mut(&id).ok_or(CloseCode::INTERNAL_ERROR)?;
        if asked.attempt < session.attempt {
            return Err(CloseCode::TAKEN_OVER);
        }
        session.attempt = asked.attempt;
        let displaced = match session.life {
            Life::Attached(other) => Some(other).filter(|other| *other != connection),
            Life::Waiting(until) => {
                self.waiting.remove(&(until, id));
                None
            }
        };
        session.life = Life::Attached(connection);
        session.ledger.forget(asked.answered);
        Ok(Attached {
            outcome: match asked.session {
                None => Outcome::New,
                Some(asked) if asked == id => Outcome::Resumed,
                Some(_) => Outcome::Replaced,
            },
            session: id,
            member: session.member.clone(),
            displaced,
            settled: session.ledger.settled(),
            taken: session.ledger.last(),
            answers: session.ledger.answers().collect(),
        })
    }

    /// A connection ended. Its session waits from now on, unless another connection has it.
    pub fn detach(&mut self, now: Instant, id: SessionId, connection: ConnectionId) {
        let until = now + self.ttl;
        if let Some(session) = self.attached(id, connection) {
            session.life = Life::Waiting(until);
            self.waiting.insert((until, id));
        }
    }

    /// The client ended the session, on the connection that has it. Says whether that is so.
    pub fn end(&mut self, id: SessionId, connection: ConnectionId) -> bool {
        let is_ended = self.attached(id, connection).is_some();
        if is_ended {
            self.sessions.remove(&id);
        }
        is_ended
    }

    /// Forgets a session whatever its state, as when nobody can say what became of its publishes: its client is told that it
    /// was replaced.
    pub fn forget(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.remove(&id)
            && let Life::Waiting(until) = session.life
        {
            self.waiting.remove(&(until, id));
        }
    }

    /// Another server has taken a session over that this one had under `term`: what this one has of it is of no use any more,
    /// and is forgotten by then. Returns the connection that had it, which is to be closed with
    /// [`TAKEN_OVER`](crate::CloseCode::TAKEN_OVER).
    pub fn lose(&mut self, until: Instant, id: SessionId, term: Term) -> Option<ConnectionId> {
        let session = self.sessions.get_mut(&id).filter(|session| session.term == term)?;
        let displaced = match session.life {
            Life::Attached(connection) => Some(connection),
            Life::Waiting(before) if before <= until => return None,
            Life::Waiting(before) => {
                self.waiting.remove(&(before, id));
                None
            }
        };
        session.life = Life::Waiting(until);
        self.waiting.insert((until, id));
        displaced
    }

    /// A publish arrived on a connection. One that no longer has the session is not listened to.
    pub fn admit(&mut self, id: SessionId, connection: ConnectionId, sequence: Sequence) -> Option<Admission> {
        self.attached(id, connection)
            .map(|session| session.ledger.admit(sequence))
    }

    /// The last publish that was taken of a session, or of none that there is.
    #[must_use]
    pub fn taken(&self, id: SessionId) -> Sequence {
        let session = self.sessions.get(&id);
        session.map_or(Sequence(0), |session| session.ledger.last())
    }

    /// The engine answered what it was asked under `term`. Returns the connection to tell, if there is one.
    pub fn settle(&mut self, id: SessionId, term: Term, sequence: Sequence, answer: Answer) -> Option<ConnectionId> {
        let session = self.sessions.get_mut(&id).filter(|session| session.term == term)?;
        let was_pending = session.ledger.settle(sequence, answer);
        match session.life {
            Life::Attached(connection) if was_pending => Some(connection),
            _ => None,
        }
    }

    /// Forgets the sessions that have waited long enough, and returns them.
    pub fn expire(&mut self, now: Instant) -> Vec<SessionId> {
        let mut expired = Vec::new();
        while let Some(id) = pop_due(&mut self.waiting, now) {
            self.sessions.remove(&id);
            expired.push(id);
        }
        expired
    }

    /// When the next of those that wait is to be forgotten.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        self.waiting.first().map(|(until, _)| *until)
    }

    fn attached(&mut self, id: SessionId, connection: ConnectionId) -> Option<&mut Session> {
        let session = self.sessions.get_mut(&id)?;
        matches!(session.life, Life::Attached(current) if current == connection).then_some(session)
    }
}

/// Takes out of those that wait the one whose time is over first, if there is one.
pub(crate) fn pop_due(waiting: &mut BTreeSet<(Instant, SessionId)>, now: Instant) -> Option<SessionId> {
    let (_, id) = *waiting.first().filter(|(until, _)| *until <= now)?;
    waiting.pop_first();
    Some(id)
}
