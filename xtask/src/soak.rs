//! `cargo xtask soak`: what takes too long for a test, in full.

use std::process::{ExitCode, Stdio};

use anyhow::Result;

use crate::process::{self, Group};
use crate::progress::Progress;
use crate::serve;
use crate::task::Task;
use crate::workspace::Workspace;

/// Options of `cargo xtask soak`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to run, and how: `cargo xtask soak --help` explains it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    soak: Vec<String>,
}

/// Builds the server, then builds and runs the long runs with the arguments given.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let mut task = Task {
        workspace,
        progress: Progress::begin(1, 1, "server (cargo build --release)", false),
    };
    serve::build_server(&mut task)?;
    task.progress.end("done");
    let mut command = workspace.cargo(&[
        "run",
        "--release",
        "--quiet",
        "--package",
        "tidewire-tests",
        "--bin",
        "soak",
        "--",
    ]);
    command.args(&args.soak);
    let status = Group::spawn(command, Stdio::null())?.wait()?;
    Ok(if status.success() && !process::is_stopping() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
