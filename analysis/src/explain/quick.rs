//! Derivation of one container's rows from the records that have to do with it: a case may hold
//! many millions of others.
//!
//! The recorded rows tell which records these are. The rows derived from these records alone must
//! be exactly the recorded ones. If they are not (a container around this one, a killer in another
//! one, rows that were changed), the whole log has to be read.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use obit_case::Case;
use obit_case::reader::{IdMatch, RecordFilter};
use obit_derivation::Profile;
use obit_derivation::fold::DERIVATION_VERSION;
use obit_derivation::record::Body;
use obit_schema::Table;
use obit_schema::digest::{Digest, TableDigest};
use obit_schema::encode::RowsBuilder;
use obit_schema::value::{Cells, Value};

use super::life::{self, LifeRows};
use crate::derive::{Derivation, DerivedRows};
use crate::error::Error;
use crate::profile;

/// Returns true if the recorded rows may stand for what follows from the log: the case is closed
/// and undamaged, and this build's rules made them.
pub(super) fn has_reliable_rows(case: &Case) -> bool {
    let has_these_rules = case.manifest().is_some_and(|manifest| manifest.derivation_version == DERIVATION_VERSION);
    case.is_closed() && has_these_rules && case.problems().is_empty()
}

/// Derives the rows of the container with this id. Returns `None` if there is none in the recorded
/// rows, or if only the whole log can tell.
pub(super) fn find(case: &Case, id: &str) -> Result<Option<Vec<LifeRows>>, Error> {
    if !has_reliable_rows(case) {
        return Ok(None);
    }
    let id = id.to_owned();
    let Some(recorded) = ContainerRows::read(case, &IdMatch::Exact(id.clone())) else { return Ok(None) };
    if recorded.batches.is_empty() {
        return Ok(None);
    }
    let mut filter = RecordFilter { container_id: id.clone(), seqs: recorded.seqs, cgroup_ids: recorded.cgroup_ids };
    let mut directories = cgroups_of(case, &filter)?;
    filter.cgroup_ids.append(&mut directories);
    let rules = profile::rules(case, Profile::Strict)?;
    let derivation = Derivation::new(case.records_matching(&filter), rules);
    let mut rows = DerivedRows::new(derivation).matching(|row| row.identity().container_id == id);
    let (mut builder, mut lives) = (RowsBuilder::new(), Vec::new());
    for row in rows.by_ref() {
        let row = row?;
        builder.append(&row);
        life::add(&mut lives, row);
    }
    let derived = builder.finish()?;
    let is_same = rows.problems().is_empty() && digests(&derived)? == digests(&recorded.batches)?;
    drop(rows);
    Ok(is_same.then_some(lives))
}

/// Returns the directories of the records that a filter names: the container's on all hierarchies.
fn cgroups_of(case: &Case, filter: &RecordFilter) -> Result<BTreeSet<u64>, Error> {
    let mut cgroup_ids = BTreeSet::new();
    case.records_matching(filter).for_each(|record| -> Result<(), Error> {
        if filter.seqs.contains(&record.seq.0) {
            match &record.body {
                Body::Cgroup(event) => _ = cgroup_ids.insert(event.key.cgroup.0),
                Body::Directory(directory) => _ = cgroup_ids.insert(directory.key.cgroup.0),
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(cgroup_ids)
}

/// Recorded rows of a container.
#[derive(Default)]
struct ContainerRows {
    batches: Vec<(Table, RecordBatch)>,
    /// The records that the rows came from.
    seqs: BTreeSet<u64>,
    /// The directories that the rows name.
    cgroup_ids: BTreeSet<u64>,
}

impl ContainerRows {
    /// Reads the recorded rows; `None` if they cannot be read.
    fn read(case: &Case, wanted: &IdMatch) -> Option<Self> {
        let mut found = Self::default();
        for table in Table::DERIVED {
            for batch in case.rows_matching(table, wanted) {
                let batch = batch.ok()?;
                if batch.num_rows() == 0 {
                    continue;
                }
                found.add(&batch)?;
                found.batches.push((table, batch));
            }
        }
        Some(found)
    }

    fn add(&mut self, batch: &RecordBatch) -> Option<()> {
        let column = |name: &str| batch.column_by_name(name).map(|array| Cells::new(array.as_ref()));
        let (seqs, cgroups) = (column("evidence_seqs")?, column("cgroup_id")?);
        for row in 0..batch.num_rows() {
            if let Value::List(evidence) = seqs.value(row) {
                self.seqs.extend(evidence.iter().filter_map(number));
            }
            self.cgroup_ids.extend(number(cgroups.value(row)));
        }
        Some(())
    }
}

fn number(value: Value<'_>) -> Option<u64> {
    match value {
        Value::U64(number) => Some(number),
        _ => None,
    }
}

/// Returns the digest of each derived table, over these batches.
fn digests(batches: &[(Table, RecordBatch)]) -> Result<Vec<Digest>, Error> {
    let digest_of = |table: Table| -> Result<Digest, Error> {
        let mut digest = TableDigest::new(table);
        for (_, batch) in batches.iter().filter(|(other, _)| *other == table) {
            digest.update(batch)?;
        }
        Ok(digest.finish())
    };
    Table::DERIVED.into_iter().map(digest_of).collect()
}
