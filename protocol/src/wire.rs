//! The parts that frames are made of: numbers, text, bytes, and the frame around them.

use core::time::Duration;

use crate::{
    codes::CloseCode,
    error::Rule,
    ids::{Epoch, MAX_MEMBER_BYTES, MAX_ROOM_BYTES, NameError, Offset, Position, SessionId, check_name},
};

/// A varint of a `u64` has at most so many bytes.
const MAX_VARINT_BYTES: usize = 10;

/// Takes parts off the front of a frame's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Rule> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Rule::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// All that is left.
    #[inline]
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Rule> {
        let (&byte, rest) = self.rest.split_first().ok_or(Rule::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    /// LEB128, in as few bytes as the number needs.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Rule> {
        match self.rest.split_first() {
            // Most numbers are small.
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(byte.into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Rule> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(MAX_VARINT_BYTES).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                let is_too_large = index + 1 == MAX_VARINT_BYTES && byte > 1;
                if byte == 0 || is_too_large {
                    return Err(Rule::Varint);
                }
                self.take(index + 1)?;
                return Ok(value);
            }
        }
        Err(if self.rest.len() < MAX_VARINT_BYTES {
            Rule::Truncated
        } else {
            Rule::Varint
        })
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, Rule> {
        u32::try_from(self.varint()?).map_err(|_| Rule::OutOfRange)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Rule> {
        u16::try_from(self.varint()?).map_err(|_| Rule::OutOfRange)
    }

    pub(crate) fn millis(&mut self) -> Result<Duration, Rule> {
        self.u32().map(|millis| Duration::from_millis(millis.into()))
    }

    /// A length, and so many bytes.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Rule> {
        let length = usize::try_from(self.varint()?).map_err(|_| Rule::Truncated)?;
        self.take(length)
    }

    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a str, Rule> {
        utf8(self.bytes()?)
    }

    pub(crate) fn room(&mut self) -> Result<&'a str, Rule> {
        self.name(MAX_ROOM_BYTES)
    }

    #[inline]
    pub(crate) fn member(&mut self) -> Result<&'a str, Rule> {
        self.name(MAX_MEMBER_BYTES)
    }

    /// A member's id, or nothing for the server itself.
    #[inline]
    pub(crate) fn sender(&mut self) -> Result<&'a str, Rule> {
        if self.rest.first() == Some(&0) {
            return self.text();
        }
        self.member()
    }

    #[inline]
    fn name(&mut self, max_bytes: usize) -> Result<&'a str, Rule> {
        let name = self.text()?;
        check_name(name, max_bytes).map_err(|error| match error {
            NameError::Empty => Rule::EmptyName,
            NameError::TooLong => Rule::NameTooLong,
            NameError::ControlCharacter => Rule::NameControlCharacter,
        })?;
        Ok(name)
    }

    pub(crate) fn session(&mut self) -> Result<SessionId, Rule> {
        self.take(16)?.try_into().map(SessionId).map_err(|_| Rule::Truncated)
    }

    /// Eight bytes, the highest first.
    pub(crate) fn u64(&mut self) -> Result<u64, Rule> {
        let bytes = self.take(8)?.try_into();
        bytes.map(u64::from_be_bytes).map_err(|_| Rule::Truncated)
    }

    pub(crate) fn position(&mut self) -> Result<Position, Rule> {
        Ok(Position {
            epoch: Epoch(self.u64()?),
            offset: Offset(self.varint()?),
        })
    }

    pub(crate) fn code(&mut self) -> Result<CloseCode, Rule> {
        self.u16().map(CloseCode)
    }
}

#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Rule> {
    core::str::from_utf8(bytes).map_err(|_| Rule::NotUtf8)
}

/// Writes the parts of a frame's body.
pub(crate) trait Put {
    fn put_varint(&mut self, value: u64);
    fn put_bytes(&mut self, bytes: &[u8]);
    fn put_millis(&mut self, duration: Duration);
    fn put_position(&mut self, position: Position);
}

impl Put for Vec<u8> {
    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_varint(bytes.len() as u64);
        self.extend_from_slice(bytes);
    }

    /// What does not fit, some 49 days, is written as the longest time that does.
    fn put_millis(&mut self, duration: Duration) {
        self.put_varint(u32::try_from(duration.as_millis()).unwrap_or(u32::MAX).into());
    }

    fn put_position(&mut self, position: Position) {
        self.extend_from_slice(&position.epoch.0.to_be_bytes());
        self.put_varint(position.offset.0);
    }
}

/// Writes a frame: its kind, the length of its body, the body. The body is what `head` writes, which is short, and then
/// `tail`, which need not be.
pub(crate) fn put_frame(out: &mut Vec<u8>, kind: u8, tail: &[u8], head: impl FnOnce(&mut Vec<u8>)) {
    out.reserve(tail.len() + 32);
    let start = out.len();
    out.extend_from_slice(&[kind, 0]);
    head(out);
    close_frame(out, start, tail);
}

/// Writes the length of the frame that begins at `start`, and its tail.
fn close_frame(out: &mut Vec<u8>, start: usize, tail: &[u8]) {
    let mut at = start + 1;
    let mut length = out.len() - at - 1 + tail.len();
    while length >= 0x80 {
        // The head, which is short, moves up by the bytes that the length needs beyond the one that was left for it.
        out.insert(at, length as u8 | 0x80);
        at += 1;
        length >>= 7;
    }
    if let Some(last) = out.get_mut(at) {
        *last = length as u8;
    }
    out.extend_from_slice(tail);
}

/// The members in a [`Present`](crate::frame::ServerFrame::Present) frame, each checked already.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Members<'a> {
    encoded: &'a [u8],
}

impl<'a> Members<'a> {
    /// Checks all of them.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Rule> {
        let encoded = reader.bytes()?;
        let mut members = Reader::new(encoded);
        while !members.is_empty() {
            members.member()?;
        }
        Ok(Self { encoded })
    }

    /// Writes ids one after another into `buffer`, and borrows them from there. Ids that break the rules are left out.
    pub fn write<'m>(ids: impl IntoIterator<Item = &'m str>, buffer: &'a mut Vec<u8>) -> Self {
        buffer.clear();
        for id in ids.into_iter().filter(|id| check_name(id, MAX_MEMBER_BYTES).is_ok()) {
            buffer.put_bytes(id.as_bytes());
        }
        Self { encoded: buffer }
    }

    pub(crate) const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = &'a str;
    type IntoIter = MembersIter<'a>;

    fn into_iter(self) -> MembersIter<'a> {
        MembersIter {
            reader: Reader::new(self.encoded),
        }
    }
}

/// Goes through [`Members`].
#[derive(Clone, Debug)]
pub struct MembersIter<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for MembersIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.reader.text().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn varints_take_seven_bits_a_byte_and_no_byte_more() {
        for (value, bytes) in [
            (0, &[0][..]),
            (0x7f, &[0x7f]),
            (0x80, &[0x80, 1]),
            (0x3fff, &[0xff, 0x7f]),
            (0x4000, &[0x80, 0x80, 1]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut written = Vec::new();
            written.put_varint(value);
            assert_eq!(written, bytes);
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.varint(), Ok(value));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_varint_that_is_too_long_too_large_or_cut_is_refused() {
        for (bytes, rule) in [
            (&[][..], Rule::Truncated),
            (&[0x80], Rule::Truncated),
            (&[0x80, 0], Rule::Varint),
            (&[0xff, 0x80, 0], Rule::Varint),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], Rule::Varint),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81],
                Rule::Varint,
            ),
        ] {
            assert_eq!(Reader::new(bytes).varint(), Err(rule), "{bytes:?}");
        }
    }

    #[test]
    fn a_frames_length_takes_the_bytes_it_needs_and_its_head_keeps_its_place() {
        for length in [
            0, 1, 124, 125, 126, 127, 16_380, 16_381, 16_382, 2_097_148, 2_097_149, 2_097_150,
        ] {
            let tail = vec![7; length];
            let mut out = vec![9];
            put_frame(&mut out, 5, &tail, |out| out.extend_from_slice(&[1, 2, 3]));
            let mut reader = Reader::new(&out);
            assert_eq!((reader.byte(), reader.byte()), (Ok(9), Ok(5)));
            let body = reader.bytes().expect("a body");
            assert!(reader.is_empty());
            assert_eq!((&body[..3], body.len()), (&[1, 2, 3][..], length + 3));
            assert!(body[3..] == tail, "{length}");
        }
    }
}
