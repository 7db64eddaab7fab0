//! Difference between the rows that follow from two cases, or from one case by two profiles' rules.

use std::collections::BTreeSet;

use obit_case::Case;
use obit_derivation::Profile;
use obit_schema::Table;

use crate::compare::{CompareOptions, Comparison, DerivedSide, PairBy, compare};
use crate::error::Error;
use crate::filter::RowFilter;
use crate::profile;

/// Columns with places in the log: the same event has another place in each recording.
const PLACE_COLUMNS: &[&str] =
    &["seq", "created_seq", "rmdir_seq", "first_seen_seq", "evidence_seqs", "cause_evidence_seqs"];

/// Columns with readings of the clock: no two recordings read it at the same nanosecond.
const CLOCK_COLUMNS: &[&str] = &[
    "ts",
    "boot_ns",
    "emptied_at",
    "exited_at",
    "lifetime_ns",
    "requested_at",
    "value_at",
    "other_value_at",
    "difference_ns",
];

/// Columns with the directory that stands for a container: each profile has its own rule for it.
const DIRECTORY_COLUMNS: &[&str] = &["hierarchy_id", "cgroup_id"];

/// A side of a difference.
#[derive(Clone, Copy, Debug)]
pub struct DiffSide<'a> {
    /// The case.
    pub case: &'a Case,
    /// The rules by which its rows are derived.
    pub profile: Profile,
    /// The rows that are compared.
    pub filter: &'a RowFilter,
}

/// Options of a difference.
#[derive(Clone, Copy, Debug)]
pub struct DiffOptions<'a> {
    /// The derived tables to compare.
    pub tables: &'a [Table],
    /// Columns that are not compared.
    pub ignored_columns: &'a BTreeSet<&'a str>,
    /// True to compare also the columns that differ between any two recordings.
    pub all_columns: bool,
    /// Number of differing rows of each table that are listed; all are counted.
    pub max_listed: usize,
}

/// The difference between two sides.
#[derive(Debug)]
pub struct CaseDiff {
    /// The comparison of the tables.
    pub comparison: Comparison,
    /// Columns that both profiles fill and that were not compared.
    pub columns_left_out: BTreeSet<&'static str>,
}

/// Derives the rows of both sides and compares them. Rows are paired by container id, and by path
/// as well if the profiles differ.
///
/// # Errors
/// A profile needs facts of the host that a case does not have, or the records cannot be read.
pub fn diff(left: DiffSide<'_>, right: DiffSide<'_>, options: &DiffOptions<'_>) -> Result<CaseDiff, Error> {
    let is_one_profile = left.profile == right.profile;
    let is_filled = |table: Table, column: &str| {
        [left.profile, right.profile].iter().all(|profile| profile::fills(*profile, table, column))
    };
    let is_ignored = |table: Table, column: &str| {
        let is_noise = always_differs(table, column) || (!is_one_profile && DIRECTORY_COLUMNS.contains(&column));
        let is_left_out = options.ignored_columns.contains(column) || (!options.all_columns && is_noise);
        is_left_out || !is_filled(table, column)
    };
    let pair_by = if is_one_profile { PairBy::Id } else { PairBy::IdAndPath };
    let comparison = compare(
        options.tables,
        &DerivedSide::all(left.case, left.profile).matching(left.filter.clone()),
        &DerivedSide::all(right.case, right.profile).matching(right.filter.clone()),
        &CompareOptions { pair_by, is_ignored: &is_ignored, max_listed: options.max_listed },
    )?;
    let columns = options.tables.iter().flat_map(|table| table.columns().iter().map(|column| (*table, column.name)));
    let left_out = columns.filter(|(table, column)| is_ignored(*table, column) && is_filled(*table, column));
    Ok(CaseDiff { comparison, columns_left_out: left_out.map(|(_, column)| column).collect() })
}

/// Returns true for a column that differs between any two recordings, even of the same moment on
/// the same host.
fn always_differs(table: Table, column: &str) -> bool {
    // For a container that was there before, `created_at` is the runtime's word, which stays the
    // same.
    let is_seen_creation = column == "created_at" && table != Table::ExistingContainer;
    PLACE_COLUMNS.contains(&column) || CLOCK_COLUMNS.contains(&column) || is_seen_creation
}
