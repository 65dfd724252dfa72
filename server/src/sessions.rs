//! Sessions between transports: which connection has each, which rooms it is in, and which of its publishes wait.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize},
    },
    time::Duration,
};

use tidewire_protocol::{Asked, Attached, CloseCode, ConnectionId, Granted, MemberId, SessionId, Term};
use tracing::debug;

use crate::{
    access::{Begun, Pass},
    clock::Clock,
    engine::Lease,
    limits::{Address, Counted, Rates, Usage},
    mailbox::Mailbox,
    member,
    metrics::{Run, Traffic},
    publishes::Publishes,
    random,
    settings::Settings,
    visits::InRoom,
};

/// All sessions of a server.
#[derive(Debug)]
pub(crate) struct Sessions {
    clock: Clock,
    presence_grace: Duration,
    pub(crate) max_waiting_bytes: usize,
    pub(crate) max_members: usize,
    rates: Arc<Rates>,
    /// Whether nothing more is published. It is set behind the lock.
    pub(crate) is_frozen: AtomicBool,
    /// How many publishes are under way that are no session's.
    pub(crate) under_way: AtomicUsize,
    /// For how many rooms it is remembered where a session's subscriptions began.
    pub(crate) max_begun: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) machine: tidewire_protocol::Sessions,
    pub(crate) kept: HashMap<SessionId, Kept>,
    /// Every client is to come back after a time between the two.
    go_away: Option<(Duration, Duration)>,
}

/// What is kept of a session beside what the machine keeps.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) member: MemberId,
    /// What it may do.
    pub(crate) pass: Arc<Pass>,
    connection: ConnectionId,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) rooms: Vec<InRoom>,
    /// Where its subscriptions began, where that matters.
    pub(crate) begun: Option<Box<Begun>>,
    pub(crate) publishing: Publishes,
    /// Its polls, since it has had no other transport.
    pub(crate) polls: Option<Box<Run>>,
    /// Held while a connection has it, where servers share sessions. Dropped outside of the lock.
    lease: Option<Lease>,
    /// Whether its client was told to go away.
    is_told: bool,
    pub(crate) usage: Arc<Usage>,
    /// Held for its drop: it counts for the address that it began at.
    _counted: Option<Counted>,
}

/// A session that a connection has got.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) attached: Attached,
    /// What it may do.
    pub(crate) pass: Arc<Pass>,
    /// Whether it is in rooms that the connection has yet to ask for.
    pub(crate) is_in_rooms: bool,
    /// Its client is to come back after a time between the two, and was not told before.
    pub(crate) go_away: Option<(Duration, Duration)>,
    pub(crate) usage: Arc<Usage>,
}

/// What a connection that asks for a session is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) mailbox: &'a Arc<Mailbox>,
    pub(crate) asked: Asked,
    pub(crate) address: Option<&'a Arc<Address>>,
    pub(crate) pass: &'a Arc<Pass>,
}

impl Sessions {
    pub(crate) fn new(clock: Clock, settings: &Settings, rates: Arc<Rates>) -> Self {
        let machine = tidewire_protocol::Sessions::new(
            settings.session_ttl,
            settings.max_unanswered as usize,
            settings.max_sessions,
        );
        Self {
            clock,
            presence_grace: settings.presence_grace,
            max_waiting_bytes: settings.max_waiting_bytes,
            max_members: settings.limits.max_members.unwrap_or(usize::MAX),
            rates,
            is_frozen: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            // Some of them may have been left, and may be asked for again.
            max_begun: 2 * settings.max_subscriptions as usize,
            state: Mutex::new(State {
                machine,
                kept: HashMap::new(),
                go_away: None,
            }),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().machine.len()
    }

    /// How many there are, and how many of them have a connection.
    pub(crate) fn count(&self) -> (usize, usize) {
        let machine = &self.lock().machine;
        (machine.len(), machine.len() - machine.waiting())
    }

    /// Gives a connection the session it asks for, or a new one, where servers share none.
    pub(crate) fn attach(&self, asking: Asking<'_>) -> Result<Entered, CloseCode> {
        let fresh = random::session().map_err(|_| CloseCode::INTERNAL_ERROR)?;
        self.give(asking, None, |machine| {
            let known = asking.asked.session.filter(|id| machine.held(*id).is_some());
            let member = member(asking.pass, known.unwrap_or(fresh))?;
            machine.attach(asking.connection, asking.asked, fresh, &member)
        })
    }

    /// Gives a connection a session that the engine has granted, where this server `held` it before under that term. `None` where
    /// it does not have it any more, and must ask for all of it.
    pub(crate) fn adopt(
        &self,
        asking: Asking<'_>,
        id: SessionId,
        held: Option<Term>,
        (granted, lease): (Granted, Option<Lease>),
    ) -> Option<Result<Entered, CloseCode>> {
        let mut is_gone = false;
        let given = self.give(asking, lease, |machine| {
            is_gone = held == Some(granted.term) && machine.held(id) != held;
            if is_gone {
                return Err(CloseCode::TRY_AGAIN_LATER);
            }
            let member = member(asking.pass, id)?;
            machine.adopt(asking.connection, asking.asked, id, &member, &granted)
        });
        (!is_gone).then_some(given)
    }

    fn give(
        &self,
        asking: Asking<'_>,
        lease: Option<Lease>,
        attach: impl FnOnce(&mut tidewire_protocol::Sessions) -> Result<Attached, CloseCode>,
    ) -> Result<Entered, CloseCode> {
        let mut state = self.lock();
        let expired = state.expire(self.clock.now());
        let before = asking.asked.session.and_then(|id| state.machine.held(id));
        let given = match asking.address {
            Some(address) if before.is_none() => address.begin_session().map(Some).ok_or(CloseCode::TOO_MANY_SESSIONS),
            _ => Ok(None),
        };
        let given = given.and_then(|counted| {
            let attached = attach(&mut state.machine)?;
            let usage = || Arc::new(Usage::new(&self.rates));
            Ok(state.give(attached, before, asking, lease, (counted, usage)))
        });
        drop(state);
        expired.into_iter().for_each(|it| it.exit_all(CloseCode::ABNORMAL));
        let (entered, displaced, _lease) = given?;
        if let Some(displaced) = displaced {
            displaced.close(CloseCode::TAKEN_OVER);
        }
        Ok(entered)
    }

    /// The term under which this server has a session, or has had it last.
    pub(crate) fn held(&self, id: SessionId) -> Option<Term> {
        self.lock().machine.held(id)
    }

    /// Whether there are as many as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().machine.is_full()
    }

    /// Another server has a session that this one had under `term`. Its member stays for a while in the rooms that it was in, so
    /// that others do not see it go from server to server.
    pub(crate) fn lose(&self, id: SessionId, term: Term) {
        let until = self.clock.now() + self.presence_grace;
        let mut state = self.lock();
        if state.machine.held(id) != Some(term) {
            return;
        }
        let displaced = state.machine.lose(until, id, term);
        let Some(session) = state.kept.get_mut(&id) else { return };
        session.publishing = Publishes::None;
        let lease = session.lease.take();
        let displaced = displaced.map(|_| Arc::clone(&session.mailbox));
        drop(state);
        drop(lease);
        if let Some(displaced) = displaced {
            displaced.close(CloseCode::TAKEN_OVER);
        }
    }

    /// A poll of a session was answered.
    pub(crate) fn on_polled(&self, id: SessionId, poll: &Traffic) {
        if let Some(session) = self.lock().kept.get_mut(&id) {
            let run = session.polls.get_or_insert_with(|| Box::new(Run::begin(poll)));
            run.add(poll);
        }
    }

    /// A session has another transport than polls.
    pub(crate) fn on_streamed(&self, id: SessionId) {
        let polls = self.lock().kept.get_mut(&id).and_then(|session| session.polls.take());
        if let Some(polls) = polls {
            polls.end(CloseCode::TAKEN_OVER);
        }
    }

    /// What a session may do by now, if the connection has it.
    pub(crate) fn pass(&self, id: SessionId, connection: ConnectionId) -> Option<Arc<Pass>> {
        let mut state = self.lock();
        let session = state.attached(id, connection)?;
        Some(Arc::clone(&session.pass))
    }

    /// What a session may do from now on, if the connection has it: whether that is so.
    pub(crate) fn repass(&self, id: SessionId, connection: ConnectionId, pass: Arc<Pass>) -> bool {
        let mut state = self.lock();
        let session = state.attached(id, connection);
        session.map(|session| session.pass = pass).is_some()
    }

    /// Gives each session another pass for which `change` has one, and returns how many those are.
    pub(crate) fn repass_all(&self, change: impl Fn(&Pass) -> Option<Pass>) -> usize {
        let mut state = self.lock();
        let changed = state.kept.values_mut().filter_map(|session| {
            session.pass = Arc::new(change(&session.pass)?);
            Some(Arc::clone(&session.mailbox))
        });
        let mailboxes: Vec<Arc<Mailbox>> = changed.collect();
        drop(state);
        mailboxes.iter().for_each(|mailbox| mailbox.repass());
        mailboxes.len()
    }

    /// Ends all sessions of a subject, and returns them with the terms under which they were here.
    pub(crate) fn end_all_of(&self, subject: &MemberId) -> Vec<(SessionId, Term)> {
        let mut state = self.lock();
        let State { machine, kept, .. } = &mut *state;
        let ended: Vec<(SessionId, Kept)> = kept
            .extract_if(|_, session| session.pass.subject() == Some(subject))
            .collect();
        let terms = ended.iter().filter_map(|(id, _)| Some((*id, machine.held(*id)?)));
        let terms: Vec<(SessionId, Term)> = terms.collect();
        ended.iter().for_each(|(id, _)| machine.forget(*id));
        drop(state);
        for (_, session) in ended {
            session.mailbox.close(CloseCode::UNAUTHORIZED);
            session.exit_all(CloseCode::UNAUTHORIZED);
        }
        terms
    }

    /// A connection ended: its session waits.
    pub(crate) fn detach(&self, id: SessionId, connection: ConnectionId) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.machine.detach(now, id, connection);
        let lease = state.attached(id, connection).and_then(|session| session.lease.take());
        drop(state);
        drop(lease);
    }

    /// The client ended the session. Returns the term under which it was here, if it was this connection's.
    pub(crate) fn end(&self, id: SessionId, connection: ConnectionId) -> Option<Term> {
        let mut state = self.lock();
        let term = state.machine.held(id);
        let ended = if state.machine.end(id, connection) {
            state.kept.remove(&id)
        } else {
            None
        };
        drop(state);
        let ended = ended?;
        ended.exit_all(CloseCode::NORMAL);
        term
    }

    /// Forgets those that have waited for long enough.
    pub(crate) fn expire(&self) {
        let expired = self.lock().expire(self.clock.now());
        if !expired.is_empty() {
            debug!(sessions = expired.len(), "expired");
        }
        expired.into_iter().for_each(|it| it.exit_all(CloseCode::ABNORMAL));
    }

    /// Forgets a session of which nobody can say what became of its publishes, if it is here under `term`. Its client will be
    /// told so.
    pub(crate) fn forget(&self, id: SessionId, term: Term) {
        let mut state = self.lock();
        if state.machine.held(id) != Some(term) {
            return;
        }
        state.machine.forget(id);
        let forgotten = state.kept.remove(&id);
        drop(state);
        if let Some(forgotten) = forgotten {
            forgotten.mailbox.close(CloseCode::TRY_AGAIN_LATER);
            forgotten.exit_all(CloseCode::TRY_AGAIN_LATER);
        }
    }

    /// Every client is to come back after a time between the two: each that is here, and each that comes.
    pub(crate) fn go_away(&self, min: Duration, max: Duration) {
        let mut state = self.lock();
        state.go_away = Some((min, max));
        let State { machine, kept, .. } = &mut *state;
        let mailboxes: Vec<Arc<Mailbox>> = kept
            .iter_mut()
            .filter(|(id, _)| machine.is_attached(**id))
            .map(|(_, session)| {
                session.is_told = true;
                Arc::clone(&session.mailbox)
            })
            .collect();
        drop(state);
        mailboxes.iter().for_each(|mailbox| mailbox.go_away(min, max));
    }

    /// Whether there is such a session, waiting or not.
    pub(crate) fn has(&self, id: SessionId) -> bool {
        self.held(id).is_some()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose session it is or would be: the subject's, or where there is none, whoever knows it.
pub(crate) fn member(pass: &Pass, session: SessionId) -> Result<MemberId, CloseCode> {
    let subject = pass.subject().cloned().map(Ok);
    subject.unwrap_or_else(|| member::of(session).map_err(|_| CloseCode::INTERNAL_ERROR))
}

impl State {
    /// Takes down that a connection has a session, which was here before under that term or is new. Returns whom to tell that it
    /// is taken over, and what is to be dropped outside of the lock.
    fn give(
        &mut self,
        attached: Attached,
        before: Option<Term>,
        asking: Asking<'_>,
        lease: Option<Lease>,
        (counted, usage): (Option<Counted>, impl FnOnce() -> Arc<Usage>),
    ) -> (Entered, Option<Arc<Mailbox>>, Option<Lease>) {
        let Asking {
            connection,
            mailbox,
            pass,
            ..
        } = asking;
        let session = self.kept.entry(attached.session).or_insert_with(|| Kept {
            member: attached.member.clone(),
            pass: Arc::clone(pass),
            connection,
            mailbox: Arc::clone(mailbox),
            rooms: Vec::new(),
            begun: None,
            publishing: Publishes::None,
            polls: None,
            lease: None,
            is_told: false,
            usage: usage(),
            _counted: counted,
        });
        if self.machine.held(attached.session) != before {
            session.publishing = Publishes::None;
        }
        session.connection = connection;
        session.pass = Arc::clone(pass);
        let old_mailbox = std::mem::replace(&mut session.mailbox, Arc::clone(mailbox));
        let old_lease = std::mem::replace(&mut session.lease, lease);
        let is_told = std::mem::replace(&mut session.is_told, self.go_away.is_some());
        let entered = Entered {
            is_in_rooms: !session.rooms.is_empty(),
            go_away: self.go_away.filter(|_| !is_told),
            usage: Arc::clone(&session.usage),
            pass: Arc::clone(pass),
            attached,
        };
        let displaced = entered.attached.displaced.map(|_| old_mailbox);
        (entered, displaced, old_lease)
    }

    /// Those that are to leave their rooms once the lock is free.
    fn expire(&mut self, now: tidewire_protocol::Instant) -> Vec<Kept> {
        let expired = self.machine.expire(now);
        expired.iter().filter_map(|id| self.kept.remove(id)).collect()
    }

    pub(crate) fn attached(&mut self, id: SessionId, connection: ConnectionId) -> Option<&mut Kept> {
        self.kept
            .get_mut(&id)
            .filter(|session| session.connection == connection)
    }
}
