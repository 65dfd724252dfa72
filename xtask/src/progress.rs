//! What a long command shows: which step of how many, how far it is, how long it has taken.

use std::io::{IsTerminal, Write, stdout};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::process::{self, Finished};

/// How often a line is printed about a step that is still running, where lines cannot be rewritten.
pub(crate) const REPORT_EVERY: Duration = Duration::from_secs(30);

/// One step while it runs. On a terminal it is a line that is rewritten; elsewhere a line at its beginning, one every
/// half minute, and one at its end.
pub(crate) struct Progress {
    label: String,
    started: Instant,
    detail: String,
    shown: Instant,
    style: Style,
}

enum Style {
    /// One line, rewritten.
    Line,
    /// Lines added now and then.
    Log,
    /// Every line that the step's programs print, indented.
    Verbose,
}

impl Progress {
    /// Step `number` of `total`.
    pub(crate) fn begin(number: usize, total: usize, title: &str, verbose: bool) -> Self {
        let width = total.to_string().len();
        let label = format!("[{number:>width$}/{total}] {title}");
        let style = match (verbose, stdout().is_terminal()) {
            (true, _) => Style::Verbose,
            (false, true) => Style::Line,
            (false, false) => Style::Log,
        };
        if !matches!(style, Style::Line) {
            println!("{label} …");
        }
        let now = Instant::now();
        let progress = Self {
            label,
            started: now,
            detail: String::new(),
            shown: now,
            style,
        };
        progress.redraw();
        progress
    }

    /// Runs one command of the step.
    pub(crate) fn run(&mut self, mut command: Command, limit: Duration) -> Result<Finished> {
        // Cargo then says how far it is even when it prints into a pipe.
        command.envs([
            ("CARGO_TERM_PROGRESS_WHEN", "always"),
            ("CARGO_TERM_PROGRESS_WIDTH", "80"),
            ("CARGO_TERM_COLOR", "never"),
            // Trunk takes no other value than this.
            ("NO_COLOR", "true"),
        ]);
        process::run(command, limit, |line| self.see(line))
    }

    fn see(&mut self, line: Option<&str>) {
        match line.map(str::trim).filter(|line| !line.is_empty()) {
            Some(line) if is_bar(line) => self.detail = fraction(line).unwrap_or_default().to_owned(),
            Some(line) => {
                if let Style::Verbose = self.style {
                    println!("    {line}");
                }
                // Cargo's bar says more than the names of the crates that it compiles.
                if !CARGO_VERBS.iter().any(|verb| line.starts_with(verb)) {
                    self.detail = line.chars().take(60).collect();
                }
            }
            None => {}
        }
        match self.style {
            Style::Line if self.shown.elapsed() >= Duration::from_millis(200) => self.redraw(),
            Style::Log | Style::Verbose if self.shown.elapsed() >= REPORT_EVERY => {
                println!("{} … {} {}", self.label, clock(self.started.elapsed()), self.detail);
            }
            _ => return,
        }
        self.shown = Instant::now();
    }

    fn redraw(&self) {
        if let Style::Line = self.style {
            print!(
                "{CLEAR}{} … {} \x1b[2m{}\x1b[0m",
                self.label,
                clock(self.started.elapsed()),
                self.detail
            );
            let _ = stdout().flush();
        }
    }

    /// Prints something that stays, whatever the style.
    pub(crate) fn print(&self, text: &str) {
        let start = if let Style::Line = self.style { CLEAR } else { "" };
        println!("{start}{text}");
        self.redraw();
    }

    /// Ends the step and says how: `done`, `ok`, `FAILED`.
    pub(crate) fn end(self, result: &str) -> Duration {
        let elapsed = self.started.elapsed();
        let start = if let Style::Line = self.style { CLEAR } else { "" };
        println!("{start}{}: {result} ({})", self.label, clock(elapsed));
        elapsed
    }
}

/// Minutes and seconds, as on a clock.
pub(crate) fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Whether a line is cargo's progress bar: `Building [===>   ] 12/345: serde, syn(build)`.
pub(crate) fn is_bar(line: &str) -> bool {
    fraction(line).is_some()
}

/// `12/345` of such a line.
fn fraction(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("] ")?;
    let bar = before.split_once('[')?.1;
    let fraction = after.split(':').next()?.trim();
    let (done, all) = fraction.split_once('/')?;
    let is_drawn = bar.bytes().all(|byte| matches!(byte, b'=' | b'>' | b' '));
    (is_drawn && done.parse::<u32>().is_ok() && all.parse::<u32>().is_ok()).then_some(fraction)
}

const CARGO_VERBS: &[&str] = &["Compiling ", "Checking ", "Documenting ", "Downloaded ", "Fresh "];

/// Empties the line that the cursor is on.
const CLEAR: &str = "\r\x1b[K";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_progress_bar_of_cargo_says_how_far_it_is() {
        let bar = "    Building [=======>               ] 12/345: serde, syn(build)";
        assert!(is_bar(bar));
        assert_eq!(fraction(bar), Some("12/345"));
        assert!(is_bar("    Building [                       ] 0/345"));
        assert!(is_bar("[=======>                  ] 50/146: tokio"));
        assert!(!is_bar("   Compiling serde v1.0.0"));
        assert!(!is_bar("test [ a ] ... ok"));
    }
}
