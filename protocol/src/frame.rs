//! Client and server frames: one documented variant per kind. `docs/PROTOCOL.md` defines them.
//!
//! Frames borrow what they were decoded from; names in them have been checked.

use core::time::Duration;

use crate::{
    codes::CloseCode,
    ids::{Epoch, Offset, Position, Request, RoomNumber, Sequence, SessionId},
    wire::Members,
};

/// The major version of the protocol that this crate speaks.
pub const VERSION: u32 = 1;

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClientFrame<'a> {
    /// The first frame on every transport.
    Hello(Hello<'a>),
    /// A new token, before the old one expires.
    Authenticate {
        /// The token. A secret.
        token: Token<'a>,
    },
    /// Asks for a room's messages.
    Subscribe(Subscribe<'a>),
    /// Ends a subscription.
    Unsubscribe {
        /// The request that began it.
        request: Request,
    },
    /// A message to be logged.
    Publish(Publish<'a>),
    /// A message that is not logged.
    Signal {
        /// The room.
        room: &'a str,
        /// What is said.
        payload: Payload<'a>,
    },
    /// Asks to be answered, at once.
    Ping(Nonce),
    /// Answers a ping.
    Pong(Nonce),
    /// The client is leaving. With [`CloseCode::NORMAL`] its session ends; otherwise it will be back.
    Close(Close<'a>),
}

/// What a server sends.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ServerFrame<'a> {
    /// The answer to hello.
    Welcome(Welcome<'a>),
    /// The answer to a new token.
    Authenticated {
        /// For how long it is good; zero if it does not expire.
        expires_in: Duration,
    },
    /// A subscription has begun; its messages follow.
    Subscribed(Subscribed),
    /// A subscription has ended, as was asked.
    Unsubscribed {
        /// The request that began it.
        request: Request,
    },
    /// A message of a room, the same bytes for each of its subscribers.
    Message(Message<'a>),
    /// Messages that can no longer be had.
    Gap(Gap),
    /// A publish was accepted.
    Published {
        /// Which.
        sequence: Sequence,
        /// Where it is in its room's log.
        position: Position,
    },
    /// A request was not granted.
    Refused(Refused),
    /// A message that is not logged.
    Signal {
        /// The room.
        room: RoomNumber,
        /// Who sent it.
        sender: &'a str,
        /// What was said.
        payload: Payload<'a>,
    },
    /// Somebody is in the room now who was not.
    Joined {
        /// The room.
        room: RoomNumber,
        /// Who.
        member: &'a str,
    },
    /// Somebody is no longer in the room.
    Left {
        /// The room.
        room: RoomNumber,
        /// Who.
        member: &'a str,
    },
    /// Who is in the room. Several of them follow each other when one would be too large.
    Present {
        /// The room.
        room: RoomNumber,
        /// Whether the list goes on in the next frame of this kind.
        more: bool,
        /// Some or all of the members.
        members: Members<'a>,
    },
    /// The server will close soon. The client is to connect again after a random time in this range.
    GoAway {
        /// The shortest wait.
        min: Duration,
        /// The longest wait.
        max: Duration,
    },
    /// Asks to be answered, at once.
    Ping(Nonce),
    /// Answers a ping.
    Pong(Nonce),
    /// The transport ends here, and why.
    Close(Close<'a>),
}

/// The first frame on every transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The major version the client speaks.
    pub version: u32,
    /// Which of the client's attempts to connect this is, counting up: a hello that was on its way for so long that a later
    /// attempt has overtaken it must not take the session back.
    pub attempt: u64,
    /// The session to go on with.
    pub session: Option<SessionId>,
    /// Every publish up to this one has been answered; its answer need not be kept.
    pub answered: Sequence,
    /// Who the client is. Empty where the server asks for no token.
    pub token: Token<'a>,
}

/// A secret: its `Debug` form does not show it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Token<'a>(pub &'a [u8]);

/// Asks for a room's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// What the answer will carry.
    pub request: Request,
    /// Where to begin.
    pub start: Start,
    /// Whether to be told who is in the room.
    pub presence: bool,
    /// The room.
    pub room: &'a str,
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the next message.
    Now,
    /// With at most so many messages from before.
    Last(u32),
    /// With the message after this position.
    After(Position),
}

/// A message to be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Its place among those of its session.
    pub sequence: Sequence,
    /// The room.
    pub room: &'a str,
    /// What is said.
    pub payload: Payload<'a>,
}

/// What applications exchange: opaque here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// UTF-8.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// Tells one ping from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub u32);

/// The end of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// Why; its range says whether to connect again.
    pub code: CloseCode,
    /// The same for people, or empty.
    pub reason: &'a str,
}

/// The answer to hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome<'a> {
    /// What became of the session that was asked for.
    pub outcome: Outcome,
    /// The session from now on. A secret.
    pub session: SessionId,
    /// How others see it.
    pub member: &'a str,
    /// Every publish up to this one has been accepted or refused; what comes after it is to be sent again.
    pub settled: Sequence,
    /// What the client may expect, and must keep to.
    pub terms: Terms,
}

/// What became of the session that a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It asked for none, and has a new one.
    New,
    /// It goes on.
    Resumed,
    /// It had expired, and a new one took its place.
    Replaced,
}

/// What a server allows and intends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The server sends a ping when it has sent nothing else for so long.
    pub ping_interval: Duration,
    /// The server takes a client for dead that was silent for so long.
    pub silence_timeout: Duration,
    /// A session is kept for so long after its transport ended.
    pub session_ttl: Duration,
    /// For how long the token is good; zero if it does not expire.
    pub token_expires_in: Duration,
    /// The largest payload of a message, in bytes.
    pub max_payload_bytes: u32,
    /// How many subscriptions a session may have.
    pub max_subscriptions: u32,
    /// How many publishes may wait for their answer.
    pub max_unanswered: u32,
}

/// A subscription has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The request that asked for it.
    pub request: Request,
    /// How this connection's frames name the room.
    pub room: RoomNumber,
    /// The message that follows is the one after this position; if it is not the one that was asked for, a gap says so
    /// first.
    pub position: Position,
}

/// A message of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The room.
    pub room: RoomNumber,
    /// Its place in the room's log.
    pub offset: Offset,
    /// Who published it; empty for the server itself.
    pub sender: &'a str,
    /// What was said.
    pub payload: Payload<'a>,
}

/// Messages that can no longer be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The room.
    pub room: RoomNumber,
    /// What became of them.
    pub cause: GapCause,
    /// The first that is missing, in the epoch the subscriber was in.
    pub from: Offset,
    /// Where it goes on: the next message is the one after this position.
    pub resume: Position,
}

/// Why messages can no longer be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapCause {
    /// The log no longer keeps them: all from the first that is missing to the position where it goes on.
    Evicted,
    /// The log was lost, and with it an unknown number after the first that is missing. A new log began.
    LogLost,
}

/// A request was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub what: RefusedWhat,
    /// Why.
    pub code: RefusalCode,
}

/// What was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedWhat {
    /// A publish. It will not be accepted under this sequence number.
    Publish(Sequence),
    /// A subscription, which has ended if it had begun.
    Subscription(Request),
}

/// Why a request was not granted. Numbers from 1 to 99 are the client's doing: the same request will be refused again.
/// Those from 100 may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalCode(pub u16);

impl Default for Terms {
    /// Pings after 25 s, silence for 60 s, sessions for 2 minutes; 64 KiB, 128 subscriptions, 1,024 publishes.
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            silence_timeout: Duration::from_secs(60),
            session_ttl: Duration::from_secs(120),
            token_expires_in: Duration::ZERO,
            max_payload_bytes: 64 << 10,
            max_subscriptions: 128,
            max_unanswered: 1024,
        }
    }
}

impl RefusalCode {
    /// The session may not do that in this room.
    pub const FORBIDDEN: Self = Self(1);
    /// The payload is larger than the server takes.
    pub const PAYLOAD_TOO_BIG: Self = Self(2);
    /// The session has as many subscriptions as it may have.
    pub const TOO_MANY_SUBSCRIPTIONS: Self = Self(3);
    /// The session is subscribed to this room already.
    pub const ALREADY_SUBSCRIBED: Self = Self(4);
    /// The program that runs the server refused it.
    pub const REJECTED: Self = Self(5);
    /// The engine that keeps the log could not be reached.
    pub const UNAVAILABLE: Self = Self(100);
    /// More was sent than is taken in so short a time.
    pub const RATE_LIMITED: Self = Self(101);
    /// The server has as many rooms as it may have.
    pub const TOO_MANY_ROOMS: Self = Self(102);

    /// Whether the same request may be granted later.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        self.0 >= 100
    }
}

impl Payload<'_> {
    /// Its size in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, whichever kind it is.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// What people say is not shown, only how much.
impl core::fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(",
            Self::Binary(_) => "Binary(",
        })?;
        core::fmt::Display::fmt(&self.len(), f)?;
        f.write_str(" bytes)")
    }
}

impl core::fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0.is_empty() { "Token(none)" } else { "Token(…)" })
    }
}

/// The gap's epoch is the one that the room is in from then on.
impl Gap {
    /// The epoch of the log in which it goes on.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.resume.epoch
    }
}
