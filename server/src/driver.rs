//! The room protocol over any transport. What the machine of a connection wants is done here; what frames mean is not known
//! here.

mod hello;
mod passes;
mod rechecks;
mod rooms;

use std::{
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tidewire_protocol::{
    CloseCode, ConnectionId, Instant, MemberId, SessionId, decode,
    frame::ClientFrame,
    server::{Action, Connection as Machine, Input, Output},
};

use self::rechecks::Rechecks;
use crate::{
    access::{Pass, Passed},
    attaching::Attached,
    batches::Batches,
    engine::EngineFuture,
    hub::Hub,
    joined::Joined,
    limits::{NotNow, Owed, Throttle},
    mailbox::Mailbox,
    metrics::Traffic,
    openings::{Openings, Wanted},
    peer::Peer,
    publishes::Publish,
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
