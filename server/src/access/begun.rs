//! Where a session's subscriptions began: all that one without [`Right::History`] may be told.

use std::collections::VecDeque;

use tidewire_protocol::{ConnectionId, Offset, Position, RoomName, SessionId, frame::Start};

use super::{Pass, Right};
use crate::sessions::Sessions;

/// For each room of a session, the first message that it was to be told there.
#[derive(Debug, Default)]
pub(crate) struct Begun(VecDeque<(RoomName, Position)>);

impl Begun {
    /// Whether a subscription that goes on after `position`, in a room whose log ends at `head`, sees nothing from before it
    /// began.
    fn covers(&self, room: &RoomName, position: Position, head: Position) -> bool {
        // A log of another epoch is read from its beginning.
        let offset_in = |position: Position| match position.epoch == head.epoch {
            true => position.offset,
            false => Offset(0),
        };
        let mut begun = self.0.iter();
        begun
            .find(|(name, _)| name == room)
            .is_some_and(|(_, begun)| offset_in(*begun) <= offset_in(position))
    }

    /// Takes down that a subscription begins after `position`. Past `max` rooms the first is forgotten.
    fn note(&mut self, room: &RoomName, position: Position, max: usize) {
        match self.0.iter_mut().find(|(name, _)| name == room) {
            Some((_, begun)) if begun.epoch == position.epoch => begun.offset = begun.offset.min(position.offset),
            Some((_, begun)) => *begun = position,
            None => {
                if self.0.len() >= max {
                    self.0.pop_front();
                }
                self.0.push_back((room.clone(), position));
            }
        }
    }
}

impl Sessions {
    /// Whether a subscription may begin where it asks to, in a room whose log ends at `head`; otherwise it is to begin there.
    pub(crate) fn may_begin(
        &self,
        (id, connection): (SessionId, ConnectionId),
        pass: &Pass,
        room: &RoomName,
        head: Position,
        start: Start,
    ) -> bool {
        if pass.grants().are_everything() {
            return true;
        }
        let max = self.max_begun;
        let mut state = self.lock();
        let Some(session) = state.attached(id, connection) else {
            return false;
        };
        let begun = session.begun.get_or_insert_default();
        let (may, first) = match start {
            Start::Now => (true, head),
            _ if pass.grants().allow(room, Right::History) => (true, earliest(start, head)),
            Start::After(position) if begun.covers(room, position, head) => (true, earliest(start, head)),
            Start::Last(0) => (true, head),
            Start::Last(_) | Start::After(_) => (false, head),
        };
        begun.note(room, first, max);
        may
    }
}

/// The place after which a subscription reads, at the earliest.
fn earliest(start: Start, head: Position) -> Position {
    let offset = match start {
        Start::Now => head.offset,
        Start::Last(count) => Offset(head.offset.0.saturating_sub(count.into())),
        Start::After(position) if position.epoch == head.epoch => position.offset,
        Start::After(_) => Offset(0),
    };
    Position { offset, ..head }
}
