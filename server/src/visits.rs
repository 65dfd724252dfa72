//! Which rooms a session is in, at this server and as others are told.

use std::sync::Arc;

use tidewire_protocol::{CloseCode, ConnectionId, MemberId, RoomName, SessionId};

use crate::{
    engine::Lease,
    room::Room,
    sessions::{Kept, Sessions},
};

/// A session is in a room.
#[derive(Debug)]
pub(crate) struct InRoom {
    name: RoomName,
    room: Arc<Room>,
    /// Which connection has subscribed to it last.
    by: ConnectionId,
    /// Held for its drop: the engine's other servers see it too.
    _lease: Option<Lease>,
}

impl Sessions {
    /// A session has subscribed to a room on this connection, and is there from now on, unless the room is full. Where it was not,
    /// the engine is told. Says whether the room has a place for it.
    pub(crate) fn enter(
        &self,
        (id, connection): (SessionId, ConnectionId),
        name: &RoomName,
        room: &Arc<Room>,
        tell: impl FnOnce(&MemberId) -> Option<Lease>,
    ) -> bool {
        let mut state = self.lock();
        let Some(session) = state.attached(id, connection) else {
            return true;
        };
        if let Some(there) = session.rooms.iter_mut().find(|it| it.name == *name) {
            there.by = connection;
            return true;
        }
        let member = session.member.clone();
        drop(state);
        if !room.admit(&member, self.max_members) {
            return false;
        }
        let mut entered = Some(InRoom {
            name: name.clone(),
            room: Arc::clone(room),
            by: connection,
            // No code of an engine runs under the lock.
            _lease: tell(&member),
        });
        if let Some(session) = self.lock().attached(id, connection) {
            session.rooms.extend(entered.take());
        }
        if entered.is_some() {
            room.exit(&member);
        }
        true
    }

    /// A session has left a room.
    pub(crate) fn exit(&self, id: SessionId, connection: ConnectionId, name: &RoomName) {
        self.exit_where(id, connection, |it| it.name == *name);
    }

    /// A session has left the rooms it was in before this connection had it, and that were not asked for since.
    pub(crate) fn exit_others(&self, id: SessionId, connection: ConnectionId) {
        self.exit_where(id, connection, |it| it.by != connection);
    }

    fn exit_where(&self, id: SessionId, connection: ConnectionId, is_left: impl Fn(&InRoom) -> bool) {
        let mut state = self.lock();
        let Some(session) = state.attached(id, connection) else {
            return;
        };
        let left: Vec<InRoom> = session.rooms.extract_if(.., |it| is_left(it)).collect();
        let member = session.member.clone();
        drop(state);
        left.iter().for_each(|it| it.room.exit(&member));
    }
}

impl Kept {
    /// Leaves all of them, as the session is over. Not under the lock: rooms and engines are told.
    pub(crate) fn exit_all(self, code: CloseCode) {
        if let Some(polls) = self.polls {
            polls.end(code);
        }
        self.rooms.iter().for_each(|it| it.room.exit(&self.member));
    }
}
