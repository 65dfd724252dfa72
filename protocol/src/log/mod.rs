//! A room's recent messages as encoded frames: append, evict, what a cursor sees next.
//!
//! A frame is encoded once, when its message is appended, and shared by all who read it. A subscriber is a [`Cursor`]; it
//! costs its position, however far behind it is. When the log has moved past it, it sees a gap.

mod chunks;

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;

pub use self::chunks::CHUNK_BYTES;
use self::chunks::Chunks;
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
    /// How many bytes, of encoded frames and with [`FRAME_OVERHEAD`] for each. The chunk that the oldest message is in may
    /// hold [`CHUNK_BYTES`] more. Default: 1 MiB.
    pub max_bytes: usize,
    /// For how long. Default: 5 minutes.
    pub max_age: Duration,
}

/// What a message takes in memory beside its bytes: its place in the log.
pub const FRAME_OVERHEAD: usize = 64;

/// One life of a room's log.
#[derive(Debug)]
pub struct Log {
    room: RoomNumber,
    epoch: Epoch,
    /// The last message that left, or that never was in this log.
    evicted: Offset,
    /// Where the first that is kept begins, in bytes from the log's beginning.
    begin: u64,
    entries: VecDeque<Entry>,
    chunks: Chunks,
    retention: Retention,
}

#[derive(Debug)]
struct Entry {
    /// Where it ends, in bytes from the log's beginning.
    end: u64,
    at: Instant,
}

/// A subscriber's place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    position: Position,
}

/// Messages that a cursor saw: pieces of whole frames, one after another, shared by all who read them.
#[derive(Debug)]
pub struct Frames<'a> {
    chunks: Option<&'a Chunks>,
    begin: u64,
    end: u64,
    count: u64,
    is_all: bool,
    oldest: Instant,
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
    pub const fn new(room: RoomNumber, epoch: Epoch, retention: Retention) -> Self {
        Self {
            room,
            epoch,
            evicted: Offset(0),
            begin: 0,
            entries: VecDeque::new(),
            chunks: Chunks::new(),
            retention,
        }
    }

    /// An empty log that begins after `position`: what was said before is kept elsewhere, or no longer.
    #[must_use]
    pub const fn starting_after(room: RoomNumber, position: Position, retention: Retention) -> Self {
        let mut log = Self::new(room, position.epoch, retention);
        log.evicted = position.offset;
        log
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

    /// How many messages it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes it keeps, as [`Retention::max_bytes`] counts them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // What is kept is in memory, so its length is a usize.
        (self.chunks.end() - self.begin) as usize + self.entries.len() * FRAME_OVERHEAD
    }

    /// Appends a message, and returns where it is.
    pub fn append(&mut self, now: Instant, sender: &str, payload: Payload<'_>) -> Position {
        let room = self.room;
        self.append_with(now, |offset, out| {
            ServerFrame::Message(Message {
                room,
                offset,
                sender,
                payload,
            })
            .encode(out);
        })
    }

    /// Appends a message that `encode` writes in a form of its own, and returns where it is.
    pub fn append_with(&mut self, now: Instant, encode: impl FnOnce(Offset, &mut Vec<u8>)) -> Position {
        let position = Position {
            epoch: self.epoch,
            offset: self.head().offset.next(),
        };
        let end = self.chunks.append(|out| encode(position.offset, out));
        self.entries.push_back(Entry { end, at: now });
        self.evict(now);
        position
    }

    /// Lets go of what is over the retention. Appending does it too; a quiet log needs it now and then, for its age.
    pub fn evict(&mut self, now: Instant) {
        let Retention {
            max_messages,
            max_bytes,
            max_age,
        } = self.retention;
        while let Some(oldest) = self.entries.front() {
            if self.entries.len() <= max_messages && self.bytes() <= max_bytes && now.since(oldest.at) <= max_age {
                break;
            }
            self.evict_oldest();
        }
    }

    /// Lets go of the oldest message, and says whether there was one.
    pub fn evict_oldest(&mut self) -> bool {
        let Some(oldest) = self.entries.pop_front() else {
            return false;
        };
        self.begin = oldest.end;
        self.evicted = self.evicted.next();
        self.chunks.evict(self.begin);
        true
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

    /// Whether a cursor can see something: messages or a gap.
    #[must_use]
    pub fn has_news(&self, cursor: &Cursor) -> bool {
        let (position, head) = (cursor.position, self.head());
        position.epoch != head.epoch || position.offset < head.offset
    }

    /// What lies between a cursor and what this log keeps; the cursor is past it then. To be asked before [`read`](Self::read).
    pub fn read_gap(&self, cursor: &mut Cursor) -> Option<Gap> {
        let kept = Position {
            epoch: self.epoch,
            offset: self.evicted,
        };
        self.gap(cursor, kept)
    }

    /// All that a cursor would see next, as a gap; it is at the log's end then.
    pub fn skip(&self, cursor: &mut Cursor) -> Option<Gap> {
        self.gap(cursor, self.head())
    }

    /// What lies between a cursor and a place that it is to be past.
    fn gap(&self, cursor: &mut Cursor, resume: Position) -> Option<Gap> {
        let position = cursor.position;
        // A log of the same epoch never gets shorter, so a position past its end is that of one who has read at another server
        // that was told more. What comes up to there is not news for it.
        let cause = match position.epoch != self.epoch {
            true => GapCause::LogLost,
            false if position.offset < resume.offset => GapCause::Evicted,
            false => return None,
        };
        cursor.position = resume;
        Some(Gap {
            room: self.room,
            cause,
            from: position.offset.next(),
            resume,
        })
    }

    /// The messages that a cursor sees next: at most `max_bytes` of them or one, and none after `last`. The cursor is past
    /// them then. A cursor that is at the log's end sees none, nor does one that is before a gap.
    pub fn read(&mut self, cursor: &mut Cursor, max_bytes: usize, last: Offset) -> Frames<'_> {
        let Some(first) = self.index_after(cursor.position) else {
            return Frames::default();
        };
        let begin = first
            .checked_sub(1)
            .map_or(self.begin, |before| self.entries[before].end);
        let limit = begin.saturating_add(max_bytes as u64);
        let fitting = self.entries.partition_point(|entry| entry.end <= limit).max(first + 1);
        let allowed = last.0.saturating_sub(self.evicted.0).min(self.entries.len() as u64);
        let past = fitting.min(allowed as usize);
        if past <= first {
            return Frames {
                is_all: first == self.entries.len(),
                ..Frames::default()
            };
        }
        let end = self.entries[past - 1].end;
        self.chunks.share(end);
        let count = (past - first) as u64;
        let is_all = past == self.entries.len();
        cursor.position.offset.0 += count;
        Frames {
            chunks: Some(&self.chunks),
            begin,
            end,
            count,
            is_all,
            oldest: self.entries[first].at,
        }
    }

    /// The place in `entries` after a position that is in this log and not before a gap.
    fn index_after(&self, position: Position) -> Option<usize> {
        let index = position.offset.0.checked_sub(self.evicted.0)?;
        let is_here = position.epoch == self.epoch && index <= self.entries.len() as u64;
        is_here.then_some(index as usize)
    }
}

impl Frames<'_> {
    /// How many messages.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the cursor is at the log's end now.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.is_all
    }

    /// When the first of them was appended.
    #[must_use]
    pub const fn oldest(&self) -> Instant {
        self.oldest
    }

    /// How many bytes, of all pieces.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        (self.end - self.begin) as usize
    }

    /// The pieces.
    pub fn chunks(&self) -> impl Iterator<Item = Bytes> {
        let (begin, end) = (self.begin, self.end);
        self.chunks
            .into_iter()
            .flat_map(move |chunks| chunks.pieces(begin, end))
    }
}

/// No messages.
impl Default for Frames<'_> {
    fn default() -> Self {
        Self {
            chunks: None,
            begin: 0,
            end: 0,
            count: 0,
            is_all: false,
            oldest: Instant::default(),
        }
    }
}

impl Cursor {
    /// The last message it has had.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Goes past the next message without seeing it.
    pub const fn skip(&mut self) {
        self.position.offset = self.position.offset.next();
    }
}
