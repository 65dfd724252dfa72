//! A room's log beside a plain model of it: all messages ever, and what is kept of them.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::Index};
use tidewire_protocol::{
    Cursor, Epoch, FRAME_OVERHEAD, Instant, Log, Next, Offset, Position, Retention, RoomNumber, SharedFrame, decode,
    frame::{Gap, GapCause, Message, Payload, ServerFrame, Start},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROOM: RoomNumber = RoomNumber(300);

/// Something that happens to a log or to one of its readers.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    /// The clock goes on by some milliseconds, or back.
    Tick(i32),
    Evict,
    Begin(Begin),
    Read(Index, usize),
    /// The log is lost, and another begins.
    Lose,
}

/// How a reader begins.
#[derive(Clone, Debug)]
enum Begin {
    Now,
    Last(u32),
    /// After an offset that may be kept, gone, or not yet there.
    After(u64),
    /// After an offset of another life of the log.
    Elsewhere(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let begin = prop_oneof![
        Just(Begin::Now),
        prop_oneof![0..12_u32, Just(u32::MAX)].prop_map(Begin::Last),
        prop_oneof![0..40_u64, Just(u64::MAX)].prop_map(Begin::After),
        (0..40_u64).prop_map(Begin::Elsewhere),
    ];
    prop_oneof![
        8 => vec(any::<u8>(), 0..80).prop_map(Step::Append),
        3 => prop_oneof![9 => 0..400_i32, 1 => -400..0_i32].prop_map(Step::Tick),
        1 => Just(Step::Evict),
        2 => begin.prop_map(Step::Begin),
        8 => (any::<Index>(), 0..400_usize).prop_map(|(which, bytes)| Step::Read(which, bytes)),
        1 => Just(Step::Lose),
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    let messages = prop_oneof![0..8_usize, Just(usize::MAX)];
    let bytes = prop_oneof![0..8 * (FRAME_OVERHEAD + 60), Just(usize::MAX)];
    let age = prop_oneof![(0..1000_u64).prop_map(Duration::from_millis), Just(Duration::MAX)];
    (messages, bytes, age).prop_map(|(max_messages, max_bytes, max_age)| Retention {
        max_messages,
        max_bytes,
        max_age,
    })
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
        let is_lost = position.epoch != self.epoch || position.offset.0 > self.messages.len() as u64;
        (is_lost || position.offset.0 < self.gone as u64).then(|| Gap {
            room: ROOM,
            cause: if is_lost { GapCause::LogLost } else { GapCause::Evicted },
            from: position.offset.next(),
            resume: self.position(self.gone),
        })
    }
}

/// The log, its model, and all who read.
struct Room {
    log: Log,
    model: Model,
    now: Instant,
    readers: Vec<Cursor>,
}

impl Room {
    fn new(retention: Retention) -> Self {
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
            now: Instant(Duration::from_secs(1)),
            readers: Vec::new(),
        }
    }

    fn apply(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Append(payload) => self.append(payload)?,
            Step::Tick(millis) => {
                let change = Duration::from_millis(millis.unsigned_abs().into());
                self.now.0 = if millis < 0 {
                    self.now.0.saturating_sub(change)
                } else {
                    self.now.0 + change
                };
            }
            Step::Evict => {
                self.log.evict(self.now);
                self.model.evict(self.now);
            }
            Step::Begin(begin) => self.begin(&begin)?,
            Step::Read(which, max_bytes) if !self.readers.is_empty() => {
                let which = which.index(self.readers.len());
                self.read(which, max_bytes)?;
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
        prop_assert_eq!(self.log.head(), self.model.position(self.model.messages.len()));
        prop_assert_eq!(self.log.bytes(), self.model.kept_bytes());
        Ok(())
    }

    fn append(&mut self, payload: Vec<u8>) -> Result<(), TestCaseError> {
        let position = self.log.append(self.now, "ann", Payload::Binary(&payload));
        // Kind, length of the body, number of the room, offset, sender.
        let head = |body: usize| 1 + if body < 0x80 { 1 } else { 2 };
        let body = 2 + if self.model.messages.len() + 1 < 0x80 { 1 } else { 2 } + 4 + payload.len();
        let bytes = head(body) + body;
        self.model.messages.push(Said {
            at: self.now,
            payload,
            bytes,
        });
        prop_assert_eq!(position, self.model.position(self.model.messages.len()));
        self.model.evict(self.now);
        Ok(())
    }

    fn begin(&mut self, begin: &Begin) -> Result<(), TestCaseError> {
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
        prop_assert_eq!(cursor.position(), expected);
        self.readers.push(cursor);
        Ok(())
    }

    /// Reads once, and returns whether there was something.
    fn read(&mut self, which: usize, max_bytes: usize) -> Result<bool, TestCaseError> {
        let cursor = &mut self.readers[which];
        let before = cursor.position();
        let has_news = self.log.has_news(cursor);
        let next = self.log.read(cursor, max_bytes);
        let after = cursor.position();
        prop_assert_eq!(has_news, next != Next::Nothing);
        match (next, self.model.missing(before)) {
            (Next::Gap(gap), Some(missing)) => {
                prop_assert_eq!(gap, missing);
                prop_assert_eq!(after, missing.resume);
            }
            (Next::Frames(frames), None) => {
                let first = before.offset.0 as usize;
                self.check(first, &frames, max_bytes)?;
                prop_assert_eq!(after, self.model.position(first + frames.len()));
            }
            (Next::Nothing, None) => {
                prop_assert_eq!(before, self.model.position(self.model.messages.len()));
                prop_assert_eq!(after, before);
            }
            (next, missing) => prop_assert!(false, "{next:?} where {missing:?} is missing"),
        }
        Ok(has_news)
    }

    /// Checks that frames are the messages after `first`, each as it was said, and as many as there is room for.
    fn check(&self, first: usize, frames: &[SharedFrame], max_bytes: usize) -> Result<(), TestCaseError> {
        let said = &self.model.messages[first..];
        for (index, (frame, said)) in frames.iter().zip(said).enumerate() {
            let message = Message {
                room: ROOM,
                offset: Offset((first + index + 1) as u64),
                sender: "ann",
                payload: Payload::Binary(&said.payload),
            };
            prop_assert_eq!(decode(frame).collect::<Vec<_>>(), [Ok(ServerFrame::Message(message))]);
        }
        let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
        prop_assert!(frames.len() == 1 || bytes <= max_bytes);
        if let Some(next) = said.get(frames.len()) {
            prop_assert!(bytes + next.bytes > max_bytes, "another would have fitted");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_reader_sees_each_message_once_in_order_and_a_gap_for_what_is_missing(
        retention in retention(),
        steps in vec(step(), 0..200),
    ) {
        let mut room = Room::new(retention);
        for step in steps {
            room.apply(step)?;
        }
        // In the end all are at the log's end.
        for which in 0..room.readers.len() {
            while room.read(which, 100)? {}
            prop_assert_eq!(room.readers[which].position(), room.log.head());
        }
    }
}
