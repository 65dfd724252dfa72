//! `cargo xtask fuzz`: the fuzz targets, each for some minutes.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::progress::Progress;
use crate::task::{SHOWN_LINES, Task, last_lines};
use crate::tools::{CargoTool, Tool, Toolbox};
use crate::workspace::Workspace;

/// Options of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only these targets; all when none is named
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=2000))]
    seconds: u32,
}

/// Runs the targets one after the other, all of them even if one finds something.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let toolbox = Toolbox::ensure(workspace, &[Tool::Cargo(CargoTool::Fuzz)])?;
    let targets = select(targets(workspace)?, &args.targets)?;
    let mut findings = 0;
    for (index, target) in targets.iter().enumerate() {
        let title = format!("fuzz {target} for {} seconds", args.seconds);
        let mut task = Task {
            workspace,
            progress: Progress::begin(index + 1, targets.len(), &title, false),
        };
        let command = command(workspace, target, args.seconds)?;
        let finished = task.try_run(toolbox.equip(command))?;
        task.progress.end(&summary(&finished.output, finished.success));
        if !finished.success {
            findings += 1;
            println!("{}\n", last_lines(&finished.output, SHOWN_LINES));
        }
    }
    Ok(if findings == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The names of all targets.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(workspace.path(TARGETS)).context(TARGETS)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        targets.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    targets.sort();
    Ok(targets)
}

fn select(all: Vec<String>, wanted: &[String]) -> Result<Vec<String>> {
    for name in wanted {
        ensure!(all.contains(name), "no target {name}; there are {}", all.join(", "));
    }
    Ok(if wanted.is_empty() { all } else { wanted.to_vec() })
}

/// What is found on the way is kept in `fuzz/corpus`, and tried first the next time.
fn command(workspace: &Workspace, target: &str, seconds: u32) -> Result<Command> {
    let corpus = workspace.path(&format!("fuzz/corpus/{target}"));
    let seeds = workspace.path(&format!("fuzz/seeds/{target}"));
    fs::create_dir_all(&corpus)?;
    // The code has no unsafe part for a sanitizer to watch; without one it tries several times as many inputs, and needs no
    // nightly compiler: rustc's flags for sanitizers are not stable, those for coverage are.
    let mut command = workspace.cargo(&["fuzz", "run", "--sanitizer", "none", target]);
    command
        .arg(corpus)
        .args(seeds.is_dir().then_some(seeds))
        .arg("--")
        // Inputs that are sequences of operations say little while they are short.
        .args(target.ends_with("_ops").then_some("-len_control=0"))
        .args([
            "-max_len=4096",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
        ])
        .arg(format!("-max_total_time={seconds}"));
    Ok(command)
}

fn summary(output: &str, success: bool) -> String {
    let number = |name: &str| {
        let line = output.lines().find_map(|line| line.trim().strip_prefix(name));
        line.map_or("?", str::trim).to_owned()
    };
    let executions = number("stat::number_of_executed_units:");
    let new = number("stat::new_units_added:");
    let result = if success { "no finding" } else { "A FINDING" };
    format!("{result}, {executions} executions, {new} new inputs")
}

const TARGETS: &str = "fuzz/fuzz_targets";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuzzers_own_figures_are_told() {
        let output = "Done 12 runs\nstat::number_of_executed_units: 12\nstat::new_units_added:          3\n";
        assert_eq!(summary(output, true), "no finding, 12 executions, 3 new inputs");
        assert_eq!(summary("", false), "A FINDING, ? executions, ? new inputs");
    }

    #[test]
    fn a_target_must_exist() {
        let all = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(select(all.clone(), &[]).unwrap(), all);
        assert_eq!(select(all.clone(), &["b".into()]).unwrap(), ["b"]);
        assert!(select(all, &["c".into()]).is_err());
    }
}
