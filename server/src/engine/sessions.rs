//! What servers that share an engine have to know of each other's sessions.

use std::{any::Any, fmt, sync::Weak};

use tidewire_protocol::{Claim, Claimed, CloseCode, SessionId, Term};

use super::{EngineFuture, Unavailable};
use crate::{hub::Hub, mailbox::Mailbox};

/// The sessions of all servers that share an engine, so that a client's next request may come to any of them.
///
/// A server asks for a session at each hello, and tells nothing else of it: what is under way in it is in the claim, in the
/// appends that bear its term, and in the value that a claim resolves with. [`Register`](tidewire_protocol::Register) is this
/// in memory, without the waiting.
pub trait SharedSessions: Send + Sync {
    /// Gives a server a session that a client came to it for, or says why not. It is in use until the [`Lease`] is dropped, or
    /// the server has died; then it waits for [`Claim::ttl`], unless a later claim was granted, and is forgotten.
    ///
    /// Where the session was last granted to another hold than [`Claim::held`] names, it gets a new term, later than all before
    /// it. From that moment on no [`Append`](super::Append) of an earlier term is accepted, and what was accepted is what the
    /// claim resolves with. The server that had it is told by [`Holder::lost`], soon.
    ///
    /// # Errors
    ///
    /// When the engine cannot be reached now. The client is told to come again.
    fn claim<'a>(
        &'a self,
        claim: Claim,
        holder: Holder,
    ) -> EngineFuture<'a, Result<(Claimed, Option<Lease>), Unavailable>>;

    /// Forgets a session that a server has under this term: its client ended it, or nobody can say what became of a publish.
    fn end<'a>(&'a self, session: SessionId, term: Term) -> EngineFuture<'a, ()>;
}

/// Says that something goes on at a server: that a session is in use, or a member in a room. It ends when this is dropped.
pub struct Lease(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send + Sync>);

/// Where the engine tells a server that another has taken a session over. Cloning it is cheap.
#[derive(Clone)]
pub struct Holder {
    hub: Weak<Hub>,
    mailbox: Weak<Mailbox>,
    session: SessionId,
}

impl Holder {
    pub(crate) fn new(hub: Weak<Hub>, mailbox: Weak<Mailbox>, session: SessionId) -> Self {
        Self { hub, mailbox, session }
    }

    /// Another server has the session, which this one had under `term`. To be said once is enough, and late is better than not
    /// at all: until then others may see the member in rooms that it has left.
    pub fn lost(&self, term: Term) {
        // The connection may not know yet that it has the session.
        if let Some(mailbox) = self.mailbox.upgrade() {
            mailbox.close(CloseCode::TAKEN_OVER);
        }
        if let Some(hub) = self.hub.upgrade() {
            hub.sessions.lose(self.session, term);
        }
    }
}

impl Lease {
    /// Ends by the drop of `guard`.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holder")
    }
}
