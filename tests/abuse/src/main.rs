//! Bad peers against a server on the loopback interface: what they do, and how it must answer. `cargo xtask soak abuse`
//! builds and starts it.

mod answer;
mod attack;
mod attacks;
mod frame;
mod http;
mod memory;
mod peer;
mod report;
mod room;
mod run;
mod server;
mod target;
mod warm;
mod witness;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::{
    attack::Attack,
    memory::Rest,
    run::{Row, Runner},
    server::{Process, Server},
    target::{Scale, Target},
};

/// Attacks a WebSocket server as bad peers do, and checks each answer, that good peers are served after each attack, and
/// that memory comes back.
#[derive(Debug, Parser)]
#[command(name = "abuse", bin_name = "cargo xtask soak abuse", version)]
struct Cli {
    /// The `tidewire` binary to start and to attack
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "address",
        required_unless_present = "address"
    )]
    server: Option<PathBuf>,
    /// Any server on the loopback interface that runs already: only what RFC 6455 rules is done to it
    #[arg(long, value_name = "ADDR")]
    address: Option<SocketAddr>,
    /// Where such a server has WebSockets: `/ws`, `/chat`, `/echo`
    #[arg(long = "path", value_name = "PATH", default_value = "/echo")]
    paths: Vec<String>,
    /// Process id of such a server, to watch its memory
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Largest message that the server takes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_message_bytes: usize,
    /// Do less of everything, as `cargo xtask test` does
    #[arg(long)]
    short: bool,
    /// After a first round do all so often again; what memory grows by in each of these is lost
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    rounds: usize,
    /// Only attacks whose names contain this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result<bool> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut server = match &cli.server {
        Some(binary) => Some(Server::start(binary, cli.max_message_bytes, server::NO_LIMITS).await?),
        None => None,
    };
    let runner = runner(cli, server.as_ref())?;
    warm::up(runner.target, &runner.paths).await?;
    let mut score = Score::default();
    // What a server takes once for all of it, and has from then on, is not lost: that is measured by another round.
    attack(cli, &runner, server.as_mut(), &mut score).await?;
    let before = match runner.process {
        Some(process) => Some((process, warm::at_rest(process).await?)),
        None => None,
    };
    for _ in 0..cli.rounds {
        attack(cli, &runner, server.as_mut(), &mut score).await?;
        if let Some((process, before)) = before {
            let after = Rest::wait(process, COMES_BACK, |now| now.is_like(before)).await?;
            println!("{}", report::rest(before, after));
            score.count(after.is_like(before));
        }
    }
    drop(server);
    if let Some(binary) = &cli.server {
        limits(cli, binary, &mut score).await?;
    }
    println!("{} passed, {} failed", score.passed, score.failed);
    Ok(score.failed == 0)
}

/// All that is not about limits.
async fn attack(cli: &Cli, runner: &Runner, mut server: Option<&mut Server>, score: &mut Score) -> Result<()> {
    println!("{}", report::HEADER);
    let (waiting, others): (Vec<_>, Vec<_>) = chosen(cli).partition(|it| it.waits);
    for attack in others {
        score.show(&runner.run(attack).await?);
        server.as_deref_mut().map_or(Ok(()), Server::check)?;
    }
    for row in runner.run_beside(waiting).await? {
        score.show(&row);
    }
    server.map_or(Ok(()), Server::check)
}

/// What hits limits, against a server of its own.
async fn limits(cli: &Cli, binary: &Path, score: &mut Score) -> Result<()> {
    let mut server = Server::start(binary, cli.max_message_bytes, server::NARROW_LIMITS).await?;
    let runner = runner(cli, Some(&server))?;
    for attack in attacks::of_limits().filter(|it| it.name.contains(&cli.only)) {
        score.show(&runner.run(attack).await?);
        server.check()?;
    }
    Ok(())
}

fn runner(cli: &Cli, server: Option<&Server>) -> Result<Runner> {
    let address = server.map(|it| it.address).or(cli.address).context("no address")?;
    ensure!(address.ip().is_loopback(), "{address} is not on the loopback interface");
    let process = server.map(Server::process).transpose()?;
    Ok(Runner {
        target: Target {
            address,
            max_message_bytes: cli.max_message_bytes,
            has_rooms: server.is_some(),
            scale: if cli.short { Scale::SHORT } else { Scale::FULL },
        },
        process: process.or(cli.pid.map(Process)),
        paths: cli.paths.clone(),
    })
}

#[derive(Default)]
struct Score {
    passed: usize,
    failed: usize,
}

impl Score {
    fn show(&mut self, row: &Row) {
        print!("{row}");
        self.count(row.faults.is_empty());
    }

    fn count(&mut self, is_good: bool) {
        *if is_good { &mut self.passed } else { &mut self.failed } += 1;
    }
}

fn chosen(cli: &Cli) -> impl Iterator<Item = &'static Attack> {
    let own = cli.server.is_some().then(attacks::of_tidewire).into_iter().flatten();
    attacks::of_rfc6455()
        .chain(own)
        .filter(|it| it.name.contains(&cli.only))
}

/// How long memory may take to come back: a few times what sessions and messages are kept for.
const COMES_BACK: Duration = Duration::from_secs(20);
