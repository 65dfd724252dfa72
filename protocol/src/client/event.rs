//! What a client is asked to do, what it wants, and what it tells its user.

use core::time::Duration;

use crate::{
    codes::CloseCode,
    frame::{Gap, Outcome, RefusalCode},
    ids::{MemberId, Offset, Position},
    payload::OwnedPayload,
};

use super::{PublishError, PublishId, SubscriptionId, TokenError};

/// A driver's name for one transport of a client's many: the attempt it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u64);

/// What a client is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Connect, and stay connected.
    Connect,
    /// Time has passed.
    Timeout,
    /// A transport is open: bytes can be sent.
    Opened(Attempt),
    /// A batch from the server. It ends a poll.
    Received(Attempt, &'a [u8]),
    /// A transport ended, with this code where there was a close frame.
    Lost(Attempt, Option<CloseCode>),
    /// A token for the next hello; on an open connection it also takes the place of the one in use. Nothing, where one was asked
    /// for and cannot be had now.
    Token(Option<Box<[u8]>>),
    /// There is no network: do not try.
    Offline,
    /// The network is back: try, or check the link, at once.
    Online,
    /// The page was frozen or put away, or the clock jumped: try, or check the link, at once.
    Wake,
    /// Nobody can see the page: wait longer and longer before each try.
    Hidden,
    /// The page can be seen again: try at once, or check the link unless something was heard just now.
    Shown,
    /// The page goes, and may come back: leave the transport until [`Wake`](Self::Wake). The session goes on.
    Suspend,
    /// End the session, and stay away.
    Close,
}

/// What a client wants.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Open a transport of this kind: the index in [`Settings::transports`](super::Settings::transports). For a poll, one
    /// [`Send`](Self::Send) follows, and no [`Input::Opened`] is wanted.
    Connect(Attempt, usize),
    /// Send this batch.
    Send(Attempt, Vec<u8>),
    /// Close a transport. Nothing that comes of it is of interest any more.
    Disconnect(Attempt),
    /// Something for the user.
    Event(Event),
    /// Nothing, until this moment or the next input.
    Timeout(Option<crate::Instant>),
}

/// What a client tells its user.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Its state has changed.
    State(ClientState),
    /// A transport is in use from now on: what became of the session, and how others see it.
    Opened {
        /// Whether the session is new, goes on, or took the place of one that had expired.
        outcome: Outcome,
        /// Its public id.
        member: MemberId,
    },
    /// The session goes on over a transport of another kind, without a break.
    Moved,
    /// A new token is asked for, soon to be needed or to go on at all: [`Input::Token`] is to follow within
    /// [`token_timeout`](super::Settings::token_timeout).
    TokenNeeded,
    /// How long the answer to [`Client::ping`](super::Client::ping) took.
    RoundTrip(Duration),
    /// A subscription has begun, at this position; also after each reconnect.
    Subscribed(SubscriptionId, Position),
    /// A subscription has ended: the server refused it.
    SubscriptionRefused(SubscriptionId, RefusalCode),
    /// A message.
    Message {
        /// The subscription it came by.
        subscription: SubscriptionId,
        /// Its place in the room's log.
        offset: Offset,
        /// Who published it; nobody for the server itself.
        sender: Option<MemberId>,
        /// What was said.
        payload: OwnedPayload,
    },
    /// Messages that can no longer be had.
    Gap(SubscriptionId, Gap),
    /// A message that is not logged.
    Signal {
        /// The subscription it came by.
        subscription: SubscriptionId,
        /// Who sent it; nobody for the server itself.
        sender: Option<MemberId>,
        /// What was said.
        payload: OwnedPayload,
    },
    /// Somebody is in the room who was not.
    Joined(SubscriptionId, MemberId),
    /// Somebody is no longer in the room.
    Left(SubscriptionId, MemberId),
    /// Who is in the room, or some of them: then more follow.
    Present {
        /// The subscription it came by.
        subscription: SubscriptionId,
        /// Some or all of the members.
        members: Vec<MemberId>,
        /// Whether the list goes on in the next event of this kind.
        more: bool,
    },
    /// A publish was accepted.
    Published(PublishId, Position),
    /// A publish failed. Its payload is given back.
    PublishFailed(PublishId, PublishError, OwnedPayload),
}

impl Event {
    /// The subscription that it is about.
    #[must_use]
    pub const fn subscription(&self) -> Option<SubscriptionId> {
        match self {
            Self::Subscribed(subscription, _)
            | Self::SubscriptionRefused(subscription, _)
            | Self::Message { subscription, .. }
            | Self::Gap(subscription, _)
            | Self::Signal { subscription, .. }
            | Self::Joined(subscription, _)
            | Self::Left(subscription, _)
            | Self::Present { subscription, .. } => Some(*subscription),
            _ => None,
        }
    }
}

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientState {
    /// Nothing yet.
    Idle,
    /// It waits for a transport, or for the welcome.
    Connecting,
    /// It can talk.
    Open,
    /// It will connect again after this time.
    Waiting(Duration),
    /// It will connect again when there is a network.
    Offline,
    /// It needs a token to go on. While one is asked for, it is connecting.
    Unauthorized(TokenError),
    /// It has ended, with this code.
    Closed(CloseCode),
}
