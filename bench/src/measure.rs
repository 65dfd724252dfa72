//! What both sides spend between two moments at which nothing is under way, and what a load generator sees.

use std::{
    ops::Sub,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use crate::{deadline::Deadline, peers::Peer, proc, report::thousands, server::Server};

/// What sends messages, and counts what comes of them.
pub(crate) trait Load {
    /// Sends until so many messages were sent in all, and waits for all that is to come of them. Then nothing is under way.
    fn run_to(&mut self, target: u64, deadline: &Deadline) -> Result<()>;

    /// What was seen since the last call.
    fn take_counters(&mut self) -> Result<Counters>;
}

/// What a load generator has seen.
pub(crate) struct Counters {
    /// From just before a message was sent to just after it, or its answer, was read, in microseconds.
    pub(crate) latency: Histogram<u64>,
    /// Reads that brought something to who is measured.
    pub(crate) reads: u64,
}

/// What one peer did between two moments at which nothing was under way.
pub(crate) struct Measured {
    /// Time of both sides.
    pub(crate) spent: Spent,
    counters: Counters,
    /// How many messages, or deliveries, that was.
    count: f64,
}

/// The clocks at one moment.
pub(crate) struct Clocks {
    now: Instant,
    server_cpu: Duration,
    generator_cpu: Duration,
    without_core: Duration,
}

/// What was spent from one moment to another.
pub(crate) struct Spent {
    pub(crate) elapsed: Duration,
    /// CPU time of all threads of the server, in user and kernel mode.
    pub(crate) server_cpu: Duration,
    generator_cpu: Duration,
    /// How long the server's threads were ready to run and had no core, added up.
    without_core: Duration,
}

impl Clocks {
    /// Now.
    pub(crate) fn read(server: &Server) -> Result<Self> {
        Ok(Self {
            now: Instant::now(),
            server_cpu: server.cpu_time()?,
            generator_cpu: proc::own_cpu_time()?,
            without_core: proc::time_without_core(server.pid())?,
        })
    }
}

impl Sub for Clocks {
    type Output = Spent;

    fn sub(self, before: Self) -> Spent {
        Spent {
            elapsed: self.now - before.now,
            server_cpu: self.server_cpu - before.server_cpu,
            generator_cpu: self.generator_cpu - before.generator_cpu,
            without_core: self.without_core.saturating_sub(before.without_core),
        }
    }
}

impl Counters {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            latency: Histogram::new_with_max(MAX_LATENCY_US, 3)?,
            reads: 0,
        })
    }
}

impl Measured {
    /// Has `load` send `messages`, or a multiple of them that takes long enough, after others to warm up. Each counts
    /// for `each`.
    pub(crate) fn take(
        server: &Server,
        load: &mut impl Load,
        warm_up: u32,
        messages: u32,
        each: u32,
        deadline: &Deadline,
    ) -> Result<Self> {
        let warm_up = u64::from(warm_up);
        load.run_to(warm_up, deadline).context("warming up")?;
        eprintln!("  warmed up");
        load.take_counters()?;
        let (before, begun) = (Clocks::read(server)?, Instant::now());
        let mut last = warm_up;
        while last == warm_up || begun.elapsed() < SHORTEST {
            last += u64::from(messages);
            load.run_to(last, deadline)?;
        }
        let spent = Clocks::read(server)? - before;
        let counters = load.take_counters()?;
        // One more message, not measured: whatever came twice comes before it and is noticed.
        load.run_to(last + 1, deadline).context("after the run")?;
        Ok(Self {
            spent,
            counters,
            count: (last - warm_up) as f64 * f64::from(each),
        })
    }

    /// CPU time of the server for each message or delivery, in microseconds.
    pub(crate) fn cpu(&self) -> f64 {
        self.spent.server_cpu.as_secs_f64() * 1e6 / self.count
    }

    /// The latency that a share of them does not exceed, in milliseconds.
    pub(crate) fn latency(&self, quantile: f64) -> f64 {
        self.counters.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// The figures: CPU time, rate, p50 and p99 with so many decimals, how busy both sides were, messages a read, seconds.
    pub(crate) fn cells(&self, decimals: usize) -> Vec<String> {
        let elapsed = self.spent.elapsed.as_secs_f64();
        vec![
            format!("{:.3}", self.cpu()),
            thousands(self.count / elapsed),
            format!("{:.decimals$}", self.latency(0.5)),
            format!("{:.decimals$}", self.latency(0.99)),
            self.spent.server_busy(),
            self.spent.generator_busy(),
            format!("{:.1}", self.count / self.counters.reads as f64),
            format!("{elapsed:.1}"),
        ]
    }
}

impl Spent {
    /// CPU time of the server over elapsed time.
    pub(crate) fn server_busy(&self) -> String {
        percent(self.share(self.server_cpu))
    }

    /// CPU time of the load generator over elapsed time.
    pub(crate) fn generator_busy(&self) -> String {
        percent(self.share(self.generator_cpu))
    }

    /// Why the figures should not be trusted.
    pub(crate) fn doubts(&self, peer: &Peer) -> Vec<String> {
        let mut doubts = Vec::new();
        let without_core = self.share(self.without_core);
        if without_core > NOISY {
            let part = percent(without_core);
            doubts.push(format!(
                "{}: for {part} of the time its threads waited for a core; CPU time is fair, latency and rate are not",
                peer.name
            ));
        }
        if self.share(self.generator_cpu) > SATURATED {
            doubts.push(format!(
                "{}: the load generator was at its limit; latency and rate are partly its own",
                peer.name
            ));
        }
        doubts
    }

    /// Of the elapsed time.
    fn share(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A run that is shorter is repeated, since chance would have a large part in it.
const SHORTEST: Duration = Duration::from_secs(2);

/// From this share of the time on that threads had no core, other programs had a large part in the figures.
const NOISY: f64 = 0.1;

/// From this share on a core has no time left.
const SATURATED: f64 = 0.95;

/// Longer ones count as this.
const MAX_LATENCY_US: u64 = 600_000_000;
