//! What a bad frame broke.

use core::fmt;

/// A frame that cannot be decoded. The peer is at fault; the transport is to be closed with
/// [`CloseCode::PROTOCOL_ERROR`](crate::CloseCode::PROTOCOL_ERROR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The kind of the frame, where there was one.
    pub kind: Option<u8>,
    /// The rule it broke.
    pub rule: Rule,
}

/// The rules of `docs/PROTOCOL.md`, section "Encoding", that a frame can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// A frame, or a part of it, ends before its length says.
    Truncated,
    /// A varint is longer than its number needs, or than 64 bits.
    Varint,
    /// A number is larger than its field holds.
    OutOfRange,
    /// A choice has a number that means nothing.
    UnknownChoice,
    /// Text is not UTF-8.
    NotUtf8,
    /// A name is empty.
    EmptyName,
    /// A name has too many bytes.
    NameTooLong,
    /// A name has a control character.
    NameControlCharacter,
}

impl Rule {
    /// The rule in a few words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Truncated => "a part ends before its length says",
            Self::Varint => "a varint is too long",
            Self::OutOfRange => "a number is too large for its field",
            Self::UnknownChoice => "a choice means nothing",
            Self::NotUtf8 => "text is not UTF-8",
            Self::EmptyName => "a name is empty",
            Self::NameTooLong => "a name is too long",
            Self::NameControlCharacter => "a name has a control character",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule.text())
    }
}

impl core::error::Error for DecodeError {}
