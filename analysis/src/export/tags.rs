//! Short marks of a row, to look for.

use obit_schema::Table;

use super::row::ExportRow;

/// Returns the marks of a row: what makes its end worth a look, or its values worth a doubt.
pub fn tags(row: &ExportRow<'_>) -> impl Iterator<Item = &'static str> {
    let has_conflicts = row.conflicts().is_some_and(|conflicts| !conflicts.is_empty());
    let marks = [
        (row.oom_killed() == Some(true), "oom_killed"),
        (row.never_started() == Some(true), "never_started"),
        (row.table == Table::Disagreement, "disputed"),
        (has_conflicts, "conflicts"),
        (row.inferred() == Some(true), "inferred"),
        (row.after_gap() == Some(true), "after_gap"),
    ];
    marks.into_iter().filter_map(|(holds, mark)| holds.then_some(mark))
}
