//! Identities and places: newtypes whose values are checked when they are built.

use core::fmt;
use std::sync::Arc;

/// The longest name of a room, in bytes of UTF-8.
pub const MAX_ROOM_BYTES: usize = 128;
/// The longest id of a member, in bytes of UTF-8.
pub const MAX_MEMBER_BYTES: usize = 64;

/// The name of a room: 1 to [`MAX_ROOM_BYTES`] bytes of UTF-8 without control characters. Cloning it is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName(Arc<str>);

/// A session as others in a room see it: 1 to [`MAX_MEMBER_BYTES`] bytes of UTF-8 without control characters. Public.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(Arc<str>);

/// Why text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It has no characters.
    Empty,
    /// It has more bytes than names of its kind may have.
    TooLong,
    /// It has a control character, such as a line break.
    ControlCharacter,
}

/// The conversation of one client with the server, across transports. Who knows it can take the session over, so it is a
/// secret, made of 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

/// One life of a room's log. It changes when the log was lost, so that offsets of another life are never mistaken for
/// offsets of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// A message's place in its room's log: the first has 1, and there are no holes. 0 is the place before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

/// All that a subscriber needs to resume, at any node: the last message it has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The life of the log that the offset belongs to.
    pub epoch: Epoch,
    /// The last message had.
    pub offset: Offset,
}

/// A publish's place among those of its session: the first has 1, and there are no holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// A client's name for one of its requests; what answers a request carries it. Never used twice in a session, so that the
/// answer to an old attempt is not taken for the answer to a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request(pub u32);

/// A node's name for a room, short enough to stand in every message. It has a meaning on the connection on which
/// [`Subscribed`](crate::frame::Subscribed) told it, and on no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomNumber(pub u32);

impl RoomName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// Where it breaks one of the rules above.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check_name(name, MAX_ROOM_BYTES).map(|()| Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl MemberId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// Where it breaks one of the rules above.
    pub fn new(id: &str) -> Result<Self, NameError> {
        check_name(id, MAX_MEMBER_BYTES).map(|()| Self(id.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[inline]
pub(crate) fn check_name(name: &str, max_bytes: usize) -> Result<(), NameError> {
    if name.is_empty() {
        Err(NameError::Empty)
    } else if name.len() > max_bytes {
        Err(NameError::TooLong)
    } else if has_control(name) {
        Err(NameError::ControlCharacter)
    } else {
        Ok(())
    }
}

fn has_control(name: &str) -> bool {
    // Those that are not ASCII are of two bytes, of which the first begins no others.
    let mut before = 0;
    name.bytes().any(|byte| {
        let is_control = byte < b' ' || byte == 0x7f || (before == 0xc2 && byte < 0xa0);
        before = byte;
        is_control
    })
}

impl NameError {
    /// The rule in a few words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Empty => "a name is empty",
            Self::TooLong => "a name is too long",
            Self::ControlCharacter => "a name has a control character",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for NameError {}

impl Offset {
    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Sequence {
    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A secret is not shown.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

impl core::borrow::Borrow<str> for RoomName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl core::borrow::Borrow<str> for MemberId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_are_checked_at_each_limit_and_one_past_it() {
        assert_eq!(RoomName::new(""), Err(NameError::Empty));
        assert!(RoomName::new("r").is_ok());
        assert!(RoomName::new(&"r".repeat(MAX_ROOM_BYTES)).is_ok());
        assert_eq!(RoomName::new(&"r".repeat(MAX_ROOM_BYTES + 1)), Err(NameError::TooLong));
        assert_eq!(RoomName::new("two\nlines"), Err(NameError::ControlCharacter));
        assert_eq!(MemberId::new(""), Err(NameError::Empty));
        assert!(MemberId::new(&"☃".repeat(MAX_MEMBER_BYTES / 3)).is_ok());
        assert_eq!(
            MemberId::new(&"m".repeat(MAX_MEMBER_BYTES + 1)),
            Err(NameError::TooLong)
        );
        assert_eq!(MemberId::new("nul\0"), Err(NameError::ControlCharacter));
    }

    #[test]
    fn a_session_id_is_not_shown() {
        assert_eq!(format!("{:?}", SessionId([7; 16])), "SessionId(…)");
    }

    #[test]
    fn control_characters_are_those_of_unicode() {
        for character in '\0'..=char::MAX {
            let name = ['a', character, '\u{a0}'].iter().collect::<String>();
            assert_eq!(has_control(&name), character.is_control(), "{character:?}");
        }
    }
}
