//! The browser's WebSocket: four events, a guarded send, the ready state.
//!
//! Written to the [WHATWG WebSockets standard](https://websockets.spec.whatwg.org/). User code (a callback, a waker,
//! the drop of either) never runs while anything here is borrowed, so it may send, close, drop the socket or open
//! another from inside an event.

mod error;
mod event;
pub(crate) mod link;
pub(crate) mod options;
mod queue;
mod subprotocol;

use crate::error::ConnectError;
use js_sys::{Array, JsString};
use tidewire_protocol::CloseCode;
use wasm_bindgen::JsValue;
use web_sys::WebSocket;

pub(crate) use self::error::connect_error;
pub use self::error::{CloseError, SendError, SendErrorCause};
pub use self::event::{Close, Event, Message, ReadyState};
pub(crate) use self::link::Link;
pub use self::options::SocketOptions;
pub use self::queue::Events;
use self::queue::Pushed;

/// One browser WebSocket, in a page or in a dedicated worker.
///
/// Dropping it takes its handlers off first and then closes the connection with 1000: once it is dropped, no callback
/// of it runs and its [`Events`] end, whatever the browser had still to deliver.
#[derive(Debug)]
pub struct Socket {
    link: Link,
    max_buffered_bytes: u32,
}

impl Socket {
    /// Starts connecting to `url`, whose events are then taken from the stream.
    ///
    /// The stream ends after [`Event::Close`], or when the socket is dropped. It holds at most
    /// [`SocketOptions::max_queued_bytes`]; past that the connection is closed with [`CloseCode::OVERRUN`], and the
    /// stream gives what it held and then that close. Dropping the stream keeps the socket, for sending only.
    ///
    /// # Errors
    ///
    /// When the browser refuses to try; see [`ConnectError`]. A server that cannot be reached is no error here but
    /// [`Event::Error`] and [`Event::Close`] later.
    pub fn connect(url: &str, options: &SocketOptions) -> Result<(Self, Events), ConnectError> {
        let (sender, events) = queue::channel(options.max_queued_bytes);
        let socket = Self::open(url, options, move |socket, event| {
            if sender.push(event) == Pushed::Overrun {
                // The browser delivers no message once a close has begun, so the queue grows no further.
                let _ = socket.close_with_code(CloseCode::OVERRUN.0);
            }
            sender.wake();
        })?;
        Ok((socket, events))
    }

    /// Starts connecting to `url` and calls `on_event` with each event, beginning after this returns.
    ///
    /// The callback may use and even drop the socket.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub fn listen(
        url: &str,
        options: &SocketOptions,
        on_event: impl Fn(Event) + 'static,
    ) -> Result<Self, ConnectError> {
        Self::open(url, options, move |_, event| on_event(event))
    }

    /// Sends one message, or gives it back.
    ///
    /// # Errors
    ///
    /// When the socket is not open, when more than [`SocketOptions::max_buffered_bytes`] wait to be sent, or when the
    /// browser does not take the message. The error holds the message.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        match self.try_send(&message) {
            Ok(()) => Ok(()),
            Err(cause) => Err(SendError { message, cause }),
        }
    }

    /// Starts the closing handshake, or gives up connecting; does nothing when the socket is closing or closed.
    ///
    /// `code` is 1000 or one of 3000 to 4999, and `reason` at most 123 bytes: what
    /// [browsers accept](https://websockets.spec.whatwg.org/#dom-websocket-close). [`Event::Close`] follows when the
    /// server has answered or the browser has given up waiting for it.
    ///
    /// # Errors
    ///
    /// When `code` or `reason` is not of that kind. The socket is then as it was.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), CloseError> {
        if !matches!(code, 1000 | 3000..=4999) {
            return Err(CloseError::InvalidCode);
        }
        if reason.len() > MAX_REASON_BYTES {
            return Err(CloseError::ReasonTooLong);
        }
        let closed = self.link.socket().close_with_code_and_reason(code, reason);
        closed.map_err(|_| CloseError::Rejected)
    }

    /// How far the connection is.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        ReadyState::of(self.link.socket())
    }

    /// How many bytes of messages the browser holds that the network has not taken yet.
    #[must_use]
    pub fn buffered_amount(&self) -> u32 {
        self.link.socket().buffered_amount()
    }

    /// The subprotocol that the server chose; empty before the socket is open, and when none was chosen.
    #[must_use]
    pub fn protocol(&self) -> String {
        self.link.socket().protocol()
    }

    /// The address as the browser resolved it.
    #[must_use]
    pub fn url(&self) -> String {
        self.link.socket().url()
    }

    fn open(
        url: &str,
        options: &SocketOptions,
        on_event: impl Fn(&WebSocket, Event) + 'static,
    ) -> Result<Self, ConnectError> {
        // One element for each: joined by commas they would be one protocol, and not a valid one.
        let protocols: Array = options
            .protocols
            .iter()
            .map(|name| JsString::from(name.as_str()))
            .collect();
        let socket = WebSocket::new_with_str_sequence(url, &protocols)
            .map_err(|exception| connect_error(&exception, &options.protocols))?;
        let link = Link::new(socket, move |socket, event| {
            if let Some(event) = Event::from_browser(socket, event) {
                on_event(socket, event);
            }
        });
        Ok(Self {
            link,
            max_buffered_bytes: options.max_buffered_bytes,
        })
    }

    fn try_send(&self, message: &Message) -> Result<(), SendErrorCause> {
        // Asked each time: a browser takes what is sent on a closed socket without an error, and loses it.
        match self.ready_state() {
            ReadyState::Open => {}
            state => return Err(SendErrorCause::NotOpen(state)),
        }
        if self.buffered_amount() > self.max_buffered_bytes {
            return Err(SendErrorCause::BufferFull);
        }
        let socket = self.link.socket();
        let sent = match message {
            Message::Text(text) => socket.send_with_str(text),
            Message::Binary(bytes) => send_binary(socket, bytes),
        };
        sent.map_err(|_| SendErrorCause::Rejected)
    }
}

#[cfg(not(target_feature = "atomics"))]
pub(crate) fn send_binary(socket: &WebSocket, bytes: &[u8]) -> Result<(), JsValue> {
    socket.send_with_u8_array(bytes)
}

// Memory shared between threads is a SharedArrayBuffer, and `send` does not take a view of one.
#[cfg(target_feature = "atomics")]
pub(crate) fn send_binary(socket: &WebSocket, bytes: &[u8]) -> Result<(), JsValue> {
    socket.send_with_js_u8_array(&js_sys::Uint8Array::from(bytes))
}

/// A close frame's payload is at most 125 bytes, of which the code takes two:
/// [RFC 6455, 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5).
const MAX_REASON_BYTES: usize = 123;
