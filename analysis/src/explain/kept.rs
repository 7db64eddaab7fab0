//! Rows of a container that were kept of dropped segments. The records that they follow from are
//! gone, so no rule explains them: they are shown as they were recorded.

use obit_case::Case;
use obit_case::reader::IdMatch;
use obit_schema::Table;

use crate::compare::{row_fields, text};
use crate::error::Error;
use crate::filter::IdPattern;

/// Most rows that are read. A container that lives through many segments has one in each.
const MAX_ROWS: usize = 500;

/// A row that was kept of a dropped segment.
#[derive(Debug)]
pub struct KeptRow {
    /// The table.
    pub table: Table,
    /// Id of the container.
    pub container_id: String,
    /// The values that are not null, by column, as JSON.
    pub fields: Vec<(String, String)>,
}

/// Returns the kept rows of the container with this id or, if there is none, of those whose ids
/// begin with it; 500 at most. A part that cannot be read is passed over: opening the case or
/// `verify` reports it.
///
/// # Errors
/// A row has no container id, or a value that has no text.
pub fn kept_rows(case: &Case, asked: &str) -> Result<Vec<KeptRow>, Error> {
    let exact = matching(case, &IdMatch::Exact(asked.to_owned()))?;
    let Ok(pattern) = asked.parse::<IdPattern>();
    if !exact.is_empty() || !pattern.is_prefix() {
        return Ok(exact);
    }
    matching(case, &IdMatch::Prefix(asked.to_owned()))
}

fn matching(case: &Case, id: &IdMatch) -> Result<Vec<KeptRow>, Error> {
    let mut rows = Vec::new();
    for table in Table::DERIVED {
        for batch in case.kept_rows_matching(table, id).filter_map(Result::ok) {
            for row in 0..batch.num_rows() {
                if rows.len() >= MAX_ROWS {
                    return Ok(rows);
                }
                let container_id = text(table, &batch, "container_id", row)?;
                let fields = row_fields(table, &batch.slice(row, 1))?;
                rows.push(KeptRow { table, container_id, fields });
            }
        }
    }
    Ok(rows)
}
