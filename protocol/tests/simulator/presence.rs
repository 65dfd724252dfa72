//! Who is in which room, and what is told there beside messages.

use std::{collections::BTreeSet, time::Duration};

use tidewire_protocol::{
    ConnectionId, Frame as _, MemberId, Members, OwnedPayload, RoomName, RoomNumber, SessionId, Transient,
    TransientCursor, TransientKind,
    frame::{PresenceWanted, ServerFrame},
};

use super::{
    Served, World,
    coverage::Coverage,
    engine::{Engine, Room},
    model::{Check, ensure},
};

/// After so long a session has left the rooms that its new connection did not ask for. Longer than a silent client is borne
/// with, so that one that was heard has asked.
pub(super) const GRACE: Duration = Duration::from_secs(15);
/// A list of more members goes on in another frame.
const LISTED: usize = 2;

/// A subscriber's place beside the log.
#[derive(Debug)]
pub(super) struct Seat {
    cursor: TransientCursor,
    told: Told,
}

/// What a subscriber is told of who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    /// The whole list is due.
    List,
    Changes,
}

impl World {
    /// A session is in a room at a node, as this connection has asked.
    pub(super) fn enter(&mut self, node: usize, session: SessionId, connection: ConnectionId, name: &RoomName) {
        if !self.nodes[node].has(session, connection) {
            return;
        }
        let Some(kept) = self.nodes[node].kept.get_mut(&session) else {
            return;
        };
        if kept.rooms.insert(name.clone(), connection).is_none() {
            let member = kept.member.clone();
            self.engine.room(name).tell(
                |presence| presence.join(&member),
                |room| ServerFrame::Joined {
                    room,
                    member: member.as_str(),
                },
            );
        }
    }

    /// A session has left a room at a node. Says whether its member is there no longer.
    pub(super) fn exit(&mut self, node: usize, session: SessionId, name: &RoomName) -> bool {
        let Some(kept) = self.nodes[node].kept.get_mut(&session) else {
            return false;
        };
        let is_there = kept.rooms.remove(name).is_some();
        let member = kept.member.clone();
        is_there
            && self.engine.room(name).tell(
                |presence| presence.leave(&member),
                |room| ServerFrame::Left {
                    room,
                    member: member.as_str(),
                },
            )
    }

    /// A node needs nothing of a session any more.
    pub(super) fn exit_all(&mut self, node: usize, session: SessionId) {
        let kept = self.nodes[node].kept.get(&session);
        let rooms: Vec<RoomName> = kept.into_iter().flat_map(|kept| kept.rooms.keys().cloned()).collect();
        for name in rooms {
            self.exit(node, session, &name);
        }
        self.nodes[node].kept.remove(&session);
    }
}

impl Room {
    /// Changes who is there, and tells of it if it is a change. Says whether it is.
    fn tell<'a>(
        &mut self,
        change: impl FnOnce(&mut tidewire_protocol::Presence) -> bool,
        frame: impl FnOnce(RoomNumber) -> ServerFrame<'a>,
    ) -> bool {
        let is_change = change(&mut self.presence);
        if is_change {
            let frame = encoded(&frame(self.log.room()));
            self.transients.push(Transient {
                kind: TransientKind::Presence,
                frame: frame.into(),
            });
        }
        is_change
    }

    /// Who is there, in as many frames as it takes.
    fn list(&self) -> Vec<u8> {
        let members: Vec<&str> = self.presence.members().map(MemberId::as_str).collect();
        let (mut batch, mut names) = (Vec::new(), Vec::new());
        let count = members.len().div_ceil(LISTED).max(1);
        for index in 0..count {
            let some = members.iter().skip(index * LISTED).take(LISTED);
            let members = Members::write(some.copied(), &mut names);
            let (room, more) = (self.log.room(), index + 1 < count);
            ServerFrame::Present { room, more, members }.encode(&mut batch);
        }
        batch
    }

    pub(super) fn seat(&self, presence: PresenceWanted) -> Seat {
        Seat {
            cursor: self.transients.cursor(),
            told: match presence {
                PresenceWanted::Nothing => Told::Nothing,
                PresenceWanted::Changes(digest) if digest == self.presence.digest() => Told::Changes,
                PresenceWanted::List | PresenceWanted::Changes(_) => Told::List,
            },
        }
    }
}

impl Seat {
    /// The next frames for a subscriber, if there are any.
    fn next(&mut self, room: &Room, session: Option<SessionId>, coverage: &mut Coverage) -> Option<Vec<u8>> {
        loop {
            if self.told == Told::List {
                self.told = Told::Changes;
                self.cursor = room.transients.cursor();
                return Some(room.list());
            }
            let (next, missed_some) = room.transients.next(&mut self.cursor);
            if missed_some && self.told == Told::Changes {
                coverage.presence_missed += 1;
                self.told = Told::List;
                continue;
            }
            let transient = next?;
            let is_due = match transient.kind {
                TransientKind::Signal(from) => Some(from) != session,
                TransientKind::Presence => self.told == Told::Changes,
            };
            if is_due {
                return Some(transient.frame.to_vec());
            }
        }
    }
}

impl Served {
    /// What is told beside messages in one of its rooms.
    pub(super) fn next_transient(&mut self, engine: &Engine, coverage: &mut Coverage) -> Option<Vec<u8>> {
        let session = self.session;
        self.rooms
            .iter_mut()
            .find_map(|(name, seat)| seat.next(engine.rooms.get(name)?, session, coverage))
    }
}

impl World {
    pub(super) fn fan_out(&mut self, from: ConnectionId, name: &RoomName, payload: &OwnedPayload) -> Check {
        let Some((node, session)) = self.connections.get(&from).and_then(|it| Some((it.node, it.session?))) else {
            return Ok(());
        };
        let Some(sender) = self.nodes[node].kept.get(&session).map(|kept| kept.member.clone()) else {
            return Ok(());
        };
        let room = self.engine.room(name);
        let frame = encoded(&ServerFrame::Signal {
            room: room.log.room(),
            sender: sender.as_str(),
            payload: payload.as_payload(),
        });
        room.transients.push(Transient {
            kind: TransientKind::Signal(session),
            frame: frame.into(),
        });
        self.pump_all()
    }

    /// A session has left the rooms that its connection did not ask for. No client that is still subscribed may be among
    /// those: for others it would leave and come back.
    pub(super) fn leave_others(&mut self, node: usize, session: SessionId, id: ConnectionId) -> Check {
        let since = self.now.elapsed() - GRACE;
        let there = &self.nodes[node];
        let kept = there.kept.get(&session).filter(|_| there.has(session, id));
        let Some(kept) = kept else { return Ok(()) };
        let (client, member) = (kept.client, kept.member.clone());
        let others = kept.rooms.iter().filter(|(_, by)| **by != id);
        let left: Vec<RoomName> = others.map(|(name, _)| name.clone()).collect();
        for name in &left {
            // It may still be there at another node.
            let has_left = self.exit(node, session, name);
            let mut rooms = self.peers[client].rooms();
            let is_there = rooms.any(|(room, at)| room == name && at.elapsed() <= since);
            ensure(!(has_left && is_there), || {
                format!("{member:?} is said to have left {name:?}")
            })?;
        }
        self.pump_all()
    }

    /// Who is in a room is who is subscribed to it, and everybody knows.
    pub(super) fn check_presence(&self) -> Check {
        for (name, room) in &self.engine.rooms {
            let told: BTreeSet<MemberId> = room.presence.members().cloned().collect();
            let peers = self.peers.iter().enumerate();
            let there = peers.filter(|(_, peer)| peer.rooms().any(|(room, _)| room == name));
            let there: BTreeSet<MemberId> = there.map(|(client, _)| super::engine::member(client)).collect();
            ensure(told == there, || {
                format!("{told:?} are said to be in {name:?}, and {there:?} are")
            })?;
            self.model.check_present(name.as_str(), &there)?;
        }
        Ok(())
    }
}

fn encoded(frame: &ServerFrame<'_>) -> Vec<u8> {
    let mut batch = Vec::new();
    frame.encode(&mut batch);
    batch
}
