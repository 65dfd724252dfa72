//! The sessions of all servers on the engine.

use std::collections::HashMap;

use tidewire_protocol::{Checked, Claim, Claimed, Instant, Position, Register, Sequence, SessionId, Term};
use tidewire_server::engine::{EngineFuture, Holder, Lease, SharedSessions, Unavailable};

use super::SlowEngine;

/// Who has which session, and what is to be told to who has it.
#[derive(Debug, Default)]
pub(super) struct Shared {
    register: Register,
    holders: HashMap<SessionId, (Term, Holder)>,
    begun: Option<tokio::time::Instant>,
}

impl Shared {
    pub(super) fn len(&self) -> usize {
        self.register.len()
    }

    pub(super) fn check(&self, session: SessionId, term: Term, sequence: Sequence) -> Checked {
        self.register.check(session, term, sequence)
    }

    pub(super) fn accept(&mut self, session: SessionId, sequence: Sequence, position: Position) {
        self.register.accept(session, sequence, position);
    }

    pub(super) fn forget_all(&mut self) {
        self.register = Register::default();
        self.holders.clear();
    }

    fn now(&mut self) -> Instant {
        let begun = self.begun.get_or_insert_with(tokio::time::Instant::now);
        Instant::new(begun.elapsed())
    }

    /// Says too who is to be told that it has lost the session.
    fn claim(&mut self, claim: &Claim, holder: Holder) -> (Claimed, Option<(Term, Holder)>) {
        let now = self.now();
        for expired in self.register.expire(now) {
            self.holders.remove(&expired);
        }
        let claimed = self.register.claim(now, claim);
        let lost = match &claimed {
            Claimed::Granted(granted) => self.holders.insert(claim.session, (granted.term, holder)),
            _ => None,
        };
        let term = self.holders.get(&claim.session).map(|(term, _)| *term);
        (claimed, lost.filter(|(before, _)| Some(*before) != term))
    }
}

impl SharedSessions for SlowEngine {
    fn claim<'a>(
        &'a self,
        claim: Claim,
        holder: Holder,
    ) -> EngineFuture<'a, Result<(Claimed, Option<Lease>), Unavailable>> {
        Box::pin(async move {
            self.wait().await;
            let (claimed, lost) = self.lock().sessions.claim(&claim, holder);
            if let Some((term, holder)) = lost {
                holder.lost(term);
            }
            let lease = match &claimed {
                Claimed::Granted(granted) => Some(Lease::new(Use {
                    engine: self.clone(),
                    session: claim.session,
                    term: granted.term,
                    attempt: claim.attempt,
                })),
                _ => None,
            };
            // What is known by now is known late.
            self.wait().await;
            Ok((claimed, lease))
        })
    }

    fn end<'a>(&'a self, session: SessionId, term: Term) -> EngineFuture<'a, ()> {
        Box::pin(async move {
            self.wait().await;
            self.lock().sessions.register.end(session, term);
        })
    }
}

/// A connection uses a session.
struct Use {
    engine: SlowEngine,
    session: SessionId,
    term: Term,
    attempt: u64,
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut store = self.engine.lock();
        let now = store.sessions.now();
        store
            .sessions
            .register
            .release(now, self.session, self.term, self.attempt);
    }
}
