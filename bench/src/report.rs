//! What a workload prints: a table with a row per peer, and what to know about it.

use std::fmt;

use crate::{bars::Figure, table::Table};

/// The outcome of one workload.
pub(crate) struct Report {
    /// The command that repeats it, all options spelled out.
    pub(crate) command: String,
    /// What the columns need to be understood.
    pub(crate) notes: Vec<String>,
    /// Why the figures should not be trusted.
    pub(crate) warnings: Vec<String>,
    /// A row per peer that was measured; the first cell is its name.
    pub(crate) table: Table,
    /// Which peers could not be measured, and why.
    pub(crate) failures: Vec<String>,
    /// What goes into the summary of the run.
    pub(crate) figures: Vec<Figure>,
}

/// How many times the first peer's figure this one is.
pub(crate) fn ratio(value: f64, first: f64) -> String {
    if first > 0.0 {
        format!("{:.2}", value / first)
    } else {
        "-".to_owned()
    }
}

/// A whole number, its thousands set apart.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value <= -0.5 { format!("-{text}") } else { text }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.command)?;
        self.table.fmt(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))?;
        self.warnings
            .iter()
            .try_for_each(|warning| writeln!(f, "warning: {warning}"))?;
        self.failures
            .iter()
            .try_for_each(|failure| writeln!(f, "FAILED: {failure}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let cases = [
            (0.0, "0"),
            (999.4, "999"),
            (1000.0, "1,000"),
            (1_234_567.0, "1,234,567"),
            (-1234.0, "-1,234"),
        ];
        for (value, text) in cases {
            assert_eq!(thousands(value), text);
        }
    }

    #[test]
    fn a_ratio_to_nothing_is_no_number() {
        assert_eq!((ratio(3.0, 2.0), ratio(3.0, 0.0)), ("1.50".to_owned(), "-".to_owned()));
    }

    #[test]
    fn a_table_is_followed_by_what_to_know() {
        let report = Report {
            command: "bench".to_owned(),
            notes: vec!["a note".to_owned()],
            warnings: vec!["noisy".to_owned()],
            failures: vec!["ws: a reason".to_owned()],
            table: Table {
                columns: vec!["peer"],
                rows: Vec::new(),
            },
            figures: Vec::new(),
        };
        let expected = "$ bench\n| peer |\n| ---- |\na note\nwarning: noisy\nFAILED: ws: a reason\n";
        assert_eq!(report.to_string(), expected);
    }
}
