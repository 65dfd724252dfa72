//! One WebSocket, or one poll, of the many that a session may have.
//!
//! A transport is opened for an attempt and tells the driver what comes of it under that attempt's number.

#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
mod browser;
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
mod fetch;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(not(target_arch = "wasm32"))]
mod polls;
#[cfg(all(target_arch = "wasm32", feature = "js"))]
mod scripted;
#[cfg(all(not(feature = "tls"), not(target_arch = "wasm32")))]
#[path = "no_tls.rs"]
mod tls;
#[cfg(all(feature = "tls", not(target_arch = "wasm32")))]
mod tls;
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
mod websocket;

#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
pub(crate) use browser::{Endpoint, Farewell, Transport};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Endpoint, Farewell, Transport};
#[cfg(all(target_arch = "wasm32", feature = "js"))]
pub(crate) use scripted::{Endpoint, Farewell, Transport};
#[cfg(all(feature = "tls", not(target_arch = "wasm32")))]
pub use tls::Roots;

#[cfg(not(all(target_arch = "wasm32", feature = "js")))]
/// The largest batch that is taken from a server: many times what one sends.
const MAX_BATCH_BYTES: usize = 16 << 20;
