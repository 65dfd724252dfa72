//! How many tests passed and failed, read from the closing lines of what ran them.

use std::ops::AddAssign;

/// What runs tests, by the form of its closing lines.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
    /// `test result: ok. 3 passed; 0 failed; …`, once for each test program; wasm-bindgen's runner prints the same.
    Cargo,
    /// `ℹ pass 3`, `ℹ fail 0`, `ℹ cancelled 0` of Node's spec reporter.
    Node,
    /// `3 passed, 0 failed` somewhere in a line; the last such line counts.
    Plain,
}

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

impl Counts {
    /// The sum of all closing lines in `output`.
    pub(crate) fn parse(runner: Runner, output: &str) -> Self {
        let mut counts = Self::default();
        for line in output.lines().map(str::trim) {
            match runner {
                Runner::Cargo if line.starts_with("test result:") => counts += Self::of_line(line),
                Runner::Node => counts += Self::of_node(line),
                Runner::Plain if line.contains(" passed, ") && line.contains(" failed") => counts = Self::of_line(line),
                Runner::Cargo | Runner::Plain => {}
            }
        }
        counts
    }

    fn of_line(line: &str) -> Self {
        Self {
            passed: number_before(line, "passed"),
            failed: number_before(line, "failed"),
        }
    }

    fn of_node(line: &str) -> Self {
        let mut words = line
            .trim_start_matches(|first: char| !first.is_ascii_alphanumeric())
            .split(' ');
        let (name, number) = (words.next(), words.next().and_then(|word| word.parse().ok()));
        match (name, number, words.next()) {
            (Some("pass"), Some(passed), None) => Self { passed, failed: 0 },
            (Some("fail" | "cancelled"), Some(failed), None) => Self { passed: 0, failed },
            _ => Self::default(),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The number that stands right before `word`; 0 when there is none.
fn number_before(line: &str, word: &str) -> u32 {
    let words: Vec<_> = line.split_whitespace().collect();
    let at = words
        .iter()
        .position(|found| found.trim_end_matches([',', ';', '.']) == word);
    at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_program_of_cargo_is_counted() {
        let output = "test a ... ok\n\
                      test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                      test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Counts::parse(Runner::Cargo, output), Counts { passed: 7, failed: 2 });
    }

    #[test]
    fn a_cancelled_test_of_node_has_failed() {
        let output = "✔ passes (1ms)\nℹ tests 6\nℹ suites 0\nℹ pass 3\nℹ fail 2\nℹ cancelled 1\nℹ skipped 0\n";
        assert_eq!(Counts::parse(Runner::Node, output), Counts { passed: 3, failed: 3 });
    }

    #[test]
    fn the_name_of_a_node_test_is_no_count() {
        assert_eq!(
            Counts::parse(Runner::Node, "✔ pass 3 times\n✔ fail 2 (1ms)\n"),
            Counts::default()
        );
    }

    #[test]
    fn the_last_plain_line_counts() {
        let output = "section 1: 3 passed, 0 failed\n247 passed, 1 failed, 3 informational\n";
        assert_eq!(Counts::parse(Runner::Plain, output), Counts { passed: 247, failed: 1 });
    }
}
