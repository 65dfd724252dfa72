//! CPU time of a server that answers each message with the same.

mod load;

use anyhow::Result;

use self::load::Load;
use crate::{
    bars::What,
    cli::Bench,
    line::{self, Purpose},
    measure::Measured,
    message,
    peers::Peer,
    report::Report,
    table::Table,
    turns::{self, Turns},
};

/// What `echo` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections there are
    #[arg(long, default_value_t = Self::default().connections, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,

    /// How many messages of each connection may be sent and not yet answered
    #[arg(long, default_value_t = Self::default().outstanding, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    outstanding: u32,

    /// How many messages of each connection are measured at least, after a tenth as many to warm up
    #[arg(long, default_value_t = Self::default().messages, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,

    /// Length of each message
    #[arg(long, default_value_t = Self::default().bytes, value_parser = clap::value_parser!(u32).range(message::MIN_BYTES as i64..=1 << 20))]
    bytes: u32,

    /// How a connection that may send several messages at once does it: as one write, or each in a write of its own, which
    /// costs the load generator more than the server
    #[arg(long, value_enum, default_value_t = Self::default().writes)]
    writes: Writes,
}

/// How messages that are due at once are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Writes {
    /// As one write.
    Together,
    /// Each in a write of its own.
    Each,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 64,
            outstanding: 16,
            messages: 5000,
            bytes: 128,
            writes: Writes::Together,
        }
    }
}

impl Options {
    fn command(&self) -> String {
        format!(
            "cargo xtask bench echo --connections {} --outstanding {} --messages {} --bytes {} --writes {}",
            self.connections,
            self.outstanding,
            self.messages,
            self.bytes,
            if self.writes == Writes::Each {
                "each"
            } else {
                "together"
            }
        )
    }
}

/// Measures every peer that has an echo.
pub(crate) fn run(bench: &Bench, options: &Options) -> Result<Report> {
    let measure = |peer: &Peer| measure(bench, peer, options);
    let turns = Turns::take_repeated(
        bench,
        bench.repeats,
        "echo",
        |peer| peer.dialect.has_echo(),
        measure,
        Measured::cpu,
    )?;
    Ok(Report {
        command: options.command(),
        table: Table {
            columns: turns::columns(&COLUMNS),
            rows: turns.rows(Measured::cpu, |it| it.cells(2)),
        },
        notes: vec![
            "us CPU/message: the server's CPU time, user and kernel, over the messages that were answered; the ratio is of \
             it. Latency: from before a message's send to after the read of its answer."
                .to_owned(),
            "Every connection got its own messages back, once and in order. Busy: CPU time over elapsed time, of a core."
                .to_owned(),
        ],
        warnings: turns.done.iter().flat_map(|(peer, it)| it.spent.doubts(peer)).collect(),
        figures: turns.figures(What::EchoCpu, Measured::cpu).collect(),
        failures: turns.failed,
    })
}

fn measure(bench: &Bench, peer: &Peer, options: &Options) -> Result<Measured> {
    let deadline = bench.deadline();
    let count = options.connections as usize;
    let server = bench.start(peer, count)?;
    let lines = line::open_all(server.address, peer.dialect, Purpose::Echo, count, &deadline)?;
    let mut load = Load::new(
        lines,
        options.bytes as usize,
        options.outstanding as usize,
        options.writes,
    )?;
    let warm_up = options.messages.div_ceil(10);
    Measured::take(
        &server,
        &mut load,
        warm_up,
        options.messages,
        options.connections,
        &deadline,
    )
}

const COLUMNS: [&str; 8] = [
    "us CPU/message",
    "messages/s",
    "p50 ms",
    "p99 ms",
    "server busy",
    "generator busy",
    "messages/read",
    "s",
];
