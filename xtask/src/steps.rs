//! Steps of `cargo xtask test`: chosen, run one after the other, and summed up at the end.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::counts::{Counts, Runner};
use crate::process::{self, Finished};
use crate::progress::{Progress, clock};
use crate::task::{SHOWN_LINES, Task, describe, last_lines};
use crate::tools::{Tool, Toolbox};
use crate::workspace::Workspace;

/// One step.
pub(crate) struct Step {
    /// What selects it on the command line.
    pub(crate) name: &'static str,
    /// What it does, in a few words.
    pub(crate) title: &'static str,
    /// Steps that must have run before, by name.
    pub(crate) needs: &'static [&'static str],
    pub(crate) tools: &'static [Tool],
    pub(crate) run: fn(&mut Run<'_>) -> Result<()>,
}

/// A step while it runs.
pub(crate) struct Run<'a> {
    pub(crate) task: Task<'a>,
    pub(crate) toolbox: &'a Toolbox,
    counts: Counts,
}

impl Run<'_> {
    /// Runs a command that must succeed, with the tools on its PATH.
    pub(crate) fn check(&mut self, command: Command) -> Result<()> {
        self.task.run(self.toolbox.equip(command))
    }

    /// Runs a command that runs tests: it must succeed, and at least one test must have run. What it printed is returned.
    pub(crate) fn tests(&mut self, runner: Runner, command: Command) -> Result<String> {
        let line = describe(&command);
        let Finished { success, output } = self.task.try_run(self.toolbox.equip(command))?;
        let counts = Counts::parse(runner, &output);
        self.counts += counts;
        if !success || counts.failed > 0 {
            bail!("this failed: {line}\n{}", last_lines(&output, SHOWN_LINES));
        }
        ensure!(
            counts.passed > 0,
            "no test ran: {line}\n{}",
            last_lines(&output, SHOWN_LINES)
        );
        Ok(output)
    }
}

/// How a step went.
enum Outcome {
    Passed,
    Failed,
    /// A step that it needs had failed.
    Skipped,
}

/// One line of the closing table.
struct Row {
    name: &'static str,
    outcome: Outcome,
    counts: Counts,
    elapsed: Duration,
}

/// The steps with these names and all that they need, in the order of the table; all steps when no name is given.
pub(crate) fn select(all: &'static [Step], names: &[String]) -> Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut next = 0;
    while let Some(&name) = wanted.get(next) {
        let Some(step) = all.iter().find(|step| step.name == name) else {
            bail!("there is no step `{name}`: `cargo xtask test --list` names them");
        };
        wanted.extend(step.needs);
        next += 1;
    }
    Ok(all.iter().filter(|step| wanted.contains(&step.name)).collect())
}

/// Runs the steps, prints the table, and tells whether all passed.
pub(crate) fn run(workspace: &Workspace, steps: &[&Step], verbose: bool) -> Result<bool> {
    let begun = Instant::now();
    let mut tools = Vec::new();
    for tool in steps.iter().flat_map(|step| step.tools) {
        if !tools.contains(tool) {
            tools.push(*tool);
        }
    }
    let toolbox = Toolbox::ensure(workspace, &tools)?;
    let mut rows: Vec<Row> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let progress = Progress::begin(index + 1, steps.len(), step.title, verbose);
        let row = if step
            .needs
            .iter()
            .any(|name| rows.iter().any(|row| row.name == *name && !row.outcome.passed()))
        {
            let elapsed = progress.end("skipped: a step before it failed");
            Row {
                name: step.name,
                outcome: Outcome::Skipped,
                counts: Counts::default(),
                elapsed,
            }
        } else {
            run_step(step, Task { workspace, progress }, &toolbox)?
        };
        rows.push(row);
    }
    Ok(summarise(&rows, begun.elapsed()))
}

fn run_step(step: &Step, task: Task<'_>, toolbox: &Toolbox) -> Result<Row> {
    let mut run = Run {
        task,
        toolbox,
        counts: Counts::default(),
    };
    let result = (step.run)(&mut run);
    let Run { task, counts, .. } = run;
    if process::is_stopping() {
        task.progress.end("stopped");
        bail!("stopped");
    }
    let (outcome, words) = match &result {
        Ok(()) if counts == Counts::default() => (Outcome::Passed, "ok".into()),
        Ok(()) => (Outcome::Passed, format!("ok, {} passed", counts.passed)),
        Err(_) => (Outcome::Failed, "FAILED".into()),
    };
    let elapsed = task.progress.end(&words);
    if let Err(error) = result {
        println!("{error:#}\n");
    }
    Ok(Row {
        name: step.name,
        outcome,
        counts,
        elapsed,
    })
}

/// Prints the closing table and line.
fn summarise(rows: &[Row], elapsed: Duration) -> bool {
    println!(
        "\n{:<14} {:<8} {:>7} {:>7} {:>7}",
        "step", "result", "passed", "failed", "time"
    );
    for row in rows {
        println!(
            "{:<14} {:<8} {:>7} {:>7} {:>7}",
            row.name,
            row.outcome.word(),
            row.counts.passed,
            row.counts.failed,
            clock(row.elapsed)
        );
    }
    let total = total(rows);
    println!(
        "{:<14} {:<8} {:>7} {:>7} {:>7}\n",
        "total",
        "",
        total.passed,
        total.failed,
        clock(elapsed)
    );
    println!("{} passed, {} failed", total.passed, total.failed);
    total.failed == 0
}

/// The sum of all rows. A check that is no test, or a step that broke before its tests ran, counts as one failed test,
/// so that the closing line never looks better than the table.
fn total(rows: &[Row]) -> Counts {
    let mut total = Counts::default();
    for row in rows {
        total += row.counts;
        if !row.outcome.passed() && row.counts.failed == 0 {
            total.failed += 1;
        }
    }
    total
}

impl Outcome {
    fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static STEPS: &[Step] = &[
        Step {
            name: "build",
            title: "",
            needs: &[],
            tools: &[],
            run: |_| Ok(()),
        },
        Step {
            name: "lint",
            title: "",
            needs: &[],
            tools: &[],
            run: |_| Ok(()),
        },
        Step {
            name: "pack",
            title: "",
            needs: &["build"],
            tools: &[],
            run: |_| Ok(()),
        },
        Step {
            name: "use",
            title: "",
            needs: &["pack"],
            tools: &[],
            run: |_| Ok(()),
        },
    ];

    fn names(wanted: &[&str]) -> Vec<&'static str> {
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        select(STEPS, &wanted).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_chosen_step_brings_all_that_it_needs() {
        assert_eq!(names(&["use"]), ["build", "pack", "use"]);
        assert_eq!(names(&["lint"]), ["lint"]);
        assert_eq!(names(&[]).len(), 4);
        assert!(select(STEPS, &["none".into()]).is_err());
    }

    #[test]
    fn a_failed_check_counts_as_a_failed_test() {
        let row = |outcome, passed, failed| Row {
            name: "",
            outcome,
            counts: Counts { passed, failed },
            elapsed: Duration::ZERO,
        };
        let rows = [
            row(Outcome::Passed, 5, 0),
            row(Outcome::Failed, 0, 0),
            row(Outcome::Failed, 3, 2),
            row(Outcome::Skipped, 0, 0),
        ];
        assert_eq!(total(&rows), Counts { passed: 8, failed: 4 });
    }
}
