//! What clients, subscriptions and publishes are made with: each limit and interval with its default.

use core::time::Duration;

use tidewire_protocol::{
    BackoffSettings, Position,
    client::{OutboxLimits, TransportKind},
    frame::Start,
};

#[cfg(not(all(feature = "js", target_arch = "wasm32")))]
use crate::token::TokenSource;
#[cfg(all(feature = "tls", not(target_arch = "wasm32")))]
use crate::transport::Roots;

/// How a [`Client`](crate::Client) connects, and how much it holds.
///
/// ```
/// let mut options = tidewire_client::ClientOptions::default();
/// options.outbox.max_publishes = 100;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientOptions {
    /// The kinds of transport, in the order in which they are tried. Default: a WebSocket, then polls.
    ///
    /// One that could not be had at all, or not within 3 s, gives way to the next; one that breaks within 5 s, or has been of
    /// use before, when that has happened three times over.
    ///
    /// A server is polled beside its WebSockets: at `/poll` where they are at `/ws`.
    pub transports: Vec<TransportKind>,
    /// With which of them it begins. Default: in a page, with the one that worked last at this address for a client that had a
    /// choice, if that was within half an hour (it is kept in the browser's local storage); otherwise with the first.
    pub begin_with: Option<TransportKind>,
    /// Where it would rather have a WebSocket and has to poll, one is tried again after so long, beside the polls. Default: 60 s,
    /// which doubles with each try in vain up to ten times as long.
    pub climb_after: Duration,
    /// Whether the session goes on when its page is loaded again. Default: it does not.
    #[cfg(target_arch = "wasm32")]
    pub persist: Persist,
    /// Where it has its tokens from, which show a server who it is. Default: it has none.
    #[cfg(not(all(feature = "js", target_arch = "wasm32")))]
    pub token: TokenSource,
    /// Whether the program can be asked for tokens.
    #[cfg(all(feature = "js", target_arch = "wasm32"))]
    pub(crate) asks_for_tokens: bool,
    /// How long whoever is asked for a token may take. Default: 10 s.
    pub token_timeout: Duration,
    /// Whose certificates it trusts at `wss:`. Default: those that the system trusts. Needs the feature `tls`, which is on by
    /// default.
    #[cfg(all(feature = "tls", not(target_arch = "wasm32")))]
    pub roots: Roots,
    /// How long a connection may take to open and to be welcomed before it is given up. Default: 10 s. Where another kind can
    /// be tried it is at most 3 s.
    pub connect_timeout: Duration,
    /// The wait before connecting again. Default: a random time up to 500 ms, then up to 1 s, 2 s, and from then on 20 s.
    pub backoff: BackoffSettings,
    /// How many publishes may wait for their answers, over reconnects too. Default: 1,024, and 16 MiB.
    pub outbox: OutboxLimits,
    /// How many bytes of events a subscription holds for a program that does not take them; 64 are added for each event.
    /// Default: 1 MiB.
    ///
    /// Past that, and the batch of the server's in which it happened, the subscription pauses: the server is told to send
    /// no more of it, and it goes on where it was once half of what it holds was taken. What the server no longer keeps
    /// by then is told as a gap. Signals are not kept, and presence is told anew.
    pub max_queued_bytes: usize,
    /// How many bytes may wait to be sent before [`Room::signal`](crate::Room::signal) gives signals back. Default: 1 MiB.
    ///
    /// What is published is bounded by [`outbox`](Self::outbox).
    pub max_unsent_bytes: usize,
}

/// Where a session is kept while its page is loaded again.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Persist {
    /// Nowhere: it ends with its page.
    Nowhere,
    /// In the tab's session storage, for one client of a page and address: the session, how far the program has come in
    /// each room, and what was published and not answered. A tab that is duplicated has a session of its own.
    ///
    /// A subscription that would begin with the next message begins where the page before had come to;
    /// [`Client::restored`](crate::Client::restored) says what that page had published. Others see the session until the
    /// server gives up waiting for the next page.
    Tab,
}

/// Where a subscription begins, and what it tells.
///
/// By default it begins with the next message, and does not tell who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// Where it begins.
    pub start: Start,
    /// Whether it tells who is in the room.
    pub presence: bool,
}

/// How a message is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishOptions {
    /// Where it could not be sent within this time, it is not sent. Default: it is sent whenever there is a connection.
    pub ttl: Option<Duration>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            transports: vec![TransportKind::Stream, TransportKind::Polls],
            begin_with: None,
            climb_after: Duration::from_secs(60),
            #[cfg(target_arch = "wasm32")]
            persist: Persist::Nowhere,
            #[cfg(not(all(feature = "js", target_arch = "wasm32")))]
            token: TokenSource::default(),
            #[cfg(all(feature = "js", target_arch = "wasm32"))]
            asks_for_tokens: false,
            token_timeout: Duration::from_secs(10),
            #[cfg(all(feature = "tls", not(target_arch = "wasm32")))]
            roots: Roots::System,
            connect_timeout: Duration::from_secs(10),
            backoff: BackoffSettings::default(),
            outbox: OutboxLimits::default(),
            max_queued_bytes: 1 << 20,
            max_unsent_bytes: 1 << 20,
        }
    }
}

impl ClientOptions {
    /// For how long it waits for a token, where it can ask for one.
    pub(crate) fn token_timeout(&self) -> Option<Duration> {
        #[cfg(not(all(feature = "js", target_arch = "wasm32")))]
        let asks = self.token.can_be_asked();
        #[cfg(all(feature = "js", target_arch = "wasm32"))]
        let asks = self.asks_for_tokens;
        asks.then_some(self.token_timeout)
    }
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self {
            start: Start::Now,
            presence: false,
        }
    }
}

impl SubscribeOptions {
    /// Begins with this many past messages, or as many as the server keeps.
    #[must_use]
    pub const fn last(mut self, count: u32) -> Self {
        self.start = Start::Last(count);
        self
    }

    /// Begins after this position: a subscription of an earlier client goes on.
    #[must_use]
    pub const fn after(mut self, position: Position) -> Self {
        self.start = Start::After(position);
        self
    }

    /// Tells who is in the room, and who comes and goes; or not.
    #[must_use]
    pub const fn presence(mut self, is_wanted: bool) -> Self {
        self.presence = is_wanted;
        self
    }
}

impl PublishOptions {
    /// Where it could not be sent within this time, it is not sent.
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }
}
