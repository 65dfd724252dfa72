//! CPU time of a server that passes one sender's messages on to many receivers.

use anyhow::Result;

use crate::{
    bars::What,
    cli::Bench,
    fanout::{self, Pace, Plan},
    measure::Measured,
    message,
    report::Report,
    table::Table,
    turns::{self, Turns},
};

/// What `broadcast` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections receive
    #[arg(long, default_value_t = Self::default().receivers, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    receivers: u32,

    /// How many messages are measured at least, after a tenth as many to warm up
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
    fn plan(&self) -> Plan {
        Plan {
            receivers: self.receivers,
            warm_up: self.messages.div_ceil(10),
            messages: self.messages,
            bytes: self.bytes,
            pace: Pace::Window(self.outstanding as usize),
        }
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
    let measure = |peer: &_| fanout::measure(bench, peer, &options.plan());
    let turns = Turns::take_repeated(bench, bench.repeats, "broadcast", |_| true, measure, Measured::cpu)?;
    let p99 = turns.figures(What::BroadcastP99, |it| it.latency(0.99));
    Ok(Report {
        command: options.command(),
        table: Table {
            columns: turns::columns(&fanout::COLUMNS),
            rows: turns.rows(Measured::cpu, |it| it.cells(1)),
        },
        notes: fanout::NOTES.map(str::to_owned).into(),
        warnings: turns.done.iter().flat_map(|(peer, it)| it.spent.doubts(peer)).collect(),
        figures: turns.figures(What::BroadcastCpu, Measured::cpu).chain(p99).collect(),
        failures: turns.failed,
    })
}
