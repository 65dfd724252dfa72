//! What a connection may do: the pass that it gets with its session, and each that takes its place.

use std::task::Context;

use http::HeaderMap;
use tidewire_protocol::{
    CloseCode, RoomName,
    frame::{RefusalCode, Start},
    server::Input,
};

use super::Driver;
use crate::access::{Connecting, Decision, Denied, Passed, Subscribing};

impl Driver {
    /// The client shows a new token. Where it has shown one that is still looked at, only the later counts.
    pub(super) fn renew(&mut self, token: &[u8]) {
        let Some(who) = &self.who else { return };
        let passing = self.hub.decider.connect(&Connecting {
            token,
            headers: &HeaderMap::new(),
            address: self.address,
            renews: Some(&who.pass),
        });
        match passing {
            Decision::Now(passed) => self.on_renewed(passed),
            Decision::Later(passing) => self.renewing = Some(passing),
        }
    }

    pub(super) fn on_renewed(&mut self, passed: Passed) {
        let Some(who) = &self.who else { return };
        let now = self.hub.clock.now();
        let of_same = passed.and_then(|pass| match pass.subject() == who.pass.subject() {
            true => Ok(pass),
            false => {
                self.hub.metrics.on_denied(Denied::Unauthorized);
                Err(Denied::Unauthorized)
            }
        });
        let pass = match of_same {
            Ok(pass) => pass,
            Err(denied) => return self.machine.handle_input(now, Input::Close(denied.code())),
        };
        let lifetime = pass.lifetime();
        if !self.hub.sessions.repass(who.session, self.id, pass) {
            // The session has ended, or is another connection's, which is told by itself.
            return;
        }
        self.on_repassed();
        let input = match self.is_revoked() {
            true => Input::Close(CloseCode::TRY_AGAIN_LATER),
            false => Input::Authenticated(lifetime),
        };
        self.machine.handle_input(now, input);
    }

    /// Whether something was revoked while its pass was on its way. Then the client is to come anew.
    pub(super) fn is_revoked(&self) -> bool {
        let who = self.who.as_ref();
        who.is_some_and(|who| self.hub.decider.revoked().affects(&who.pass))
    }

    /// The session has another pass: what that does not allow ends.
    pub(super) fn on_repassed(&mut self) {
        let Some(who) = &mut self.who else { return };
        let Some(pass) = self.hub.sessions.pass(who.session, self.id) else {
            return;
        };
        who.pass = pass;
        let now = self.hub.clock.now();
        for ended in self.joined.extract_if(.., |joined| !joined.is_allowed_by(&who.pass)) {
            self.hub.sessions.exit(who.session, self.id, &ended.name);
            let refused = Input::Subscribed(ended.request, Err(RefusalCode::FORBIDDEN));
            self.machine.handle_input(now, refused);
        }
        self.ask_again();
    }

    /// Asks its access about each subscription again. Those that are being opened are asked for anew.
    fn ask_again(&mut self) {
        let Some(who) = &self.who else { return };
        self.rechecks.clear();
        let mut refused = Vec::new();
        for joined in &self.joined {
            let subscribing = Subscribing {
                pass: &who.pass,
                member: &who.member,
                room: &joined.name,
                start: Start::Now,
                presence: joined.presence(),
            };
            match self.hub.decider.subscribe(&subscribing) {
                Decision::Now(Ok(())) => {}
                Decision::Now(Err(code)) => refused.push((joined.name.clone(), code)),
                Decision::Later(deciding) => self.rechecks.push(joined.name.clone(), deciding),
            }
        }
        for (room, code) in refused {
            self.refuse(&room, code);
        }
        for wanted in self.openings.take() {
            self.subscribe(wanted);
        }
    }

    /// Ends the subscriptions of which it was decided by now that they are refused.
    pub(super) fn poll_rechecks(&mut self, cx: &mut Context<'_>) {
        while let Some((room, code)) = self.rechecks.poll_refused(cx) {
            self.refuse(&room, code);
        }
    }

    /// A subscription that was allowed is no longer.
    fn refuse(&mut self, room: &RoomName, code: RefusalCode) {
        let index = self.joined.iter().position(|joined| joined.name == *room);
        let (Some(index), Some(who)) = (index, &self.who) else {
            return;
        };
        let ended = self.joined.remove(index);
        self.hub.sessions.exit(who.session, self.id, room);
        let refused = Input::Subscribed(ended.request, Err(code));
        self.machine.handle_input(self.hub.clock.now(), refused);
    }
}
