//! `diff`: the rows that follow from one case and not from another, or by one profile's rules and
//! not by another's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::bail;
use obit_analysis::compare::TableComparison;
use obit_analysis::diff::{CaseDiff, DiffOptions, DiffSide, diff};
use obit_analysis::problems::{self, Effect};
use obit_analysis::profile::gives;
use obit_derivation::Profile;
use obit_schema::Table;

use crate::cli::DiffArgs;
use crate::json;
use crate::json::diff::DiffReport;
use crate::json::problems::of_case;
use crate::output::activity::Activity;
use crate::output::differences::push_differences;
use crate::output::format::ReportFormat;
use crate::output::messages::{complain, print_verdict};
use crate::output::problems::report_problems;
use crate::status::CommandStatus;

pub fn run(args: &DiffArgs) -> anyhow::Result<CommandStatus> {
    let tables = match args.event {
        Some(table) => vec![table],
        // What only one of two profiles gives is no difference.
        None => Table::DERIVED
            .into_iter()
            .filter(|table| gives(args.profile_a, *table) && gives(args.profile_b, *table))
            .collect(),
    };
    let ignored_columns: BTreeSet<&str> = args.ignore.iter().map(|column| column.trim()).collect();
    let is_column = |name: &str| tables.iter().any(|table| table.columns().iter().any(|column| column.name == name));
    if let Some(unknown) = ignored_columns.iter().find(|column| !is_column(column)) {
        bail!(
            "--ignore {unknown}: the compared tables have no such column; see 'obit-replay derive CASE --format csv'"
        );
    }
    let left_case = problems::open(&args.left)?;
    let other_case = args.right.as_deref().map(problems::open).transpose()?;
    let right_case = other_case.as_ref().unwrap_or(&left_case);
    let left = DiffSide { case: &left_case, profile: args.profile_a };
    let right = DiffSide { case: right_case, profile: args.profile_b };
    let options = DiffOptions {
        tables: &tables,
        ignored_columns: &ignored_columns,
        all_columns: args.all_columns,
        max_listed: args.show,
    };
    let activity = Activity::on_records("comparing", &[left.case, right.case]);
    let diff = diff(left, right, &options)?;
    drop(activity);
    let comparison = &diff.comparison;

    let left_problems = problems::all(&left_case, &comparison.left.problems);
    let mut effects = vec![report_problems(&left_case, &left_problems)];
    let mut all_problems = of_case(&left_case, &left_problems);
    if let Some(other) = &other_case {
        let right_problems = problems::all(other, &comparison.right.problems);
        effects.push(report_problems(other, &right_problems));
        all_problems.extend(of_case(other, &right_problems));
    }
    let is_same = comparison.tables.iter().all(|table| table.different_rows == 0);
    let status = match (effects.contains(&Effect::Damage), is_same) {
        (true, _) => CommandStatus::Incomplete,
        (false, true) => CommandStatus::Done,
        (false, false) => CommandStatus::Different,
    };
    match args.format {
        ReportFormat::Json => json::print(&DiffReport::new([left, right], &diff, status, all_problems))?,
        ReportFormat::Text => print_text(args, &diff, status, other_case.is_none())?,
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
    let mut left_out: Vec<String> = diff.columns_left_out.iter().map(|column| (*column).to_owned()).collect();
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
