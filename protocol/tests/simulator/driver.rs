//! What happens, one after the other.

use std::time::Duration;

use tidewire_protocol::{client, server};

use super::{Happening, World, link::Link, model::Check};

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
                Some(link) if link.is_poll() && link.to_server.delivers => self.on_poll(id, batch),
                _ => Ok(()),
            },
            Happening::ToClient(link, batch) => self.on_to_client(link, batch),
            Happening::ServerLost(id) => {
                let connection = self.links.get_mut(&id).and_then(|link| link.connection.take());
                connection.map_or(Ok(()), |connection| self.forget_connection(connection))
            }
            Happening::ClientLost(link, code) => self.on_client_lost(link, code),
            Happening::Claim(asking) => self.on_claim(asking),
            Happening::Claimed(asking, claimed) => self.on_claimed(asking, &claimed),
            Happening::Lost(lives, session, term) => self.on_lost(lives, session, term),
            Happening::EndSession(life, session, term) => {
                if life == self.engine_life {
                    self.engine.end(session, term);
                }
                Ok(())
            }
            Happening::Append(lives, publish) => self.on_append(lives, publish),
            Happening::Answered(lives, publish, told) => self.on_answered(lives, &publish, told),
            Happening::Token(client, _)
            | Happening::Wake(client)
            | Happening::Online(client)
            | Happening::Shown(client)
            | Happening::Resume(client, _)
                if self.peers[client].asleep_until > self.now =>
            {
                let at = self.peers[client].asleep_until;
                self.schedule_at(at, happening);
                Ok(())
            }
            Happening::Token(client, is_had) => {
                let token = is_had.then(|| Box::from(&b"token"[..]));
                self.tell_client(client, client::Input::Token(token))
            }
            Happening::Wake(client) => self.tell_client(client, client::Input::Wake),
            Happening::Online(client) => self.tell_client(client, client::Input::Online),
            Happening::Shown(client) => self.tell_client(client, client::Input::Shown),
            Happening::Loaded(client, left) => self.on_loaded(client, left),
            Happening::Resume(client, id) => self.resume(client, id),
            Happening::Act(client) => self.act(client),
            Happening::Fault => self.fault(),
            Happening::Evict => {
                self.engine.evict(self.now, &mut self.model);
                self.engine.expire(self.now)?;
                (0..self.nodes.len()).for_each(|node| self.expire_at(node));
                self.schedule(Duration::from_secs(1), Happening::Evict);
                self.pump_all()
            }
            Happening::NodeCloses(node) => self.close_node(node),
            Happening::EngineLost => self.lose_engine(),
            Happening::LeaveOthers(id) => {
                match self
                    .connections
                    .get(&id)
                    .and_then(|served| Some((served.node, served.session?)))
                {
                    Some((node, session)) => self.leave_others(node, session, id),
                    None => Ok(()),
                }
            }
            Happening::Dies(link) => self.die(link),
        }
    }
}
