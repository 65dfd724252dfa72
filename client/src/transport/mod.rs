//! One WebSocket, or one poll, of the many that a session may have.
//!
//! A transport is opened for an attempt and tells the driver what comes of it under that attempt's number.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod fetch;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(not(target_arch = "wasm32"))]
mod polls;
#[cfg(target_arch = "wasm32")]
mod websocket;

#[cfg(target_arch = "wasm32")]
pub(crate) use browser::{Endpoint, Farewell, Transport};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Endpoint, Farewell, Transport};

/// The largest batch that is taken from a server: many times what one sends.
const MAX_BATCH_BYTES: usize = 16 << 20;
