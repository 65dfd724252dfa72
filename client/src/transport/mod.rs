//! One WebSocket, or one poll, of the many that a session may have.
//!
//! A transport is opened for an attempt and tells the driver what comes of it under that attempt's number.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(not(target_arch = "wasm32"))]
mod polls;
#[cfg(target_arch = "wasm32")]
mod websocket;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Endpoint, Farewell, Transport};
#[cfg(target_arch = "wasm32")]
pub(crate) use websocket::{Endpoint, Farewell, Transport};
