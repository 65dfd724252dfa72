//! The driver of a client: it passes on what happened, does what the machine wants, and keeps its timer.

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, Instant, OwnedPayload,
    client::{self, Attempt, ClientState, Event, TokenError, TransportKind},
};

use super::{
    Happening, MAX_OUTPUTS, World,
    engine::member,
    link::{Link, LinkId},
    model::Check,
    transports::Kind,
};

impl World {
    pub(super) fn tell_client(&mut self, client: usize, input: client::Input<'_>) -> Check {
        // Now and then its clock is a little behind what it was.
        let skew = if self.random.chance(2) {
            self.random.millis(0, 5000)
        } else {
            Duration::ZERO
        };
        let now = Instant::new(self.now.elapsed().saturating_sub(skew));
        self.peers[client].machine.handle_input(now, input);
        self.drive_client(client)
    }

    pub(super) fn drive_client(&mut self, client: usize) -> Check {
        for _ in 0..MAX_OUTPUTS {
            match self.peers[client].machine.poll_output() {
                client::Output::Connect(attempt, place) => self.connect(client, attempt, place),
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
        Err(format!("client {client} does not come to rest"))
    }

    fn connect(&mut self, client: usize, attempt: Attempt, place: usize) {
        let (index, transport, kind) = self.choose(client, place);
        let node = self.random.below(self.nodes.len());
        let id = LinkId(self.fresh_id());
        let mut link = Link::new(client, attempt, (index, transport), node, self.now, &mut self.random);
        if !self.is_calm && self.random.chance(10) {
            // What is said first may be overtaken by what is said on the next link.
            self.model.coverage.stalls += 1;
            link.to_server.stall(self.now + self.random.millis(100, 15_000));
        }
        self.links.insert(id, link);
        self.peers[client].links.insert(attempt, id);
        let (refuses, silent) = (self.random.chance(10), self.random.chance(3));
        if kind == Kind::Dies && self.is_calm {
            // It dies at once, so that it is not tried just when all is looked at.
            self.cut_off(id);
            self.schedule(Duration::ZERO, Happening::ClientLost(id, None));
        } else if kind == Kind::NeverOpens || (!self.is_calm && silent) {
            // Nothing ever comes of it.
            self.model.coverage.failed_connects += 1;
            self.cut_off(id);
        } else if kind == Kind::Refused || self.nodes[node].down_until > self.now || (!self.is_calm && refuses) {
            self.model.coverage.failed_connects += 1;
            self.cut_off(id);
            let after = self.random.millis(1, 300);
            self.schedule(after, Happening::ClientLost(id, None));
        } else {
            let after = self.random.millis(5, 200);
            if transport == TransportKind::Stream {
                self.schedule(after, Happening::Open(id));
            }
            if kind == Kind::Dies {
                let soon = after + self.random.millis(1, 1000);
                self.schedule(soon, Happening::Dies(id));
            }
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
        self.peers[client].links.remove(&attempt);
    }

    fn link_of(&mut self, client: usize, attempt: Attempt) -> Option<(LinkId, &mut Link)> {
        let id = *self.peers[client].links.get(&attempt)?;
        Some((id, self.links.get_mut(&id)?))
    }

    pub(super) fn on_to_client(&mut self, id: LinkId, batch: Vec<u8>) -> Check {
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
        let (attempt, delivers, kind) = (link.attempt, link.to_client.delivers, link.kind_index);
        if link.is_poll() {
            self.links.remove(&id);
        }
        if delivers {
            self.arrives_by(client, kind);
            self.tell_client(client, client::Input::Received(attempt, &batch))?;
        }
        let connection = self.links.get(&id).and_then(|link| link.connection);
        connection.map_or(Ok(()), |connection| self.drive_connection(connection))
    }

    pub(super) fn on_client_lost(&mut self, id: LinkId, code: Option<CloseCode>) -> Check {
        let Some(link) = self.links.get(&id) else { return Ok(()) };
        let (client, attempt) = (link.client, link.attempt);
        if self.peers[client].asleep_until > self.now {
            let at = self.peers[client].asleep_until;
            self.schedule_at(at, Happening::ClientLost(id, code));
            return Ok(());
        }
        self.tell_client(client, client::Input::Lost(attempt, code))
    }

    /// Nothing is tried until its user gives it a token, where nobody else can.
    fn on_unauthorized(&mut self, client: usize, why: TokenError) {
        let coverage = &mut self.model.coverage;
        match why {
            TokenError::Failed => coverage.token_failures += 1,
            TokenError::TimedOut => coverage.token_timeouts += 1,
            _ => {
                coverage.unauthorized += 1;
                let after = self.random.millis(100, 5000);
                self.schedule(after, Happening::Token(client, true));
            }
        }
    }

    fn on_event(&mut self, client: usize, event: Event) -> Check {
        self.note(|| format!("client {client}: {event:?}"));
        let model = &mut self.model;
        match event {
            Event::State(ClientState::Closed(_)) => {
                self.peers[client].subscriptions.clear();
                model.on_closed(client);
                Ok(())
            }
            Event::State(ClientState::Unauthorized(why)) => {
                self.on_unauthorized(client, why);
                Ok(())
            }
            Event::TokenNeeded => {
                let after = self.random.millis(1, 500);
                match self.random.below(10) {
                    0 if !self.is_calm => {}
                    1 if !self.is_calm => self.schedule(after, Happening::Token(client, false)),
                    _ => self.schedule(after, Happening::Token(client, true)),
                }
                Ok(())
            }
            Event::Opened { member: told, .. } => model.on_opened(client, &told, &member(client)),
            Event::RoundTrip(time) => {
                let asked = self.peers[client].pinged.take();
                model.on_round_trip(client, time, asked.map(|at| self.now.since(at)))
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
                let peer = &self.peers[client];
                model.coverage.polled_messages += u64::from(peer.transports[peer.kind] == TransportKind::Polls);
                model.on_message(client, subscription, offset, said)
            }
            Event::Gap(id, gap) => model.on_gap(client, id, &gap),
            Event::Published(id, position) => model.on_published(client, id, position),
            Event::PublishFailed(id, error, _) => model.on_publish_failed(client, id, error),
            Event::Signal {
                subscription, sender, ..
            } => model.on_signal(client, subscription, sender != Some(member(client))),
            Event::Joined(id, who) => model.on_joined(client, id, &who),
            Event::Left(id, who) => model.on_left(client, id, &who),
            Event::Present {
                subscription,
                members,
                more,
            } => model.on_present(client, subscription, members, more),
            _ => Ok(()),
        }
    }
}
