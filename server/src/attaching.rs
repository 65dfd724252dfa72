//! How a connection gets the session that its client asks for: from this server, or from the engine that servers share.

use std::{sync::Arc, task::Context, task::Poll, task::Waker};

use tidewire_protocol::{Asked, Claim, Claimed, CloseCode, ConnectionId, Granted, SessionId, Term};
use tokio::time::timeout;
use tracing::warn;

use crate::{
    access::Pass,
    engine::{EngineFuture, Holder, Lease, SharedSessions},
    hub::Hub,
    limits::Address,
    mailbox::Mailbox,
    random,
    sessions::{self, Asking, Entered},
};

/// A session, or the code to close with.
pub(crate) type Attached = Result<Entered, CloseCode>;

/// A session that is looked for, or was found.
pub(crate) enum Attaching {
    Done(Attached),
    Pending(EngineFuture<'static, Attached>),
}

impl Attaching {
    /// The session, once it was found.
    pub(crate) async fn wait(self) -> Attached {
        match self {
            Self::Done(attached) => attached,
            Self::Pending(attaching) => attaching.await,
        }
    }
}

/// Who asks.
struct Client {
    hub: Arc<Hub>,
    connection: ConnectionId,
    mailbox: Arc<Mailbox>,
    asked: Asked,
    address: Option<Arc<Address>>,
    pass: Arc<Pass>,
}

impl Hub {
    /// Gives a connection the session that it asks for, or a new one. What the engine knows at once is answered at once.
    pub(crate) fn attach(
        self: &Arc<Self>,
        connection: ConnectionId,
        mailbox: &Arc<Mailbox>,
        asked: Asked,
        address: Option<&Arc<Address>>,
        pass: Arc<Pass>,
    ) -> Attaching {
        if self.rooms.engine().sessions().is_none() {
            let asking = Asking {
                connection,
                mailbox,
                asked,
                address,
                pass: &pass,
            };
            return Attaching::Done(self.sessions.attach(asking));
        }
        let is_here = asked.session.is_some_and(|id| self.sessions.held(id).is_some());
        if !is_here && self.sessions.is_full() {
            return Attaching::Done(Err(CloseCode::TOO_MANY_SESSIONS));
        }
        let client = Client {
            hub: Arc::clone(self),
            connection,
            mailbox: Arc::clone(mailbox),
            asked,
            address: address.cloned(),
            pass,
        };
        let limit = self.settings.engine_timeout;
        let mut attaching: EngineFuture<'static, Attached> = Box::pin(async move {
            let attached = timeout(limit, client.attach()).await;
            attached.unwrap_or_else(|_| {
                warn!("the engine does not say in time whose a session is");
                Err(CloseCode::TRY_AGAIN_LATER)
            })
        });
        match attaching.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(attached) => Attaching::Done(attached),
            Poll::Pending => Attaching::Pending(attaching),
        }
    }

    /// Tells the engine, if servers share sessions on it, that one is over. Where that fails, the session waits for its lifetime.
    pub(crate) fn end_everywhere(self: &Arc<Self>, session: SessionId, term: Term) {
        if self.rooms.engine().sessions().is_none() {
            return;
        }
        let hub = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(shared) = hub.rooms.engine().sessions()
                && timeout(hub.settings.engine_timeout, shared.end(session, term))
                    .await
                    .is_err()
            {
                warn!("the engine does not say in time that a session has ended");
            }
        });
    }
}

impl Client {
    async fn attach(&self) -> Attached {
        let shared = self.hub.rooms.engine().sessions();
        let shared = shared.ok_or(CloseCode::INTERNAL_ERROR)?;
        if let Some(id) = self.asked.session
            && let Some(attached) = self.resume(shared, id).await
        {
            return attached;
        }
        let id = random::session().map_err(|_| CloseCode::INTERNAL_ERROR)?;
        match self.claim(shared, id, None, true).await? {
            (Claimed::Granted(granted), lease) => {
                let adopted = self.adopt(id, None, granted, lease);
                adopted.unwrap_or(Err(CloseCode::INTERNAL_ERROR))
            }
            _ => Err(CloseCode::INTERNAL_ERROR),
        }
    }

    /// Goes on with a session; `None` where there is no such session any more.
    async fn resume(&self, shared: &dyn SharedSessions, id: SessionId) -> Option<Attached> {
        loop {
            let held = self.hub.sessions.held(id);
            match self.claim(shared, id, held, false).await {
                Ok((Claimed::Granted(granted), lease)) => {
                    if let Some(attached) = self.adopt(id, held, granted, lease) {
                        return Some(attached);
                    }
                    // This server has forgotten it meanwhile, and needs all of it.
                }
                Ok((Claimed::Overtaken, _)) => return Some(Err(CloseCode::TAKEN_OVER)),
                Ok((Claimed::Foreign, _)) => return Some(Err(CloseCode::UNAUTHORIZED)),
                Ok((Claimed::Unknown, _)) => {
                    if let Some(term) = held {
                        self.hub.sessions.forget(id, term);
                    }
                    return None;
                }
                Err(code) => return Some(Err(code)),
            }
        }
    }

    async fn claim(
        &self,
        shared: &dyn SharedSessions,
        session: SessionId,
        held: Option<Term>,
        begins: bool,
    ) -> Result<(Claimed, Option<Lease>), CloseCode> {
        let settings = &self.hub.settings;
        let claim = Claim {
            session,
            member: sessions::member(&self.pass, session)?,
            begins,
            attempt: self.asked.attempt,
            answered: self.asked.answered,
            held,
            ttl: settings.session_ttl,
            max_unanswered: settings.max_unanswered as usize,
        };
        let holder = Holder::new(Arc::downgrade(&self.hub), Arc::downgrade(&self.mailbox), session);
        let claimed = shared.claim(claim, holder).await;
        claimed.map_err(|_| CloseCode::TRY_AGAIN_LATER)
    }

    fn adopt(&self, id: SessionId, held: Option<Term>, granted: Granted, lease: Option<Lease>) -> Option<Attached> {
        let asking = Asking {
            connection: self.connection,
            mailbox: &self.mailbox,
            asked: self.asked,
            address: self.address.as_ref(),
            pass: &self.pass,
        };
        self.hub.sessions.adopt(asking, id, held, (granted, lease))
    }
}
