//! `cargo xtask mutants`: whether the protocol's tests notice that its code was changed (cargo-mutants).

use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{self, Group};
use crate::progress::{REPORT_EVERY, clock};
use crate::tools::{CargoTool, Tool, Toolbox};
use crate::workspace::Workspace;

/// Options of `cargo xtask mutants`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Options for cargo-mutants, such as `--file protocol/src/log/mod.rs` or `--jobs 4`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    mutants: Vec<String>,
}

/// Runs cargo-mutants as `.cargo/mutants.toml` says, and fails when too few mutants are caught. The list of those that
/// were missed is in `target/mutants/mutants.out/missed.txt`.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let toolbox = Toolbox::ensure(workspace, &[Tool::Cargo(CargoTool::Mutants)])?;
    let mut command = workspace.cargo(&["mutants", "--package", "tidewire-protocol", "--output", OUTPUT]);
    command.args(&args.mutants);
    for (name, value) in ENVIRONMENT {
        command.env(name, value);
    }
    fs::create_dir_all(workspace.path(OUTPUT))?;
    let results = workspace.path(OUTPUT).join("mutants.out");
    // On a terminal cargo-mutants draws its own progress.
    let (running, ended) = mpsc::channel::<()>();
    let reporter = (!stdout().is_terminal()).then(|| report(results.clone(), ended));
    let status = Group::spawn(toolbox.equip(command), Stdio::null())?.wait()?;
    drop(running);
    if let Some(reporter) = reporter {
        let _ = reporter.join();
    }
    match status.code() {
        Some(0 | MISSED | TIMEOUT) if !process::is_stopping() => {}
        _ => bail!("cargo-mutants did not get through: {status}"),
    }
    let outcomes = fs::read_to_string(results.join("outcomes.json"))?;
    let score = Score::parse(&outcomes).context("outcomes.json")?;
    println!("{}", score.words());
    Ok(if score.is_enough() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints now and then how far it is, until `ended` closes.
fn report(results: PathBuf, ended: Receiver<()>) -> thread::JoinHandle<()> {
    let started = Instant::now();
    thread::spawn(move || {
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(REPORT_EVERY) {
            if let Some(line) = progress(&results, started.elapsed()) {
                println!("{line}");
            }
        }
    })
}

/// How far cargo-mutants is, by the lists that it writes; `None` before the first.
fn progress(results: &Path, elapsed: Duration) -> Option<String> {
    let all: Value = serde_json::from_str(&fs::read_to_string(results.join("mutants.json")).ok()?).ok()?;
    let all = all.as_array()?.len();
    let lines = |name| fs::read_to_string(results.join(name)).map_or(0, |list| list.lines().count());
    let (missed, rest) = (
        lines("missed.txt"),
        ["caught.txt", "timeout.txt", "unviable.txt"].map(lines),
    );
    let done = missed + rest.iter().sum::<usize>();
    Some(format!(
        "{done} of {all} mutants tried, {missed} missed ({})",
        clock(elapsed)
    ))
}

/// How many of the mutants that compile were noticed.
#[derive(Debug, PartialEq, Eq)]
struct Score {
    /// By a test that failed, or that never came to its end.
    caught: u64,
    missed: u64,
}

impl Score {
    fn parse(outcomes: &str) -> Option<Self> {
        let outcomes: Value = serde_json::from_str(outcomes).ok()?;
        let number = |name: &str| outcomes[name].as_u64();
        Some(Self {
            caught: number("caught")? + number("timeout")?,
            missed: number("missed")?,
        })
    }

    fn is_enough(&self) -> bool {
        100 * self.caught >= BAR * (self.caught + self.missed)
    }

    fn words(&self) -> String {
        let viable = self.caught + self.missed;
        let share = 100.0 * self.caught as f64 / viable.max(1) as f64;
        format!(
            "{} of {viable} viable mutants caught: {share:.1} % (at least {BAR} %)",
            self.caught
        )
    }
}

/// How many of a hundred viable mutants must be caught.
const BAR: u64 = 95;
const OUTPUT: &str = "target/mutants";
/// Fewer cases and networks than the tests run otherwise: enough to notice, and several times faster.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("PROPTEST_CASES", "64"),
    ("TIDEWIRE_SEEDS", "200"),
    // Each is built after one changed place: ten times slower where that is not made use of.
    ("CARGO_INCREMENTAL", "1"),
    // Each job builds and tests one mutant; `--jobs` has precedence.
    ("CARGO_MUTANTS_JOBS", "2"),
];
/// cargo-mutants' exit codes: <https://mutants.rs/exit-codes.html>
const MISSED: i32 = 2;
const TIMEOUT: i32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_by_the_lists_that_are_there() {
        let folder = std::env::temp_dir().join(format!("tidewire-mutants-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(progress(&folder, Duration::ZERO), None);
        fs::write(folder.join("mutants.json"), "[1, 2, 3]").unwrap();
        fs::write(folder.join("caught.txt"), "one\n").unwrap();
        fs::write(folder.join("missed.txt"), "two\n").unwrap();
        let line = progress(&folder, Duration::from_secs(61));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(line.as_deref(), Some("2 of 3 mutants tried, 1 missed (1:01)"));
    }

    #[test]
    fn a_mutant_that_never_ends_is_caught_and_one_that_does_not_compile_does_not_count() {
        let outcomes = r#"{"caught": 18, "timeout": 1, "missed": 1, "unviable": 7}"#;
        let score = Score::parse(outcomes).unwrap();
        assert!(score.is_enough());
        assert_eq!(score.words(), "19 of 20 viable mutants caught: 95.0 % (at least 95 %)");
        assert!(!Score { caught: 18, missed: 1 }.is_enough());
        assert_eq!(Score::parse("{}"), None);
    }
}
