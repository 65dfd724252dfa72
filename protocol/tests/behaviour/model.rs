//! A plain model of a room's log, all messages ever and what is kept of them, and what both do side by side.

use std::time::Duration;

use tidewire_protocol::{
    CHUNK_BYTES, Cursor, Epoch, FRAME_OVERHEAD, Frames, Instant, Log, Offset, Position, Retention, RoomNumber, decode,
    frame::{Gap, GapCause, Message, Payload, ServerFrame, Start},
};

const ROOM: RoomNumber = RoomNumber(300);
const END: Offset = Offset(u64::MAX);

/// Something that happens to a log or to one of its readers.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Append(Vec<u8>),
    /// The clock goes on by some milliseconds, or back.
    Tick(i32),
    Evict,
    Begin(Begin),
    /// One of the readers reads so many bytes.
    Read(usize, usize),
    /// The log is lost, and another begins.
    Lose,
}

/// How a reader begins.
#[derive(Clone, Debug)]
pub(crate) enum Begin {
    Now,
    Last(u32),
    /// After an offset that may be kept, gone, or not yet there.
    After(u64),
    /// After an offset of another life of the log.
    Elsewhere(u64),
}

/// One life of a log as one would describe it: every message, and how many of the first are gone.
struct Model {
    epoch: Epoch,
    retention: Retention,
    messages: Vec<Said>,
    gone: usize,
}

struct Said {
    at: Instant,
    payload: Vec<u8>,
    /// The size of its frame.
    bytes: usize,
}

impl Model {
    fn position(&self, offset: usize) -> Position {
        Position {
            epoch: self.epoch,
            offset: Offset(offset as u64),
        }
    }

    fn kept_bytes(&self) -> usize {
        self.messages[self.gone..]
            .iter()
            .map(|said| said.bytes + FRAME_OVERHEAD)
            .sum()
    }

    /// The oldest leaves as long as one of the three rules is broken.
    fn evict(&mut self, now: Instant) {
        while let Some(oldest) = self.messages.get(self.gone) {
            let kept = self.messages.len() - self.gone;
            let is_old = now.since(oldest.at) > self.retention.max_age;
            if kept <= self.retention.max_messages && self.kept_bytes() <= self.retention.max_bytes && !is_old {
                break;
            }
            self.gone += 1;
        }
    }

    /// What a reader at this position is to be told before it reads on.
    fn missing(&self, position: Position) -> Option<Gap> {
        let is_lost = position.epoch != self.epoch;
        (is_lost || position.offset.0 < self.gone as u64).then(|| Gap {
            room: ROOM,
            cause: if is_lost { GapCause::LogLost } else { GapCause::Evicted },
            from: position.offset.next(),
            resume: self.position(self.gone),
        })
    }
}

/// The log, its model, and all who read.
pub(crate) struct Room {
    log: Log,
    model: Model,
    now: Instant,
    readers: Vec<Cursor>,
}

impl Room {
    pub(crate) fn new(retention: Retention) -> Self {
        let epoch = Epoch(1);
        let model = Model {
            epoch,
            retention,
            messages: Vec::new(),
            gone: 0,
        };
        Self {
            log: Log::new(ROOM, epoch, retention),
            model,
            now: Instant::new(Duration::from_secs(1)),
            readers: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, step: Step) {
        match step {
            Step::Append(payload) => self.append(payload),
            Step::Tick(millis) => {
                let change = Duration::from_millis(millis.unsigned_abs().into());
                self.now = if millis < 0 {
                    Instant::new(self.now.elapsed().saturating_sub(change))
                } else {
                    self.now + change
                };
            }
            Step::Evict => {
                self.log.evict(self.now);
                self.model.evict(self.now);
            }
            Step::Begin(begin) => self.begin(&begin),
            Step::Read(which, max_bytes) if !self.readers.is_empty() => {
                let which = which % self.readers.len();
                self.read(which, max_bytes);
            }
            Step::Read(..) => {}
            Step::Lose => {
                let epoch = Epoch(self.model.epoch.0 + 1);
                self.log = Log::new(ROOM, epoch, self.model.retention);
                self.model = Model {
                    epoch,
                    messages: Vec::new(),
                    gone: 0,
                    ..self.model
                };
            }
        }
        assert_eq!(self.log.head(), self.model.position(self.model.messages.len()));
        assert_eq!(self.log.bytes(), self.model.kept_bytes());
    }

    /// Lets every reader read to the log's end: a gap at most, and what is left.
    pub(crate) fn finish(&mut self) {
        for which in 0..self.readers.len() {
            let most = self.model.messages.len() + 2;
            assert!((0..most).any(|_| !self.read(which, 100)), "there is no end");
            let (position, head) = (self.readers[which].position(), self.log.head());
            // One that has come further elsewhere stays there.
            assert!(position.epoch == head.epoch && position.offset >= head.offset);
        }
    }

    fn append(&mut self, payload: Vec<u8>) {
        let position = self.log.append(self.now, "ann", Payload::Binary(&payload));
        let offset = self.model.messages.len() + 1;
        // The number of the room, the offset, the sender, the payload; before them the kind and their length.
        let body = varint(ROOM.0 as usize) + varint(offset) + 4 + payload.len();
        let bytes = 1 + varint(body) + body;
        self.model.messages.push(Said {
            at: self.now,
            payload,
            bytes,
        });
        assert_eq!(position, self.model.position(self.model.messages.len()));
        self.model.evict(self.now);
    }

    fn begin(&mut self, begin: &Begin) {
        let end = self.model.messages.len();
        let after = |epoch, offset| Position {
            epoch: Epoch(epoch),
            offset: Offset(offset),
        };
        let (start, expected) = match *begin {
            Begin::Now => (Start::Now, self.model.position(end)),
            Begin::Last(count) => {
                let kept = (end - self.model.gone).min(count as usize);
                (Start::Last(count), self.model.position(end - kept))
            }
            Begin::After(offset) => {
                let position = after(self.model.epoch.0, offset);
                (Start::After(position), position)
            }
            Begin::Elsewhere(offset) => {
                let position = after(0, offset);
                (Start::After(position), position)
            }
        };
        let cursor = self.log.cursor(start);
        assert_eq!(cursor.position(), expected);
        self.readers.push(cursor);
    }

    /// Reads once, and returns whether there was something.
    fn read(&mut self, which: usize, max_bytes: usize) -> bool {
        let cursor = &mut self.readers[which];
        let before = cursor.position();
        let has_news = self.log.has_news(cursor);
        let missing = self.model.missing(before);
        if missing.is_some() {
            assert!(self.log.read(cursor, max_bytes, END).is_empty(), "its gap comes first");
        }
        assert_eq!(self.log.read_gap(cursor), missing);
        let first = missing.map_or(before, |gap| gap.resume);
        assert_eq!(cursor.position(), first);
        let head = self.log.head();
        let frames = self.log.read(cursor, max_bytes, END);
        assert_eq!(frames.is_all(), cursor.position() == head);
        assert_eq!(has_news, missing.is_some() || !frames.is_empty());
        let end = Offset(first.offset.0 + frames.count());
        assert_eq!(
            (cursor.position().epoch, cursor.position().offset),
            (self.model.epoch, end)
        );
        // Past the end there is nothing, however far.
        let first = usize::try_from(first.offset.0).unwrap_or(usize::MAX);
        self.model.check(first, &frames, max_bytes);
        has_news
    }
}

impl Model {
    /// Checks that frames are the messages after `first`, each as it was said, and as many as there is room for.
    fn check(&self, first: usize, frames: &Frames<'_>, max_bytes: usize) {
        let pieces: Vec<_> = frames.chunks().collect();
        let read = pieces.iter().flat_map(|piece| decode(piece));
        // A reader may have come further elsewhere.
        let said = self.messages.get(first..).unwrap_or_default();
        let mut count = 0;
        for (frame, said) in read.zip(said) {
            count += 1;
            let message = Message {
                room: ROOM,
                offset: Offset((first + count) as u64),
                sender: "ann",
                payload: Payload::Binary(&said.payload),
            };
            assert_eq!(frame, Ok(ServerFrame::Message(message)));
        }
        let bytes: usize = said[..count].iter().map(|said| said.bytes).sum();
        assert_eq!((frames.count(), frames.bytes()), (count as u64, bytes));
        assert!(
            pieces
                .iter()
                .all(|piece| !piece.is_empty() && piece.len() <= CHUNK_BYTES)
        );
        assert!(count <= 1 || bytes <= max_bytes);
        if let Some(next) = said.get(count) {
            assert!(count > 0 && bytes + next.bytes > max_bytes, "another would have fitted");
        }
    }
}

/// How many bytes a number takes: seven bits each.
fn varint(number: usize) -> usize {
    let bits = usize::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}
