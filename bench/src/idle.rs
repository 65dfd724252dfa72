//! Memory of a server that holds many connections on which nothing is said.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::{
    chat,
    cli::Bench,
    peers::Peer,
    proc::Memory,
    report::{Report, ratio, thousands},
};

/// What `idle` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections to open on /chat
    #[arg(long, default_value_t = Self::default().connections, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 5000 }
    }
}

/// Measures every peer.
pub(crate) fn run(bench: &Bench, options: &Options) -> Result<Report> {
    let measured: Vec<(&Peer, Idle)> = bench
        .peers
        .iter()
        .map(|peer| {
            eprintln!("idle: {}", peer.name);
            let idle = measure(bench, peer, options).with_context(|| format!("idle: {}", peer.name))?;
            Ok((peer, idle))
        })
        .collect::<Result<_>>()?;
    let count = f64::from(options.connections);
    let first = measured.first().map_or(0.0, |(_, idle)| idle.grown(|it| it.resident));
    let row = |(peer, idle): &(&Peer, Idle)| {
        vec![
            peer.name.to_owned(),
            thousands(idle.grown(|it| it.resident) / count),
            ratio(idle.grown(|it| it.resident), first),
            thousands(idle.grown(|it| it.anonymous) / count),
            thousands(idle.grown(|it| it.proportional) / count),
            thousands(idle.before.resident as f64 / 1024.0),
            thousands(idle.after.resident as f64 / 1024.0),
            format!("{:.0}", idle.cpu.as_secs_f64() * 1e6 / count),
        ]
    };
    Ok(Report {
        command: format!("cargo xtask bench idle --connections {}", options.connections),
        columns: vec![
            "peer", "bytes/connection", "ratio", "of these RssAnon", "by Pss", "KiB before", "KiB after", "us CPU/handshake",
        ],
        rows: measured.iter().map(row).collect(),
        notes: vec![
            "bytes/connection: growth of VmRSS by `grep -E 'VmRSS|RssAnon' /proc/PID/status`, from the listening server to \
             the same one at rest"
                .to_owned(),
            "with all connections open and welcomed, over their number; Pss from /proc/PID/smaps_rollup. Socket buffers \
             are the kernel's and not in it."
                .to_owned(),
        ],
        warnings: measured.iter().filter_map(doubt).collect(),
    })
}

/// What one peer needed.
struct Idle {
    before: Memory,
    after: Memory,
    /// CPU time from before the first connection until all was quiet.
    cpu: Duration,
}

impl Idle {
    fn grown(&self, field: impl Fn(&Memory) -> u64) -> f64 {
        field(&self.after) as f64 - field(&self.before) as f64
    }
}

fn measure(bench: &Bench, peer: &Peer, options: &Options) -> Result<Idle> {
    let deadline = bench.deadline();
    let count = options.connections as usize;
    let server = bench.start(peer, count)?;
    server.until_quiet(&deadline)?;
    let (before, cpu_before) = (server.memory()?, server.cpu_time()?);
    let connections = chat::join(server.address, count, &deadline)?;
    server.until_quiet(&deadline)?;
    let idle = Idle {
        before,
        after: server.memory()?,
        cpu: server.cpu_time()? - cpu_before,
    };
    chat::expect_silence(&connections)?;
    Ok(idle)
}

fn doubt((peer, idle): &(&Peer, Idle)) -> Option<String> {
    let (resident, proportional) = (idle.grown(|it| it.resident), idle.grown(|it| it.proportional));
    let apart = (resident - proportional).abs() > 0.1 * resident.abs();
    apart.then(|| {
        format!(
            "{}: VmRSS and Pss disagree by more than a tenth; open more connections",
            peer.name
        )
    })
}
