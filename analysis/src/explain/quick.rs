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

use super::id_search::{IdSearchResult, MAX_LISTED_IDS, is_prefix};
use super::life;
use crate::derive::{Derivation, DerivedRows};
use crate::error::Error;
use crate::profile;

/// Finds a container and derives its rows. Returns `None` if only the whole log can tell.
pub(super) fn find(case: &Case, asked: &str) -> Result<Option<IdSearchResult>, Error> {
    let has_these_rules = case.manifest().is_some_and(|manifest| manifest.derivation_version == DERIVATION_VERSION);
    if !case.is_closed() || !has_these_rules || !case.problems().is_empty() {
        return Ok(None);
    }
    let Some(mut recorded) = ContainerRows::read(case, &IdMatch::Exact(asked.to_owned())) else { return Ok(None) };
    if recorded.ids.is_empty() && is_prefix(asked) {
        match ContainerRows::read(case, &IdMatch::Prefix(asked.to_owned())) {
            Some(rows) => recorded = rows,
            None => return Ok(None),
        }
    }
    if recorded.ids.len() > 1 {
        return Ok(Some(IdSearchResult::several(recorded.ids.into_iter())));
    }
    let Some(id) = recorded.ids.pop_first() else { return Ok(None) };

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
    Ok(is_same.then_some(IdSearchResult::One { container_id: id, lives }))
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

/// Recorded rows of the containers that an id stands for.
#[derive(Default)]
struct ContainerRows {
    /// The ids of the containers; one more than [`MAX_LISTED_IDS`] at most.
    ids: BTreeSet<String>,
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
                found.add(&batch)?;
                found.batches.push((table, batch));
            }
        }
        Some(found)
    }

    fn add(&mut self, batch: &RecordBatch) -> Option<()> {
        let column = |name: &str| batch.column_by_name(name).map(|array| Cells::new(array.as_ref()));
        let (ids, seqs, cgroups) = (column("container_id")?, column("evidence_seqs")?, column("cgroup_id")?);
        for row in 0..batch.num_rows() {
            if let Value::Str(id) = ids.value(row)
                && self.ids.len() <= MAX_LISTED_IDS
            {
                self.ids.insert(id.to_owned());
            }
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
