//! CPU time of a server that passes messages on at a rate that leaves it idle in between, so that nothing is coalesced.

use std::time::Duration;

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

/// What `steady` can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections receive
    #[arg(long, default_value_t = Self::default().receivers, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    receivers: u32,

    /// How many messages a second are sent, whatever became of those before
    #[arg(long, default_value_t = Self::default().rate, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,

    /// How many messages are measured, after those of one second to warm up
    #[arg(long, default_value_t = Self::default().messages, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,

    /// Length of each message
    #[arg(long, default_value_t = Self::default().bytes, value_parser = clap::value_parser!(u32).range(message::MIN_BYTES as i64..=1 << 20))]
    bytes: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            receivers: 5000,
            rate: 20,
            messages: 200,
            bytes: 128,
        }
    }
}

impl Options {
    fn plan(&self) -> Plan {
        Plan {
            receivers: self.receivers,
            warm_up: self.rate,
            messages: self.messages,
            bytes: self.bytes,
            pace: Pace::steady(Duration::from_secs(1) / self.rate),
        }
    }

    fn command(&self) -> String {
        format!(
            "cargo xtask bench steady --receivers {} --rate {} --messages {} --bytes {}",
            self.receivers, self.rate, self.messages, self.bytes
        )
    }
}

/// Measures every peer.
pub(crate) fn run(bench: &Bench, options: &Options) -> Result<Report> {
    let measure = |peer: &_| fanout::measure(bench, peer, &options.plan());
    let turns = Turns::take_repeated(bench, bench.repeats, "steady", |_| true, measure, Measured::cpu)?;
    Ok(Report {
        command: options.command(),
        table: Table {
            columns: turns::columns(&fanout::COLUMNS),
            rows: turns.rows(Measured::cpu, |it| it.cells(1)),
        },
        notes: fanout::NOTES.map(str::to_owned).into(),
        warnings: turns.done.iter().flat_map(|(peer, it)| it.spent.doubts(peer)).collect(),
        figures: turns.figures(What::SteadyCpu, Measured::cpu).collect(),
        failures: turns.failed,
    })
}
