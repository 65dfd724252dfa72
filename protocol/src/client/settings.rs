//! What a client is made with: limits and intervals, each with its default.

use core::time::Duration;

use crate::backoff::BackoffSettings;

use super::OutboxLimits;

/// What a client is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The kinds of transport that there are, to be tried in their order. Default: one stream.
    pub transports: Vec<TransportKind>,
    /// With which of them it begins: one that has worked before. Default: the first.
    pub begin_with: usize,
    /// How often in a row one may be of no use before the next is tried. Default: 3. One that was not welcomed at all, and has
    /// not been of use before, gives way at once.
    pub failures_before_next: u32,
    /// For the transport to open and the welcome to come. Default: 10 s.
    pub connect_timeout: Duration,
    /// The same where there is another kind to go to, at most: what is late gives way at once. Default: 3 s.
    pub give_way_after: Duration,
    /// For a sign of life when the link is in doubt. Default: 2 s.
    pub probe_timeout: Duration,
    /// After so long a connection counts as one that was of use. Default: 5 s.
    pub useful_after: Duration,
    /// While it polls and would rather have a stream, one is tried again after so long. Default: 60 s. It doubles with each try
    /// up to ten times as long, and starts over with a stream that is of use, or when there is a network again.
    pub climb_after: Duration,
    /// For a token to come that was asked for. Default: there is nobody to ask. Where there is, one is asked for before the first
    /// connection unless it was given, in time before it expires, and where it has.
    pub token_timeout: Option<Duration>,
    /// The wait before connecting again.
    pub backoff: BackoffSettings,
    /// What may wait for an answer.
    pub outbox: OutboxLimits,
}

/// What a transport is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    /// Batches go both ways for as long as it lasts, as in a WebSocket.
    Stream,
    /// One batch goes out, and one comes back once there is something to tell, as in an HTTP request. Each is an attempt of
    /// its own, and the next follows.
    Polls,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            transports: vec![TransportKind::Stream],
            begin_with: 0,
            failures_before_next: 3,
            connect_timeout: Duration::from_secs(10),
            give_way_after: Duration::from_secs(3),
            probe_timeout: Duration::from_secs(2),
            useful_after: Duration::from_secs(5),
            climb_after: Duration::from_secs(60),
            token_timeout: None,
            backoff: BackoffSettings::default(),
            outbox: OutboxLimits::default(),
        }
    }
}
