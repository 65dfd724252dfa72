//! `cargo xtask audit`: cargo-deny with deny.toml.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::process::Finished;
use crate::progress::Progress;
use crate::task::{SHOWN_LINES, Task, last_lines};
use crate::tools::{CargoTool, Tool, Toolbox};
use crate::workspace::Workspace;

/// Runs every check, and fails unless each was made and passed.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let toolbox = Toolbox::ensure(workspace, &[Tool::Cargo(CargoTool::Deny)])?;
    let mut verdicts = Vec::new();
    for (index, check) in CHECKS.iter().enumerate() {
        let mut task = Task {
            workspace,
            progress: Progress::begin(index + 1, CHECKS.len(), check, false),
        };
        let mut command = Command::new("cargo-deny");
        command
            .args(["--color", "never", "check", "--hide-inclusion-graph", check])
            .current_dir(&workspace.root);
        let finished = task.try_run(toolbox.equip(command))?;
        let verdict = Verdict::of(&finished);
        task.progress.end(verdict.words());
        if let Verdict::Failed | Verdict::Unchecked = verdict {
            println!("{}\n", last_lines(&finished.output, SHOWN_LINES));
        }
        verdicts.push(verdict);
    }
    let count = |wanted| verdicts.iter().filter(|&&verdict| verdict == wanted).count();
    let (failed, unchecked) = (count(Verdict::Failed), count(Verdict::Unchecked));
    println!(
        "{} checks passed, {failed} failed, {unchecked} not made",
        count(Verdict::Passed)
    );
    Ok(match (failed, unchecked) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(NOT_CHECKED),
        _ => ExitCode::FAILURE,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    /// The database of known vulnerabilities could not be fetched.
    Unchecked,
}

impl Verdict {
    fn of(finished: &Finished) -> Self {
        match finished {
            Finished { success: true, .. } => Self::Passed,
            Finished { output, .. } if NO_DATABASE.iter().any(|text| output.contains(text)) => Self::Unchecked,
            _ => Self::Failed,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed => "FAILED",
            Self::Unchecked => "NOT CHECKED: the database of known vulnerabilities could not be fetched",
        }
    }
}

/// The checks of cargo-deny, each on its own, so that one that cannot be made does not hide the others.
const CHECKS: &[&str] = &["licenses", "bans", "sources", "advisories"];
/// The exit code when nothing failed but not everything could be checked.
const NOT_CHECKED: u8 = 2;
const NO_DATABASE: &[&str] = &["failed to fetch advisory database", "failed to load advisory database"];
