//! What is told to who is in a room now, beside its log: signals, and who joined or left.

use std::collections::VecDeque;

use bytes::Bytes;

/// Frames that are not logged, for the readers that are there. It is bounded: what a reader did not take in time it does not
/// get. It may lose signals; who joined and left it must then be told anew, as a whole.
#[derive(Debug)]
pub struct Transients<Sender> {
    frames: VecDeque<Transient<Sender>>,
    /// How many have left.
    begin: u64,
    limits: TransientLimits,
    bytes: usize,
}

/// How much of what is not logged waits for slow readers. What is over either leaves, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransientLimits {
    /// How many frames. Default: 256.
    pub max_frames: usize,
    /// How many bytes of encoded frames. Default: 64 KiB.
    pub max_bytes: usize,
}

/// One frame that is not logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transient<Sender> {
    /// What it tells.
    pub kind: TransientKind<Sender>,
    /// The frame, encoded.
    pub frame: Bytes,
}

/// What a frame that is not logged tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransientKind<Sender> {
    /// A signal; its sender does not get it.
    Signal(Sender),
    /// Somebody joined or left; only who asked for presence gets it.
    Presence,
}

/// A reader's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransientCursor(u64);

impl Default for TransientLimits {
    fn default() -> Self {
        Self {
            max_frames: 256,
            max_bytes: 64 << 10,
        }
    }
}

impl<Sender> Transients<Sender> {
    /// None yet.
    #[must_use]
    pub const fn new(limits: TransientLimits) -> Self {
        Self {
            frames: VecDeque::new(),
            begin: 0,
            limits,
            bytes: 0,
        }
    }

    /// The place of a reader that joins now.
    #[must_use]
    pub fn cursor(&self) -> TransientCursor {
        TransientCursor(self.end())
    }

    /// Adds one for all readers.
    pub fn push(&mut self, transient: Transient<Sender>) {
        self.bytes += transient.frame.len();
        self.frames.push_back(transient);
        while self.frames.len() > self.limits.max_frames || self.bytes > self.limits.max_bytes {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.frame.len();
            self.begin += 1;
        }
    }

    /// Whether a reader has something to take, or missed something.
    #[must_use]
    pub fn has_news(&self, cursor: TransientCursor) -> bool {
        cursor.0 < self.end()
    }

    /// The next for a reader, and whether it missed some before.
    pub fn next(&self, cursor: &mut TransientCursor) -> (Option<&Transient<Sender>>, bool) {
        let missed = cursor.0 < self.begin;
        let place = cursor.0.max(self.begin);
        let next = usize::try_from(place - self.begin)
            .ok()
            .and_then(|index| self.frames.get(index));
        *cursor = TransientCursor(place + u64::from(next.is_some()));
        (next, missed)
    }

    fn end(&self) -> u64 {
        self.begin + self.frames.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn signal(byte: u8, length: usize) -> Transient<u8> {
        Transient {
            kind: TransientKind::Signal(byte),
            frame: vec![byte; length].into(),
        }
    }

    /// What a reader gets, and whether it missed some.
    fn read(transients: &Transients<u8>, cursor: &mut TransientCursor) -> (Vec<u8>, bool) {
        let (mut got, mut missed) = (Vec::new(), false);
        loop {
            let has_news = transients.has_news(*cursor);
            let (next, missed_some) = transients.next(cursor);
            assert_eq!(has_news, next.is_some() || missed_some);
            missed |= missed_some;
            match next {
                Some(transient) => got.push(transient.frame[0]),
                None => return (got, missed),
            }
        }
    }

    #[test]
    fn each_reader_gets_each_frame_once_from_when_it_joined() {
        let mut transients = Transients::new(TransientLimits::default());
        let mut early = transients.cursor();
        transients.push(signal(1, 1));
        let mut late = transients.cursor();
        transients.push(signal(2, 1));
        assert_eq!(read(&transients, &mut early), (vec![1, 2], false));
        assert_eq!(read(&transients, &mut early), (vec![], false));
        assert_eq!(read(&transients, &mut late), (vec![2], false));
    }

    #[test]
    fn who_is_one_too_far_behind_misses_some_and_is_told_so_once() {
        for (limits, length) in [((3, 100), 1), ((100, 30), 10)] {
            let (max_frames, max_bytes) = limits;
            let mut transients = Transients::new(TransientLimits { max_frames, max_bytes });
            let mut reader = transients.cursor();
            let mut later = reader;
            for byte in 1..=3 {
                transients.push(signal(byte, length));
            }
            assert_eq!(read(&transients, &mut reader.clone()), (vec![1, 2, 3], false));
            transients.push(signal(4, length));
            assert_eq!(read(&transients, &mut reader), (vec![2, 3, 4], true));
            assert_eq!(read(&transients, &mut reader), (vec![], false));
            (5..=8).for_each(|byte| transients.push(signal(byte, length)));
            assert_eq!(read(&transients, &mut later), (vec![6, 7, 8], true));
        }
    }

    #[test]
    fn a_frame_larger_than_all_that_may_wait_is_missed_by_all() {
        let mut transients = Transients::new(TransientLimits {
            max_frames: 9,
            max_bytes: 9,
        });
        let mut reader = transients.cursor();
        transients.push(signal(1, 10));
        assert!(transients.has_news(reader));
        assert_eq!(read(&transients, &mut reader), (vec![], true));
        assert!(!transients.has_news(reader));
    }
}
