//! Records and rows of one container, read without the rest of the case.

use std::collections::BTreeSet;

use obit_schema::tables::Table;

use super::batches::{Projection, TableBatches};
use super::case::Case;
use super::filter::{IdMatch, RowMatch};
use super::records::Records;

/// A filter for the records of one container: a record matches by any of its fields.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    /// Id of the container, for what runtimes said of it.
    pub container_id: String,
    /// Places of records.
    pub seqs: BTreeSet<u64>,
    /// Ids of the container's directories, on any hierarchy.
    pub cgroup_ids: BTreeSet<u64>,
}

impl Case {
    /// Returns the records that match, in their total order, and every loss and every mark of a
    /// walk: these are about all containers. Numbers between the records are no holes.
    pub fn records_matching(&self, filter: &RecordFilter) -> Records {
        Records::some(Table::RAW.map(|table| {
            let by_seq = RowMatch { seqs: filter.seqs.clone(), ..RowMatch::default() };
            let rows = match table {
                Table::Events => RowMatch {
                    numbers: filter.cgroup_ids.clone(),
                    number_columns: &["cgroup_id", "v1_cgroup_id"],
                    present: &["lost", "reason"],
                    ..by_seq
                },
                Table::Cgroupfs => {
                    RowMatch { numbers: filter.cgroup_ids.clone(), number_columns: &["cgroup_id"], ..by_seq }
                }
                _ => RowMatch { text: Some(("container_id", IdMatch::Exact(filter.container_id.clone()))), ..by_seq },
            };
            self.batches_with(table, Projection::Records).with_filter(rows)
        }))
    }

    /// Returns the rows of raw/events that tell of the clocks, and of journals all rows.
    pub fn clock_readings(&self) -> TableBatches {
        let filter = RowMatch { present: &["clock_reason"], ..RowMatch::default() };
        self.batches_with(Table::Events, Projection::All).with_filter(filter)
    }

    /// Returns the rows of a derived table whose container id matches.
    pub fn rows_matching(&self, table: Table, id: &IdMatch) -> TableBatches {
        self.batches_with(table, Projection::All).with_filter(by_id(id))
    }

    /// Returns the rows of a derived table whose container id matches, of those that were kept of
    /// dropped segments.
    pub fn kept_rows_matching(&self, table: Table, id: &IdMatch) -> TableBatches {
        self.batches_of_parts(table, self.kept_parts(table).cloned().collect()).with_filter(by_id(id))
    }
}

fn by_id(id: &IdMatch) -> RowMatch {
    RowMatch { text: Some(("container_id", id.clone())), ..RowMatch::default() }
}
