//! How a connection gets its session: what its client says hello with, and what it is given for that.

use std::sync::Arc;

use http::HeaderMap;
use tidewire_protocol::{Asked, CloseCode, SessionId, server::Input};

use super::{Driver, Who};
use crate::{
    access::{Connecting, Decision, Denied},
    attaching::{Attached, Attaching},
    limits::NotNow,
    metrics::Kind,
    sessions::Entered,
};

impl Driver {
    /// The client said hello.
    pub(super) fn attach(&mut self, asked: Asked, token: &[u8]) {
        if self.machine.is_poll()
            && let Err(why) = self.may_poll(asked.session)
        {
            return self.turn_away(why);
        }
        let peer = self.peer.take();
        let none = HeaderMap::new();
        let passing = self.hub.decider.connect(&Connecting {
            token,
            headers: peer.as_ref().map_or(&none, |peer| &peer.headers),
            address: self.address,
            renews: None,
        });
        let attaching = match passing {
            Decision::Now(Ok(pass)) => self
                .hub
                .attach(self.id, &self.mailbox, asked, self.throttle.address(), pass),
            Decision::Now(Err(denied)) => Attaching::Done(Err(denied.code())),
            Decision::Later(passing) => {
                let (hub, id, mailbox) = (Arc::clone(&self.hub), self.id, Arc::clone(&self.mailbox));
                let address = self.throttle.address().cloned();
                Attaching::Pending(Box::pin(async move {
                    let pass = passing.await.map_err(Denied::code)?;
                    hub.attach(id, &mailbox, asked, address.as_ref(), pass).wait().await
                }))
            }
        };
        match attaching {
            Attaching::Done(attached) => self.on_attached(attached),
            Attaching::Pending(attaching) => self.attaching = Some(attaching),
        }
    }

    /// Whether a poll for this session is to be taken: for a new one not always.
    fn may_poll(&self, session: Option<SessionId>) -> Result<(), NotNow> {
        if session.is_some_and(|id| self.hub.sessions.held(id).is_some()) {
            return Ok(());
        }
        if self.hub.gate.memory().is_full() {
            return Err(NotNow::Full);
        }
        match (session, self.throttle.address()) {
            (None, Some(address)) => address.shake_hands().map_err(NotNow::TooFast),
            _ => Ok(()),
        }
    }

    /// A poll is to come again later.
    fn turn_away(&mut self, why: NotNow) {
        self.hub.metrics.on_request_refused(Kind::Poll, why.reason());
        self.not_now = Some(why);
        let close = Input::Close(CloseCode::TRY_AGAIN_LATER);
        self.machine.handle_input(self.hub.clock.now(), close);
    }

    pub(super) fn on_attached(&mut self, attached: Attached) {
        let now = self.hub.clock.now();
        let Entered {
            attached,
            pass,
            is_in_rooms,
            go_away,
            usage,
        } = match attached {
            Ok(entered) => entered,
            Err(code) => return self.machine.handle_input(now, Input::Close(code)),
        };
        self.hub.metrics.on_hello(attached.outcome);
        self.leaves_at = is_in_rooms.then(|| now + self.hub.settings.presence_grace);
        if !self.machine.is_poll() {
            self.hub.sessions.on_streamed(attached.session);
        }
        self.who = Some(Who {
            session: attached.session,
            member: attached.member.clone(),
            pass: Arc::clone(&pass),
        });
        self.throttle.set_session(usage);
        if self.machine.is_poll() && !self.throttle.takes_input() {
            let until = self.throttle.deadline();
            let wait = until.map(|until| until.saturating_duration_since(tokio::time::Instant::now()));
            return self.turn_away(NotNow::TooFast(wait.unwrap_or_default()));
        }
        self.is_held = self.hub.sessions.is_publishing_much(attached.session);
        // Who polls says all at once, and all of it would be taken.
        let is_too_much = self.is_held && self.machine.is_poll();
        let input = match is_too_much || self.is_revoked() {
            true => Input::Close(CloseCode::TRY_AGAIN_LATER),
            false => Input::Attached(&attached, pass.lifetime()),
        };
        self.machine.handle_input(now, input);
        if let Some((min, max)) = go_away {
            self.machine.handle_input(now, Input::GoAway(min, max));
        }
    }
}
