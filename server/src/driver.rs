//! The room protocol over any transport. What the machine of a connection wants is done here; what frames mean is not known
//! here.

mod passes;
mod rechecks;

use std::{
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tidewire_protocol::{
    CloseCode, ConnectionId, Instant, MemberId, RoomName, SessionId, decode,
    frame::{ClientFrame, Payload, RefusalCode},
    server::{Action, Connection as Machine, Input, Output},
};

use self::rechecks::Rechecks;
use crate::{
    access::{Decision, Pass, Passed, Right, Signalling, Subscribing},
    attaching::Attached,
    batches::Batches,
    engine::EngineFuture,
    hub::Hub,
    joined::Joined,
    limits::{NotNow, Owed, Throttle},
    mailbox::Mailbox,
    metrics::{Kind, Traffic},
    openings::{Opened, Openings, Wanted},
    peer::Peer,
    publishes::{Publish, Verdict},
    room::Room,
    rooms::Opening,
    sessions::Entered,
};

/// One connection of the room protocol.
pub(crate) struct Driver {
    hub: Arc<Hub>,
    id: ConnectionId,
    machine: Machine,
    mailbox: Arc<Mailbox>,
    /// Who sends the request, until it was asked whether it may connect.
    peer: Option<Box<Peer>>,
    address: Option<IpAddr>,
    /// Its access, or the engine, was asked for the session.
    attaching: Option<EngineFuture<'static, Attached>>,
    /// Its access was asked about a new token.
    renewing: Option<EngineFuture<'static, Passed>>,
    who: Option<Who>,
    joined: Vec<Joined>,
    openings: Openings,
    rechecks: Rechecks,
    /// Where reading goes on when the outbox was full: every room has its turn.
    turn: usize,
    /// When the machine wants to be told the time.
    wakes_at: Option<Instant>,
    /// When the session leaves rooms that the client has not asked for again.
    leaves_at: Option<Instant>,
    /// When it is closed although something is left to be said, once it is to end.
    ends_by: Option<Instant>,
    /// Whether publishes wait for the engine, so that no more may be taken.
    is_held: bool,
    throttle: Throttle,
    /// Why a poll was turned away.
    not_now: Option<NotNow>,
}

/// Whom the connection speaks for.
struct Who {
    session: SessionId,
    member: MemberId,
    pass: Arc<Pass>,
}

impl Driver {
    pub(crate) fn new(hub: &Arc<Hub>, peer: Peer) -> Self {
        hub.start_sweeping();
        let mut driver = Self {
            id: hub.next_connection(),
            machine: Machine::new(hub.clock.now(), hub.settings.connection()),
            hub: Arc::clone(hub),
            mailbox: Arc::default(),
            address: peer.address,
            throttle: Throttle::new(hub.gate.address(peer.address)),
            peer: Some(Box::new(peer)),
            attaching: None,
            renewing: None,
            who: None,
            joined: Vec::new(),
            openings: Openings::default(),
            rechecks: Rechecks::default(),
            turn: 0,
            wakes_at: None,
            leaves_at: None,
            ends_by: None,
            is_held: false,
            not_now: None,
        };
        // Nothing is to be sent before anything was heard.
        if let Output::Timeout(at) = driver.machine.poll_output() {
            driver.wakes_at = at;
        }
        driver
    }

    /// Tells the machine, and does what it wants.
    pub(crate) fn tell(&mut self, input: Input<'_>, out: &mut impl Batches) -> Result<(), CloseCode> {
        self.machine.handle_input(self.hub.clock.now(), input);
        self.flush(out)
    }

    /// Takes the one batch of a poll. It names all rooms that its session is to be in, so that the others are left.
    pub(crate) fn take_poll(&mut self, batch: Vec<u8>, out: &mut impl Batches) -> Result<(), CloseCode> {
        self.throttle.add(Owed {
            frames: decode::<ClientFrame<'_>>(&batch).count().try_into().unwrap_or(u32::MAX),
            bytes: batch.len().try_into().unwrap_or(u32::MAX),
        });
        self.tell(Input::Polled(batch), out)?;
        self.on_asked_by_poll();
        Ok(())
    }

    /// A poll has asked for all of its rooms.
    fn on_asked_by_poll(&mut self) {
        // A room that is being opened anew is not entered yet, and must not be left for a moment.
        if self.machine.is_poll() && self.openings.is_empty() {
            self.leave_others();
        }
    }

    /// Whether a poll is to be answered.
    pub(crate) fn is_answer_due(&self) -> bool {
        self.machine.is_answer_due()
    }

    /// Why a poll was turned away.
    pub(crate) fn not_now(&self) -> Option<NotNow> {
        self.not_now
    }

    /// Holds what the client sends to its rates.
    pub(crate) fn throttle(&mut self) -> &mut Throttle {
        &mut self.throttle
    }

    /// How many frames the client has sent since this was last asked.
    pub(crate) fn take_frames(&mut self) -> u32 {
        self.machine.take_frames()
    }

    /// The poll is answered, and this is what it was.
    pub(crate) fn on_polled(&self, poll: &Traffic) {
        if let Some(who) = &self.who {
            self.hub.sessions.on_polled(who.session, poll);
        }
    }

    /// Whether it has a session.
    pub(crate) fn is_attached(&self) -> bool {
        self.who.is_some()
    }

    /// Does what the machine wants by now.
    fn flush(&mut self, out: &mut impl Batches) -> Result<(), CloseCode> {
        loop {
            match self.machine.poll_output() {
                Output::Send(batch) => out.push_batch(&batch),
                Output::Do(action) => {
                    if matches!(action, Action::Publish { .. } | Action::Signal { .. }) {
                        out.tally().on_received();
                    }
                    self.perform(action)?;
                }
                Output::Told(told) => self.hub.metrics.on_told(told),
                Output::Timeout(at) => {
                    self.wakes_at = at;
                    return Ok(());
                }
                // There is no other.
                _ => {}
            }
        }
    }

    fn perform(&mut self, action: Action) -> Result<(), CloseCode> {
        match action {
            Action::Attach { asked, token } => self.attach(asked, &token),
            Action::Authenticate { token } => self.renew(&token),
            Action::Subscribe {
                request,
                room,
                start,
                presence,
            } => self.subscribe(Wanted {
                request,
                room,
                start,
                presence,
            }),
            Action::Unsubscribe { room } => {
                self.joined.retain(|it| it.name != room);
                self.openings.cancel(&room);
                self.rechecks.cancel(&room);
                if let Some(who) = &self.who {
                    self.hub.sessions.exit(who.session, self.id, &room);
                }
            }
            Action::Publish {
                sequence,
                room,
                payload,
            } => self.publish(Publish {
                sequence,
                room,
                payload,
            }),
            Action::Signal { room, payload } => self.signal(&room, payload.as_payload()),
            Action::End => {
                if let Some(who) = self.who.take()
                    && let Some(term) = self.hub.sessions.end(who.session, self.id)
                {
                    self.hub.end_everywhere(who.session, term);
                }
            }
            Action::Close(code) => return Err(sendable(code)),
            // There is no other.
            _ => {}
        }
        Ok(())
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

    fn on_attached(&mut self, attached: Attached) {
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

    fn room(&self, name: &RoomName) -> Option<Arc<Room>> {
        match self.joined.iter().find(|it| it.name == *name) {
            Some(joined) => Some(Arc::clone(joined.room())),
            None => self.hub.rooms.find(name),
        }
    }

    fn publish(&mut self, publish: Publish) {
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

    fn signal(&self, name: &RoomName, payload: Payload<'_>) {
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

    fn subscribe(&mut self, wanted: Wanted) {
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

    fn join(&mut self, wanted: Wanted, opened: Opened) {
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

    fn poll_mailbox(&mut self, waker: &Waker, out: &mut impl Batches) -> Result<(), CloseCode> {
        let Some(mail) = self.mailbox.take(waker) else {
            return Ok(());
        };
        let now = self.hub.clock.now();
        for (sequence, answer) in mail.answers {
            self.machine.handle_input(now, Input::Answered(sequence, answer));
        }
        if mail.is_repassed {
            self.on_repassed();
        }
        if let Some((min, max)) = mail.go_away {
            self.machine.handle_input(now, Input::GoAway(min, max));
        }
        match mail.close {
            Some(code) => self.tell(Input::Close(code), out),
            None => self.flush(out),
        }
    }

    fn poll_rooms(&mut self, waker: &Waker, out: &mut impl Batches) {
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

    /// Moves what others have for this connection into `out` until it is full or there is no more; in the second case `cx`,
    /// which is the same task's each time, is woken when there is.
    pub(crate) fn poll_batches(&mut self, cx: &mut Context<'_>, out: &mut impl Batches) -> Result<(), CloseCode> {
        self.poll_mailbox(cx.waker(), out)?;
        if let Some(attaching) = &mut self.attaching
            && let Poll::Ready(attached) = attaching.as_mut().poll(cx)
        {
            self.attaching = None;
            self.on_attached(attached);
            self.flush(out)?;
            self.on_asked_by_poll();
        }
        if let Some(renewing) = &mut self.renewing
            && let Poll::Ready(passed) = renewing.as_mut().poll(cx)
        {
            self.renewing = None;
            self.on_renewed(passed);
            self.flush(out)?;
        }
        if !self.rechecks.is_empty() {
            self.poll_rechecks(cx);
            self.flush(out)?;
        }
        if !self.openings.is_empty() {
            while let Poll::Ready((wanted, opened)) = self.openings.poll_next(cx) {
                self.join(wanted, opened);
            }
            self.flush(out)?;
        }
        self.poll_rooms(cx.waker(), out);
        if self.ends_by.is_some() && self.machine.is_settled() && self.openings.is_empty() && !out.is_full() {
            return self.close(out);
        }
        Ok(())
    }

    /// Whether it takes another batch now. Where it does not, it wakes its task once it does.
    pub(crate) fn takes_input(&mut self) -> bool {
        // Each answer comes by mail, and wakes the task.
        self.is_held = self.is_held
            && self
                .who
                .as_ref()
                .is_some_and(|who| self.hub.sessions.is_publishing_much(who.session));
        !self.is_held
    }

    /// When [`on_deadline`](Self::on_deadline) is to be called, if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<tokio::time::Instant> {
        let deadline = [self.wakes_at, self.leaves_at, self.ends_by]
            .into_iter()
            .flatten()
            .min();
        deadline.map(|at| self.hub.clock.at(at))
    }

    pub(crate) fn on_deadline(&mut self, out: &mut impl Batches) -> Result<(), CloseCode> {
        let now = self.hub.clock.now();
        if self.leaves_at.is_some_and(|at| at <= now) {
            self.leave_others();
        }
        if self.ends_by.is_some_and(|at| at <= now) {
            return self.close(out);
        }
        self.tell(Input::Timeout, out)
    }

    /// Leaves the rooms that the session was in before, and that were not asked for on this connection.
    fn leave_others(&mut self) {
        self.leaves_at = None;
        if let Some(who) = &self.who {
            self.hub.sessions.exit_others(who.session, self.id);
        }
    }

    /// The server closes the connection after so long.
    pub(crate) fn on_drain(&mut self, left: Duration, out: &mut impl Batches) -> Result<(), CloseCode> {
        let at = left + self.hub.settings.close_timeout + GO_AWAY_AFTER;
        self.tell(Input::GoAway(at, at), out)
    }

    /// The connection is to end, once its client has been told all that there is for it.
    pub(crate) fn finish(&mut self, out: &mut impl Batches) -> Result<(), CloseCode> {
        if self.ends_by.is_some() {
            return Ok(());
        }
        self.ends_by = Some(self.hub.clock.now() + self.hub.settings.close_timeout);
        self.tell(Input::Finish, out)
    }

    /// Whether it is to end.
    pub(crate) fn is_finishing(&self) -> bool {
        self.ends_by.is_some()
    }

    fn close(&mut self, out: &mut impl Batches) -> Result<(), CloseCode> {
        self.tell(Input::Close(CloseCode::GOING_AWAY), out)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(who) = &self.who {
            self.hub.sessions.detach(who.session, self.id);
        }
    }
}

/// Some codes are never on the wire: [RFC 6455 section 7.4.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1).
fn sendable(code: CloseCode) -> CloseCode {
    match code.0 {
        1000..=1003 | 1007..=1014 | 3000..=4999 => code,
        _ => CloseCode::NORMAL,
    }
}

/// A client that is to be closed is told to go away this long after it should have been: it is better closed, since then it is told
/// all that there is for it.
const GO_AWAY_AFTER: Duration = Duration::from_secs(2);
