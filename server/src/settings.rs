//! Limits and intervals of a server: unit, default, reason.

use std::time::Duration;

/// Limits and intervals of a [`Tidewire`](crate::Tidewire) server.
///
/// Start from [`Settings::default`] and change fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The largest message taken, in bytes of its payload. A larger one closes the connection with 1009, and nothing is
    /// allocated for it. Default: 1 MiB.
    pub max_message_bytes: usize,
    /// How much a `/chat` room keeps for receivers that are behind, in bytes of encoded frames, with a fixed 64 bytes
    /// charged for each. It is shared by all receivers; one whose next message is no longer kept is closed with 4100.
    /// Default: 4 MiB.
    pub backlog_bytes: usize,
    /// How long a connection that takes nothing of what is due to it is kept, before it is closed with 4101.
    /// Default: 30 s.
    pub stall_timeout: Duration,
    /// How long the closing handshake may take, from our close frame to the end of the TCP connection. Default: 3 s.
    pub close_timeout: Duration,
    /// How long a client may take over a request head. Applied by [`serve`](crate::serve), to the first request on a
    /// connection and to each one after it. Default: 10 s.
    pub handshake_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message_bytes: 1 << 20,
            backlog_bytes: 4 << 20,
            stall_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(3),
            handshake_timeout: Duration::from_secs(10),
        }
    }
}
