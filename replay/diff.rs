//! `diff`: which rows that follow from one case do not follow from another?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::bail;
use obit_schema::Table;

use crate::cli::DiffArgs;
use crate::compare::{self, TableComparison};
use crate::output::differences;
use crate::problems::{self, Effect};
use crate::sides::Rederived;
use crate::{Outcome, complain, print_verdict};

/// Places in the log: the same event has another in each recording.
const PLACES: &[&str] = &["seq", "created_seq", "rmdir_seq", "first_seen_seq", "evidence_seqs"];

/// Readings of the clock: no two recordings read it at the same nanosecond.
const READINGS: &[&str] = &["ts", "boot_ns", "emptied_at", "lifetime_ns"];

/// Whether a column differs between any two recordings, even of the same moment on the same host.
fn always_differs(table: Table, column: &str) -> bool {
    // Of a container that was there before, `created_at` is what its runtime says, which does not change.
    let is_reading_of_creation = column == "created_at" && table != Table::ExistingContainer;
    PLACES.contains(&column) || READINGS.contains(&column) || is_reading_of_creation
}

pub fn run(args: &DiffArgs) -> anyhow::Result<Outcome> {
    let tables = match args.event {
        Some(event) => vec![event.table()],
        None => Table::DERIVED.to_vec(),
    };
    let asked: BTreeSet<&str> = args.ignore.iter().map(|column| column.trim()).collect();
    let known = |column: &str| tables.iter().any(|table| table.columns().iter().any(|known| known.name == column));
    if let Some(unknown) = asked.iter().find(|column| !known(column)) {
        bail!(
            "--ignore {unknown}: the compared tables have no such column; see 'obit-replay derive CASE --format csv'"
        );
    }
    let ignored =
        |table: Table, column: &str| asked.contains(column) || (!args.all_columns && always_differs(table, column));

    let (left, right) = (problems::open(&args.left)?, problems::open(&args.right)?);
    let comparison = compare::tables(&tables, &Rederived::all(&left), &Rederived::all(&right), &ignored, args.show)?;
    let effects = [
        problems::report(&left, &problems::all(&left, &comparison.left_problems)),
        problems::report(&right, &problems::all(&right, &comparison.right_problems)),
    ];
    let is_same = comparison.tables.iter().all(|table| table.different_rows == 0);
    let outcome = match (effects.contains(&Effect::Damage), is_same) {
        (true, _) => Outcome::Unusable,
        (false, true) => Outcome::Ok,
        (false, false) => Outcome::Different,
    };
    let left_out: BTreeSet<&str> = tables
        .iter()
        .flat_map(|table| table.columns().iter().map(|column| (*table, column.name)))
        .filter(|(table, column)| ignored(*table, column))
        .map(|(_, column)| column)
        .collect();
    print_verdict(&report(&comparison.tables, outcome, &left_out))?;
    if outcome == Outcome::Unusable {
        complain(
            "not everything could be read, so these cases cannot be called the same or different; get whole copies",
        );
    }
    Ok(outcome)
}

fn report(tables: &[TableComparison], outcome: Outcome, left_out: &BTreeSet<&str>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for table in tables {
        let word = if table.different_rows == 0 { "same" } else { "different" };
        let _ = writeln!(text, "{}: {word} ({} rows in A, {} in B)", table.table, table.left.rows, table.right.rows);
    }
    for table in tables {
        differences::push(&mut text, table, ["A", "B"]);
    }
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().copied().collect();
        let _ = writeln!(text, "not compared: {}", names.join(", "));
    }
    let _ = match outcome {
        Outcome::Ok => writeln!(text, "same"),
        Outcome::Different => writeln!(text, "different"),
        Outcome::Unusable => writeln!(text, "undecided"),
    };
    text
}
