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
//!
//! `yew` adds the module `yew`: a provider of the client, and hooks.

#![forbid(unsafe_code)]
// A page has one thread; outside it, the same is `Send` and `Sync`.
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync))]

mod alarm;
mod answers;
mod client;
mod driver;
mod error;
mod event;
mod inbox;
#[cfg(all(feature = "js", target_arch = "wasm32"))]
mod js;
#[cfg(target_arch = "wasm32")]
mod life;
mod lock;
mod options;
#[cfg(target_arch = "wasm32")]
mod remembered;
mod room;
mod session;
mod sink;
mod socket;
#[cfg(target_arch = "wasm32")]
mod store;
mod subscriber;
mod transport;
mod watch;
#[cfg(feature = "yew")]
pub mod yew;

pub use client::Client;
pub use error::{ConnectError, PublishError, PublishErrorCause, SignalError, SignalErrorCause, SubscribeError};
pub use event::RoomEvent;
#[cfg(target_arch = "wasm32")]
pub use options::Persist;
pub use options::{ClientOptions, PublishOptions, SubscribeOptions};
#[cfg(target_arch = "wasm32")]
pub use room::Restored;
pub use room::{Publishing, Room, RoomEvents};
pub use socket::{
    Close, CloseError, Event, Events, Message, ReadyState, SendError, SendErrorCause, Socket, SocketOptions,
};
#[cfg(target_arch = "wasm32")]
pub use store::Unsaved;
pub use tidewire_protocol::{
    BackoffSettings, CloseCode, Epoch, MemberId, NameError, Offset, OwnedPayload, Position, Reconnect, RoomName,
    client::{ClientState, OutboxLimits, TransportKind},
    frame::{Gap, GapCause, RefusalCode, Start},
};
pub use watch::States;
