//! The driver of a node: it does for its connections what their machines want.

use std::{collections::BTreeMap, time::Duration};

use tidewire_protocol::{
    Admission, Answer, Asked, CloseCode, ConnectionId, Cursor, OwnedPayload, RoomName, RoomNumber, Sequence, SessionId,
    client,
    frame::{Outcome, PresenceWanted, RefusalCode, Start},
    server::{self, Action, Connection},
};

use super::{
    Happening, MAX_OUTPUTS, Served, World,
    engine::{MAX_UNANSWERED, fresh_session},
    link::LinkId,
    model::Check,
    presence::GRACE,
};

impl World {
    pub(super) fn on_open(&mut self, id: LinkId) -> Check {
        let Some(link) = self
            .links
            .get(&id)
            .filter(|link| link.to_client.is_open && link.to_server.is_open)
        else {
            return Ok(());
        };
        let (client, attempt) = (link.client, link.attempt);
        let connection = self.accept(id, client);
        self.drive_connection(connection)?;
        self.tell_client(client, client::Input::Opened(attempt))
    }

    /// The request of a poll arrives.
    pub(super) fn on_poll(&mut self, id: LinkId, batch: Vec<u8>) -> Check {
        let Some(link) = self.links.get(&id) else { return Ok(()) };
        let connection = self.accept(id, link.client);
        self.tell_connection(connection, server::Input::Polled(batch))
    }

    fn accept(&mut self, id: LinkId, client: usize) -> ConnectionId {
        let connection = ConnectionId(self.fresh_id());
        if let Some(link) = self.links.get_mut(&id) {
            link.connection = Some(connection);
        }
        let mut settings = server::Settings::default();
        settings.terms.ping_interval = Duration::from_secs(5);
        settings.terms.silence_timeout = Duration::from_secs(12);
        settings.terms.max_subscriptions = 4;
        settings.terms.max_unanswered = MAX_UNANSWERED as u32;
        let machine = Connection::new(self.now, settings);
        self.connections.insert(
            connection,
            Served {
                machine,
                link: id,
                client,
                session: None,
                timer: None,
                rooms: BTreeMap::new(),
            },
        );
        connection
    }

    pub(super) fn tell_connection(&mut self, id: ConnectionId, input: server::Input<'_>) -> Check {
        if let Some(served) = self.connections.get_mut(&id) {
            served.machine.handle_input(self.now, input);
        }
        self.drive_connection(id)
    }

    pub(super) fn drive_connection(&mut self, id: ConnectionId) -> Check {
        let client = self.connections.get(&id).map(|served| served.client);
        for _ in 0..MAX_OUTPUTS {
            let Some(served) = self.connections.get_mut(&id) else {
                return Ok(());
            };
            match served.machine.poll_output() {
                server::Output::Send(batch) => self.send_to_client(id, batch),
                server::Output::Do(action) => self.perform(id, action)?,
                server::Output::Timeout(at) => {
                    if let Some(at) = at.filter(|at| served.timer != Some(*at)) {
                        served.timer = Some(at);
                        self.schedule_at(at, Happening::ConnectionTimer(id));
                    }
                    if !self.pump(id) {
                        return self.answer(id);
                    }
                }
                output => return Err(format!("an output without a driver: {output:?}")),
            }
        }
        Err(format!("a connection of client {client:?} does not come to rest"))
    }

    pub(super) fn pump_all(&mut self) -> Check {
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        ids.into_iter().try_for_each(|id| self.drive_connection(id))
    }

    /// Sends what rooms have for a connection, as long as its link takes it; says whether there was something.
    fn pump(&mut self, id: ConnectionId) -> bool {
        let Some(served) = self.connections.get_mut(&id) else {
            return false;
        };
        let Some(link) = self.links.get(&served.link) else {
            return false;
        };
        if link.to_client.in_flight + link.answer.len() >= link.window {
            return false;
        }
        let max_bytes = link.window;
        if let Some(batch) = served.next_transient(&self.engine, &mut self.model.coverage) {
            served.machine.handle_beside();
            self.send_to_client(id, batch);
            return true;
        }
        for room in self.engine.rooms.values_mut() {
            let frames = served.machine.poll_room(&mut room.log, max_bytes);
            let ahead = match served.machine.poll_output() {
                server::Output::Send(batch) => batch,
                _ => Vec::new(),
            };
            let batch = frames
                .chunks()
                .fold(ahead, |batch, chunk| [&batch, &chunk[..]].concat());
            if !batch.is_empty() {
                self.send_to_client(id, batch);
                return true;
            }
        }
        false
    }

    fn send_to_client(&mut self, id: ConnectionId, batch: Vec<u8>) {
        let now = self.now;
        let Some(served) = self.connections.get(&id) else {
            return;
        };
        let link_id = served.link;
        let Some(link) = self.links.get_mut(&link_id) else {
            return;
        };
        if served.machine.is_poll() {
            link.answer.extend(batch);
        } else if link.to_client.is_open {
            link.to_client.in_flight += batch.len();
            let at = link.to_client.arrival(now);
            self.schedule_at(at, Happening::ToClient(link_id, batch));
        }
    }

    /// Answers a poll, if that is due. Nothing of it is left but its session, in the rooms that it asked for.
    fn answer(&mut self, id: ConnectionId) -> Check {
        let Some(served) = self.connections.get(&id).filter(|it| it.machine.is_answer_due()) else {
            return Ok(());
        };
        let (link_id, session) = (served.link, served.session);
        self.send_answer(link_id);
        self.forget_connection(id)?;
        session.map_or(Ok(()), |session| self.leave_others(session, id))
    }

    fn send_answer(&mut self, id: LinkId) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&id) else { return };
        link.connection = None;
        let batch = std::mem::take(&mut link.answer);
        if link.to_client.is_open {
            link.to_client.in_flight += batch.len();
            let at = link.to_client.arrival(now);
            self.schedule_at(at, Happening::ToClient(id, batch));
        }
    }

    fn perform(&mut self, id: ConnectionId, action: Action) -> Check {
        let Some(served) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        let (client, session) = (served.client, served.session);
        match action {
            Action::Attach { asked, .. } => self.attach(id, client, asked),
            Action::Authenticate { .. } => {
                self.model.coverage.renewals += 1;
                let ttl = self.peers[client].token_ttl;
                self.tell_connection(id, server::Input::Authenticated(ttl))
            }
            Action::Subscribe {
                request,
                room,
                start,
                presence,
            } => {
                let result = self.open_cursor(id, &room, start, presence);
                self.tell_connection(id, server::Input::Subscribed(request, result))?;
                self.pump_all()
            }
            Action::Unsubscribe { room } => {
                served.rooms.remove(&room);
                self.exit(session, id, &room);
                self.pump_all()
            }
            Action::Publish {
                sequence,
                room,
                payload,
            } => {
                let Some(session) = session else {
                    return Err("a publish without a session".into());
                };
                match self.engine.sessions.admit(session, id, sequence) {
                    Some(Admission::New) => match payload {
                        Ok(payload) => {
                            let life = self.engine_life;
                            let append = Happening::Append {
                                life,
                                session,
                                sequence,
                                room,
                                client,
                                payload,
                            };
                            self.schedule(self.engine_latency, append);
                            Ok(())
                        }
                        Err(code) => self.settle(session, sequence, Err(code)),
                    },
                    Some(Admission::Pending) => {
                        self.model.coverage.duplicates += 1;
                        Ok(())
                    }
                    Some(Admission::Answered(answer)) => {
                        self.model.coverage.duplicates += 1;
                        self.tell_connection(id, server::Input::Answered(sequence, answer))
                    }
                    Some(Admission::Violation) => Err(format!("client {client} broke the order with {sequence:?}")),
                    // The session is another connection's now, or is gone.
                    None => Ok(()),
                }
            }
            Action::Signal { room, payload } => self.fan_out(id, &room, &payload),
            Action::End => {
                if let Some(session) = session
                    && self.engine.sessions.end(session, id)
                {
                    self.model.coverage.ended += 1;
                    self.engine.exit_all(session);
                }
                self.pump_all()
            }
            Action::Close(code) => self.on_close(id, code),
            action => Err(format!("an action without a driver: {action:?}")),
        }
    }

    fn attach(&mut self, id: ConnectionId, client: usize, asked: Asked) -> Check {
        let fresh = fresh_session(&mut self.random);
        self.engine.expire(self.now)?;
        let attached = match self.engine.attach(id, asked, fresh, client)? {
            Ok(attached) => attached,
            Err(code) => return self.tell_connection(id, server::Input::Close(code)),
        };
        match attached.outcome {
            Outcome::New => {}
            Outcome::Resumed => self.model.coverage.resumes += 1,
            Outcome::Replaced => self.model.coverage.replaced += 1,
        }
        if let Some(displaced) = attached.displaced {
            self.model.coverage.takeovers += 1;
            self.tell_connection(displaced, server::Input::Close(CloseCode::TAKEN_OVER))?;
        }
        let mut grace = GRACE;
        if let Some(served) = self.connections.get_mut(&id) {
            served.session = Some(attached.session);
            if served.machine.is_poll() {
                // It asks for all of its rooms at once.
                grace = Duration::ZERO;
            }
        }
        self.schedule(grace, Happening::LeaveOthers(id));
        let ttl = self.peers[client].token_ttl;
        self.tell_connection(id, server::Input::Attached(&attached, ttl))
    }

    fn open_cursor(
        &mut self,
        id: ConnectionId,
        room: &RoomName,
        start: Start,
        presence: PresenceWanted,
    ) -> Result<(RoomNumber, Cursor), RefusalCode> {
        let session = self.connections.get(&id).and_then(|served| served.session);
        if !self.is_calm && self.random.chance(1) {
            self.exit(session, id, room);
            return Err(RefusalCode::UNAVAILABLE);
        }
        if let Some(session) = session {
            self.engine.enter(session, id, room);
        }
        let there = self.engine.room(room);
        if let Some(served) = self.connections.get_mut(&id) {
            served.rooms.insert(room.clone(), there.seat(presence));
        }
        Ok((there.log.room(), there.log.cursor(start)))
    }

    /// A session that this connection has is no longer in a room.
    fn exit(&mut self, session: Option<SessionId>, id: ConnectionId, room: &RoomName) {
        if let Some(session) = session.filter(|session| self.engine.has(*session, id)) {
            self.engine.exit(session, room);
        }
    }

    pub(super) fn settle(&mut self, session: SessionId, sequence: Sequence, answer: Answer) -> Check {
        match self.engine.sessions.settle(session, sequence, answer) {
            Some(connection) => self.tell_connection(connection, server::Input::Answered(sequence, answer)),
            None => Ok(()),
        }
    }

    fn on_close(&mut self, id: ConnectionId, code: CloseCode) -> Check {
        if code == CloseCode::TOKEN_EXPIRED {
            self.model.coverage.token_expiries += 1;
        }
        let now = self.now;
        let Some(served) = self.connections.get(&id) else {
            return Ok(());
        };
        let link_id = served.link;
        if served.machine.is_poll() {
            self.send_answer(link_id);
            return self.forget_connection(id);
        }
        if let Some(link) = self.links.get_mut(&link_id) {
            link.connection = None;
            link.to_server.cut(false);
            if link.to_client.is_open {
                link.to_client.is_open = false;
                let at = link.to_client.arrival(now);
                self.schedule_at(at, Happening::ClientLost(link_id, Some(code)));
            }
        }
        self.forget_connection(id)
    }

    /// The one place where a connection leaves its node.
    pub(super) fn forget_connection(&mut self, id: ConnectionId) -> Check {
        if let Some(served) = self.connections.remove(&id)
            && let Some(session) = served.session
        {
            self.engine.detach(self.now, session, id);
        }
        Ok(())
    }
}
