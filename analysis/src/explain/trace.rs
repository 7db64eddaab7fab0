//! The text of an explanation, as lines. Values of the case stand in them as they are: escape
//! them for a terminal or a page.

mod record;
mod rule;
mod usage;

pub use rule::lines as row_lines;

use std::collections::{BTreeMap, BTreeSet};

use obit_case::Case;
use obit_case::reader::RecordFilter;

use crate::error::Error;

/// Reads these records and returns a line for each, by `seq`: its time, its kind and what it says.
/// Records that cannot be read are left out.
///
/// # Errors
/// The records cannot be read at all.
pub fn record_lines(case: &Case, seqs: &BTreeSet<u64>) -> Result<BTreeMap<u64, String>, Error> {
    let mut lines = BTreeMap::new();
    let filter = RecordFilter { seqs: seqs.clone(), ..RecordFilter::default() };
    case.records_matching(&filter).for_each(|record| -> Result<(), Error> {
        if seqs.contains(&record.seq.0) {
            lines.insert(record.seq.0, record::line(record));
        }
        Ok(())
    })?;
    Ok(lines)
}
