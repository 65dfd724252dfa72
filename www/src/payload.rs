//! What is kept of a message, to be shown.

use tidewire_client::{Message, OwnedPayload};

/// A message as the timeline keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The size of the whole message in bytes.
    pub(crate) size: usize,
    /// Its beginning.
    pub(crate) body: Body,
}

/// The beginning of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// At most [`MAX_TEXT`] bytes of a text.
    Text(String),
    /// At most [`MAX_BINARY`] bytes.
    Binary(Vec<u8>),
}

impl Payload {
    /// Keeps the beginning of a text.
    pub(crate) fn of_text(text: &str) -> Self {
        Self {
            size: text.len(),
            body: Body::Text(text[..text.floor_char_boundary(MAX_TEXT)].into()),
        }
    }

    /// Keeps the beginning of some bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self {
            size: bytes.len(),
            body: Body::Binary(bytes[..bytes.len().min(MAX_BINARY)].into()),
        }
    }

    /// How many bytes of it are kept.
    pub(crate) fn kept(&self) -> usize {
        match &self.body {
            Body::Text(text) => text.len(),
            Body::Binary(bytes) => bytes.len(),
        }
    }
}

impl From<&Message> for Payload {
    fn from(message: &Message) -> Self {
        match message {
            Message::Text(text) => Self::of_text(text),
            Message::Binary(bytes) => Self::of_bytes(bytes),
        }
    }
}

impl From<&OwnedPayload> for Payload {
    fn from(payload: &OwnedPayload) -> Self {
        match payload {
            OwnedPayload::Text(text) => Self::of_text(text),
            OwnedPayload::Binary(bytes) => Self::of_bytes(bytes),
        }
    }
}

/// Bytes kept of a text: with the 500 entries of a timeline, 2 MB in all.
pub(crate) const MAX_TEXT: usize = 4096;
/// Bytes kept of a binary message, which take five times their number of characters as a dump.
pub(crate) const MAX_BINARY: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = format!("{}é and more", "a".repeat(MAX_TEXT - 1));
        let payload = Payload::of_text(&text);
        assert_eq!((payload.size, payload.kept()), (text.len(), MAX_TEXT - 1));
    }

    #[test]
    fn bytes_are_kept_up_to_their_limit() {
        for (size, kept) in [(MAX_BINARY, MAX_BINARY), (MAX_BINARY + 1, MAX_BINARY)] {
            let payload = Payload::of_bytes(&vec![7; size]);
            assert_eq!((payload.size, payload.kept()), (size, kept));
        }
    }
}
