//! The driver of a node: it does for its connections what their machines want.

use std::{collections::BTreeMap, time::Duration};

use tidewire_protocol::{
    Attached, CloseCode, ConnectionId, Cursor, RoomName, RoomNumber, SessionId, client,
    frame::{Outcome, PresenceWanted, RefusalCode, Start},
    server::{self, Action, Connection},
};

use super::{
    Happening, MAX_OUTPUTS, Served, World,
    engine::MAX_UNANSWERED,
    link::{Link, LinkId},
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
        let (client, attempt, node) = (link.client, link.attempt, link.node);
        let connection = self.accept(id, client, node);
        self.drive_connection(connection)?;
        self.tell_client(client, client::Input::Opened(attempt))
    }

    /// The request of a poll arrives.
    pub(super) fn on_poll(&mut self, id: LinkId, batch: Vec<u8>) -> Check {
        let Some(link) = self.links.get(&id) else { return Ok(()) };
        let connection = self.accept(id, link.client, link.node);
        self.tell_connection(connection, server::Input::Polled(batch))
    }

    fn accept(&mut self, id: LinkId, client: usize, node: usize) -> ConnectionId {
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
                node,
                session: None,
                lease: None,
                timer: None,
                rooms: BTreeMap::new(),
                is_finishing: false,
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
                server::Output::Told(_) => {}
                server::Output::Timeout(at) => {
                    if let Some(at) = at.filter(|at| served.timer != Some(*at)) {
                        served.timer = Some(at);
                        self.schedule_at(at, Happening::ConnectionTimer(id));
                    }
                    if !self.pump(id) {
                        self.answer(id)?;
                        return self.finish(id);
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

    /// Closes a connection of a node that closes, once its client was told all that there is.
    fn finish(&mut self, id: ConnectionId) -> Check {
        let Some(served) = self.connections.get(&id).filter(|it| it.is_finishing) else {
            return Ok(());
        };
        let is_full = |link: &Link| link.to_client.in_flight + link.answer.len() >= link.window;
        if !served.machine.is_settled() || self.links.get(&served.link).is_some_and(is_full) {
            return Ok(());
        }
        self.model.coverage.finished += 1;
        self.tell_connection(id, server::Input::Close(CloseCode::GOING_AWAY))
    }

    /// Answers a poll, if that is due. Nothing of it is left but its session, in the rooms that it asked for.
    fn answer(&mut self, id: ConnectionId) -> Check {
        let Some(served) = self.connections.get(&id).filter(|it| it.machine.is_answer_due()) else {
            return Ok(());
        };
        let (link_id, node, session) = (served.link, served.node, served.session);
        self.send_answer(link_id);
        self.forget_connection(id)?;
        session.map_or(Ok(()), |session| self.leave_others(node, session, id))
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
        let (client, node, session) = (served.client, served.node, served.session);
        let is_ahead = !self.is_calm && self.nodes[node].ahead_until > self.now;
        let is_expired = is_ahead && !self.peers[client].token_ttl.is_zero();
        match action {
            Action::Attach { .. } if is_expired => {
                self.model.coverage.refused_tokens += 1;
                self.tell_connection(id, server::Input::Close(CloseCode::TOKEN_EXPIRED))
            }
            Action::Attach { asked, .. } => {
                self.ask_for_session(id, asked);
                Ok(())
            }
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
                self.exit_by(session, id, &room);
                self.pump_all()
            }
            Action::Publish {
                sequence,
                room,
                payload,
            } => match session {
                Some(session) => self.admit(id, session, sequence, room, payload),
                None => Err("a publish without a session".into()),
            },
            Action::Signal { room, payload } => self.fan_out(id, &room, &payload),
            Action::End => {
                if let Some(session) = session {
                    self.end_session(node, session, id);
                }
                self.pump_all()
            }
            Action::Close(code) => self.on_close(id, code),
            action => Err(format!("an action without a driver: {action:?}")),
        }
    }

    pub(super) fn on_attached(&mut self, id: ConnectionId, attached: &Attached) -> Check {
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
        let client = self.connections.get(&id).map_or(0, |served| served.client);
        let ttl = self.peers[client].token_ttl;
        self.tell_connection(id, server::Input::Attached(attached, ttl))
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
            self.exit_by(session, id, room);
            return Err(RefusalCode::UNAVAILABLE);
        }
        if let Some((node, session)) = self.connections.get(&id).and_then(|it| Some((it.node, it.session?))) {
            self.enter(node, session, id, room);
        }
        let there = self.engine.room(room);
        if let Some(served) = self.connections.get_mut(&id) {
            served.rooms.insert(room.clone(), there.seat(presence));
        }
        Ok((there.log.room(), there.log.cursor(start)))
    }

    /// A session that this connection has is no longer in a room.
    fn exit_by(&mut self, session: Option<SessionId>, id: ConnectionId, room: &RoomName) {
        if let (Some(session), Some(served)) = (session, self.connections.get(&id))
            && self.nodes[served.node].has(session, id)
        {
            self.exit(served.node, session, room);
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
            && let Some(lease) = served.lease
        {
            self.nodes[served.node].sessions.detach(self.now, lease.session, id);
            self.engine.release(self.now, lease);
        }
        Ok(())
    }
}
