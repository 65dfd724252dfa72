//! `cargo xtask mutants`: whether the protocol's tests notice that its code was changed (cargo-mutants).

use std::fs;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{self, Group};
use crate::tools::{CargoTool, Tool, Toolbox};
use crate::workspace::Workspace;

/// Options of `cargo xtask mutants`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Options for cargo-mutants, such as `--file protocol/src/log.rs` or `--jobs 2`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    mutants: Vec<String>,
}

/// Runs cargo-mutants as `.cargo/mutants.toml` says, and fails when too few mutants are caught. The list of those that
/// were missed is in `target/mutants/mutants.out/missed.txt`.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let toolbox = Toolbox::ensure(workspace, &[Tool::Cargo(CargoTool::Mutants)])?;
    let mut command = workspace.cargo(&["mutants", "--package", "tidewire-protocol", "--output", OUTPUT]);
    command.args(&args.mutants);
    // Enough to notice, and several times faster.
    command.env("PROPTEST_CASES", "64");
    fs::create_dir_all(workspace.path(OUTPUT))?;
    let status = Group::spawn(toolbox.equip(command), Stdio::null())?.wait()?;
    match status.code() {
        Some(0 | MISSED | TIMEOUT) if !process::is_stopping() => {}
        _ => bail!("cargo-mutants did not get through: {status}"),
    }
    let outcomes = fs::read_to_string(workspace.path(OUTPUT).join("mutants.out/outcomes.json"))?;
    let score = Score::parse(&outcomes).context("outcomes.json")?;
    println!("{}", score.words());
    Ok(if score.is_enough() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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
/// cargo-mutants' exit codes: <https://mutants.rs/exit-codes.html>
const MISSED: i32 = 2;
const TIMEOUT: i32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

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
