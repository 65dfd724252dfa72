//! What drivers do: they pass on what happened, do what machines want, and keep their timers.

use tidewire_protocol::{
    Admission, Answer, Asked, CloseCode, ConnectionId, Frame, Instant, MemberId, OwnedPayload, RoomName, SessionId,
    client::{self, Attempt, Event},
    frame::{Outcome, RefusalCode, ServerFrame, Start},
    server::{self, Action, Connection},
};

use super::{
    Happening, Served, World,
    engine::{MAX_UNANSWERED, fresh_session},
    link::{Link, LinkId},
    model::Check,
};
use std::time::Duration;

impl World {
    pub(super) fn happen(&mut self, happening: Happening) -> Check {
        match happening {
            Happening::ClientTimer(client) => {
                if self.peers[client].timer.is_some_and(|at| at <= self.now) {
                    self.peers[client].timer = None;
                    return self.tell_client(client, client::Input::Timeout);
                }
                Ok(())
            }
            Happening::ConnectionTimer(id) => {
                let due = self
                    .connections
                    .get_mut(&id)
                    .filter(|it| it.timer.is_some_and(|at| at <= self.now));
                match due {
                    Some(served) => {
                        served.timer = None;
                        self.tell_connection(id, server::Input::Timeout)
                    }
                    None => Ok(()),
                }
            }
            Happening::Open(link) => self.on_open(link),
            Happening::ToServer(id, batch) => match self.links.get(&id) {
                Some(Link {
                    connection: Some(connection),
                    to_server,
                    ..
                }) if to_server.delivers => self.tell_connection(*connection, server::Input::Received(&batch)),
                _ => Ok(()),
            },
            Happening::ToClient(link, batch) => self.on_to_client(link, batch),
            Happening::ServerLost(id) => {
                let connection = self.links.get_mut(&id).and_then(|link| link.connection.take());
                connection.map_or(Ok(()), |connection| self.forget_connection(connection))
            }
            Happening::ClientLost(link, code) => self.on_client_lost(link, code),
            Happening::Append {
                life,
                session,
                sequence,
                room,
                client,
                payload,
            } if life == self.engine_life => {
                let (sender, room) = (member(client), room.as_str());
                let payload = payload.as_payload();
                let (engine, random, model) = (&mut self.engine, &mut self.random, &mut self.model);
                let answer = engine.append(self.now, room, sender.as_str(), payload, random, model)?;
                self.schedule(
                    self.engine_latency,
                    Happening::Answered {
                        life,
                        session,
                        sequence,
                        answer,
                    },
                );
                self.pump_all()
            }
            Happening::Answered {
                life,
                session,
                sequence,
                answer,
            } if life == self.engine_life => self.settle(session, sequence, answer),
            Happening::Append { .. } | Happening::Answered { .. } => Ok(()),
            Happening::Token(client) | Happening::Wake(client) | Happening::Online(client)
                if self.peers[client].asleep_until > self.now =>
            {
                let at = self.peers[client].asleep_until;
                self.schedule_at(at, happening);
                Ok(())
            }
            Happening::Token(client) => self.tell_client(client, client::Input::Token(Box::from(&b"token"[..]))),
            Happening::Wake(client) => self.tell_client(client, client::Input::Wake),
            Happening::Online(client) => self.tell_client(client, client::Input::Online),
            Happening::Act(client) => self.act(client),
            Happening::Fault => self.fault(),
            Happening::Evict => {
                self.engine.evict(self.now, &mut self.model);
                self.engine.sessions.expire(self.now);
                self.schedule(Duration::from_secs(1), Happening::Evict);
                self.pump_all()
            }
            Happening::NodeCloses(node) => self.close_node(node),
        }
    }

    // The client's driver.

    pub(super) fn tell_client(&mut self, client: usize, input: client::Input<'_>) -> Check {
        // Now and then its clock is a little behind what it was.
        let skew = if self.random.chance(2) {
            self.random.millis(0, 5000)
        } else {
            Duration::ZERO
        };
        let now = Instant(self.now.0.saturating_sub(skew));
        self.peers[client].machine.handle_input(now, input);
        self.drive_client(client)
    }

    pub(super) fn drive_client(&mut self, client: usize) -> Check {
        loop {
            match self.peers[client].machine.poll_output() {
                client::Output::Connect(attempt, _) => self.connect(client, attempt),
                client::Output::Send(attempt, batch) => self.send_to_server(client, attempt, batch),
                client::Output::Disconnect(attempt) => self.disconnect(client, attempt),
                client::Output::Event(event) => self.on_event(client, event)?,
                client::Output::Timeout(at) => {
                    if let Some(at) = at.filter(|at| self.peers[client].timer != Some(*at)) {
                        let asleep_until = self.peers[client].asleep_until;
                        self.schedule_at(at.max(asleep_until), Happening::ClientTimer(client));
                    }
                    self.peers[client].timer = at;
                    return Ok(());
                }
                output => return Err(format!("an output without a driver: {output:?}")),
            }
        }
    }

    fn connect(&mut self, client: usize, attempt: Attempt) {
        let node = self.random.below(self.nodes.len());
        let id = LinkId(self.fresh_id());
        let mut link = Link::new(client, attempt, node, self.now, &mut self.random);
        if !self.is_calm && self.random.chance(10) {
            // What is said first may be overtaken by what is said on the next link.
            self.model.coverage.stalls += 1;
            link.to_server.stall(self.now + self.random.millis(100, 15_000));
        }
        self.links.insert(id, link);
        self.peers[client].link = Some(id);
        let (refuses, silent) = (self.random.chance(10), self.random.chance(3));
        if !self.is_calm && silent {
            // Nothing ever comes of it.
            self.model.coverage.failed_connects += 1;
        } else if self.nodes[node].down_until > self.now || (!self.is_calm && refuses) {
            self.model.coverage.failed_connects += 1;
            let after = self.random.millis(1, 300);
            self.schedule(after, Happening::ClientLost(id, None));
        } else {
            let after = self.random.millis(5, 200);
            self.schedule(after, Happening::Open(id));
        }
    }

    fn send_to_server(&mut self, client: usize, attempt: Attempt, batch: Vec<u8>) {
        let now = self.now;
        let Some((id, link)) = self.link_of(client, attempt) else {
            return;
        };
        if link.to_server.is_open {
            let at = link.to_server.arrival(now);
            self.schedule_at(at, Happening::ToServer(id, batch));
        }
    }

    fn disconnect(&mut self, client: usize, attempt: Attempt) {
        let now = self.now;
        let Some((id, link)) = self.link_of(client, attempt) else {
            return;
        };
        link.to_client.cut(false);
        if link.to_server.is_open {
            link.to_server.is_open = false;
            let at = link.to_server.arrival(now);
            self.schedule_at(at, Happening::ServerLost(id));
        }
        self.peers[client].link = None;
    }

    fn link_of(&mut self, client: usize, attempt: Attempt) -> Option<(LinkId, &mut Link)> {
        let id = self.peers[client].link?;
        let link = self.links.get_mut(&id).filter(|link| link.attempt == attempt)?;
        Some((id, link))
    }

    fn on_to_client(&mut self, id: LinkId, batch: Vec<u8>) -> Check {
        let Some(link) = self.links.get_mut(&id) else {
            return Ok(());
        };
        let client = link.client;
        if self.peers[client].asleep_until > self.now {
            let at = self.peers[client].asleep_until;
            self.schedule_at(at, Happening::ToClient(id, batch));
            return Ok(());
        }
        link.to_client.in_flight -= batch.len();
        if link.to_client.delivers {
            let attempt = link.attempt;
            self.tell_client(client, client::Input::Received(attempt, &batch))?;
        }
        let connection = self.links.get(&id).and_then(|link| link.connection);
        connection.map_or(Ok(()), |connection| self.drive_connection(connection))
    }

    fn on_client_lost(&mut self, id: LinkId, code: Option<CloseCode>) -> Check {
        let Some(link) = self.links.get(&id) else { return Ok(()) };
        let (client, attempt) = (link.client, link.attempt);
        if self.peers[client].asleep_until > self.now {
            let at = self.peers[client].asleep_until;
            self.schedule_at(at, Happening::ClientLost(id, code));
            return Ok(());
        }
        self.tell_client(client, client::Input::Lost(attempt, code))
    }

    fn on_event(&mut self, client: usize, event: Event) -> Check {
        self.note(|| format!("client {client}: {event:?}"));
        let model = &mut self.model;
        match event {
            Event::TokenNeeded => {
                let after = self.random.millis(1, 500);
                self.schedule(after, Happening::Token(client));
                Ok(())
            }
            Event::Subscribed(id, position) => model.on_subscribed(client, id, position),
            Event::SubscriptionRefused(id, _) => {
                model.on_unsubscribe(client, id);
                self.peers[client].subscriptions.remove(&id);
                Ok(())
            }
            Event::Message {
                subscription,
                offset,
                payload,
                ..
            } => {
                let OwnedPayload::Text(text) = payload else {
                    return Err("bytes where text was said".into());
                };
                let said = text.parse().map_err(|_| format!("{text} where a number was said"))?;
                model.on_message(client, subscription, offset, said)
            }
            Event::Gap(id, gap) => model.on_gap(client, id, &gap),
            Event::Published(id, position) => model.on_published(client, id, position),
            Event::PublishFailed(id, error, _) => model.on_publish_failed(client, id, error),
            Event::Signal { .. } => {
                model.coverage.signals += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    // The server's driver.

    fn on_open(&mut self, id: LinkId) -> Check {
        let connection = ConnectionId(self.fresh_id());
        let Some(link) = self
            .links
            .get_mut(&id)
            .filter(|link| link.to_client.is_open && link.to_server.is_open)
        else {
            return Ok(());
        };
        link.connection = Some(connection);
        let (client, attempt) = (link.client, link.attempt);
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
                rooms: Vec::new(),
            },
        );
        self.drive_connection(connection)?;
        self.tell_client(client, client::Input::Opened(attempt))
    }

    pub(super) fn tell_connection(&mut self, id: ConnectionId, input: server::Input<'_>) -> Check {
        if let Some(served) = self.connections.get_mut(&id) {
            served.machine.handle_input(self.now, input);
        }
        self.drive_connection(id)
    }

    pub(super) fn drive_connection(&mut self, id: ConnectionId) -> Check {
        loop {
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
                        return Ok(());
                    }
                }
                output => return Err(format!("an output without a driver: {output:?}")),
            }
        }
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
        if link.to_client.in_flight >= link.window {
            return false;
        }
        let max_bytes = link.window;
        for log in self.engine.logs.values_mut() {
            let frames = served.machine.poll_room(log, max_bytes);
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
        if link.to_client.is_open {
            link.to_client.in_flight += batch.len();
            let at = link.to_client.arrival(now);
            self.schedule_at(at, Happening::ToClient(link_id, batch));
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
                request, room, start, ..
            } => {
                let result = self.open_cursor(id, &room, start);
                self.tell_connection(id, server::Input::Subscribed(request, result))
            }
            Action::Unsubscribe { room } => {
                served.rooms.retain(|it| *it != room);
                Ok(())
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
                if let Some(session) = session {
                    self.engine.sessions.end(session, id);
                }
                Ok(())
            }
            Action::Close(code) => self.on_close(id, code),
            action => Err(format!("an action without a driver: {action:?}")),
        }
    }

    fn attach(&mut self, id: ConnectionId, client: usize, asked: Asked) -> Check {
        let fresh = fresh_session(&mut self.random);
        let sessions = &mut self.engine.sessions;
        sessions.expire(self.now);
        let attached = match sessions.attach(id, asked, fresh, &member(client)) {
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
        if let Some(served) = self.connections.get_mut(&id) {
            served.session = Some(attached.session);
        }
        let ttl = self.peers[client].token_ttl;
        self.tell_connection(id, server::Input::Attached(&attached, ttl))
    }

    fn open_cursor(
        &mut self,
        id: ConnectionId,
        room: &RoomName,
        start: Start,
    ) -> Result<(tidewire_protocol::RoomNumber, tidewire_protocol::Cursor), RefusalCode> {
        if !self.is_calm && self.random.chance(1) {
            return Err(RefusalCode::UNAVAILABLE);
        }
        if let Some(served) = self.connections.get_mut(&id) {
            served.rooms.push(room.clone());
        }
        let log = self.engine.log(room.as_str());
        Ok((log.room(), log.cursor(start)))
    }

    fn settle(&mut self, session: SessionId, sequence: tidewire_protocol::Sequence, answer: Answer) -> Check {
        match self.engine.sessions.settle(session, sequence, answer) {
            Some(connection) => self.tell_connection(connection, server::Input::Answered(sequence, answer)),
            None => Ok(()),
        }
    }

    fn fan_out(&mut self, from: ConnectionId, room: &RoomName, payload: &OwnedPayload) -> Check {
        let number = self.engine.log(room.as_str()).room();
        let sender = member(self.connections[&from].client);
        let mut batch = Vec::new();
        let signal = ServerFrame::Signal {
            room: number,
            sender: sender.as_str(),
            payload: payload.as_payload(),
        };
        signal.encode(&mut batch);
        let others = self
            .connections
            .iter()
            .filter(|(id, served)| **id != from && served.rooms.contains(room));
        let others: Vec<ConnectionId> = others.map(|(id, _)| *id).collect();
        others.into_iter().for_each(|id| self.send_to_client(id, batch.clone()));
        Ok(())
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
            self.engine.sessions.detach(self.now, session, id);
        }
        Ok(())
    }
}

pub(super) fn member(client: usize) -> MemberId {
    MemberId::new(&format!("member-{client}")).expect("a name")
}
