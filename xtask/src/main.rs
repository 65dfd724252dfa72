//! The commands of the README: `cargo xtask serve`, `test`, `pack`, `audit`, `bench` and the rest.
//!
//! Each installs the tools it needs and skips at once what is already there (`tools`). Every program it starts runs in
//! a process group of its own, and the whole group ends with it (`process`).

#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!("these commands need Linux or macOS: on Windows, use the Windows Subsystem for Linux");

mod audit;
mod bench;
mod blank;
mod browser_tests;
mod counts;
mod fixture;
mod fuzz;
mod mutants;
mod pack;
mod page;
mod process;
mod progress;
mod rename;
mod serve;
mod simulate;
mod size;
mod sizes;
mod snip;
mod soak;
mod stamp;
mod steps;
mod task;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Workspace;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Builds, serves, tests and packs Tidewire"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds server and page, starts them as one program and prints the address; Ctrl-C ends it
    Serve(serve::Args),
    /// Runs every check and test; the last lines say what ran and what passed
    Test(test::Args),
    /// Builds the npm package `tidewire` into target/npm and prints its sizes
    Pack,
    /// Weighs what the client's machine adds to a wasm module
    Size(size::Args),
    /// Checks licences, sources, bans and known vulnerabilities of all dependencies with cargo-deny
    Audit,
    /// Builds the server and runs the load generators against it; `bench --help` is theirs
    #[command(disable_help_flag = true)]
    Bench(bench::Args),
    /// Runs what takes too long for a test, in full: chaos, also in Chromium, a client that stops reading, leaks, bad peers; `soak --help` is theirs
    #[command(disable_help_flag = true)]
    Soak(soak::Args),
    /// Runs the protocol's machines on simulated bad networks, and prints what they went through
    Simulate(simulate::Args),
    /// Feeds any bytes to the fuzz targets, ten minutes each (cargo-fuzz)
    Fuzz(fuzz::Args),
    /// Changes the protocol's code in each place and counts what its tests notice (cargo-mutants); takes a quarter of an hour
    Mutants(mutants::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match process::end_all_on_signal().and_then(|()| run(cli.command)) {
        Ok(code) => code,
        Err(_) if process::is_stopping() => ExitCode::from(130),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Serve(args) => serve::run(&workspace, &args),
        Command::Test(args) => test::run(&workspace, &args),
        Command::Pack => pack::run(&workspace),
        Command::Size(args) => size::run(&workspace, &args),
        Command::Audit => audit::run(&workspace),
        Command::Bench(args) => bench::run(&workspace, &args),
        Command::Soak(args) => soak::run(&workspace, &args),
        Command::Simulate(args) => simulate::run(&workspace, &args),
        Command::Fuzz(args) => fuzz::run(&workspace, &args),
        Command::Mutants(args) => mutants::run(&workspace, &args),
    }
}
