//! What users do, and what goes wrong.

use std::time::Duration;

use tidewire_protocol::{
    CloseCode, ConnectionId, OwnedPayload,
    client::{self, ClientState, SubscriptionId},
    frame::Start,
    server::{self},
};

use super::{Happening, Subscribed, World, link::LinkId, model::Check};

impl World {
    /// Something a user does.
    pub(super) fn act(&mut self, client: usize) -> Check {
        if self.is_calm {
            return Ok(());
        }
        let after = self.random.millis(10, 600);
        self.schedule(after, Happening::Act(client));
        if self.peers[client].asleep_until > self.now {
            return Ok(());
        }
        if let ClientState::Closed(_) = self.peers[client].machine.state() {
            return Ok(());
        }
        match self.random.below(1000) {
            _ if self.peers[client].machine.state() == ClientState::Idle => {
                self.tell_client(client, client::Input::Connect)
            }
            0..560 => self.publish(client),
            560..740 => self.subscribe(client),
            740..780 => self.unsubscribe(client),
            780..820 => self.pause(client),
            820..850 => self.ping(client),
            850..852 => self.tell_client(client, client::Input::Close),
            852..920 => self.signal(client),
            920..950 => {
                self.model.coverage.offline += 1;
                let after = self.random.millis(100, 20_000);
                self.schedule(after, Happening::Online(client));
                self.tell_client(client, client::Input::Offline)
            }
            950..980 => {
                self.model.coverage.sleeps += 1;
                self.peers[client].asleep_until = self.now + self.random.millis(100, 30_000);
                let until = self.peers[client].asleep_until;
                self.schedule_at(until, Happening::Wake(client));
                Ok(())
            }
            980..984 => self.reload(client),
            984..992 => self.put_away(client),
            992..996 => self.choose_transports(client),
            _ => self.tell_client(client, client::Input::Wake),
        }
    }

    fn publish(&mut self, client: usize) -> Check {
        let Some(room) = self.random.pick(&self.rooms).cloned() else {
            return Ok(());
        };
        let ttl = self.random.chance(20).then(|| Duration::from_millis(500));
        for _ in 0..1 + self.random.below(3) {
            let said = self.fresh_id();
            let payload = OwnedPayload::Text(said.to_string().into());
            match self.peers[client].machine.publish(self.now, room.clone(), payload, ttl) {
                Ok(id) => self.model.on_publish(client, id, said),
                Err(_) => self.model.coverage.outbox_full += 1,
            }
        }
        self.drive_client(client)
    }

    fn subscribe(&mut self, client: usize) -> Check {
        let Some(room) = self.random.pick(&self.rooms).cloned() else {
            return Ok(());
        };
        let start = if self.random.chance(50) {
            Start::Now
        } else {
            Start::Last(self.random.below(10) as u32)
        };
        let presence = self.random.chance(60);
        if let Some(id) = self.peers[client]
            .machine
            .subscribe(self.now, room.clone(), start, presence)
        {
            self.model.on_subscribe(client, id, room.as_str(), presence);
            let subscribed = Subscribed {
                room,
                since: self.now,
                is_paused: false,
            };
            self.peers[client].subscriptions.insert(id, subscribed);
        }
        self.drive_client(client)
    }

    /// A user does not take what a subscription brings, for a while.
    fn pause(&mut self, client: usize) -> Check {
        let ids: Vec<SubscriptionId> = self.peers[client].subscriptions.keys().copied().collect();
        let Some(&id) = self.random.pick(&ids) else {
            return Ok(());
        };
        let after = self.random.millis(1, 10_000);
        self.schedule(after, Happening::Resume(client, id));
        self.model.coverage.pauses += 1;
        let peer = &mut self.peers[client];
        if let Some(subscription) = peer.subscriptions.get_mut(&id) {
            subscription.is_paused = true;
            peer.machine.pause(self.now, id);
        }
        self.drive_client(client)?;
        self.model.on_pause(client, id, true);
        Ok(())
    }

    pub(super) fn resume(&mut self, client: usize, id: SubscriptionId) -> Check {
        let (now, peer) = (self.now, &mut self.peers[client]);
        let Some(subscription) = peer.subscriptions.get_mut(&id).filter(|it| it.is_paused) else {
            return Ok(());
        };
        (subscription.is_paused, subscription.since) = (false, now);
        self.model.on_pause(client, id, false);
        peer.machine.resume(now, id);
        self.drive_client(client)
    }

    fn ping(&mut self, client: usize) -> Check {
        let (now, peer) = (self.now, &mut self.peers[client]);
        if peer.machine.ping(now) {
            peer.pinged = Some(now);
        }
        self.drive_client(client)
    }

    fn unsubscribe(&mut self, client: usize) -> Check {
        if let Some((id, _)) = self.peers[client].subscriptions.pop_first() {
            self.model.coverage.unsubscribes += 1;
            self.peers[client].machine.unsubscribe(self.now, id);
            // What the machine said before is still in its outputs.
            self.drive_client(client)?;
            self.model.on_unsubscribe(client, id);
        }
        Ok(())
    }

    fn signal(&mut self, client: usize) -> Check {
        for _ in 0..1 + self.random.below(4) {
            let Some(room) = self.random.pick(&self.rooms).cloned() else {
                break;
            };
            let payload = OwnedPayload::Text("signal".into());
            self.peers[client].machine.signal(self.now, &room, &payload);
        }
        self.drive_client(client)
    }

    /// Something that goes wrong.
    pub(super) fn fault(&mut self) -> Check {
        if self.is_calm {
            return Ok(());
        }
        let after = self.random.millis(50, 4000);
        self.schedule(after, Happening::Fault);
        let links: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| !link.is_cut())
            .map(|(id, _)| *id)
            .collect();
        let link = self.random.pick(&links).copied();
        match (self.random.below(100), link) {
            (0..60, Some(link)) => self.cut(link),
            (60..82, Some(link)) => {
                self.model.coverage.stalls += 1;
                let until = self.now + self.random.millis(100, 15_000);
                if let Some(link) = self.links.get_mut(&link) {
                    link.to_client.stall(until);
                    if self.random.chance(50) {
                        link.to_server.stall(until);
                    }
                }
                Ok(())
            }
            (82..85, _) => {
                let node = self.random.below(self.nodes.len());
                self.nodes[node].ahead_until = self.now + self.random.millis(100, 20_000);
                Ok(())
            }
            (85..92, _) => {
                let node = self.random.below(self.nodes.len());
                self.restart_node(node)
            }
            (92..95, _) => self.lose_engine(),
            (95..98, _) => self.drain(),
            (98..100, _) => self.restart_all(),
            _ => Ok(()),
        }
    }

    /// Each side hears of it soon, or does not hear of it at all.
    fn cut(&mut self, id: LinkId) -> Check {
        self.model.coverage.cuts += 1;
        let (client_hears, server_hears) = (self.random.chance(60), self.random.chance(60));
        self.model.coverage.half_open += u64::from(!client_hears || !server_hears);
        let (to_client, to_server) = (self.random.chance(30), self.random.chance(30));
        let (soon, later) = (self.random.millis(0, 300), self.random.millis(0, 300));
        let Some(link) = self.links.get_mut(&id) else {
            return Ok(());
        };
        self.model.coverage.lost_batches += u64::from(link.to_client.in_flight > 0);
        link.to_client.cut(to_client);
        link.to_server.cut(to_server);
        if client_hears {
            self.schedule(soon, Happening::ClientLost(id, None));
        }
        if server_hears {
            self.schedule(later, Happening::ServerLost(id));
        }
        Ok(())
    }

    /// All connections of a node are gone, and it comes back after a while.
    pub(super) fn restart_node(&mut self, node: usize) -> Check {
        self.model.coverage.node_restarts += 1;
        self.nodes[node].down_until = self.now + self.random.millis(100, 10_000);
        let links: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, link)| link.node == node)
            .map(|(id, _)| *id)
            .collect();
        for id in links {
            let (hears, soon) = (self.random.chance(70), self.random.millis(0, 200));
            let Some(link) = self.links.get_mut(&id) else { continue };
            link.to_client.cut(true);
            link.to_server.cut(false);
            let connection = link.connection.take();
            if hears {
                self.schedule(soon, Happening::ClientLost(id, None));
            }
            if let Some(connection) = connection {
                self.forget_connection(connection)?;
            }
        }
        self.forget_all_at(node);
        self.pump_all()
    }

    /// The engine loses all logs and sessions, and with it go the connections of all nodes.
    pub(super) fn lose_engine(&mut self) -> Check {
        self.model.coverage.engine_losses += 1;
        self.engine.lose();
        self.engine_life += 1;
        (0..self.nodes.len()).try_for_each(|node| self.restart_node(node))
    }

    fn drain(&mut self) -> Check {
        self.model.coverage.drains += 1;
        let node = self.random.below(self.nodes.len());
        let max = self.random.millis(0, 5000);
        self.schedule(max + Duration::from_millis(500), Happening::NodeCloses(node));
        for id in self.connections_of(node) {
            self.tell_connection(id, server::Input::GoAway(Duration::ZERO, max))?;
        }
        Ok(())
    }

    /// All nodes end as they should, and begin anew with an engine that knows nothing.
    fn restart_all(&mut self) -> Check {
        self.model.coverage.restarts += 1;
        let away = self.random.millis(500, 5000);
        self.schedule(away, Happening::EngineLost);
        for node in 0..self.nodes.len() {
            self.nodes[node].down_until = self.now + away;
            self.close_node(node)?;
        }
        Ok(())
    }

    pub(super) fn close_node(&mut self, node: usize) -> Check {
        for id in self.connections_of(node) {
            if let Some(served) = self.connections.get_mut(&id) {
                served.is_finishing = true;
            }
            self.tell_connection(id, server::Input::Finish)?;
        }
        Ok(())
    }

    fn connections_of(&self, node: usize) -> Vec<ConnectionId> {
        let on_node = |link: &LinkId| self.links.get(link).is_some_and(|link| link.node == node);
        self.connections
            .iter()
            .filter(|(_, served)| on_node(&served.link))
            .map(|(id, _)| *id)
            .collect()
    }
}
