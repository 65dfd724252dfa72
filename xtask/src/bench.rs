//! `cargo xtask bench`: the load generators, against a server built for release.

use std::process::{ExitCode, Stdio};

use anyhow::Result;

use crate::process::{self, Group};
use crate::progress::Progress;
use crate::serve;
use crate::task::Task;
use crate::tools::{Tool, Toolbox};
use crate::workspace::Workspace;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to measure, and how: `cargo xtask bench --help` explains it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    bench: Vec<String>,
}

/// Builds the server, then builds and runs the load generators with the arguments given.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let toolbox = Toolbox::ensure(workspace, &[Tool::NodeModules])?;
    let mut task = Task {
        workspace,
        progress: Progress::begin(1, 1, "server and peers (cargo build --release)", false),
    };
    serve::build_server(&mut task)?;
    // `cargo run` would build only the program it runs, and that starts the other one.
    task.run(workspace.cargo(&["build", "--release", "--package", "tidewire-bench"]))?;
    task.progress.end("done");
    let mut command = workspace.cargo(&["run", "--release", "--quiet", "--package", "tidewire-bench", "--"]);
    command.args(&args.bench);
    let status = Group::spawn(toolbox.equip(command), Stdio::null())?.wait()?;
    Ok(if status.success() && !process::is_stopping() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
