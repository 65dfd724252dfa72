//! The server's side of a client's transports, and the engine behind it.

use std::time::Duration;

use tidewire_protocol::{
    Admission, Answer, Asked, CloseCode, ConnectionId, Cursor, Epoch, Frame, Log, MemberId, OwnedPayload, Position,
    Retention, RoomName, RoomNumber, Sequence, SessionId, Sessions, Term,
    client::Attempt,
    frame::{Outcome, RefusalCode, ServerFrame, Start},
    server::{self, Action},
};

use super::{
    checks::said,
    world::{Append, ROOMS, World},
};

/// What a connection may say beside what it was asked.
const SOME: usize = 64;
const SOME_BYTES: usize = 2 << 10;
/// Batches that may wait for the client; then rooms wait.
const WINDOW: usize = 8;

impl World {
    /// Logs of a new epoch, and no sessions: who loses the ones also forgets the others.
    pub(super) fn begin_logs(&mut self) {
        let retention = Retention {
            max_messages: 6,
            max_bytes: 2000,
            max_age: Duration::from_secs(20),
        };
        self.logs.clear();
        for number in 0..ROOMS.len() {
            self.epochs += 1;
            let log = Log::new(RoomNumber(number as u32), Epoch(self.epochs), retention);
            self.logs.push(log);
        }
        let terms = self.settings.terms;
        self.sessions = Sessions::new(terms.session_ttl, terms.max_unanswered as usize, 4);
        self.pending.clear();
    }

    pub(super) fn lose_logs(&mut self) {
        self.begin_logs();
        self.links.iter_mut().for_each(|link| link.connection = None);
        self.lose_client_side(None);
    }

    pub(super) fn room_number(&self, which: usize) -> RoomNumber {
        self.logs[which % ROOMS.len()].room()
    }

    /// Somebody else says something.
    pub(super) fn say(&mut self, which: usize) {
        let (_, payload) = self.fresh_payload(which);
        self.append(which % ROOMS.len(), "other", &payload);
    }

    fn append(&mut self, room: usize, sender: &str, payload: &OwnedPayload) -> Position {
        let position = self.logs[room].append(self.now, sender, payload.as_payload());
        let begin = self.logs[room].cursor(Start::Last(u32::MAX)).position();
        if self.checks.is_honest {
            let said = said(payload).expect("a number");
            let model = &mut self.checks.model;
            model.on_accepted(ROOMS[room], position, said).expect("a promise");
            model.on_evicted(ROOMS[room], begin);
        }
        position
    }

    /// The engine answers the publish that has waited longest.
    pub(super) fn answer(&mut self, accepts: bool) {
        let Some(append) = self.pending.pop_front() else { return };
        let answer = match append.publish {
            Ok((room, payload)) if accepts => Ok(self.append(room, "me", &payload)),
            Ok(_) => Err(RefusalCode::UNAVAILABLE),
            Err(code) => Err(code),
        };
        self.settle(append.session, append.sequence, answer);
    }

    fn settle(&mut self, session: SessionId, sequence: Sequence, answer: Answer) {
        if let Some(connection) = self.sessions.settle(session, Term::default(), sequence, answer) {
            self.tell_connection(connection, &server::Input::Answered(sequence, answer));
        }
    }

    /// A frame that is made elsewhere than in the machine goes to the client.
    pub(super) fn whisper(&mut self, which: usize, frame: &ServerFrame<'_>) {
        let index = which % self.links.len().max(1);
        let Some(link) = self.links.get_mut(index) else { return };
        if link.session.is_some() && link.connection.is_some() {
            let mut batch = Vec::new();
            frame.encode(&mut batch);
            link.to_client.push_back(batch);
        }
    }

    /// The next batch of a transport arrives at the server.
    pub(super) fn carry_to_server(&mut self, which: usize) {
        let index = which % self.links.len().max(1);
        if let Some(batch) = self.links.get_mut(index).and_then(|link| link.to_server.pop_front()) {
            self.tell_server(index, &server::Input::Received(&batch));
        }
    }

    /// The server hears that a transport has ended.
    pub(super) fn lose_server_side(&mut self, which: usize) {
        let index = which % self.links.len().max(1);
        self.forget(index);
    }

    /// A connection is gone, and its session waits.
    fn forget(&mut self, index: usize) {
        let Some(link) = self.links.get_mut(index) else { return };
        let id = connection_id(link.attempt);
        if link.connection.take().is_some()
            && let Some(session) = link.session
        {
            self.sessions.detach(self.now, session, id);
        }
    }

    pub(super) fn tell_server(&mut self, which: usize, input: &server::Input<'_>) {
        let index = which % self.links.len().max(1);
        let heard = match input {
            server::Input::Received(batch) => batch.len(),
            _ => 0,
        };
        let now = self.now;
        if let Some(connection) = self.links.get_mut(index).and_then(|link| link.connection.as_mut()) {
            connection.handle_input(now, input.clone());
            self.drive_server(index, heard);
        }
    }

    fn tell_connection(&mut self, id: ConnectionId, input: &server::Input<'_>) {
        let is_it = |link: &super::world::Link| connection_id(link.attempt) == id;
        if let Some(index) = self.links.iter().position(is_it) {
            self.tell_server(index, input);
        }
    }

    /// Does what a connection wants, after it has heard so many bytes.
    fn drive_server(&mut self, index: usize, heard: usize) {
        for _ in 0..SOME + heard {
            let link = &mut self.links[index];
            let Some(connection) = &mut link.connection else { return };
            match connection.poll_output() {
                server::Output::Send(batch) => {
                    assert!(batch.len() <= SOME_BYTES + 2 * heard, "{} bytes", batch.len());
                    link.to_client.push_back(batch);
                }
                server::Output::Do(action) => self.perform(index, action),
                server::Output::Told(_) => {}
                server::Output::Timeout(_) => return,
                output => panic!("an output without a driver: {output:?}"),
            }
        }
        panic!("the connection does not come to rest");
    }

    /// Sends what rooms have for a connection, if its client reads.
    pub(super) fn pump(&mut self, which: usize, max_bytes: usize) {
        let index = which % self.links.len().max(1);
        let Some(link) = self.links.get_mut(index) else { return };
        let Some(connection) = &mut link.connection else {
            return;
        };
        for log in &mut self.logs {
            if link.to_client.len() >= WINDOW {
                return;
            }
            let frames = connection.poll_room(log, max_bytes);
            assert!(frames.bytes() <= max_bytes || frames.count() == 1);
            let chunks: Vec<_> = frames.chunks().map(|chunk| chunk.to_vec()).collect();
            loop {
                match connection.poll_output() {
                    server::Output::Send(batch) => link.to_client.push_back(batch),
                    server::Output::Told(_) => {}
                    _ => break,
                }
            }
            link.to_client.extend(chunks);
        }
    }

    fn perform(&mut self, index: usize, action: Action) {
        let (id, session) = (connection_id(self.links[index].attempt), self.links[index].session);
        match action {
            Action::Attach { asked, .. } => self.attach(index, asked),
            Action::Authenticate { .. } => {
                self.checks.model.coverage.renewals += 1;
                let ttl = self.token_ttl;
                self.tell_server(index, &server::Input::Authenticated(ttl));
            }
            Action::Subscribe {
                request, room, start, ..
            } => {
                let cursor = self.open_cursor(&room, start);
                self.tell_server(index, &server::Input::Subscribed(request, cursor));
            }
            Action::Publish {
                sequence,
                room,
                payload,
            } => {
                let session = session.expect("a session");
                match self.sessions.admit(session, id, sequence) {
                    Some(Admission::New) => self.begin_append(session, sequence, &room, payload),
                    Some(Admission::Answered(answer)) => {
                        self.checks.model.coverage.duplicates += 1;
                        self.tell_server(index, &server::Input::Answered(sequence, answer));
                    }
                    Some(Admission::Violation) => {
                        assert!(!self.checks.is_honest, "{sequence:?} is out of order");
                        self.tell_server(index, &server::Input::Close(CloseCode::TERMS_BROKEN));
                    }
                    Some(Admission::Pending) => self.checks.model.coverage.duplicates += 1,
                    None => {}
                }
            }
            Action::End => {
                // A client may say farewell before it has one.
                if let Some(session) = session {
                    self.sessions.end(session, id);
                }
            }
            Action::Close(code) => {
                self.forget(index);
                self.links[index].closed = Some(code);
            }
            Action::Unsubscribe { .. } | Action::Signal { .. } => {}
            action => panic!("an action without a driver: {action:?}"),
        }
    }

    fn attach(&mut self, index: usize, asked: Asked) {
        self.last_session += 1;
        let id = connection_id(self.links[index].attempt);
        let fresh = SessionId(self.last_session.to_be_bytes());
        let member = MemberId::new("me").expect("a name");
        self.sessions.expire(self.now);
        let attached = match self.sessions.attach(id, asked, fresh, &member) {
            Ok(attached) => attached,
            Err(code) => return self.tell_server(index, &server::Input::Close(code)),
        };
        let coverage = &mut self.checks.model.coverage;
        coverage.resumes += u64::from(attached.outcome == Outcome::Resumed);
        coverage.replaced += u64::from(attached.outcome == Outcome::Replaced);
        coverage.takeovers += u64::from(attached.displaced.is_some());
        if let Some(displaced) = attached.displaced {
            self.tell_connection(displaced, &server::Input::Close(CloseCode::TAKEN_OVER));
        }
        self.links[index].session = Some(attached.session);
        let ttl = self.token_ttl;
        self.tell_server(index, &server::Input::Attached(&attached, ttl));
    }

    fn open_cursor(&mut self, room: &RoomName, start: Start) -> Result<(RoomNumber, Cursor), RefusalCode> {
        let log = match ROOMS.iter().position(|name| *name == room.as_str()) {
            Some(index) if !self.bad_luck => &self.logs[index],
            _ => return Err(RefusalCode::UNAVAILABLE),
        };
        Ok((log.room(), log.cursor(start)))
    }

    fn begin_append(
        &mut self,
        session: SessionId,
        sequence: Sequence,
        room: &RoomName,
        payload: Result<OwnedPayload, RefusalCode>,
    ) {
        let room = ROOMS.iter().position(|name| *name == room.as_str());
        let publish = match (room, payload) {
            (Some(room), Ok(payload)) => Ok((room, payload)),
            (None, Ok(_)) => Err(RefusalCode::FORBIDDEN),
            (_, Err(code)) => Err(code),
        };
        self.pending.push_back(Append {
            session,
            sequence,
            publish,
        });
    }
}

const fn connection_id(attempt: Attempt) -> ConnectionId {
    ConnectionId(attempt.0)
}
