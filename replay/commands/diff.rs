//! `diff`: which rows that follow from one case do not follow from another, or not by another profile's rules?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::bail;
use obit_derivation::Profile;
use obit_schema::Table;

use crate::cli::DiffArgs;
use crate::output::differences;
use crate::output::problems::report_problems;
use obit_analysis::compare::{self, Pairing, TableComparison, Terms};

use crate::{Outcome, complain, print_verdict};
use obit_analysis::compare::sides::Rederived;
use obit_analysis::problems::{self, Effect};
use obit_analysis::profile;

/// Places in the log: the same event has another in each recording.
const PLACES: &[&str] = &["seq", "created_seq", "rmdir_seq", "first_seen_seq", "evidence_seqs", "cause_evidence_seqs"];

/// Readings of the clock: no two recordings read it at the same nanosecond.
const READINGS: &[&str] = &[
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

/// Which of a container's directories stands for it: each profile has its own rule.
const CHOICES: &[&str] = &["hierarchy_id", "cgroup_id"];

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
    let profiles = [args.profile_a, args.profile_b];
    let is_one_profile = args.profile_a == args.profile_b;
    let is_filled = |table: Table, column: &str| profiles.iter().all(|profile| profile::fills(*profile, table, column));
    let ignored = |table: Table, column: &str| {
        let is_noise = always_differs(table, column) || (!is_one_profile && CHOICES.contains(&column));
        asked.contains(column) || !is_filled(table, column) || (!args.all_columns && is_noise)
    };
    let pairing = if is_one_profile { Pairing::ById } else { Pairing::ByIdAndPath };
    let terms = Terms { pairing, ignored: &ignored, show: args.show };

    let left = problems::open(&args.left)?;
    let other = args.right.as_deref().map(problems::open).transpose()?;
    let right = other.as_ref().unwrap_or(&left);
    let sides = (Rederived::all(&left, args.profile_a), Rederived::all(right, args.profile_b));
    let comparison = compare::tables(&tables, &sides.0, &sides.1, &terms)?;
    let mut effects = vec![report_problems(&left, &problems::all(&left, &comparison.left_problems))];
    if let Some(right) = &other {
        effects.push(report_problems(right, &problems::all(right, &comparison.right_problems)));
    }
    let is_same = comparison.tables.iter().all(|table| table.different_rows == 0);
    let outcome = match (effects.contains(&Effect::Damage), is_same) {
        (true, _) => Outcome::Unusable,
        (false, true) => Outcome::Ok,
        (false, false) => Outcome::Different,
    };
    let columns = tables.iter().flat_map(|table| table.columns().iter().map(|column| (*table, column.name)));
    let left_out = columns.filter(|(table, column)| ignored(*table, column) && is_filled(*table, column));
    let mut left_out: Vec<String> =
        left_out.map(|(_, column)| column).collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect();
    // These would be many names.
    let partial: BTreeSet<Profile> = profiles.into_iter().filter(|profile| *profile != Profile::Strict).collect();
    left_out.extend(partial.iter().map(|profile| format!("and what {profile} does not give")));
    // Of one case, the profiles are what tells the sides apart.
    let names = if other.is_none() && !is_one_profile { profiles.map(Profile::as_str) } else { ["A", "B"] };
    print_verdict(&report(&comparison.tables, outcome, names, &left_out))?;
    if outcome == Outcome::Unusable {
        complain(
            "not everything could be read, so these cases cannot be called the same or different; get whole copies",
        );
    }
    Ok(outcome)
}

fn report(tables: &[TableComparison], outcome: Outcome, [left, right]: [&str; 2], left_out: &[String]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for table in tables {
        let word = if table.different_rows == 0 { "same" } else { "different" };
        let rows = (table.left.rows, table.right.rows);
        let _ = writeln!(text, "{}: {word} ({} rows in {left}, {} in {right})", table.table, rows.0, rows.1);
    }
    for table in tables {
        differences::push(&mut text, table, [left, right]);
    }
    if !left_out.is_empty() {
        let _ = writeln!(text, "not compared: {}", left_out.join(", "));
    }
    let _ = match outcome {
        Outcome::Ok => writeln!(text, "same"),
        Outcome::Different => writeln!(text, "different"),
        Outcome::Unusable => writeln!(text, "undecided"),
    };
    text
}
