//! CPU time of a server that passes one sender's messages on to many receivers.

mod load;
mod message;
mod window;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use self::load::{Counters, Load};
use crate::{
    chat,
    cli::Bench,
    peers::Peer,
    proc,
    report::{Report, ratio, thousands},
    server::Server,
};

/// What `broadcast` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections receive
    #[arg(long, default_value_t = Self::default().receivers, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    receivers: u32,

    /// How many messages are measured, after a tenth as many to warm up
    #[arg(long, default_value_t = Self::default().messages, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,

    /// Length of each message
    #[arg(long, default_value_t = Self::default().bytes, value_parser = clap::value_parser!(u32).range(message::MIN_BYTES as i64..=1 << 20))]
    bytes: u32,

    /// How many messages may be sent and not yet received by all
    #[arg(long, default_value_t = Self::default().outstanding, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    outstanding: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            receivers: 1000,
            messages: 3000,
            bytes: 128,
            outstanding: 64,
        }
    }
}

impl Options {
    fn deliveries(&self) -> f64 {
        f64::from(self.messages) * f64::from(self.receivers)
    }

    fn command(&self) -> String {
        format!(
            "cargo xtask bench broadcast --receivers {} --messages {} --bytes {} --outstanding {}",
            self.receivers, self.messages, self.bytes, self.outstanding
        )
    }
}

/// Measures every peer.
pub(crate) fn run(bench: &Bench, options: &Options) -> Result<Report> {
    let measured: Vec<(&Peer, Measured)> = bench
        .peers
        .iter()
        .map(|peer| {
            eprintln!("broadcast: {}", peer.name);
            let measured = measure(bench, peer, options).with_context(|| format!("broadcast: {}", peer.name))?;
            Ok((peer, measured))
        })
        .collect::<Result<_>>()?;
    let first = measured.first().map_or(0.0, |(_, it)| it.server_cpu.as_secs_f64());
    Ok(Report {
        command: options.command(),
        columns: vec![
            "peer", "us CPU/delivery", "ratio", "deliveries/s", "p50 ms", "p99 ms", "server busy", "generator busy",
            "messages/read", "s",
        ],
        rows: measured.iter().map(|(peer, it)| it.row(peer, options, first)).collect(),
        notes: vec![
            "us CPU/delivery: the server's CPU time, user and kernel, over messages times receivers. Latency: from before \
             a message's send to after each receiver's read of it."
                .to_owned(),
            "Every receiver got every message once and in order. Busy: CPU time over elapsed time, of a core.".to_owned(),
        ],
        warnings: measured.iter().flat_map(|(peer, it)| it.doubts(peer)).collect(),
    })
}

/// What one peer did between two moments at which nothing was under way.
struct Measured {
    elapsed: Duration,
    server_cpu: Duration,
    generator_cpu: Duration,
    /// How long the server's threads were ready to run and had no core, added up.
    without_core: Duration,
    counters: Counters,
}

fn measure(bench: &Bench, peer: &Peer, options: &Options) -> Result<Measured> {
    let deadline = bench.deadline();
    let connections = options.receivers as usize + 1;
    let server = bench.start(peer, connections)?;
    let streams = chat::join(server.address, connections, &deadline)?;
    let mut load = Load::new(streams, options.bytes as usize, options.outstanding as usize)?;
    let warm_up = u64::from(options.messages.div_ceil(10));
    let last = warm_up + u64::from(options.messages);
    load.run_to(warm_up, &deadline).context("warming up")?;
    eprintln!("  warmed up");
    load.take_counters()?;
    let before = Clocks::read(&server)?;
    load.run_to(last, &deadline)?;
    let after = Clocks::read(&server)?;
    let counters = load.take_counters()?;
    // One more message, not measured: whatever came twice comes before it and is noticed.
    load.run_to(last + 1, &deadline).context("after the run")?;
    Ok(Measured {
        elapsed: after.now - before.now,
        server_cpu: after.server_cpu - before.server_cpu,
        generator_cpu: after.generator_cpu - before.generator_cpu,
        without_core: after.without_core.saturating_sub(before.without_core),
        counters,
    })
}

struct Clocks {
    now: Instant,
    server_cpu: Duration,
    generator_cpu: Duration,
    without_core: Duration,
}

impl Clocks {
    fn read(server: &Server) -> Result<Self> {
        Ok(Self {
            now: Instant::now(),
            server_cpu: server.cpu_time()?,
            generator_cpu: proc::own_cpu_time()?,
            without_core: proc::time_without_core(server.pid())?,
        })
    }
}

impl Measured {
    fn row(&self, peer: &Peer, options: &Options, first: f64) -> Vec<String> {
        let cpu = self.server_cpu.as_secs_f64();
        let latency = |quantile| self.counters.latency.value_at_quantile(quantile) as f64 / 1000.0;
        vec![
            peer.name.to_owned(),
            format!("{:.3}", cpu * 1e6 / options.deliveries()),
            ratio(cpu, first),
            thousands(options.deliveries() / self.elapsed.as_secs_f64()),
            format!("{:.1}", latency(0.5)),
            format!("{:.1}", latency(0.99)),
            percent(self.share(self.server_cpu)),
            percent(self.share(self.generator_cpu)),
            format!("{:.1}", options.deliveries() / self.counters.reads as f64),
            format!("{:.1}", self.elapsed.as_secs_f64()),
        ]
    }

    fn doubts(&self, peer: &Peer) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.elapsed < SHORT {
            doubts.push(format!("{}: a short run; ask for more --messages", peer.name));
        }
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

/// Below this, chance has a large part.
const SHORT: Duration = Duration::from_millis(500);

/// From this share of the time on that threads had no core, other programs had a large part in the figures.
const NOISY: f64 = 0.1;

/// From this share on a core has no time left.
const SATURATED: f64 = 0.95;
