//! What a workload prints: a table with a row per peer, and what to know about it.

use std::fmt;

/// The outcome of one workload.
pub(crate) struct Report {
    /// The command that repeats it, all options spelled out.
    pub(crate) command: String,
    /// What the columns need to be understood.
    pub(crate) notes: Vec<String>,
    /// Why the figures should not be trusted.
    pub(crate) warnings: Vec<String>,
    /// The heads of the columns.
    pub(crate) columns: Vec<&'static str>,
    /// As many cells as columns each; the first is the peer's name.
    pub(crate) rows: Vec<Vec<String>>,
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
        let heads: Vec<String> = self.columns.iter().map(|&it| it.to_owned()).collect();
        let widths: Vec<usize> = (0..heads.len())
            .map(|column| {
                self.rows
                    .iter()
                    .chain([&heads])
                    .map(|row| row[column].len())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        write_row(f, &heads, &widths)?;
        let lines = widths.iter().enumerate().map(|(column, &width)| {
            if column == 0 {
                "-".repeat(width)
            } else {
                "-".repeat(width - 1) + ":"
            }
        });
        write_row(f, &lines.collect::<Vec<_>>(), &widths)?;
        self.rows.iter().try_for_each(|row| write_row(f, row, &widths))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))?;
        self.warnings
            .iter()
            .try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

/// The first column to the left, figures to the right.
fn write_row(f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        if column == 0 {
            write!(f, "| {cell:<width$} |")?;
        } else {
            write!(f, " {cell:>width$} |")?;
        }
    }
    writeln!(f)
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
    fn a_table_is_aligned_and_followed_by_what_to_know() {
        let report = Report {
            command: "bench".to_owned(),
            notes: vec!["a note".to_owned()],
            warnings: vec!["noisy".to_owned()],
            columns: vec!["peer", "us"],
            rows: vec![vec!["tidewire".to_owned(), "0.35".to_owned()]],
        };
        let expected =
            "$ bench\n| peer     |   us |\n| -------- | ---: |\n| tidewire | 0.35 |\na note\nwarning: noisy\n";
        assert_eq!(report.to_string(), expected);
    }
}
