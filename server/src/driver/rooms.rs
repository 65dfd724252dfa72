//! What a connection does in rooms: it subscribes, publishes and signals, and reads what others say.

use std::{sync::Arc, task::Waker};

use tidewire_protocol::{
    CloseCode, MemberId, RoomName,
    frame::{Payload, RefusalCode},
    server::Input,
};

use super::Driver;
use crate::{
    access::{Decision, Right, Signalling, Subscribing},
    batches::Batches,
    joined::Joined,
    openings::{Opened, Wanted},
    publishes::{Publish, Verdict},
    room::Room,
    rooms::Opening,
};

impl Driver {
    fn room(&self, name: &RoomName) -> Option<Arc<Room>> {
        match self.joined.iter().find(|it| it.name == *name) {
            Some(joined) => Some(Arc::clone(joined.room())),
            None => self.hub.rooms.find(name),
        }
    }

    pub(super) fn publish(&mut self, publish: Publish) {
        let Some(who) = &self.who else { return };
        let sequence = publish.sequence;
        let now = self.hub.clock.now();
        match self
            .hub
            .publish_for_session(who.session, self.id, publish, self.throttle.address())
        {
            Verdict::Answered(answer) => self.machine.handle_input(now, Input::Answered(sequence, answer)),
            Verdict::Violation => self.machine.handle_input(now, Input::Close(CloseCode::TERMS_BROKEN)),
            Verdict::NotTaken => self.machine.handle_input(now, Input::NotTaken(sequence)),
            Verdict::Waits => self.is_held = true,
            Verdict::Ignored => {}
        }
    }

    pub(super) fn signal(&self, name: &RoomName, payload: Payload<'_>) {
        let Some(who) = &self.who else { return };
        let signalling = Signalling {
            pass: &who.pass,
            member: &who.member,
            room: name,
            payload,
        };
        let room = match self.hub.decider.signal(&signalling) {
            true => self.room(name).ok_or("empty_room"),
            false => Err("forbidden"),
        };
        match room {
            Ok(room) if self.throttle.may_signal() => room.signal(Some(who.session), who.member.as_str(), payload),
            Ok(_) => self.hub.metrics.on_signal_dropped("rate_limited"),
            Err(reason) => self.hub.metrics.on_signal_dropped(reason),
        }
    }

    pub(super) fn subscribe(&mut self, wanted: Wanted) {
        let Some(who) = &self.who else { return };
        let subscribing = Subscribing {
            pass: &who.pass,
            member: &who.member,
            room: &wanted.room,
            start: wanted.start,
            presence: wanted.presence,
        };
        match self.hub.decider.subscribe(&subscribing) {
            Decision::Now(Ok(())) => match self.hub.rooms.open(&wanted.room, self.throttle.address()) {
                Opening::Done(opened) => self.join(wanted, opened),
                pending @ Opening::Pending(_) => self.openings.push(wanted, Box::pin(pending.wait())),
            },
            Decision::Now(Err(code)) => self.join(wanted, Err(code)),
            Decision::Later(deciding) => {
                let (hub, name) = (Arc::clone(&self.hub), wanted.room.clone());
                let address = self.throttle.address().cloned();
                let opening = async move {
                    deciding.await?;
                    hub.rooms.open(&name, address.as_ref()).wait().await
                };
                self.openings.push(wanted, Box::pin(opening));
            }
        }
    }

    pub(super) fn join(&mut self, wanted: Wanted, opened: Opened) {
        let Wanted {
            request,
            room: name,
            start,
            presence,
        } = wanted;
        let now = self.hub.clock.now();
        let (Ok(room), Some(who)) = (&opened, &self.who) else {
            let code = opened.err().unwrap_or(RefusalCode::UNAVAILABLE);
            return self.machine.handle_input(now, Input::Subscribed(request, Err(code)));
        };
        if !who.pass.grants().allow(&name, Right::Subscribe) {
            // What was allowed may have been withdrawn while the room was opened.
            let refused = Input::Subscribed(request, Err(RefusalCode::FORBIDDEN));
            return self.machine.handle_input(now, refused);
        }
        let engine = self.hub.rooms.engine();
        let tell = |member: &MemberId| engine.enter(&name, member);
        let session = (who.session, self.id);
        if !self.hub.sessions.enter(session, &name, room, tell) {
            let full = Input::Subscribed(request, Err(RefusalCode::ROOM_FULL));
            return self.machine.handle_input(now, full);
        }
        let is_withheld = !self
            .hub
            .sessions
            .may_begin(session, &who.pass, &name, room.head(), start);
        let (joined, cursor) = Joined::new(request, name, room, start, presence);
        // Most are in one room, and a vector grows to four at once.
        self.joined.reserve_exact(1);
        self.joined.push(joined);
        let subscribed = Input::Subscribed(request, Ok((room.number(), cursor)));
        self.machine.handle_input(now, subscribed);
        if is_withheld {
            self.machine.skip_room(&room.lock().log);
        }
    }

    pub(super) fn poll_rooms(&mut self, waker: &Waker, out: &mut impl Batches) {
        let count = self.joined.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let joined = &mut self.joined[index];
            if !joined.may_have_news() {
                continue;
            }
            if out.is_full() {
                self.turn = index;
                return;
            }
            let session = self.who.as_ref().map(|who| who.session);
            joined.read(waker, (&mut self.machine, session), &self.hub.metrics, out);
        }
    }

    /// Leaves the rooms that the session was in before, and that were not asked for on this connection.
    pub(super) fn leave_others(&mut self) {
        self.leaves_at = None;
        if let Some(who) = &self.who {
            self.hub.sessions.exit_others(who.session, self.id);
        }
    }
}
