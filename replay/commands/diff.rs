//! `diff`: the rows that follow from one case and not from another, or by one profile's rules and
//! not by another's.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::slice;

use anyhow::{bail, ensure};
use obit_analysis::cases;
use obit_analysis::compare::TableComparison;
use obit_analysis::diff::{CaseDiff, DiffOptions, DiffSide, diff};
use obit_analysis::json::diff::{DiffReport, DiffVerdict};
use obit_analysis::json::problems::of_case;
use obit_analysis::pairing::CasePairs;
use obit_analysis::problems::{self, Effect};
use obit_analysis::profile::{fills, gives};
use obit_analysis::span::CaseSpan;
use obit_case::Case;
use obit_derivation::Profile;
use obit_schema::Table;
use obit_schema::text::printable;

use crate::cli::DiffArgs;
use crate::output::activity::Activity;
use crate::output::differences::push_differences;
use crate::output::format::ReportFormat;
use crate::output::json::{self, JsonLayout};
use crate::output::messages::{complain, print_verdict};
use crate::output::problems::report_problems;
use crate::output::terminal::{HEADING, Look};
use crate::status::CommandStatus;

pub fn run(args: &DiffArgs) -> anyhow::Result<CommandStatus> {
    let tables = compared_tables(args)?;
    let ignored_columns = ignored_columns(args, &tables)?;
    let left_cases = cases::open(slice::from_ref(&args.left))?;
    let other_cases = args.right.as_ref().map(|right| cases::open(slice::from_ref(right))).transpose()?;
    let right_cases = other_cases.as_ref().unwrap_or(&left_cases);
    let CasePairs { pairs, only_left, only_right } = CasePairs::of(&left_cases, right_cases);
    let options = DiffOptions {
        tables: &tables,
        ignored_columns: &ignored_columns,
        all_columns: args.all_columns || !args.columns.is_empty(),
        max_listed: args.show,
    };
    let mut worst = CommandStatus::Done;
    for (place, (left, right)) in pairs.iter().enumerate() {
        let [left, right] = [left_cases.get(*left), right_cases.get(*right)];
        let (Some(left), Some(right)) = (left, right) else { continue };
        if pairs.len() > 1 && args.format == ReportFormat::Text {
            let gap = if place == 0 { "" } else { "\n" };
            let pair = printable(&format!("A {}, B {}", left.path().display(), right.path().display())).into_owned();
            print_verdict(&format!("{gap}{}\n", Look::get().paint(HEADING, &pair)))?;
        }
        let is_one_case = other_cases.is_none();
        worst = worst.max(diff_pair([left, right], is_one_case, args, &options, JsonLayout::of(pairs.len()))?);
    }
    for (set, cases, alone) in [("A", &left_cases, only_left), ("B", right_cases, only_right)] {
        for case in alone.iter().filter_map(|place| cases.get(*place)) {
            complain(&format!("{}: only {set} has this recording of its host", case.path().display()));
            worst = CommandStatus::Different;
        }
    }
    Ok(worst)
}

/// Returns the tables whose rows are compared: those that have what is asked for.
fn compared_tables(args: &DiffArgs) -> anyhow::Result<Vec<Table>> {
    let profiles = [args.profile_a, args.profile_b];
    let of_filter = args.filter.filter(CaseSpan::UNBOUNDED).columns();
    let has = |table: Table, column: &str| {
        let is_filled = profiles.iter().all(|profile| fills(*profile, table, column));
        table.columns().iter().any(|one| one.name == column) && is_filled
    };
    let fits = |table: &Table| of_filter.iter().all(|column| has(*table, column));
    let tables: Vec<Table> = match args.event {
        Some(table) => vec![table],
        // What only one of two profiles gives is no difference.
        None => Table::DERIVED.into_iter().filter(|table| profiles.iter().all(|one| gives(*one, *table))).collect(),
    };
    let tables: Vec<Table> = tables.into_iter().filter(fits).collect();
    ensure!(
        !tables.is_empty(),
        "no rows that are compared have a {}: leave out the filter of it",
        of_filter.join(" and a ")
    );
    Ok(tables)
}

/// Returns the columns that the arguments leave out.
fn ignored_columns<'a>(args: &'a DiffArgs, tables: &[Table]) -> anyhow::Result<BTreeSet<&'a str>> {
    let known: BTreeSet<&'static str> =
        tables.iter().flat_map(|table| table.columns().iter().map(|column| column.name)).collect();
    for (option, columns) in [("--ignore", &args.ignore), ("--columns", &args.columns)] {
        if let Some(unknown) = columns.iter().map(|column| column.trim()).find(|column| !known.contains(column)) {
            bail!(
                "{option} {unknown}: the compared tables have no such column; see 'obit-replay derive CASE --format csv'"
            );
        }
    }
    if args.columns.is_empty() {
        return Ok(args.ignore.iter().map(|column| column.trim()).collect());
    }
    let compared: BTreeSet<&str> = args.columns.iter().map(|column| column.trim()).collect();
    Ok(known.difference(&compared).copied().collect())
}

/// Compares two cases, and prints the comparison.
fn diff_pair(
    [left_case, right_case]: [&Case; 2],
    is_one_case: bool,
    args: &DiffArgs,
    options: &DiffOptions<'_>,
    layout: JsonLayout,
) -> anyhow::Result<CommandStatus> {
    let filters = [left_case, right_case].map(|case| args.filter.filter(CaseSpan::of(case)));
    let left = DiffSide { case: left_case, profile: args.profile_a, filter: &filters[0] };
    let right = DiffSide { case: right_case, profile: args.profile_b, filter: &filters[1] };
    let activity = Activity::on_records("comparing", &[left.case, right.case]);
    let diff = diff(left, right, options)?;
    drop(activity);
    let comparison = &diff.comparison;

    let left_problems = problems::all(left_case, &comparison.left.problems);
    let mut effects = vec![report_problems(left_case, &left_problems)];
    let mut all_problems = of_case(left_case, &left_problems);
    if !is_one_case {
        let right_problems = problems::all(right_case, &comparison.right.problems);
        effects.push(report_problems(right_case, &right_problems));
        all_problems.extend(of_case(right_case, &right_problems));
    }
    let is_same = comparison.tables.iter().all(|table| table.different_rows == 0);
    let status = match (effects.contains(&Effect::Damage), is_same) {
        (true, _) => CommandStatus::Incomplete,
        (false, true) => CommandStatus::Done,
        (false, false) => CommandStatus::Different,
    };
    match args.format {
        ReportFormat::Json => {
            let verdict = match status {
                CommandStatus::Done => DiffVerdict::Same,
                CommandStatus::Different => DiffVerdict::Different,
                CommandStatus::Incomplete => DiffVerdict::Undecided,
            };
            json::print_as(&DiffReport::new([left, right], &diff, verdict, all_problems), layout)?;
        }
        ReportFormat::Text => print_text(args, &diff, status, is_one_case)?,
    }
    if status == CommandStatus::Incomplete {
        complain(
            "not everything could be read, so these cases cannot be called the same or different; get whole copies",
        );
    }
    Ok(status)
}

/// Prints the comparison for people.
fn print_text(args: &DiffArgs, diff: &CaseDiff, status: CommandStatus, is_one_case: bool) -> anyhow::Result<()> {
    let profiles = [args.profile_a, args.profile_b];
    let mut left_out: Vec<String> = match args.columns.as_slice() {
        [] => diff.columns_left_out.iter().map(|column| (*column).to_owned()).collect(),
        compared => vec![format!("all columns but {}", compared.join(", "))],
    };
    // The columns that a profile does not fill are too many to list.
    let partial: BTreeSet<Profile> = profiles.into_iter().filter(|profile| *profile != Profile::Strict).collect();
    left_out.extend(partial.iter().map(|profile| format!("and what {profile} does not give")));
    // The sides of one case are told apart by their profiles.
    let is_by_profile = is_one_case && args.profile_a != args.profile_b;
    let names = if is_by_profile { profiles.map(Profile::as_str) } else { ["A", "B"] };
    print_verdict(&report_text(&diff.comparison.tables, status, names, &left_out))
}

fn report_text(
    tables: &[TableComparison],
    status: CommandStatus,
    [left, right]: [&str; 2],
    left_out: &[String],
) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for table in tables {
        let word = if table.different_rows == 0 { "same" } else { "different" };
        let rows = (table.left.rows, table.right.rows);
        let _ = writeln!(text, "{}: {word} ({} rows in {left}, {} in {right})", table.table, rows.0, rows.1);
    }
    for table in tables {
        push_differences(&mut text, table, [left, right]);
    }
    if !left_out.is_empty() {
        let _ = writeln!(text, "not compared: {}", left_out.join(", "));
    }
    text.push_str(match status {
        CommandStatus::Done => "same\n",
        CommandStatus::Different => "different\n",
        CommandStatus::Incomplete => "undecided\n",
    });
    text
}
