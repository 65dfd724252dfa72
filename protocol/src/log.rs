//! A room's recent messages as encoded frames: append, evict, what a cursor sees next.
//!
//! A frame is encoded once, when its message is appended, and shared by all who read it. A subscriber is a [`Cursor`]; it
//! costs its position, however far behind it is. When the log has moved past it, it sees a gap.

use core::time::Duration;
use std::{collections::VecDeque, sync::Arc};

use crate::{
    codec::Frame as _,
    frame::{Gap, GapCause, Message, Payload, ServerFrame, Start},
    ids::{Epoch, Offset, Position, RoomNumber},
    time::Instant,
};

/// How much a log keeps. What is over any of the three leaves, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many messages. Default: 1,024.
    pub max_messages: usize,
    /// How many bytes, of encoded frames and with [`FRAME_OVERHEAD`] for each. Default: 1 MiB.
    pub max_bytes: usize,
    /// For how long. Default: 5 minutes.
    pub max_age: Duration,
}

/// What a message takes in memory beside its bytes: its place in the log, and the allocation's header.
pub const FRAME_OVERHEAD: usize = 64;

/// An encoded frame that many can hold.
pub type SharedFrame = Arc<[u8]>;

/// One life of a room's log.
#[derive(Debug)]
pub struct Log {
    room: RoomNumber,
    epoch: Epoch,
    /// The last message that left, or that never was in this log.
    evicted: Offset,
    entries: VecDeque<Entry>,
    bytes: usize,
    retention: Retention,
}

#[derive(Debug)]
struct Entry {
    frame: SharedFrame,
    at: Instant,
}

/// A subscriber's place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    position: Position,
}

/// What a cursor sees next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Messages, in order. The cursor is past them now.
    Frames(Vec<SharedFrame>),
    /// Messages that can no longer be had. The cursor is past them now.
    Gap(Gap),
    /// Nothing: it is at the log's end.
    Nothing,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_messages: 1024,
            max_bytes: 1 << 20,
            max_age: Duration::from_secs(300),
        }
    }
}

impl Log {
    /// An empty log. `room` is how its frames name the room.
    #[must_use]
    pub fn new(room: RoomNumber, epoch: Epoch, retention: Retention) -> Self {
        Self {
            room,
            epoch,
            evicted: Offset(0),
            entries: VecDeque::new(),
            bytes: 0,
            retention,
        }
    }

    /// How its frames name the room.
    #[must_use]
    pub const fn room(&self) -> RoomNumber {
        self.room
    }

    /// Where its end is: the position of the newest message.
    #[must_use]
    pub fn head(&self) -> Position {
        Position {
            epoch: self.epoch,
            offset: Offset(self.evicted.0 + self.entries.len() as u64),
        }
    }

    /// How many bytes it keeps, as [`Retention::max_bytes`] counts them.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a message, and returns where it is.
    pub fn append(&mut self, now: Instant, sender: &str, payload: Payload<'_>) -> Position {
        let offset = self.head().offset.next();
        let mut frame = Vec::new();
        ServerFrame::Message(Message {
            room: self.room,
            offset,
            sender,
            payload,
        })
        .encode(&mut frame);
        self.bytes += frame.len() + FRAME_OVERHEAD;
        self.entries.push_back(Entry {
            frame: frame.into(),
            at: now,
        });
        self.evict(now);
        self.head()
    }

    /// Lets go of what is over the retention. Appending does it too; a quiet log needs it now and then, for its age.
    pub fn evict(&mut self, now: Instant) {
        let Retention {
            max_messages,
            max_bytes,
            max_age,
        } = self.retention;
        while let Some(oldest) = self.entries.front() {
            if self.entries.len() <= max_messages && self.bytes <= max_bytes && now.since(oldest.at) <= max_age {
                break;
            }
            self.bytes -= oldest.frame.len() + FRAME_OVERHEAD;
            self.entries.pop_front();
            self.evicted = self.evicted.next();
        }
    }

    /// A cursor where a subscription begins. Of past messages it gets as many as are kept.
    #[must_use]
    pub fn cursor(&self, start: Start) -> Cursor {
        let head = self.head();
        let position = match start {
            Start::Now => head,
            Start::Last(count) => {
                let count = u64::from(count).min(self.entries.len() as u64);
                Position {
                    offset: Offset(head.offset.0 - count),
                    ..head
                }
            }
            Start::After(position) => position,
        };
        Cursor { position }
    }

    /// What the cursor sees next, at most `max_bytes` of it or one frame, and moves it there.
    pub fn read(&self, cursor: &mut Cursor, max_bytes: usize) -> Next {
        if let Some(gap) = self.gap(cursor.position) {
            cursor.position = gap.resume;
            return Next::Gap(gap);
        }
        let mut bytes = 0;
        let skip = usize::try_from(cursor.position.offset.0 - self.evicted.0).unwrap_or(usize::MAX);
        let mut frames = Vec::new();
        for Entry { frame, .. } in self.entries.iter().skip(skip) {
            bytes += frame.len();
            if bytes > max_bytes && !frames.is_empty() {
                break;
            }
            frames.push(SharedFrame::clone(frame));
        }
        if frames.is_empty() {
            return Next::Nothing;
        }
        cursor.position.offset.0 += frames.len() as u64;
        Next::Frames(frames)
    }

    /// Whether a cursor can see something: messages or a gap.
    #[must_use]
    pub fn has_news(&self, cursor: &Cursor) -> bool {
        cursor.position != self.head()
    }

    /// What lies between a position and what this log keeps.
    fn gap(&self, position: Position) -> Option<Gap> {
        let kept = Position {
            epoch: self.epoch,
            offset: self.evicted,
        };
        // A log of the same epoch never gets shorter, so a position past its end is not of this life either.
        let is_lost = position.epoch != self.epoch || position.offset > self.head().offset;
        let cause = match is_lost {
            true => GapCause::LogLost,
            false if position.offset < self.evicted => GapCause::Evicted,
            false => return None,
        };
        Some(Gap {
            room: self.room,
            cause,
            from: position.offset.next(),
            resume: kept,
        })
    }
}

impl Cursor {
    /// The last message it has had.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }
}
