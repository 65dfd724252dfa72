//! What is said on a connection, and what it means.

use std::fmt;

use anyhow::{Result, bail, ensure};

use super::{rooms::Rooms, socketio};
use crate::frame::{self, Message};

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/chat` and `/echo` in plain text.
    Plain,
    /// Events of Socket.IO over Engine.IO's WebSocket transport.
    SocketIo,
    /// A room of the Tidewire protocol; it has no echo.
    Rooms,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be told what others say.
    Receive,
    /// To say what others are told.
    Send,
    /// To be answered with what it says.
    Echo,
}

/// What the server said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// The connection has joined.
    Joined,
    /// Somebody else's message.
    Broadcast(&'a [u8]),
    /// The answer to a message of one's own: the same again.
    Answer(&'a [u8]),
    /// The answer to a message of one's own: how many there were, this one included.
    Accepted(u64),
}

/// One side of a conversation.
#[derive(Debug)]
pub(crate) enum Speech {
    /// Plain text on `/chat`.
    Chat,
    /// Plain text on `/echo`.
    Echo,
    /// With the name of the event that carries messages.
    SocketIo(&'static str),
    /// A room. There is more to remember here than elsewhere, and connections that remember nothing should be small.
    Rooms(Box<Rooms>),
}

impl Dialect {
    /// Whether [`Purpose::Echo`] can be served.
    pub(crate) fn has_echo(self) -> bool {
        self != Self::Rooms
    }

    pub(super) fn path(self, purpose: Purpose) -> &'static str {
        match (self, purpose) {
            (Self::Plain, Purpose::Echo) => "/echo",
            (Self::Plain, _) => "/chat",
            (Self::SocketIo, _) => socketio::PATH,
            (Self::Rooms, _) => "/ws",
        }
    }

    /// Whether [`Heard::Joined`] comes.
    pub(super) fn is_welcomed(self, purpose: Purpose) -> bool {
        (self, purpose) != (Self::Plain, Purpose::Echo)
    }
}

impl Speech {
    /// The first words of a connection.
    pub(crate) fn new(dialect: Dialect, purpose: Purpose) -> Self {
        match (dialect, purpose) {
            (Dialect::Plain, Purpose::Echo) => Self::Echo,
            (Dialect::Plain, _) => Self::Chat,
            (Dialect::SocketIo, _) => Self::SocketIo(socketio::event(purpose)),
            (Dialect::Rooms, _) => Self::Rooms(Rooms::new(purpose).into()),
        }
    }

    /// The connection has ended, and what is said next is said on another.
    pub(super) fn come_back(&mut self) {
        if let Self::Rooms(rooms) = self {
            rooms.come_back();
        }
    }

    /// What is said first.
    pub(super) fn greet(&self, out: &mut Vec<u8>) {
        if let Self::Rooms(rooms) = self {
            rooms.greet(out);
        }
    }

    /// Says a message.
    pub(super) fn put(&mut self, out: &mut Vec<u8>, payload: &[u8]) {
        match self {
            Self::Chat | Self::Echo => frame::put(out, Message::Text(payload)),
            Self::SocketIo(event) => socketio::put(out, event, payload),
            Self::Rooms(rooms) => rooms.put(out, payload),
        }
    }

    /// Tells what a message of the server means; what it asks for goes to `out`.
    pub(super) fn hear(
        &mut self,
        message: Message<'_>,
        out: &mut Vec<u8>,
        on_heard: &mut impl FnMut(Heard<'_>) -> Result<()>,
    ) -> Result<()> {
        match (self, message) {
            (Self::Chat, Message::Text(text)) => on_heard(chat(text)?),
            (Self::Echo, Message::Text(text)) => on_heard(Heard::Answer(text)),
            (Self::SocketIo(_), Message::Text(packet)) => socketio::hear(packet, out)?.map_or(Ok(()), on_heard),
            (Self::Rooms(rooms), Message::Binary(batch)) => rooms.hear(batch, out, on_heard),
            _ => bail!("text where bytes are spoken, or bytes where text is"),
        }
    }
}

/// What a text of `/chat` means; Socket.IO's peer says the same.
pub(crate) fn chat(text: &[u8]) -> Result<Heard<'_>> {
    if let Some(payload) = text.strip_prefix(b"Broadcast: ") {
        return Ok(Heard::Broadcast(payload));
    }
    if let Some(payload) = text.strip_prefix(b"Server received: ") {
        return Ok(Heard::Answer(payload));
    }
    ensure!(
        text == b"Welcome to the WebSocket server!",
        "{} bytes that are no words of a chat",
        text.len()
    );
    Ok(Heard::Joined)
}

impl fmt::Debug for Heard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined => f.write_str("a welcome"),
            Self::Broadcast(payload) => write!(f, "a broadcast of {} bytes", payload.len()),
            Self::Answer(payload) => write!(f, "an answer of {} bytes", payload.len()),
            Self::Accepted(count) => write!(f, "that message {count} was accepted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_chat_are_told_apart_and_others_are_an_error() {
        assert_eq!(chat(b"Welcome to the WebSocket server!").expect("known"), Heard::Joined);
        assert_eq!(chat(b"Broadcast: a").expect("known"), Heard::Broadcast(b"a"));
        assert_eq!(chat(b"Server received: a").expect("known"), Heard::Answer(b"a"));
        assert!(chat(b"Server received a").is_err());
    }

    #[test]
    fn a_kind_of_message_that_the_dialect_does_not_have_is_an_error() {
        let mut chat = Speech::new(Dialect::Plain, Purpose::Receive);
        let mut rooms = Speech::new(Dialect::Rooms, Purpose::Receive);
        let mut ignore = |_: Heard<'_>| Ok(());
        let out = &mut Vec::new();
        assert!(chat.hear(Message::Binary(b"Broadcast: a"), out, &mut ignore).is_err());
        assert!(rooms.hear(Message::Text(b""), out, &mut ignore).is_err());
    }
}
