//! What a socket reports, and what it carries.

use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, MessageEvent, WebSocket};

/// One event of a socket.
///
/// A connection is `Open` at most once and then gives messages; it ends with one `Close`, after an `Error` when it
/// failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The connection stands, and messages can be sent.
    Open {
        /// The subprotocol that the server chose; empty when none was chosen.
        protocol: String,
    },
    /// A message came.
    Message(Message),
    /// The connection failed; [`Close`](Self::Close) follows. Browsers do not tell a page why.
    Error,
    /// The connection is over, and nothing follows.
    Close(Close),
}

/// One message, either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code of the close frame: 1005 when it had none, 1006 when there was no close frame.
    ///
    /// [`CloseCode`](crate::CloseCode) has the meanings.
    pub code: u16,
    /// The reason of the close frame; often empty.
    pub reason: String,
    /// Whether both sides had said goodbye, so that what was sent before it has arrived.
    pub was_clean: bool,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadyState {
    /// The handshake is under way.
    Connecting,
    /// Messages can be sent.
    Open,
    /// A close has begun.
    Closing,
    /// The connection is over, or never was.
    Closed,
}

impl Event {
    /// Reads an event of the browser's; `None` for one that is none of the four.
    pub(crate) fn from_browser(socket: &WebSocket, event: &web_sys::Event) -> Option<Self> {
        // The four types are the browser's promise of the interface, so the casts need no check of it.
        match event.type_().as_str() {
            "open" => Some(Self::Open {
                protocol: socket.protocol(),
            }),
            "message" => Some(Self::Message(Message::from_browser(event.unchecked_ref()))),
            "error" => Some(Self::Error),
            "close" => Some(Self::Close(Close::from_browser(event.unchecked_ref()))),
            _ => None,
        }
    }
}

impl Message {
    /// The length in bytes; of a text, in UTF-8.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether the message is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn from_browser(event: &MessageEvent) -> Self {
        let data = event.data();
        match data.as_string() {
            Some(text) => Self::Text(text),
            // An ArrayBuffer, as was asked for when the socket was made.
            None => Self::Binary(Uint8Array::new(&data).to_vec()),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

impl Close {
    fn from_browser(event: &CloseEvent) -> Self {
        Self {
            code: event.code(),
            reason: event.reason(),
            was_clean: event.was_clean(),
        }
    }
}

impl ReadyState {
    pub(crate) fn of(socket: &WebSocket) -> Self {
        match socket.ready_state() {
            WebSocket::CONNECTING => Self::Connecting,
            WebSocket::OPEN => Self::Open,
            WebSocket::CLOSING => Self::Closing,
            _ => Self::Closed,
        }
    }
}
