//! Many subscribers of one room that check all they are told, and time it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tidewire_protocol::{Offset, frame::Start};
use tokio::task::JoinSet;

use crate::Wire;

/// Subscribers, each a task.
pub(super) struct Audience {
    tasks: JoinSet<Histogram<u64>>,
}

/// Messages that say when they were said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    begun: Instant,
    bytes: usize,
}

impl Stamp {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            begun: Instant::now(),
            bytes,
        }
    }

    /// The next message.
    pub(super) fn text(self) -> String {
        let width = self.bytes;
        format!("{:0>width$}", self.begun.elapsed().as_micros())
    }

    /// How long ago it was said.
    fn age(self, text: &str) -> Duration {
        let said: u64 = text.trim_start_matches('0').parse().expect("a number");
        self.begun.elapsed().saturating_sub(Duration::from_micros(said))
    }
}

impl Audience {
    /// So many subscribe, and listen until they have heard the message at `last`.
    pub(super) async fn join(
        address: SocketAddr,
        room: &'static str,
        count: usize,
        stamp: Stamp,
        last: Offset,
    ) -> Self {
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (mut wire, _) = Wire::join(address).await;
            wire.subscribe(1, room, Start::Now).await;
            tasks.spawn(listen(wire, stamp, last));
        }
        Self { tasks }
    }

    /// From a message's publish to its receipt, in microseconds, of all deliveries.
    pub(super) async fn heard(mut self) -> Histogram<u64> {
        let mut all = histogram();
        while let Some(heard) = self.tasks.join_next().await {
            all.add(heard.expect("no panic")).expect("the same precision");
        }
        all
    }
}

async fn listen(mut wire: Wire, stamp: Stamp, last: Offset) -> Histogram<u64> {
    let mut latency = histogram();
    let mut next = Offset(1);
    while next <= last {
        let said = wire.message().await;
        assert_eq!(said.offset, next);
        let age = stamp.age(said.text());
        latency.saturating_record(u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
        next = next.next();
    }
    latency
}

/// Microseconds, up to ten minutes.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(600_000_000, 3).expect("bounds and a precision that exist")
}
