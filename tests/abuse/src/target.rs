//! What is attacked.

use std::net::SocketAddr;

/// A server, and how it is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Of the loopback interface.
    pub(crate) address: SocketAddr,
    /// The largest message that it takes, in bytes.
    pub(crate) max_message_bytes: usize,
    /// Whether `/ws` speaks the room protocol.
    pub(crate) has_rooms: bool,
    /// How much is done.
    pub(crate) scale: Scale,
}

/// How much is done in an attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// How often what is one request or a few frames is done.
    pub(crate) times: usize,
    /// Connections where it is their number that hurts.
    pub(crate) connections: usize,
    /// Frames, requests or rooms where it is their number that hurts.
    pub(crate) items: usize,
}

impl Scale {
    /// For a test, in half a minute with a server that is not optimised.
    pub(crate) const SHORT: Self = Self {
        times: 3,
        connections: 2000,
        items: 4000,
    };

    /// For a soak, in some minutes.
    pub(crate) const FULL: Self = Self {
        times: 200,
        connections: 5000,
        items: 100_000,
    };
}
