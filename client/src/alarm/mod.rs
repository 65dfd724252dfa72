//! A client's time: the clock, and the timer that makes the driver take a turn at a moment, or soon.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(target_arch = "wasm32")]
pub(crate) use browser::{Alarm, Clock, seed};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Alarm, Clock, seed};
