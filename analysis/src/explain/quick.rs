//! The rows of one container, derived again from the records that have to do with it: a case may hold many millions of others.
//!
//! The recorded rows say where to look. What is derived from those records alone must be exactly what was recorded; where it
//! is not (a container around this one, a killer in another one, rows that were changed), the whole log has to be read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use arrow_array::RecordBatch;
use obit_case::Case;
use obit_case::reader::{IdMatch, RecordFilter};
use obit_derivation::fold::DERIVATION_VERSION;
use obit_derivation::record::Body;
use obit_derivation::{Profile, Row};
use obit_schema::Table;
use obit_schema::digest::{Digest, TableDigest};
use obit_schema::encode::RowsBuilder;
use obit_schema::value::{Cells, Value};

use super::{Found, LISTED_IDS, PREFIX_CHARACTERS, life};
use crate::profile;

/// The rows of the containers whose id begins so; `None` if only the whole log can tell.
pub fn find(case: &Case, asked: &str) -> anyhow::Result<Option<Found>> {
    let has_these_rules = case.manifest().is_some_and(|manifest| manifest.derivation_version == DERIVATION_VERSION);
    if !case.is_closed() || !has_these_rules || !case.problems().is_empty() {
        return Ok(None);
    }
    let Some(mut recorded) = recorded(case, &IdMatch::Exact(asked.to_owned())) else { return Ok(None) };
    if recorded.ids.is_empty() && asked.chars().count() >= PREFIX_CHARACTERS {
        match self::recorded(case, &IdMatch::Prefix(asked.to_owned())) {
            Some(found) => recorded = found,
            None => return Ok(None),
        }
    }
    let mut found = Found { lives: BTreeMap::new(), is_cut: false, problems: Vec::new() };
    let mut ids = recorded.ids.iter();
    let Some(id) = ids.next() else { return Ok(None) };
    if ids.next().is_some() {
        // They are only to be named.
        found.lives = recorded.ids.into_iter().map(|id| (id, Vec::new())).collect();
        return Ok(Some(found));
    }

    let mut trail = RecordFilter { container_id: id.clone(), seqs: recorded.seqs, cgroup_ids: recorded.cgroup_ids };
    // Where it was on other hierarchies, the records of its directories' making tell.
    let mut more = BTreeSet::new();
    case.records_matching(&trail).for_each(|record| -> anyhow::Result<()> {
        if trail.seqs.contains(&record.seq.0) {
            match &record.body {
                Body::Cgroup(event) => _ = more.insert(event.key.cgroup.0),
                Body::Directory(directory) => _ = more.insert(directory.key.cgroup.0),
                _ => {}
            }
        }
        Ok(())
    })?;
    trail.cgroup_ids.append(&mut more);

    let (mut builder, mut lives) = (RowsBuilder::new(), Vec::new());
    let mut take = |row: Row| {
        if row.identity().container_id == *id {
            builder.append(&row);
            life::add(&mut lives, row);
        }
    };
    let mut fold = profile::derivation(case, Profile::Strict)?;
    let mut decided = Vec::new();
    let mut records = case.records_matching(&trail);
    records.for_each(|record| -> anyhow::Result<()> {
        fold.apply(record, &mut decided);
        decided.drain(..).for_each(&mut take);
        Ok(())
    })?;
    fold.finish(&mut decided);
    decided.drain(..).for_each(&mut take);
    let derived = builder.finish().context("cannot put derived rows into columns")?;
    if !records.problems().is_empty() || digests(&derived)? != digests(&recorded.batches)? {
        return Ok(None);
    }
    found.lives = BTreeMap::from([(id.clone(), lives)]);
    Ok(Some(found))
}

/// Recorded rows of some container ids.
struct Recorded {
    ids: BTreeSet<String>,
    batches: Vec<(Table, RecordBatch)>,
    /// The records that they came from.
    seqs: BTreeSet<u64>,
    /// The directories that they name.
    cgroup_ids: BTreeSet<u64>,
}

/// The recorded rows with such an id; `None` if they cannot be read.
fn recorded(case: &Case, wanted: &IdMatch) -> Option<Recorded> {
    let mut recorded =
        Recorded { ids: BTreeSet::new(), batches: Vec::new(), seqs: BTreeSet::new(), cgroup_ids: BTreeSet::new() };
    for table in Table::DERIVED {
        for batch in case.rows_matching(table, wanted) {
            let batch = batch.ok()?;
            let column = |name: &str| batch.column_by_name(name).map(|array| Cells::new(array.as_ref()));
            let (ids, seqs, cgroups) = (column("container_id")?, column("evidence_seqs")?, column("cgroup_id")?);
            for row in 0..batch.num_rows() {
                if let Value::Str(id) = ids.value(row)
                    && recorded.ids.len() <= LISTED_IDS
                {
                    recorded.ids.insert(id.to_owned());
                }
                if let Value::List(evidence) = seqs.value(row) {
                    recorded.seqs.extend(evidence.iter().filter_map(number));
                }
                recorded.cgroup_ids.extend(number(cgroups.value(row)));
            }
            recorded.batches.push((table, batch));
        }
    }
    Some(recorded)
}

fn number(value: Value<'_>) -> Option<u64> {
    match value {
        Value::U64(number) => Some(number),
        _ => None,
    }
}

/// The digest of each table's rows.
fn digests(batches: &[(Table, RecordBatch)]) -> anyhow::Result<Vec<Digest>> {
    let of_table = |table: Table| -> anyhow::Result<Digest> {
        let mut digest = TableDigest::new(table);
        for (_, batch) in batches.iter().filter(|(of, _)| *of == table) {
            digest.update(batch)?;
        }
        Ok(digest.finish())
    };
    Table::DERIVED.into_iter().map(of_table).collect()
}
