//! Limits and intervals of a server: unit, default, reason.

use std::time::Duration;

use tidewire_protocol::{Retention, frame::Terms};

use crate::{limits::Limits, origins::Origins};

/// Limits and intervals of a [`Tidewire`](crate::Tidewire) server.
///
/// Start from [`Settings::default`] and change fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Which pages may use the server. A request of any other gets 403, a WebSocket before it is opened. Default: the
    /// server's own, and programs.
    pub origins: Origins,
    /// How much clients may do, of each and in all, beside the bounds below.
    pub limits: Limits,
    /// The largest WebSocket message taken, in bytes of its payload: a larger one closes the connection with 1009, and
    /// nothing is allocated for it. It bounds the batch of a poll too: a larger one is answered with 413. Default: 1 MiB.
    pub max_message_bytes: usize,
    /// How much a `/chat` room keeps for receivers that are behind, in bytes of encoded frames, with a fixed 64 bytes
    /// charged for each. It is shared by all receivers; one whose next message is no longer kept is closed with 4100.
    /// Default: 4 MiB.
    pub backlog_bytes: usize,
    /// How long a connection that takes nothing of what is due to it is kept, before it is closed with 4101.
    /// [`serve`](crate::serve) drops who takes nothing of an answer over HTTP for so long, where the system can do that (Linux).
    /// Default: 30 s.
    pub stall_timeout: Duration,
    /// How long the closing handshake may take, from our close frame to the end of the TCP connection. Default: 3 s.
    pub close_timeout: Duration,
    /// How long a [`drain`](crate::Tidewire::drain) takes that is asked for over HTTP. Default: 20 s.
    pub drain: Duration,
    /// How long a client may take over a request head. Applied by [`serve`](crate::serve), to the first request on a
    /// connection and to each one after it. Default: 10 s.
    pub handshake_timeout: Duration,
    /// How long a client may take over the body of a request. Default: 10 s.
    pub body_timeout: Duration,

    /// How long a client of the room protocol may take to say hello, before it is closed with 4103. Default: 10 s.
    pub hello_timeout: Duration,
    /// A client of the room protocol is sent a ping when it was sent nothing else for so long. Default: 25 s, less than
    /// the minute after which many proxies cut.
    pub ping_interval: Duration,
    /// A client of the room protocol that was silent for so long is closed with 4000. Default: 60 s.
    pub silence_timeout: Duration,
    /// How long a session waits for its client's return. Default: 2 minutes.
    pub session_ttl: Duration,
    /// How many sessions there may be, with what is still kept of those that another server has by now; a client that would have
    /// one more is closed with 4104. Default: 100,000.
    pub max_sessions: usize,
    /// How long a member whose client came back, here or at another server, is still there in a room that the client has not
    /// asked for again. Default: 10 s.
    pub presence_grace: Duration,
    /// How many rooms a session may be subscribed to. Default: 128.
    pub max_subscriptions: u32,
    /// How many publishes of a session may wait for their answer. For as many a session keeps the answers that its client
    /// may not have, 24 bytes each. Default: 1,024.
    pub max_unanswered: u32,
    /// How many bytes of a session's publishes may wait for the engine; past it nothing is read from its connection.
    /// Default: 1 MiB.
    pub max_waiting_bytes: usize,
    /// The largest payload of a message or signal in a room, in bytes. Default: 64 KiB.
    pub max_payload_bytes: u32,

    /// How many rooms there may be. Default: 10,000.
    pub max_rooms: usize,
    /// How long a room that nobody is in, and that keeps no message, is remembered. Who comes back after that, with a
    /// position in it, is told that its log was lost. Default: 1 hour; sooner where [`max_rooms`](Self::max_rooms) is
    /// reached.
    pub room_ttl: Duration,
    /// What a room keeps of its messages. Default: 1,024 messages, 1 MiB, 5 minutes, whichever is less.
    pub retention: Retention,
    /// How many bytes all rooms together keep. At the bound the largest logs give way. Default: 256 MiB.
    pub max_log_bytes: usize,
    /// How long an engine may take over opening a room, over a message, or over whose a session is, before that counts as
    /// failed. Default: 10 s.
    pub engine_timeout: Duration,
    /// How long an [`Access`](crate::Access) may take to decide, before a connection is closed with 1013 and a request refused
    /// with 100. Default: 10 s.
    pub access_timeout: Duration,
    /// For how long it is remembered what was revoked: as long as a token lives that was issued before. Default: 24 hours.
    pub max_token_life: Duration,
}

impl Settings {
    /// What connections keep to, and tell their clients.
    pub(crate) fn connection(&self) -> tidewire_protocol::server::Settings {
        tidewire_protocol::server::Settings {
            hello_timeout: self.hello_timeout,
            terms: Terms {
                ping_interval: self.ping_interval,
                silence_timeout: self.silence_timeout,
                session_ttl: self.session_ttl,
                token_expires_in: Duration::ZERO,
                max_payload_bytes: self.max_payload_bytes,
                max_subscriptions: self.max_subscriptions,
                max_unanswered: self.max_unanswered,
            },
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let Terms {
            ping_interval,
            silence_timeout,
            session_ttl,
            max_payload_bytes,
            max_subscriptions,
            max_unanswered,
            ..
        } = Terms::default();
        Self {
            origins: Origins::default(),
            limits: Limits::default(),
            max_message_bytes: 1 << 20,
            backlog_bytes: 4 << 20,
            stall_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(3),
            drain: Duration::from_secs(20),
            handshake_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            hello_timeout: tidewire_protocol::server::Settings::default().hello_timeout,
            ping_interval,
            silence_timeout,
            session_ttl,
            max_sessions: 100_000,
            presence_grace: Duration::from_secs(10),
            max_subscriptions,
            max_unanswered,
            max_waiting_bytes: 1 << 20,
            max_payload_bytes,
            max_rooms: 10_000,
            room_ttl: Duration::from_secs(3600),
            retention: Retention::default(),
            max_log_bytes: 256 << 20,
            engine_timeout: Duration::from_secs(10),
            access_timeout: Duration::from_secs(10),
            max_token_life: Duration::from_secs(24 * 3600),
        }
    }
}
