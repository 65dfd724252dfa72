//! One step of a command while it runs.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::Finished;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// A step with what it shows.
pub(crate) struct Task<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) progress: Progress,
}

impl Task<'_> {
    /// Runs one command to its end, whether it succeeds or fails.
    pub(crate) fn try_run(&mut self, command: Command) -> Result<Finished> {
        self.progress.run(command, LIMIT)
    }

    /// Runs one command that must succeed; the error shows what it printed.
    pub(crate) fn run(&mut self, command: Command) -> Result<()> {
        self.read(command).map(drop)
    }

    /// The same, and returns what it printed.
    pub(crate) fn read(&mut self, command: Command) -> Result<String> {
        let line = describe(&command);
        let Finished { success, output } = self.try_run(command)?;
        if !success {
            bail!("this failed: {line}\n{}", last_lines(&output, SHOWN_LINES));
        }
        Ok(output)
    }
}

/// The command as one would type it, without its environment.
pub(crate) fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// How long one command may take; the longest, the first build of a tool, takes minutes.
const LIMIT: Duration = Duration::from_secs(45 * 60);

/// How much of a failed command's output is shown.
pub(crate) const SHOWN_LINES: usize = 400;
