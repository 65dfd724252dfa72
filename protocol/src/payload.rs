//! A payload that outlives its batch.

use crate::frame::Payload;

/// A payload that was copied out of its batch.
#[derive(Clone, PartialEq, Eq)]
pub enum OwnedPayload {
    /// UTF-8.
    Text(Box<str>),
    /// Bytes.
    Binary(Box<[u8]>),
}

impl OwnedPayload {
    /// The payload, borrowed.
    #[must_use]
    pub const fn as_payload(&self) -> Payload<'_> {
        match self {
            Self::Text(text) => Payload::Text(text),
            Self::Binary(bytes) => Payload::Binary(bytes),
        }
    }
}

impl From<Payload<'_>> for OwnedPayload {
    fn from(payload: Payload<'_>) -> Self {
        match payload {
            Payload::Text(text) => Self::Text(text.into()),
            Payload::Binary(bytes) => Self::Binary(bytes.into()),
        }
    }
}

impl From<&str> for OwnedPayload {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for OwnedPayload {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&[u8]> for OwnedPayload {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Vec<u8>> for OwnedPayload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// What people say is not shown, only how much.
impl core::fmt::Debug for OwnedPayload {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(&self.as_payload(), f)
    }
}
