//! Where an engine tells a server what is said in a room.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use tidewire_protocol::{MemberId, Offset, Position, frame::Payload, frame::Start};

use super::Page;
use crate::{clock::Clock, history, room::Room};

/// A server's own log of a room, as its engine sees it. Cloning it is cheap. It does not keep the room.
#[derive(Clone)]
pub struct Sink {
    room: Weak<Room>,
    clock: Clock,
}

/// A message that an engine tells a server.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its place.
    pub offset: Offset,
    /// Who said it; nobody for the server itself.
    pub sender: Option<&'a MemberId>,
    /// What was said.
    pub payload: Payload<'a>,
}

/// Messages before this one were not told. [`Sink::open`] says that they will not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The message that should have been told.
    pub expected: Offset,
}

impl Sink {
    pub(crate) fn new(room: &Arc<Room>, clock: Clock) -> Self {
        Self {
            room: Arc::downgrade(room),
            clock,
        }
    }

    /// What is told next is what comes after `position`.
    ///
    /// In another epoch than before, the log was lost, and subscribers are told so; where messages are left out, they are
    /// told which. Where the server has more than `position` says, nothing changes: what it has may be told again.
    pub fn open(&self, position: Position) {
        if let Some(room) = self.room.upgrade() {
            room.reopen(position);
        }
    }

    /// The next message. One that was told before is passed over.
    ///
    /// # Errors
    ///
    /// When it is not the next one. It is not taken then.
    pub fn append(&self, record: Record<'_>) -> Result<(), Hole> {
        let Some(room) = self.room.upgrade() else { return Ok(()) };
        let now = self.clock.now();
        room.append(|log| {
            let expected = log.head().offset.next();
            if record.offset == expected {
                log.append(now, sender(record.sender), record.payload);
            }
            if record.offset > expected {
                Err(Hole { expected })
            } else {
                Ok(())
            }
        })
    }

    /// Appends a message after the last one, and returns its place: for an engine that keeps no log but the server's.
    /// `None` when the server no longer has the room.
    #[must_use]
    pub fn push(&self, from: Option<&MemberId>, payload: Payload<'_>) -> Option<Position> {
        let now = self.clock.now();
        let room = self.room.upgrade()?;
        Some(room.append(|log| log.append(now, sender(from), payload)))
    }

    /// A member is in the room at one server more. Whoever is in the room when it begins to be followed is told too.
    pub fn enter(&self, member: &MemberId) {
        if let Some(room) = self.room.upgrade() {
            room.enter(member);
        }
    }

    /// A member is in the room at one server less.
    pub fn exit(&self, member: &MemberId) {
        if let Some(room) = self.room.upgrade() {
            room.exit(member);
        }
    }

    /// Reads what the server's log keeps. `None` when the server no longer has the room.
    #[must_use]
    pub fn read(&self, start: Start, limit: usize) -> Option<Page> {
        Some(history::read(&*self.room.upgrade()?, start, limit))
    }

    /// Whether both are sinks of one server's log, and not of two, one after the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Weak::ptr_eq(&self.room, &other.room)
    }

    /// Where the server's log ends. `None` when the server no longer has the room.
    #[must_use]
    pub fn head(&self) -> Option<Position> {
        Some(self.room.upgrade()?.head())
    }
}

fn sender(member: Option<&MemberId>) -> &str {
    member.map_or("", MemberId::as_str)
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages from {} on were not told", self.expected.0)
    }
}

impl std::error::Error for Hole {}
