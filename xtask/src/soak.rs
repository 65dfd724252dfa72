//! `cargo xtask soak`: what takes too long for a test, in full; bad peers and chaos in a browser beside it.

use std::process::{Command, ExitCode, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::Parser;

use crate::browser_tests;
use crate::process::{self, Finished, Group};
use crate::progress::Progress;
use crate::serve;
use crate::task::{SHOWN_LINES, Task, last_lines};
use crate::tools::Toolbox;
use crate::workspace::Workspace;

/// Options of `cargo xtask soak`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to run, and how: `cargo xtask soak --help` explains it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    soak: Vec<String>,
}

/// Chaos with five clients in a page in Chromium, as `cargo xtask test browser` has it too.
#[derive(Parser)]
#[command(bin_name = "cargo xtask soak browser", no_binary_name = true)]
struct BrowserArgs {
    /// What all faults follow from [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs what the arguments name. With none, all of it, even if something fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let passed = match args.soak.split_first() {
        None => {
            let passed = natively(workspace, &[])?;
            let passed = abuse(workspace, &[])? && passed;
            in_browser(workspace, &BrowserArgs { seed: None })? && passed
        }
        Some((name, rest)) if name == "browser" => in_browser(workspace, &BrowserArgs::parse_from(rest))?,
        Some((name, rest)) if name == "abuse" => abuse(workspace, rest)?,
        Some(_) => natively(workspace, &args.soak)?,
    };
    Ok(if passed && !process::is_stopping() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds the server, then builds and runs the long runs with the arguments given.
fn natively(workspace: &Workspace, args: &[String]) -> Result<bool> {
    build_server(workspace)?;
    let mut command = run_for_release(workspace, "tidewire-tests", "soak");
    command.args(args);
    Ok(Group::spawn(command, Stdio::null())?.wait()?.success())
}

/// Builds and runs the bad peers, against the server or what the arguments name.
fn abuse(workspace: &Workspace, args: &[String]) -> Result<bool> {
    let mut command = run_for_release(workspace, "tidewire-abuse", "tidewire-abuse");
    let names_another = |arg: &String| ["--address", "--server"].iter().any(|it| arg.starts_with(it));
    if !args.iter().any(names_another) {
        build_server(workspace)?;
        command.arg("--server").arg(workspace.binary("release", "tidewire"));
    }
    command.args(args);
    Ok(Group::spawn(command, Stdio::null())?.wait()?.success())
}

fn build_server(workspace: &Workspace) -> Result<()> {
    let mut task = Task {
        workspace,
        progress: Progress::begin(1, 1, "server (cargo build --release)", false),
    };
    serve::build_server(&mut task)?;
    task.progress.end("done");
    Ok(())
}

fn run_for_release(workspace: &Workspace, package: &str, program: &str) -> Command {
    let args = [
        "run",
        "--release",
        "--quiet",
        "--package",
        package,
        "--bin",
        program,
        "--",
    ];
    workspace.cargo(&args)
}

fn in_browser(workspace: &Workspace, args: &BrowserArgs) -> Result<bool> {
    let toolbox = Toolbox::ensure(workspace, browser_tests::TOOLS)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = args.seed.unwrap_or_else(|| now.map_or(0, |it| it.as_secs()));
    println!("$ cargo xtask soak browser --seed {seed}");
    let mut task = Task {
        workspace,
        progress: Progress::begin(1, 1, "chaos in Chromium", false),
    };
    let (mut command, _fixture) = browser_tests::prepare(&mut task, &toolbox, &["--test", "chaos"])?;
    command.env("TIDEWIRE_SEED", seed.to_string());
    let Finished { success, output } = task.try_run(command)?;
    task.progress.end(if success { "done" } else { "FAILED" });
    if success {
        println!("{}", browser_tests::chaos_line(&output)?);
    } else {
        println!("{}", last_lines(&output, SHOWN_LINES));
    }
    Ok(success)
}
