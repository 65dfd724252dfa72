//! `cargo xtask simulate`: the protocol's machines on any number of bad networks.

use std::process::{ExitCode, Stdio};

use anyhow::Result;

use crate::process::{self, Group};
use crate::workspace::Workspace;

/// Options of `cargo xtask simulate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many seeds to run; each is one run of several clients
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
}

/// Runs the simulator, built for release; it prints what the runs covered, and how to replay what broke a promise.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let mut command = workspace.cargo(&["run", "--release", "--quiet", "--package", "tidewire-protocol"]);
    command.args([
        "--example",
        "simulate",
        "--",
        &args.seeds.to_string(),
        &args.from.to_string(),
    ]);
    let status = Group::spawn(command, Stdio::null())?.wait()?;
    Ok(if status.success() && !process::is_stopping() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
