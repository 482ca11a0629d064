//! Tables in the manner of kubectl: no lines, three spaces between columns.

use comfy_table::{ContentArrangement, Table, presets};
use std::io::{self, Write};

/// Writes a table. Cells that are empty are shown as `<none>`.
pub fn write<const N: usize>(
    out: &mut impl Write,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for row in rows {
        table.add_row(row.map(|cell| if cell.is_empty() { "<none>".to_owned() } else { cell }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    writeln!(out, "{}", table.trim_fmt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_nothing_trails() {
        let mut out = Vec::new();

        let rows = [["log-sc".to_owned(), String::new()], ["a".to_owned(), "b c".to_owned()]];
        write(&mut out, ["NAME", "REASON"], rows).unwrap();

        assert_eq!(String::from_utf8(out).unwrap(), "NAME     REASON\nlog-sc   <none>\na        b c\n");
    }
}
