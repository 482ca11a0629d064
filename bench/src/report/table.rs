//! Tables in Markdown.

use std::fmt;

/// A table with a line above it that says what it shows.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What it shows, in a few words.
    pub title: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns a table without rows. Columns after the first hold numbers.
    pub fn new<const COLUMNS: usize>(title: impl Into<String>, head: [&str; COLUMNS]) -> Self {
        Self { title: title.into(), head: head.map(str::to_owned).into(), rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// It has another number of cells than the head.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.head.len(), "the row {cells:?} of the table {:?}", self.title);
        self.rows.push(cells);
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().chain([&self.head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default().max(3)
    }

    fn line(&self, out: &mut fmt::Formatter<'_>, cells: &[String]) -> fmt::Result {
        for (column, cell) in cells.iter().enumerate() {
            let width = self.width(column);
            if column == 0 {
                write!(out, "| {cell:<width$} ")?;
            } else {
                write!(out, "| {cell:>width$} ")?;
            }
        }
        writeln!(out, "|")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}:\n", self.title)?;
        self.line(out, &self.head)?;
        for column in 0..self.head.len() {
            let rule = "-".repeat(self.width(column) + 1);
            write!(out, "|{rule}{}", if column == 0 { "-" } else { ":" })?;
        }
        writeln!(out, "|")?;
        self.rows.iter().try_for_each(|row| self.line(out, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_below_each_other() {
        let mut table = Table::new("CPU time", ["webhook", "µs"]);
        table.row(vec!["null".to_owned(), "7".to_owned()]);
        table.row(vec!["ours".to_owned(), "1200".to_owned()]);

        assert_eq!(
            table.to_string(),
            "CPU time:\n\n| webhook |   µs |\n|---------|-----:|\n| null    |    7 |\n| ours    | 1200 |\n"
        );
    }
}
