//! `cargo xtask serve`: server and page as one program.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::page;
use crate::process::{self, Group};
use crate::progress::Progress;
use crate::task::Task;
use crate::tools::Toolbox;
use crate::workspace::Workspace;

/// Options of `cargo xtask serve`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to listen; with port 0 the system chooses a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// Further options of the server: see `cargo run -- --help`
    #[arg(last = true)]
    server: Vec<String>,
}

/// Builds what has changed, and serves until a signal comes.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let begun = Instant::now();
    let toolbox = Toolbox::ensure(workspace, page::TOOLS)?;
    build(workspace, &toolbox)?;
    let mut server = Command::new(workspace.binary("release", "tidewire"));
    server
        .args(["--listen", &args.listen])
        .arg("--www")
        .arg(workspace.dist())
        // Who asks for its end sits in front of it.
        .env("TIDEWIRE_DRAIN", "0s")
        .args(&args.server);
    let mut server = Group::spawn(with_piped_output(server), Stdio::null())?;
    match server.read_lines(&["listening on "], START_LIMIT) {
        Ok(addresses) => {
            let elapsed = begun.elapsed().as_secs_f32();
            println!(
                "\nTidewire is at {} (up after {elapsed:.1} s; Ctrl-C ends it)",
                addresses.concat()
            );
        }
        Err(error) if !process::is_stopping() => {
            drop(server);
            return Err(error.context("the server did not start"));
        }
        Err(_) => {}
    }
    let status = server.wait()?;
    if process::is_stopping() {
        println!("\nTidewire has ended.");
        return Ok(ExitCode::SUCCESS);
    }
    bail!("the server ended by itself: {status}");
}

fn build(workspace: &Workspace, toolbox: &Toolbox) -> Result<()> {
    let step = |number, title| Task {
        workspace,
        progress: Progress::begin(number, 2, title, false),
    };
    let mut server = step(1, "server (cargo build --release)");
    build_server(&mut server).context("cannot build the server")?;
    server.progress.end("done");
    let mut page = step(2, "page (trunk build --release)");
    if page::STAMP.is_current(workspace) {
        page.progress.end("nothing changed");
    } else {
        page::build(&mut page, toolbox).context("cannot build the page")?;
        page.progress.end("done");
    }
    Ok(())
}

/// Builds the `tidewire` binary for release.
pub(crate) fn build_server(task: &mut Task<'_>) -> Result<()> {
    task.run(
        task.workspace
            .cargo(&["build", "--release", "--package", "tidewire-server"]),
    )
    .map(drop)
}

fn with_piped_output(mut command: Command) -> Command {
    command.stdout(Stdio::piped());
    command
}

/// How long the server may take to bind its port.
const START_LIMIT: Duration = Duration::from_secs(20);
