//! `cargo xtask bench`: the load generators, against a server built for release.

use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;

use crate::pack;
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

/// Builds the server and what else is needed, then builds and runs the load generators with the arguments given.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let needs_page = !args.bench.iter().any(|it| WITHOUT_PAGE.contains(&&**it));
    let tools = match needs_page {
        true => [pack::TOOLS, &[Tool::Browser]].concat(),
        false => vec![Tool::NodeModules],
    };
    let toolbox = Toolbox::ensure(workspace, &tools)?;
    build(workspace, &toolbox, needs_page)?;
    let mut command = workspace.cargo(&["run", "--release", "--quiet", "--package", "tidewire-bench", "--"]);
    command.args(&args.bench);
    if needs_page {
        equip(&mut command, workspace, &toolbox)?;
    }
    let status = Group::spawn(toolbox.equip(command), Stdio::null())?.wait()?;
    Ok(if status.success() && !process::is_stopping() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Tells a load generator where what it needs for a page is.
pub(crate) fn equip(command: &mut Command, workspace: &Workspace, toolbox: &Toolbox) -> Result<()> {
    command
        .env("TIDEWIRE_CHROMIUM", &toolbox.browser()?.program)
        .env("TIDEWIRE_PACKAGE", workspace.path(pack::FOLDER));
    Ok(())
}

fn build(workspace: &Workspace, toolbox: &Toolbox, needs_page: bool) -> Result<()> {
    let count = if needs_page { 2 } else { 1 };
    let step = |number, title| Task {
        workspace,
        progress: Progress::begin(number, count, title, false),
    };
    let mut task = step(1, "server and peers (cargo build --release)");
    serve::build_server(&mut task)?;
    // `cargo run` would build only the program it runs, and that starts the other one.
    task.run(workspace.cargo(&["build", "--release", "--package", "tidewire-bench"]))?;
    task.progress.end("done");
    if !needs_page {
        return Ok(());
    }
    let mut task = step(2, "npm package (wasm-pack)");
    if pack::STAMP.is_current(workspace) {
        task.progress.end("nothing changed");
    } else {
        pack::build(&mut task, toolbox)?;
        task.progress.end("done");
    }
    Ok(())
}

/// Workloads that need neither Chromium nor the npm package, and what needs no workload.
const WITHOUT_PAGE: &[&str] = &[
    "idle",
    "broadcast",
    "steady",
    "echo",
    "resume",
    "protocol",
    "help",
    "--help",
    "-h",
    "--version",
    "-V",
];
