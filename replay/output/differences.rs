//! Text about rows that differ, field by field.

use std::fmt::Write as _;

use obit_analysis::compare::{Change, RowDifference, TableComparison};
use obit_schema::text;
use obit_schema::text::row_words::short_id;

/// Longest value shown, in characters; a path takes up to 4,096.
const VALUE_CHARACTERS: usize = 200;

/// Adds the rows of a table that differ, if any do. `sides` are the names of left and right.
pub fn push_differences(text: &mut String, table: &TableComparison, sides: [&str; 2]) {
    if table.is_same() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = match table.different_rows {
        0 => writeln!(text, "{}: the same rows, in another order", table.table),
        1 => writeln!(text, "{}: 1 row differs", table.table),
        rows => writeln!(text, "{}: {rows} rows differ", table.table),
    };
    for difference in &table.differences {
        push_row(text, difference, sides);
    }
    let hidden = table.different_rows.saturating_sub(table.differences.len() as u64);
    if hidden > 0 {
        let _ = writeln!(text, "  and {hidden} more; see them with --show {}", table.different_rows);
    }
}

fn push_row(text: &mut String, difference: &RowDifference, [left, right]: [&str; 2]) {
    let id = text::shortened(&difference.key.container_id, VALUE_CHARACTERS);
    let _ = write!(text, "  container {}", short_id(&id));
    if difference.key.occurrence > 0 {
        let names = if difference.key.path.is_some() { "id and path" } else { "id" };
        let _ = write!(text, " (row {} of this {names})", difference.key.occurrence + 1);
    }
    match &difference.change {
        Change::OnlyLeft(fields) => push_only(text, left, fields),
        Change::OnlyRight(fields) => push_only(text, right, fields),
        Change::Fields(fields) => {
            text.push('\n');
            for field in fields {
                let _ = writeln!(text, "    {}", field.column);
                let _ = writeln!(text, "      {left:<8} {}", text::shortened(&field.left, VALUE_CHARACTERS));
                let _ = writeln!(text, "      {right:<8} {}", text::shortened(&field.right, VALUE_CHARACTERS));
            }
        }
    }
}

fn push_only(text: &mut String, side: &str, fields: &[(String, String)]) {
    let _ = writeln!(text, " is in {side} only");
    for (column, value) in fields {
        let _ = writeln!(text, "    {column} {}", text::shortened(value, VALUE_CHARACTERS));
    }
}
