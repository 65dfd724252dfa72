//! Memory of a server that holds many connections on which nothing is said.

use std::time::Duration;

use anyhow::Result;

use crate::{
    bars::What,
    cli::Bench,
    line::{self, Purpose},
    peers::Peer,
    proc::Memory,
    report::{Report, thousands},
    table::Table,
    turns::{self, Turns},
};

/// What `idle` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections to open, on /chat or in one room
    #[arg(long, default_value_t = Self::default().connections, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 10_000 }
    }
}

/// Measures every peer.
pub(crate) fn run(bench: &Bench, options: &Options) -> Result<Report> {
    let turns = Turns::take(bench, "idle", |_| true, |peer| measure(bench, peer, options))?;
    Ok(Report {
        command: format!("cargo xtask bench idle --connections {}", options.connections),
        table: Table {
            columns: turns::columns(&COLUMNS),
            rows: turns.rows(|idle| idle.each(|it| it.resident), Idle::cells),
        },
        notes: vec![
            "bytes/connection: growth of VmRSS by `grep -E 'VmRSS|RssAnon' /proc/PID/status`, from the listening server to \
             the same one at rest"
                .to_owned(),
            "with all connections open and welcomed, over their number; Pss from /proc/PID/smaps_rollup. Socket buffers \
             are the kernel's and not in it."
                .to_owned(),
        ],
        warnings: turns.done.iter().filter_map(doubt).collect(),
        figures: turns.figures(What::IdleMemory, |idle| idle.each(|it| it.resident)).collect(),
        failures: turns.failed,
    })
}

/// What one peer needed.
struct Idle {
    connections: f64,
    before: Memory,
    after: Memory,
    /// CPU time from before the first connection until all was quiet.
    cpu: Duration,
}

impl Idle {
    /// Growth for each connection, in bytes.
    fn each(&self, field: impl Fn(&Memory) -> u64) -> f64 {
        (field(&self.after) as f64 - field(&self.before) as f64) / self.connections
    }

    /// As [`COLUMNS`] say.
    fn cells(&self) -> Vec<String> {
        vec![
            thousands(self.each(|it| it.resident)),
            thousands(self.each(|it| it.anonymous)),
            thousands(self.each(|it| it.proportional)),
            thousands(self.before.resident as f64 / 1024.0),
            thousands(self.after.resident as f64 / 1024.0),
            format!("{:.0}", self.cpu.as_secs_f64() * 1e6 / self.connections),
        ]
    }
}

fn measure(bench: &Bench, peer: &Peer, options: &Options) -> Result<Idle> {
    let deadline = bench.deadline();
    let count = options.connections as usize;
    let server = bench.start(peer, count)?;
    server.until_quiet(&deadline)?;
    let (before, cpu_before) = (server.memory()?, server.cpu_time()?);
    let mut lines = line::open_all(server.address, peer.dialect, Purpose::Receive, count, &deadline)?;
    server.until_quiet(&deadline)?;
    let idle = Idle {
        connections: f64::from(options.connections),
        before,
        after: server.memory()?,
        cpu: server.cpu_time()? - cpu_before,
    };
    line::expect_silence(&mut lines)?;
    Ok(idle)
}

fn doubt((peer, idle): &(&Peer, Idle)) -> Option<String> {
    let (resident, proportional) = (idle.each(|it| it.resident), idle.each(|it| it.proportional));
    let apart = (resident - proportional).abs() > 0.1 * resident.abs();
    apart.then(|| {
        format!(
            "{}: VmRSS and Pss disagree by more than a tenth; open more connections",
            peer.name
        )
    })
}

const COLUMNS: [&str; 6] = [
    "bytes/connection",
    "of these RssAnon",
    "by Pss",
    "KiB before",
    "KiB after",
    "us CPU/handshake",
];
