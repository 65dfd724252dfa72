//! What both ends of Tidewire agree on: no I/O, no clock, no randomness, no tasks.
//!
//! So far that is the table of close codes, [`CloseCode`].

#![forbid(unsafe_code)]

mod codes;

pub use codes::{CloseCode, Reconnect};
