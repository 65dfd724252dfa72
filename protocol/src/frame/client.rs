//! What a client sends.

use crate::{
    ids::{Position, Request, Sequence, SessionId},
    presence::PresenceDigest,
};

use super::{Close, Nonce, Payload, Token};

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
    /// The client is leaving. With [`CloseCode::NORMAL`](crate::CloseCode::NORMAL) its session ends; otherwise it will be back.
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

/// Asks for a room's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// What the answer will carry.
    pub request: Request,
    /// Where to begin.
    pub start: Start,
    /// What to be told of who is in the room.
    pub presence: PresenceWanted,
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

/// What a subscriber is to be told of who is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceWanted {
    /// Nothing.
    Nothing,
    /// The whole list, then who joins and who leaves.
    List,
    /// The same, but without the list where it has this digest: the subscriber has it already.
    Changes(PresenceDigest),
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
