//! A session's publishes: which of them is with the engine, and which wait for their turn.

use std::{
    collections::VecDeque,
    iter,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tidewire_protocol::{
    Admission, Answer, ConnectionId, MemberId, OwnedPayload, RoomName, Sequence, SessionId, Term, frame::RefusalCode,
};

use crate::{access::Pass, limits::Address, mailbox::Mailbox, sessions::Sessions};

/// What is under way of a session's publishes.
#[derive(Debug, Default)]
pub(crate) enum Publishes {
    #[default]
    None,
    /// One is with the engine, and the others wait for it.
    One { others: VecDeque<Publish>, bytes: usize },
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
    /// It is its turn.
    Its(Turn),
    /// It is not.
    Not(Verdict),
    /// It had been admitted before.
    Again(Verdict),
}

/// The publish whose turn it is, of this member. It is to be settled, under the term under which it was admitted.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) member: MemberId,
    pub(crate) term: Term,
    pub(crate) publish: Publish,
    /// What its session may do.
    pub(crate) pass: Arc<Pass>,
}

/// The publish whose turn it is next.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) publish: Publish,
    /// What its session may do by now.
    pub(crate) pass: Arc<Pass>,
}

/// What the connection is to know of a publish that arrived on it.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// What became of it.
    Answered(Answer),
    /// The answer will come by mail.
    Waits,
    /// It was not taken, as nothing more is published here.
    NotTaken,
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
    pub(crate) next: Option<Next>,
}

/// A publish that is no session's and that the engine may have.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a AtomicUsize);

impl Sessions {
    /// A publish arrived on a connection: says whether the engine is to be asked at once.
    pub(crate) fn admit(
        &self,
        id: SessionId,
        connection: ConnectionId,
        mut publish: Publish,
        address: Option<&Arc<Address>>,
    ) -> Admitted {
        let mut state = self.lock();
        if self.is_frozen() && publish.sequence > state.machine.taken(id) {
            return Admitted::Not(Verdict::NotTaken);
        }
        match state.machine.admit(id, connection, publish.sequence) {
            Some(Admission::New) => {}
            Some(Admission::Answered(answer)) => return Admitted::Again(Verdict::Answered(answer)),
            Some(Admission::Pending) => return Admitted::Again(Verdict::Waits),
            Some(Admission::Violation) => return Admitted::Not(Verdict::Violation),
            None => return Admitted::Not(Verdict::Ignored),
        }
        let (Some(term), Some(session)) = (state.machine.held(id), state.kept.get_mut(&id)) else {
            return Admitted::Not(Verdict::Ignored);
        };
        // Only of what is new: what is said again has its answer.
        let mut said_by = iter::once(&*session.usage).chain(address.map(|it| it.usage()));
        if !said_by.all(|usage| usage.say().is_ok()) {
            publish.payload = Err(RefusalCode::RATE_LIMITED);
        }
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
                Admitted::Its(Turn {
                    member: session.member.clone(),
                    term,
                    publish,
                    pass: Arc::clone(&session.pass),
                })
            }
        }
    }

    /// The engine answered what it was asked under `term`.
    pub(crate) fn settle(&self, id: SessionId, term: Term, sequence: Sequence, answer: Answer) -> Settled {
        let mut state = self.lock();
        if state.machine.held(id) != Some(term) {
            // Another server has had the session since, and told its client what became of all that went before.
            return Settled::default();
        }
        let to = state.machine.settle(id, term, sequence, answer);
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
            next: next.map(|publish| Next {
                publish,
                pass: Arc::clone(&session.pass),
            }),
        }
    }

    /// Nothing more is published, by whoever.
    pub(crate) fn freeze(&self) {
        let _state = self.lock();
        self.is_frozen.store(true, Ordering::SeqCst);
    }

    /// Whether nothing more is published.
    pub(crate) fn is_frozen(&self) -> bool {
        self.is_frozen.load(Ordering::SeqCst)
    }

    /// A publish that is no session's begins, if one still may. It is under way until the value is dropped.
    pub(crate) fn begin_publish(&self) -> Option<UnderWay<'_>> {
        // It is counted first: either it finds that nothing more is published, or who waits for it finds it.
        let under_way = UnderWay::new(&self.under_way);
        (!self.is_frozen()).then_some(under_way)
    }

    /// Whether the engine has a publish of anybody.
    pub(crate) fn are_publishing(&self) -> bool {
        if self.under_way.load(Ordering::SeqCst) > 0 {
            return true;
        }
        let state = self.lock();
        let mut kept = state.kept.values();
        kept.any(|session| !matches!(session.publishing, Publishes::None))
    }

    /// Whether so many publishes of a session wait for the engine that no more are to be read.
    pub(crate) fn is_publishing_much(&self, id: SessionId) -> bool {
        let state = self.lock();
        let publishing = state.kept.get(&id).map(|session| &session.publishing);
        matches!(publishing, Some(Publishes::One { bytes, .. }) if *bytes > self.max_waiting_bytes)
    }
}

impl<'a> UnderWay<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Publish {
    /// What it takes while it waits.
    fn cost(&self) -> usize {
        size_of::<Self>() + self.payload.as_ref().map_or(0, |payload| payload.as_payload().len())
    }
}
