//! Sessions as several servers share them: which server has each, and which of its publishes were accepted.
//!
//! A server has a session under a [`Term`]. When another takes it over, a later term begins, and what is asked for under an
//! earlier one is refused from then on. So the new server can be told, once and for all, which publishes were accepted:
//! nothing that the old one sent on its way can change that afterwards.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    ids::{MemberId, Position, Sequence, SessionId},
    sessions::pop_due,
    time::Instant,
};

/// One server's hold of a session; a later hold has a greater number. A server that shares no sessions has them all under 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

/// A server asks for a session, because a client came to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The session.
    pub session: SessionId,
    /// Whose it is, as who comes for it has shown.
    pub member: MemberId,
    /// Whether it begins now. Otherwise it must have begun already.
    pub begins: bool,
    /// Which of the client's attempts to connect this is.
    pub attempt: u64,
    /// The client has the answer to every publish up to this one.
    pub answered: Sequence,
    /// The term under which the server has had it last, if it remembers.
    pub held: Option<Term>,
    /// For how long the session is to be remembered once nobody uses it.
    pub ttl: Duration,
    /// How many of its last accepted publishes are to be remembered: as many as the client may not have the answer to.
    pub max_unanswered: usize,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The server has the session.
    Granted(Granted),
    /// A later attempt of the same client was here first.
    Overtaken,
    /// There is no such session, or no longer.
    Unknown,
    /// It belongs to another member, and stays what it was.
    Foreign,
}

/// A session that a server has from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Under this term: the one that the claim names, if no other server has had the session since.
    pub term: Term,
    /// The publishes after [`Claim::answered`] that were accepted, in order. What is missing between them was not accepted, and
    /// never will be.
    pub accepted: Vec<(Sequence, Position)>,
}

/// What is to be done with a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is new: to be accepted or refused.
    New,
    /// It was accepted before, here.
    Accepted(Position),
    /// It comes too late: another server has taken the session over, or a later publish was accepted, so that this one was
    /// refused, or accepted so long ago that its client has the answer. It is not to be accepted.
    Superseded,
    /// There is no such session any more, so that nobody can say whether it was accepted before. It is not to be accepted.
    Unknown,
}

/// The sessions of all servers that share an engine, in memory: the contract in code, for one who writes an engine.
#[derive(Debug, Default)]
pub struct Register {
    sessions: BTreeMap<SessionId, Registered>,
    /// Those that nobody uses, by the moment at which they are forgotten.
    waiting: BTreeSet<(Instant, SessionId)>,
}

#[derive(Debug)]
struct Registered {
    member: MemberId,
    term: Term,
    attempt: u64,
    accepted: VecDeque<(Sequence, Position)>,
    max_unanswered: usize,
    ttl: Duration,
    waits_until: Option<Instant>,
}

impl Register {
    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Gives a server the session that it asks for.
    pub fn claim(&mut self, now: Instant, claim: &Claim) -> Claimed {
        self.expire(now);
        if claim.begins {
            self.sessions
                .entry(claim.session)
                .or_insert_with(|| Registered::new(claim));
        }
        let Some(session) = self.sessions.get_mut(&claim.session) else {
            return Claimed::Unknown;
        };
        if claim.member != session.member {
            return Claimed::Foreign;
        }
        if claim.attempt < session.attempt {
            return Claimed::Overtaken;
        }
        session.attempt = claim.attempt;
        if let Some(until) = session.waits_until.take() {
            self.waiting.remove(&(until, claim.session));
        }
        if claim.held != Some(session.term) {
            session.term.0 += 1;
        }
        Claimed::Granted(Granted {
            term: session.term,
            accepted: session.accepted_after(claim.answered),
        })
    }

    /// The connection whose attempt this was no longer uses the session, which waits unless a later one does.
    pub fn release(&mut self, now: Instant, id: SessionId, term: Term, attempt: u64) {
        if let Some(session) = self.sessions.get_mut(&id)
            && (session.term, session.attempt) == (term, attempt)
            && session.waits_until.is_none()
        {
            let until = now + session.ttl;
            session.waits_until = Some(until);
            self.waiting.insert((until, id));
        }
    }

    /// The server that has the session under this term says that it is over.
    pub fn end(&mut self, id: SessionId, term: Term) {
        if self.sessions.get(&id).is_some_and(|session| session.term == term)
            && let Some(session) = self.sessions.remove(&id)
            && let Some(until) = session.waits_until
        {
            self.waiting.remove(&(until, id));
        }
    }

    /// What is to be done with a publish that is to be appended.
    #[must_use]
    pub fn check(&self, id: SessionId, term: Term, sequence: Sequence) -> Checked {
        let Some(session) = self.sessions.get(&id) else {
            return Checked::Unknown;
        };
        if session.term != term {
            return Checked::Superseded;
        }
        let accepted = &session.accepted;
        match accepted.binary_search_by_key(&sequence, |(sequence, _)| *sequence) {
            Ok(index) => Checked::Accepted(accepted[index].1),
            Err(index) if index == accepted.len() => Checked::New,
            Err(_) => Checked::Superseded,
        }
    }

    /// A publish was accepted, later than all of the session before.
    pub fn accept(&mut self, id: SessionId, sequence: Sequence, position: Position) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.accepted.push_back((sequence, position));
            if session.accepted.len() > session.max_unanswered {
                session.accepted.pop_front();
            }
        }
    }

    /// Forgets the sessions that nobody has used for long enough, and returns them.
    pub fn expire(&mut self, now: Instant) -> Vec<SessionId> {
        let mut expired = Vec::new();
        while let Some(id) = pop_due(&mut self.waiting, now) {
            self.sessions.remove(&id);
            expired.push(id);
        }
        expired
    }
}

impl Registered {
    fn new(claim: &Claim) -> Self {
        Self {
            member: claim.member.clone(),
            term: Term(0),
            attempt: claim.attempt,
            accepted: VecDeque::new(),
            max_unanswered: claim.max_unanswered,
            ttl: claim.ttl,
            waits_until: None,
        }
    }

    fn accepted_after(&self, answered: Sequence) -> Vec<(Sequence, Position)> {
        let begin = self.accepted.partition_point(|(sequence, _)| *sequence <= answered);
        self.accepted.range(begin..).copied().collect()
    }
}
