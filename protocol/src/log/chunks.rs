//! Where a log's frames lie: one after another in chunks, so that a reader that is behind gets a few long pieces of memory and
//! not one for each message. What is appended goes to the tail, which nobody has seen; the first to read it makes it a chunk.

use std::collections::VecDeque;

use bytes::Bytes;

/// How long a chunk of several messages may get.
pub const CHUNK_BYTES: usize = 16 << 10;

/// Frames one after another. Places are in bytes from the log's beginning.
#[derive(Debug)]
pub(super) struct Chunks {
    /// Frames that were read, in order. Only the first may begin before what is kept.
    sealed: VecDeque<Chunk>,
    /// Frames that nobody has read, after those.
    tail: Vec<u8>,
    /// Where the last frame ends.
    end: u64,
}

#[derive(Debug)]
struct Chunk {
    begin: u64,
    bytes: Bytes,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self {
            sealed: VecDeque::new(),
            tail: Vec::new(),
            end: 0,
        }
    }

    /// Where the last frame ends.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Adds the frame that `encode` writes, and returns where it ends.
    pub(super) fn append(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let before = self.tail.len();
        encode(&mut self.tail);
        let frame = self.tail.len().saturating_sub(before) as u64;
        if before > 0 && self.tail.len() > CHUNK_BYTES {
            let first_of_the_next = self.tail.split_off(before);
            self.seal();
            self.tail = first_of_the_next;
        }
        self.end += frame;
        if self.tail.len() >= CHUNK_BYTES {
            self.seal();
        }
        self.end
    }

    /// Lets go of what lies before `begin`, chunk by chunk.
    pub(super) fn evict(&mut self, begin: u64) {
        while self.sealed.front().is_some_and(|chunk| chunk.end() <= begin) {
            self.sealed.pop_front();
        }
        if begin == self.end {
            // What was never read has no chunk.
            self.tail = Vec::new();
        }
    }

    /// Makes what lies before `end` ready to be shared.
    pub(super) fn share(&mut self, end: u64) {
        if end > self.sealed_end() {
            self.seal();
        }
    }

    /// What lies between two places, as far as it is ready to be shared.
    pub(super) fn pieces(&self, begin: u64, end: u64) -> impl Iterator<Item = Bytes> {
        let first = self.sealed.partition_point(|chunk| chunk.end() <= begin);
        let chunks = self.sealed.range(first..).take_while(move |chunk| chunk.begin < end);
        chunks.map(move |chunk| chunk.slice(begin, end))
    }

    fn sealed_end(&self) -> u64 {
        self.end - self.tail.len() as u64
    }

    /// Makes a chunk of the tail, together with the chunks before it that are not longer. So there are few chunks even where
    /// each message was read before the next, and a message is copied at most once for each doubling of its chunk.
    fn seal(&mut self) {
        let mut begin = self.sealed_end();
        let mut length = self.tail.len();
        let mut whole = self.sealed.len();
        while let Some(chunk) = whole.checked_sub(1).and_then(|last| self.sealed.get(last))
            && chunk.bytes.len() <= length
            && chunk.bytes.len() + length <= CHUNK_BYTES
        {
            begin = chunk.begin;
            length += chunk.bytes.len();
            whole -= 1;
        }
        let mut bytes = Vec::with_capacity(length);
        for chunk in self.sealed.drain(whole..) {
            bytes.extend_from_slice(&chunk.bytes);
        }
        bytes.extend_from_slice(&self.tail);
        self.sealed.push_back(Chunk {
            begin,
            bytes: bytes.into(),
        });
        self.tail = Vec::new();
    }
}

impl Chunk {
    fn end(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }

    /// The part of it that lies between two places.
    fn slice(&self, begin: u64, end: u64) -> Bytes {
        let from = begin.saturating_sub(self.begin) as usize;
        let to = (end.min(self.end()) - self.begin) as usize;
        self.bytes.slice(from..to)
    }
}
