//! How much clients may do: what is counted and measured, for each of them, for each address and in all.

mod address;
mod gate;
mod memory;
mod meter;
mod partial;
mod proxies;
mod rate;
mod rows;
mod table;
mod throttle;
mod usage;

pub(crate) use self::{
    address::{Address, Counted},
    gate::{Admitted, Entering, Gate, NotNow},
    memory::LOOK_INTERVAL,
    partial::{FREE_BYTES, NoMemory, Partial, Partials},
    throttle::Throttle,
    usage::{Owed, Rates, Usage},
};
pub use self::{
    proxies::TrustedProxies,
    rate::{InvalidRate, Rate},
    table::{Bound, Limit, Scope, limits},
};

/// Limits that hold for whoever connects. `None` is no limit.
///
/// An address is an IPv4 address, or the first 64 bits of an IPv6 address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How many WebSockets and polls there may be at a time; one more is answered with 503. A quarter more may be connected
    /// over TCP without a WebSocket; one more is dropped, where [`serve`](crate::serve) serves. Default: 100,000.
    pub max_connections: Option<usize>,
    /// The same of one address, whose next is answered with 429. Default: 4,096.
    pub max_connections_per_address: Option<usize>,
    /// How many sessions of one address there may be, with those that wait for their client; one more is closed with 4104.
    /// Default: 10,000.
    pub max_sessions_per_address: Option<usize>,
    /// How many WebSockets one address may open, and how many sessions it may begin over polls; one more is answered with 429.
    /// Default: 100 a second, 5,000 at once.
    pub handshakes: Option<Rate>,
    /// How many rooms one address may have made by subscribing and publishing; one more is refused with 101. Default: 10 a
    /// second, 500 at once.
    pub new_rooms: Option<Rate>,
    /// How many members may be in a room, at all servers; one more is refused with 103. Who is told of a room's presence is told
    /// of each of them. Default: 10,000.
    pub max_members: Option<usize>,
    /// How many messages a session may say, and how many a connection to `/echo` or `/chat`. A publish beyond that is refused
    /// with 101, a signal is dropped. Of frames of any kind twice as many are taken, then nothing is read until it is time for
    /// more; on `/echo` and `/chat` that is all that happens. A poll beyond that is answered with 429. Default: 500 a second,
    /// 4,000 at once: more than the publishes that a client may have to send again when it is back.
    pub session_messages: Option<Rate>,
    /// How many bytes a session may send, or a connection to `/echo` or `/chat`, before nothing is read until it is time for
    /// more. Default: 2 MiB a second, 16 MiB at once.
    pub session_bytes: Option<Rate>,
    /// The same as [`session_messages`](Self::session_messages) for all of one address, and for its requests to `/api` and
    /// `/metrics` without a key, which are answered with 429. Default: 5,000 a second, 50,000 at once.
    pub address_messages: Option<Rate>,
    /// The same as [`session_bytes`](Self::session_bytes) for all of one address. Default: 16 MiB a second, 128 MiB at once.
    pub address_bytes: Option<Rate>,
    /// How many bytes all messages and bodies may take that have not come whole, beside 16 KiB of each; one more closes its
    /// WebSocket with 1013, and gets a poll 503. A message must be whole within
    /// [`silence_timeout`](crate::Settings::silence_timeout). Default: 64 MiB.
    pub max_partial_bytes: Option<usize>,
    /// How many bytes of memory the process may have, as the system counts them. At three quarters logs give way, the largest
    /// first; at seven eighths new WebSockets, and polls that would begin a session, are answered with 503 until there is
    /// room again. Who is connected goes on. It should be well above what a server takes that nobody uses. Default: none.
    pub max_memory: Option<usize>,
    /// Proxies that are believed when they say in `X-Forwarded-For`, or in `Forwarded`, where a request comes from.
    /// Default: none.
    pub trusted_proxies: TrustedProxies,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: Some(100_000),
            max_connections_per_address: Some(4_096),
            max_sessions_per_address: Some(10_000),
            handshakes: Rate::new(100, 5_000),
            new_rooms: Rate::new(10, 500),
            max_members: Some(10_000),
            session_messages: Rate::new(500, 4_000),
            session_bytes: Rate::new(2 << 20, 16 << 20),
            address_messages: Rate::new(5_000, 50_000),
            address_bytes: Rate::new(16 << 20, 128 << 20),
            max_partial_bytes: Some(64 << 20),
            max_memory: None,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

impl Limits {
    /// No limits, for a server that only who is trusted can reach.
    #[must_use]
    pub fn none() -> Self {
        Self {
            max_connections: None,
            max_connections_per_address: None,
            max_sessions_per_address: None,
            handshakes: None,
            new_rooms: None,
            max_members: None,
            session_messages: None,
            session_bytes: None,
            address_messages: None,
            address_bytes: None,
            max_partial_bytes: None,
            max_memory: None,
            trusted_proxies: TrustedProxies::default(),
        }
    }

    /// Those of TCP connections without a WebSocket, so that there is a place for being told that there is no other.
    pub(crate) fn of_http(&self) -> Self {
        let more = |max: usize| max.saturating_add(max / 4 + 16);
        Self {
            max_connections: self.max_connections.map(more),
            max_connections_per_address: self.max_connections_per_address.map(more),
            handshakes: None,
            max_memory: None,
            ..self.clone()
        }
    }
}
