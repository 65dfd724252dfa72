//! A client's time: the clock, and the timer that makes the driver take a turn at a moment, or soon.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(all(target_arch = "wasm32", feature = "js"))]
mod scripted;
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
mod timer;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Alarm, Clock, seed};
#[cfg(target_arch = "wasm32")]
pub(crate) use page::{Alarm, Clock, seed};
#[cfg(all(target_arch = "wasm32", feature = "js"))]
use scripted::Timer;
#[cfg(all(target_arch = "wasm32", not(feature = "js")))]
use timer::Timer;
