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
//! `js` is of no use to a program in Rust: for wasm32 it makes the module of the npm package `tidewire`, which has a small allocator
//! instead of the default one, and nothing of what follows but types. The package's own surface is JavaScript, and all that is
//! linked beside would be in its bytes.
//!
//! `yew` adds the module `yew`: a provider of the client, and hooks.

#![forbid(unsafe_code)]
// A page has one thread; outside it, the same is `Send` and `Sync`.
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync))]

mod alarm;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod answers;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod client;
mod driver;
mod error;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod event;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod inbox;
#[cfg(all(feature = "js", target_arch = "wasm32"))]
mod js;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod kinds;
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
mod life;
mod lock;
mod options;
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
mod remembered;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod room;
mod session;
mod sink;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod socket;
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
mod store;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod subscriber;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod token;
mod transport;
// For the npm package; its test runs everywhere.
#[cfg(any(test, all(feature = "js", target_arch = "wasm32")))]
mod utf16;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
mod watch;
#[cfg(all(feature = "yew", not(all(feature = "js", target_arch = "wasm32"))))]
pub mod yew;

#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
pub use client::Client;
pub use error::{ConnectError, PublishError, PublishErrorCause, SignalError, SignalErrorCause, SubscribeError};
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
pub use event::RoomEvent;
#[cfg(target_arch = "wasm32")]
pub use options::Persist;
pub use options::{ClientOptions, PublishOptions, SubscribeOptions};
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
pub use room::Restored;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
pub use room::{Publishing, Room, RoomEvents};
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
pub use socket::{
    Close, CloseError, Event, Events, Message, ReadyState, SendError, SendErrorCause, Socket, SocketOptions,
};
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
pub use store::Unsaved;
pub use tidewire_protocol::{
    BackoffSettings, CloseCode, Epoch, MemberId, NameError, Offset, OwnedPayload, Position, Reconnect, RoomName,
    client::{ClientState, OutboxLimits, TokenError, TransportKind},
    frame::{Gap, GapCause, RefusalCode, Start},
};
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
pub use token::{Token, TokenSource};
#[cfg(all(feature = "tls", not(target_arch = "wasm32")))]
pub use transport::Roots;
#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
pub use watch::States;
