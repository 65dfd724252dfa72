//! One sender's messages to many receivers: what `broadcast` and `steady` have in common.

mod load;
mod pace;
mod window;

use std::time::Instant;

use anyhow::{Context, Result};

use self::load::{Counters, Load};
pub(crate) use self::pace::Pace;
use crate::{
    cli::Bench,
    line::{self, Line, Purpose},
    measure::{Clocks, SHORTEST, Spent},
    peers::Peer,
    report::thousands,
};

/// What is sent, and how fast.
pub(crate) struct Plan {
    pub(crate) receivers: u32,
    /// How many messages are sent before those that are measured.
    pub(crate) warm_up: u32,
    /// As often as is needed for a run that is long enough.
    pub(crate) messages: u32,
    pub(crate) bytes: u32,
    pub(crate) pace: Pace,
}

/// What one peer did between two moments at which nothing was under way.
pub(crate) struct Measured {
    /// Time of both sides.
    pub(crate) spent: Spent,
    counters: Counters,
    deliveries: f64,
}

/// What [`Measured::cells`] are.
pub(crate) const COLUMNS: [&str; 8] = [
    "us CPU/delivery",
    "deliveries/s",
    "p50 ms",
    "p99 ms",
    "server busy",
    "generator busy",
    "messages/read",
    "s",
];

/// Measures one peer.
pub(crate) fn measure(bench: &Bench, peer: &Peer, plan: &Plan) -> Result<Measured> {
    let deadline = bench.deadline();
    let receivers = plan.receivers as usize;
    let server = bench.start(peer, receivers + 1)?;
    let sender = Line::open(server.address, peer.dialect, Purpose::Send, receivers)?;
    let lines = line::open_all(server.address, peer.dialect, Purpose::Receive, receivers, &deadline)?;
    let mut load = Load::new(sender, lines, plan.bytes as usize, plan.pace)?;
    let warm_up = u64::from(plan.warm_up);
    load.run_to(warm_up, &deadline).context("warming up")?;
    eprintln!("  warmed up");
    load.take_counters()?;
    let (before, begun) = (Clocks::read(&server)?, Instant::now());
    let mut last = warm_up;
    while last == warm_up || begun.elapsed() < SHORTEST {
        last += u64::from(plan.messages);
        load.run_to(last, &deadline)?;
    }
    let spent = Clocks::read(&server)? - before;
    let counters = load.take_counters()?;
    // One more message, not measured: whatever came twice comes before it and is noticed.
    load.run_to(last + 1, &deadline).context("after the run")?;
    Ok(Measured {
        spent,
        counters,
        deliveries: (last - warm_up) as f64 * f64::from(plan.receivers),
    })
}

impl Measured {
    /// CPU time of the server for each delivery, in microseconds.
    pub(crate) fn cpu_per_delivery(&self) -> f64 {
        self.spent.server_cpu.as_secs_f64() * 1e6 / self.deliveries
    }

    /// The latency that a share of the deliveries does not exceed, in milliseconds.
    pub(crate) fn latency(&self, quantile: f64) -> f64 {
        self.counters.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// As [`COLUMNS`] say.
    pub(crate) fn cells(&self) -> Vec<String> {
        let elapsed = self.spent.elapsed.as_secs_f64();
        vec![
            format!("{:.3}", self.cpu_per_delivery()),
            thousands(self.deliveries / elapsed),
            format!("{:.1}", self.latency(0.5)),
            format!("{:.1}", self.latency(0.99)),
            self.spent.server_busy(),
            self.spent.generator_busy(),
            format!("{:.1}", self.deliveries / self.counters.reads as f64),
            format!("{elapsed:.1}"),
        ]
    }
}

/// What the columns need to be understood.
pub(crate) const NOTES: [&str; 2] = [
    "us CPU/delivery: the server's CPU time, user and kernel, over messages times receivers; the ratio is of it. Latency: \
     from before a message's send to after each receiver's read of it.",
    "Every receiver got every message once and in order. Busy: CPU time over elapsed time, of a core.",
];
