//! One transport between a client and a node, and all that can go wrong with it.

use std::time::Duration;

use tidewire_protocol::{
    ConnectionId, Instant,
    client::{Attempt, TransportKind},
};

use super::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkId(pub(crate) u64);

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) client: usize,
    pub(crate) attempt: Attempt,
    pub(crate) node: usize,
    /// The server's end, once it was accepted and while it is there.
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) to_client: Pipe,
    pub(crate) to_server: Pipe,
    /// How many bytes may be on their way to the client before the server waits.
    pub(crate) window: usize,
    pub(crate) kind: TransportKind,
    /// Its place in the client's order.
    pub(crate) kind_index: usize,
    /// What a poll is to be answered with, so far.
    pub(crate) answer: Vec<u8>,
}

/// One direction: first in, first out.
#[derive(Debug)]
pub(crate) struct Pipe {
    latency: Duration,
    /// Nothing arrives before what was sent earlier, nor while the link stalls.
    not_before: Instant,
    /// Whether what is sent from now on arrives.
    pub(crate) is_open: bool,
    /// Whether what is on its way arrives.
    pub(crate) delivers: bool,
    pub(crate) in_flight: usize,
}

impl Link {
    pub(crate) fn new(
        client: usize,
        attempt: Attempt,
        (kind_index, kind): (usize, TransportKind),
        node: usize,
        now: Instant,
        random: &mut Random,
    ) -> Self {
        let mut pipe = || Pipe {
            latency: random.millis(1, 80),
            not_before: now,
            is_open: true,
            delivers: true,
            in_flight: 0,
        };
        let (to_client, to_server) = (pipe(), pipe());
        let window = [40, 400, 1 << 20][random.below(3)];
        Self {
            client,
            attempt,
            node,
            connection: None,
            to_client,
            to_server,
            window,
            kind,
            kind_index,
            answer: Vec::new(),
        }
    }

    pub(crate) fn is_poll(&self) -> bool {
        self.kind == TransportKind::Polls
    }

    pub(crate) fn is_cut(&self) -> bool {
        !self.to_client.is_open && !self.to_server.is_open
    }
}

impl Pipe {
    /// When what is sent now arrives, if it does.
    pub(crate) fn arrival(&mut self, now: Instant) -> Instant {
        self.not_before = self.not_before.max(now + self.latency);
        self.not_before
    }

    pub(crate) fn stall(&mut self, until: Instant) {
        self.not_before = self.not_before.max(until);
    }

    /// Nothing more gets through; of what is on its way, all or nothing does.
    pub(crate) fn cut(&mut self, delivers: bool) {
        self.is_open = false;
        self.delivers &= delivers;
    }
}
