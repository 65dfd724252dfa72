//! What a server sends.

use core::time::Duration;

use crate::{
    ids::{Epoch, Offset, Position, Request, RoomNumber, Sequence, SessionId},
    wire::Members,
};

use super::{Close, Nonce, Payload, Refused};

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

/// The gap's epoch is the one that the room is in from then on.
impl Gap {
    /// The epoch of the log in which it goes on.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.resume.epoch
    }
}
