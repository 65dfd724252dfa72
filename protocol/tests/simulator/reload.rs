//! A page that is loaded again: another client goes on in the place of the one there was.

use tidewire_protocol::{
    Instant, OwnedPayload, Position, RoomName,
    client::{self, Client, ClientState, PublishId},
    frame::Start,
};

use super::{
    Happening, Subscribed, World,
    model::{Check, Said, ensure},
};

/// What is left of a page while there is none.
#[derive(Debug)]
pub(super) struct Left {
    saved: Vec<u8>,
    /// What its user was in, how far it had come, and whether it wants to know who is there.
    rooms: Vec<(RoomName, Option<Position>, bool)>,
    /// What it was not told of.
    publishes: Vec<Said>,
}

impl World {
    /// The page goes, and its next one comes after a while.
    pub(super) fn reload(&mut self, client: usize) -> Check {
        // What has expired is told by the page that goes.
        self.tell_client(client, client::Input::Timeout)?;
        if let ClientState::Closed(_) = self.peers[client].machine.state() {
            return Ok(());
        }
        self.model.coverage.reloads += 1;
        let places = self.model.places(client);
        let taken = |id| places.get(&id).and_then(|(_, position, _)| *position);
        let saved = self.peers[client].machine.save(self.now, date(self.now), &taken);
        let saved = saved.ok_or_else(|| format!("client {client} has ended"))?;
        self.tell_client(client, client::Input::Suspend)?;
        let left = Left {
            saved,
            rooms: places.into_values().collect(),
            publishes: self.model.on_gone(client),
        };
        let (now, seed, away) = (self.now, self.random.next(), self.random.millis(0, 8000));
        let peer = &mut self.peers[client];
        peer.machine = Client::new(now, peer.settings.clone(), seed);
        peer.subscriptions.clear();
        (peer.timer, peer.pinged, peer.only) = (None, None, None);
        peer.asleep_until = now + away;
        self.schedule(away, Happening::Loaded(client, left));
        Ok(())
    }

    /// The next page has loaded.
    pub(super) fn on_loaded(&mut self, client: usize, left: Left) -> Check {
        let (now, peer) = (self.now, &mut self.peers[client]);
        ensure(peer.machine.restore(now, date(now), &left.saved), || {
            format!("client {client} does not go on")
        })?;
        let restored: Result<Vec<_>, _> = peer
            .machine
            .publishes()
            .map(|(id, _, payload)| said(id, payload))
            .collect();
        self.model.on_restored(client, restored?, &left.publishes)?;
        for (room, position, presence) in left.rooms {
            let id = peer.machine.subscribe(now, room.clone(), Start::Now, presence);
            let id = id.ok_or_else(|| format!("client {client} is in {room:?} already"))?;
            self.model.on_subscribe(client, id, room.as_str(), presence);
            self.model.goes_on(client, id, position);
            let subscribed = Subscribed {
                room,
                since: now,
                is_paused: false,
            };
            peer.subscriptions.insert(id, subscribed);
        }
        self.tell_client(client, client::Input::Connect)
    }

    /// The page is put away and may come back, or cannot be seen for a while.
    pub(super) fn put_away(&mut self, client: usize) -> Check {
        let after = self.random.millis(100, 20_000);
        if self.random.chance(50) {
            self.model.coverage.hidden += 1;
            self.schedule(after, Happening::Shown(client));
            return self.tell_client(client, client::Input::Hidden);
        }
        self.model.coverage.suspended += 1;
        self.schedule(after, Happening::Wake(client));
        self.tell_client(client, client::Input::Suspend)
    }
}

fn date(now: Instant) -> u64 {
    now.elapsed().as_millis() as u64
}

fn said(id: PublishId, payload: &OwnedPayload) -> Result<(PublishId, Said), String> {
    match payload {
        OwnedPayload::Text(text) => text
            .parse()
            .map(|said| (id, said))
            .map_err(|_| format!("{text} was not said")),
        OwnedPayload::Binary(_) => Err("bytes where text was said".into()),
    }
}
