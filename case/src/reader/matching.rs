//! The rows of a case that have to do with one container, without reading the rest.

use std::collections::BTreeSet;

use super::batches::Purpose;
use super::filter::{Filter, IdMatch};
use super::{Case, Records, TableBatches};
use obit_schema::tables::Table;

/// What of the raw tables has to do with one container.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    /// Its id, for what was said of it.
    pub container_id: String,
    /// Records.
    pub seqs: BTreeSet<u64>,
    /// Its directories, on whatever hierarchy.
    pub cgroup_ids: BTreeSet<u64>,
}

impl Case {
    /// The records of a trail, in their total order, with every loss and every mark of a walk, which are about all
    /// containers. Numbers between them are no holes.
    pub fn records_matching(&self, trail: &RecordFilter) -> Records {
        let cursors = Table::RAW.map(|table| {
            let filter = match table {
                Table::Events => Filter {
                    seqs: trail.seqs.clone(),
                    numbers: trail.cgroup_ids.clone(),
                    number_columns: &["cgroup_id", "v1_cgroup_id"],
                    present: &["lost", "reason"],
                    text: None,
                },
                Table::Cgroupfs => Filter {
                    seqs: trail.seqs.clone(),
                    numbers: trail.cgroup_ids.clone(),
                    number_columns: &["cgroup_id"],
                    present: &[],
                    text: None,
                },
                _ => Filter {
                    seqs: trail.seqs.clone(),
                    numbers: BTreeSet::new(),
                    number_columns: &[],
                    present: &[],
                    text: Some(("container_id", IdMatch::Exact(trail.container_id.clone()))),
                },
            };
            self.batches_for(table, Purpose::Records).only(filter)
        });
        Records::of_part(cursors)
    }

    /// The rows of a derived table whose container id is this one, or begins with it.
    pub fn rows_matching(&self, table: Table, id: &IdMatch) -> TableBatches {
        let filter = Filter {
            seqs: BTreeSet::new(),
            numbers: BTreeSet::new(),
            number_columns: &[],
            present: &[],
            text: Some(("container_id", id.clone())),
        };
        self.batches_for(table, Purpose::Rows).only(filter)
    }
}
