//! Tables that are aligned, and are Markdown too.

use std::fmt;

/// A table; its first column is text, the others are numbers.
pub(crate) struct Table {
    /// The heads of the columns.
    pub(crate) columns: Vec<&'static str>,
    /// As many cells as columns each.
    pub(crate) rows: Vec<Vec<String>>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads: Vec<String> = self.columns.iter().map(|&it| it.to_owned()).collect();
        let rows = || self.rows.iter().chain([&heads]);
        let width = |column: usize| rows().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        write_row(f, &heads, &widths)?;
        let lines = widths.iter().enumerate().map(|(column, &width)| match column {
            0 => "-".repeat(width),
            _ => "-".repeat(width - 1) + ":",
        });
        write_row(f, &lines.collect::<Vec<_>>(), &widths)?;
        self.rows.iter().try_for_each(|row| write_row(f, row, &widths))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        match column {
            0 => write!(f, "| {cell:<width$} |")?,
            _ => write!(f, " {cell:>width$} |")?,
        }
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned() {
        let table = Table {
            columns: vec!["peer", "us"],
            rows: vec![vec!["tidewire".to_owned(), "0.35".to_owned()]],
        };
        let expected = "| peer     |   us |\n| -------- | ---: |\n| tidewire | 0.35 |\n";
        assert_eq!(table.to_string(), expected);
    }
}
