//! Kinds of transports, of which one may be of no use to a client: what it gets through, it has to find out.

use tidewire_protocol::client::{ClientState, TransportKind};

use super::{
    Happening, Peer, World,
    link::LinkId,
    model::{Check, ensure},
    random::Random,
};

/// What becomes of a client's transports of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As good as the network.
    Works,
    /// As behind a proxy that does not answer.
    NeverOpens,
    /// As behind a proxy that does not let it through.
    Refused,
    /// As behind a proxy that ends what it does not know.
    Dies,
}

impl Kind {
    /// Up to three kinds, of which at most one is of no use, and what they are.
    pub(super) fn some(random: &mut Random) -> (Vec<TransportKind>, Vec<Self>) {
        let mut kinds = vec![Self::Works; 1 + random.below(3)];
        if kinds.len() > 1 && random.chance(50) {
            let useless = random.below(kinds.len());
            kinds[useless] = [Self::NeverOpens, Self::Refused, Self::Dies][random.below(3)];
        }
        let transports = kinds.iter().map(|_| match random.chance(40) {
            true => TransportKind::Polls,
            false => TransportKind::Stream,
        });
        (transports.collect(), kinds)
    }
}

impl World {
    /// The client tries a transport: which of all, and what becomes of it. It is told by its place in the client's list.
    pub(super) fn choose(&mut self, client: usize, place: usize) -> (usize, TransportKind, Kind) {
        let peer = &self.peers[client];
        let coverage = &mut self.model.coverage;
        let index = peer.only.unwrap_or(place);
        let (transport, kind) = (peer.transports[index], peer.kinds[index]);
        coverage.polls += u64::from(transport == TransportKind::Polls);
        coverage.useless_transports += u64::from(kind != Kind::Works);
        (index, transport, kind)
    }

    /// The user lets a client have one of its kinds alone, or all of them.
    pub(super) fn set_transports(&mut self, client: usize, only: Option<usize>) -> Check {
        let (now, peer) = (self.now, &mut self.peers[client]);
        let is_open = peer.machine.state() == ClientState::Open;
        peer.only = only;
        let transports = match only {
            Some(index) => vec![peer.transports[index]],
            None => peer.transports.clone(),
        };
        peer.machine.set_transports(now, transports);
        let is_moving = is_open && peer.machine.state() != ClientState::Open;
        self.model.coverage.chosen += 1;
        self.model.coverage.moves_chosen += u64::from(is_moving);
        self.drive_client(client)
    }

    /// One of the kinds alone, or all of them.
    pub(super) fn choose_transports(&mut self, client: usize) -> Check {
        let kinds = self.peers[client].kinds.len();
        let only = self.random.below(kinds + 1);
        self.set_transports(client, (only < kinds).then_some(only))
    }

    /// Something has come by a transport of this kind.
    pub(super) fn arrives_by(&mut self, client: usize, kind: usize) {
        let peer = &mut self.peers[client];
        let coverage = &mut self.model.coverage;
        let before = std::mem::replace(&mut peer.kind, kind);
        coverage.moved_on += u64::from(before != kind);
        let has_moved = peer.transports[before] != peer.transports[kind];
        coverage.moves += u64::from(has_moved);
        let is_open = peer.machine.state() == ClientState::Open;
        coverage.moved_up += u64::from(has_moved && is_open);
    }

    /// What is sent on a link comes to nothing.
    pub(super) fn cut_off(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(&id) {
            link.to_server.cut(false);
        }
    }

    /// A transport of a kind that opens and is of no use ends.
    pub(super) fn die(&mut self, id: LinkId) -> Check {
        let Some(link) = self.links.get_mut(&id) else {
            return Ok(());
        };
        link.to_client.cut(false);
        link.to_server.cut(false);
        self.schedule(std::time::Duration::ZERO, Happening::ClientLost(id, None));
        self.schedule(std::time::Duration::ZERO, Happening::ServerLost(id));
        Ok(())
    }
}

impl Peer {
    /// In the end a client has found a kind that works.
    pub(super) fn check_kind(&self, number: usize) -> Check {
        ensure(self.kinds[self.kind] == Kind::Works, || {
            format!("client {number} stays with a transport of no use")
        })
    }
}
