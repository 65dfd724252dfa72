//! `/ws`: the room protocol. What the machine of a connection wants is done here; what frames mean is not known here.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tidewire_protocol::{
    CloseCode, ConnectionId, Instant, MemberId, RoomName, SessionId,
    frame::RefusalCode,
    server::{Action, Connection as Machine, Input, Output},
};
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

use crate::{
    beside::Beside,
    connection::Endpoint,
    hub::Hub,
    mailbox::Mailbox,
    openings::{Opened, Openings, Wanted},
    outbox::Outbox,
    room::{Reader, Room, SawEverything, State},
    rooms::Opening,
    sessions::{Publish, Verdict},
    websocket::Incoming,
};

/// One connection of the room protocol.
pub(crate) struct Ws {
    hub: Arc<Hub>,
    id: ConnectionId,
    machine: Machine,
    mailbox: Arc<Mailbox>,
    who: Option<Who>,
    joined: Vec<Joined>,
    openings: Openings,
    /// Where reading goes on when the outbox was full: every room has its turn.
    turn: usize,
    /// When the machine wants to be told the time.
    wakes_at: Option<Instant>,
    /// When the session leaves rooms that the client has not asked for again.
    leaves_at: Option<Instant>,
    /// Whether publishes wait for the engine, so that no more may be taken.
    is_held: bool,
}

/// Whom the connection speaks for.
struct Who {
    session: SessionId,
    member: MemberId,
}

/// A subscription.
struct Joined {
    name: RoomName,
    reader: Reader,
    beside: Beside,
}

impl Ws {
    pub(crate) fn new(hub: &Arc<Hub>) -> Self {
        hub.start_sweeping();
        let mut ws = Self {
            id: hub.next_connection(),
            machine: Machine::new(hub.clock.now(), hub.settings.connection()),
            hub: Arc::clone(hub),
            mailbox: Arc::default(),
            who: None,
            joined: Vec::new(),
            openings: Openings::default(),
            turn: 0,
            wakes_at: None,
            leaves_at: None,
            is_held: false,
        };
        // Nothing is to be sent before anything was heard.
        if let Output::Timeout(at) = ws.machine.poll_output() {
            ws.wakes_at = at;
        }
        ws
    }

    /// Tells the machine, and does what it wants.
    fn tell(&mut self, input: Input<'_>, outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.machine.handle_input(self.hub.clock.now(), input);
        self.flush(outbox)
    }

    /// Does what the machine wants by now.
    fn flush(&mut self, outbox: &mut Outbox) -> Result<(), CloseCode> {
        loop {
            match self.machine.poll_output() {
                Output::Send(batch) => outbox.push_copied(Data::Binary, &[&batch]),
                Output::Do(action) => self.perform(action)?,
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
        let now = self.hub.clock.now();
        match action {
            Action::Attach { asked, .. } => match self.hub.sessions.attach(self.id, &self.mailbox, asked) {
                Ok((attached, is_in_rooms)) => {
                    self.leaves_at = is_in_rooms.then(|| now + self.hub.settings.presence_grace);
                    self.who = Some(Who {
                        session: attached.session,
                        member: attached.member.clone(),
                    });
                    self.machine.handle_input(now, Input::Attached(&attached, FOR_EVER));
                }
                Err(code) => self.machine.handle_input(now, Input::Close(code)),
            },
            Action::Authenticate { .. } => {
                self.machine.handle_input(now, Input::Authenticated(FOR_EVER));
            }
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
            Action::Signal { room, payload } => {
                if let Some(who) = &self.who
                    && let Some(room) = self.room(&room)
                {
                    room.signal(Some(who.session), who.member.as_str(), payload.as_payload());
                }
            }
            Action::End => {
                if let Some(who) = self.who.take() {
                    self.hub.sessions.end(who.session, self.id);
                }
            }
            Action::Close(code) => return Err(sendable(code)),
            // There is no other.
            _ => {}
        }
        Ok(())
    }

    fn room(&self, name: &RoomName) -> Option<Arc<Room>> {
        match self.joined.iter().find(|it| it.name == *name) {
            Some(joined) => Some(Arc::clone(joined.reader.room())),
            None => self.hub.rooms.find(name),
        }
    }

    fn publish(&mut self, publish: Publish) {
        let Some(who) = &self.who else { return };
        let sequence = publish.sequence;
        let now = self.hub.clock.now();
        match self.hub.publish_for_session(who.session, self.id, publish) {
            Verdict::Answered(answer) => self.machine.handle_input(now, Input::Answered(sequence, answer)),
            Verdict::Violation => self.machine.handle_input(now, Input::Close(CloseCode::TERMS_BROKEN)),
            Verdict::Waits => self.is_held = true,
            Verdict::Ignored => {}
        }
    }

    fn subscribe(&mut self, wanted: Wanted) {
        match self.hub.rooms.open(&wanted.room) {
            Opening::Done(opened) => self.join(wanted, opened),
            pending @ Opening::Pending(_) => self.openings.push(wanted, pending),
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
        self.hub.sessions.enter(who.session, self.id, &name, room);
        let (cursor, beside) = {
            let state = room.lock();
            (state.log.cursor(start), Beside::new(&state, presence))
        };
        // Most are in one room, and a vector grows to four at once.
        self.joined.reserve_exact(1);
        self.joined.push(Joined {
            name,
            reader: Reader::new(Arc::clone(room), presence.into()),
            beside,
        });
        let subscribed = Input::Subscribed(request, Ok((room.number(), cursor)));
        self.machine.handle_input(now, subscribed);
    }

    fn poll_mailbox(&mut self, waker: &Waker, outbox: &mut Outbox) -> Result<(), CloseCode> {
        let Some(mail) = self.mailbox.take(waker) else {
            return Ok(());
        };
        let now = self.hub.clock.now();
        for (sequence, answer) in mail.answers {
            self.machine.handle_input(now, Input::Answered(sequence, answer));
        }
        if let Some((min, max)) = mail.go_away {
            self.machine.handle_input(now, Input::GoAway(min, max));
        }
        match mail.close {
            Some(code) => self.tell(Input::Close(code), outbox),
            None => self.flush(outbox),
        }
    }

    fn poll_rooms(&mut self, waker: &Waker, outbox: &mut Outbox) {
        let count = self.joined.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let joined = &mut self.joined[index];
            if !joined.reader.may_have_news() {
                continue;
            }
            if outbox.is_full() {
                self.turn = index;
                return;
            }
            let (machine, session) = (&mut self.machine, self.who.as_ref().map(|who| who.session));
            let Joined { reader, beside, .. } = joined;
            reader.read(waker, |room, state| {
                read_beside(beside, room, state, session, outbox);
                read_log(machine, state, outbox)
            });
        }
    }
}

impl Endpoint for Ws {
    const PATH: &'static str = "/ws";

    fn on_message(&mut self, message: Incoming, outbox: &mut Outbox) -> Result<(), CloseCode> {
        match message.kind {
            Data::Binary => self.tell(Input::Received(&message.payload), outbox),
            _ => Err(CloseCode::UNSUPPORTED_DATA),
        }
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Result<(), CloseCode> {
        self.poll_mailbox(cx.waker(), outbox)?;
        if !self.openings.is_empty() {
            while let Poll::Ready((wanted, opened)) = self.openings.poll_next(cx) {
                self.join(wanted, opened);
            }
            self.flush(outbox)?;
        }
        self.poll_rooms(cx.waker(), outbox);
        Ok(())
    }

    fn takes_input(&mut self) -> bool {
        // Each answer comes by mail, and wakes the task.
        self.is_held = self.is_held
            && self
                .who
                .as_ref()
                .is_some_and(|who| self.hub.sessions.is_full(who.session));
        !self.is_held
    }

    fn deadline(&self) -> Option<tokio::time::Instant> {
        let deadline = self.wakes_at.into_iter().chain(self.leaves_at).min();
        deadline.map(|at| self.hub.clock.at(at))
    }

    fn on_deadline(&mut self, outbox: &mut Outbox) -> Result<(), CloseCode> {
        let now = self.hub.clock.now();
        if self.leaves_at.is_some_and(|at| at <= now) {
            self.leaves_at = None;
            if let Some(who) = &self.who {
                self.hub.sessions.exit_others(who.session, self.id);
            }
        }
        self.tell(Input::Timeout, outbox)
    }

    fn on_shutdown(&mut self, outbox: &mut Outbox) -> CloseCode {
        let code = CloseCode::GOING_AWAY;
        self.tell(Input::Close(code), outbox).err().unwrap_or(code)
    }
}

impl Drop for Ws {
    fn drop(&mut self) {
        if let Some(who) = &self.who {
            self.hub.sessions.detach(who.session, self.id);
        }
    }
}

/// Moves a room's messages into the outbox, until it is full or there are no more.
fn read_log(machine: &mut Machine, state: &mut State, outbox: &mut Outbox) -> SawEverything {
    while !outbox.is_full() {
        let frames = machine.poll_room(&mut state.log, outbox.room());
        let is_over = frames.is_all() || frames.is_empty();
        // What is ahead of them, such as a gap.
        while let Output::Send(batch) = machine.poll_output() {
            outbox.push_copied(Data::Binary, &[&batch]);
        }
        if !frames.is_empty() {
            outbox.push_shared(Data::Binary, frames.bytes(), frames.chunks());
        }
        if is_over {
            return SawEverything::Yes;
        }
    }
    SawEverything::No
}

/// Moves what is not logged into the outbox, what there is of it as one message.
fn read_beside(beside: &mut Beside, room: &Room, state: &mut State, session: Option<SessionId>, outbox: &mut Outbox) {
    let (mut frames, mut length) = (Vec::new(), 0);
    beside.read(room, state, session, |frame| {
        length += frame.len();
        frames.push(frame);
    });
    if !frames.is_empty() {
        outbox.push_shared(Data::Binary, length, frames);
    }
}

/// Some codes are never on the wire: [RFC 6455 section 7.4.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1).
fn sendable(code: CloseCode) -> CloseCode {
    match code.0 {
        1000..=1003 | 1007..=1014 | 3000..=4999 => code,
        _ => CloseCode::NORMAL,
    }
}

/// There are no tokens that expire.
const FOR_EVER: Duration = Duration::ZERO;
