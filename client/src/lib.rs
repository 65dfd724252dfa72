//! Tidewire in the browser.
//!
//! [`Socket`] is the browser's own WebSocket with its four events, in a page or in a worker: as a
//! [`Stream`](futures_core::Stream) of [`Event`]s ([`Socket::connect`]) or through a callback ([`Socket::listen`]).
//! Dropping it takes its handlers off and closes it; nothing it was given runs after that.
//!
//! ```no_run
//! use futures_util::StreamExt;
//! use tidewire_client::{ConnectError, Event, Message, Socket, SocketOptions};
//!
//! async fn talk() -> Result<(), ConnectError> {
//!     let (socket, mut events) = Socket::connect("ws://127.0.0.1:8080/chat", &SocketOptions::default())?;
//!     while let Some(event) = events.next().await {
//!         match event {
//!             Event::Open { .. } => drop(socket.send("Hello Server!")),
//!             Event::Message(Message::Text(text)) => web_sys::console::log_1(&text.into()),
//!             Event::Close(close) => web_sys::console::log_1(&close.code.into()),
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Features
//!
//! `js` adds the JavaScript surface of the npm package `tidewire`: the class `Socket`, exported from the wasm module,
//! which then also has a small allocator instead of the default one. It is of no use to a program in Rust.

#![forbid(unsafe_code)]

#[cfg(feature = "js")]
mod js;
mod socket;

#[cfg(feature = "js")]
pub use js::JsSocket;
pub use socket::{
    Close, CloseError, ConnectError, Event, Events, Message, ReadyState, SendError, SendErrorCause, Socket,
    SocketOptions,
};
pub use tidewire_protocol::{CloseCode, Reconnect};
