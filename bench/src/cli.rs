//! The command line, and the order of a run.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::{
    bars::Summary,
    broadcast, browser,
    cores::Cores,
    deadline::{self, Deadline},
    echo, idle, line, machine,
    peers::{self, Peer, Programs},
    polling, protocol,
    report::Report,
    resume,
    server::Server,
    steady,
};

/// Measures the server beside its peers; with no workload named, runs all of them.
#[derive(Debug, Parser)]
#[command(
    name = "tidewire-bench",
    bin_name = "cargo xtask bench",
    version,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    workload: Option<Workload>,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The server's program [default: `tidewire` in the directory of this one]
    #[arg(long, global = true, env = "TIDEWIRE_SERVER", value_name = "PATH")]
    server: Option<PathBuf>,

    /// Whom to measure, in this order; ratios are to the first
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',', default_values = peers::NAMES)]
    peers: Vec<String>,

    /// How many turns each peer has in broadcast, steady, echo and polling; the one with the median CPU time stands
    #[arg(long, global = true, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    repeats: u8,

    /// How long one turn of a peer may take, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 300)]
    limit: u64,
}

#[derive(Clone, Debug, Subcommand)]
enum Workload {
    /// Memory of a server that holds many connections on which nothing is said
    Idle(idle::Options),
    /// CPU time of a server that passes one sender's messages on to many receivers
    Broadcast(broadcast::Options),
    /// The same at a rate that leaves the server idle in between, so that nothing is coalesced
    Steady(steady::Options),
    /// CPU time of a server that answers each message with the same
    Echo(echo::Options),
    /// CPU time of a server whose clients are all cut off at once and come back to what they missed
    Resume(resume::Options),
    /// Requests, bytes and CPU time of a server whose clients poll over HTTP
    Polling(polling::Options),
    /// Time of clients in a page that hear bursts of messages; in Chromium
    Browser(browser::Options),
    /// Time and allocations to encode and decode a message beside JSON and MessagePack; starts no server
    Protocol(protocol::Options),
}

/// What every workload needs.
pub(crate) struct Bench {
    /// Whom to measure; ratios are to the first.
    pub(crate) peers: Vec<Peer>,
    /// Which cores the server and the load generator have.
    pub(crate) cores: Cores,
    /// How many turns each has, where CPU time is measured under load.
    pub(crate) repeats: usize,
    limit: Duration,
}

impl Bench {
    /// Starts a server that will be given `connections` connections.
    pub(crate) fn start(&self, peer: &Peer, connections: usize) -> Result<Server> {
        line::raise_file_limit(connections)?;
        Server::start(peer, peer.command(), self.cores)
    }

    /// The same, for the pages of an origin.
    pub(crate) fn start_for(&self, origin: &str, peer: &Peer, connections: usize) -> Result<Server> {
        line::raise_file_limit(connections)?;
        let mut command = peer.command();
        // The other peers let any page in.
        command.env("TIDEWIRE_ALLOW_ORIGIN", origin);
        Server::start(peer, command, self.cores)
    }

    /// The end of one peer's turn in one workload, from now on.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.limit)
    }
}

impl Workload {
    fn all() -> Vec<Self> {
        vec![
            Self::Idle(idle::Options::default()),
            Self::Broadcast(broadcast::Options::default()),
            Self::Steady(steady::Options::default()),
            Self::Echo(echo::Options::default()),
            Self::Resume(resume::Options::default()),
            Self::Polling(polling::Options::default()),
            Self::Browser(browser::Options::default()),
            Self::Protocol(protocol::Options::default()),
        ]
    }

    const fn has_peers(&self) -> bool {
        !matches!(self, Self::Protocol(_))
    }

    fn run(&self, bench: &Bench) -> Result<Report> {
        match self {
            Self::Idle(options) => idle::run(bench, options),
            Self::Broadcast(options) => broadcast::run(bench, options),
            Self::Steady(options) => steady::run(bench, options),
            Self::Echo(options) => echo::run(bench, options),
            Self::Resume(options) => resume::run(bench, options),
            Self::Polling(options) => polling::run(bench, options),
            Self::Browser(options) => browser::run(bench, options),
            Self::Protocol(options) => protocol::run(options),
        }
    }
}

pub(crate) fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    deadline::end_on_signal()?;
    let programs = Programs {
        server: cli
            .common
            .server
            .clone()
            .map_or_else(|| beside_this_program("tidewire"), Ok)?,
        peers: beside_this_program("tidewire-peer")?,
    };
    let workloads = cli.workload.clone().map_or_else(Workload::all, |it| vec![it]);
    let mut peers = peers::select(&cli.common.peers, &programs)?;
    if !workloads.iter().any(Workload::has_peers) {
        peers.clear();
    }
    let bench = Bench {
        peers,
        cores: Cores::choose()?,
        repeats: cli.common.repeats.into(),
        limit: Duration::from_secs(cli.common.limit),
    };
    bench.cores.enter_generator()?;
    println!("{}", machine::describe(&bench.cores));
    for peer in &bench.peers {
        println!("{}: {}", peer.name, peer.version()?);
    }
    let (mut figures, mut failures) = (Vec::new(), 0);
    for workload in &workloads {
        let report = workload.run(&bench)?;
        println!("\n{report}");
        failures += report.failures.len();
        figures.extend(report.figures);
    }
    if !figures.is_empty() {
        println!("\n{}", Summary::new(figures));
    }
    println!("load average {:.2} after the run", machine::load_average());
    if failures > 0 {
        bail!("{failures} measurements failed, for the reasons below their tables");
    }
    Ok(())
}

fn beside_this_program(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("cannot find this program")?;
    Ok(this.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_a_workload_that_was_not_named_are_those_of_one_named_without_options() {
        let names = [
            "idle",
            "broadcast",
            "steady",
            "echo",
            "resume",
            "polling",
            "browser",
            "protocol",
        ];
        for (name, default) in names.into_iter().zip(Workload::all()) {
            let parsed = Cli::parse_from(["tidewire-bench", name]).workload;
            assert_eq!(format!("{parsed:?}"), format!("{:?}", Some(default)));
        }
    }
}
