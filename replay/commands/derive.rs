//! `derive`: rows from the raw log alone.

use anyhow::ensure;
use obit_analysis::order::SortKey;
use obit_analysis::problems::{self, Effect};
use obit_analysis::span::CaseSpan;
use obit_analysis::{cases, profile};
use obit_derivation::Profile;
use obit_schema::Table;

use crate::cli::DeriveArgs;
use crate::output::format::RowFormat;
use crate::output::hosts::say_clock_errors;
use crate::output::messages::{complain, say};
use crate::output::problems::report_problems;
use crate::output::rows::{RowRequest, write_rows};
use crate::status::CommandStatus;

pub fn run(args: &DeriveArgs) -> anyhow::Result<CommandStatus> {
    // Before the output is made: a wrong path must not leave an empty file behind.
    let cases = cases::open(&args.cases)?;
    let DeriveArgs { event: table, profile, ref output, ref order, .. } = *args;
    let of_name = || output.as_deref().and_then(RowFormat::of_extension);
    let format = args.format.or_else(of_name).unwrap_or(RowFormat::Table);
    let filter = args.filter.filter(CaseSpan::of_all(&cases));
    for column in filter.columns() {
        let has_column = table.columns().iter().any(|one| one.name == column) && profile::fills(profile, table, column);
        ensure!(has_column, "no row of {table} has a {column} by the rules of {profile}: leave out the filter of it");
    }
    let request = RowRequest {
        table,
        profile,
        format,
        path: output.as_deref(),
        filter,
        sort: order.sort.iter().map(|key| SortKey::parse(key)).collect(),
        limit: order.limit,
        columns: &order.columns,
    };
    let report = write_rows(&cases, &request)?;
    let rows = report.rows;
    if format == RowFormat::Table {
        say(&count_text(rows, table, profile));
    }
    if cases.len() > 1 {
        say_clock_errors(&cases);
    }
    let read = cases.iter().zip(&report.problems);
    let effects = read.map(|(case, found)| report_problems(case, &problems::all(case, found)));
    let effect = effects.max().unwrap_or(Effect::None);
    if report.notes.formulas > 0 {
        complain(&format!(
            "{} values begin with =, +, - or @ and are left as they are; \
             a spreadsheet may run them as formulas: import every column as text",
            report.notes.formulas
        ));
    }
    match effect {
        Effect::None | Effect::CutOff | Effect::Changed | Effect::DerivedOnly => Ok(CommandStatus::Done),
        Effect::Damage => {
            complain(&format!("{rows} {table} rows follow from what could be read; others may be missing"));
            Ok(CommandStatus::Incomplete)
        }
    }
}

/// Returns the line below a table.
fn count_text(rows: u64, table: Table, profile: Profile) -> String {
    if profile != Profile::Strict {
        // The number of rows is not the number of containers: another tool's rules may give wrong
        // rows.
        let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        return format!("{rows} of {table} by the rules of {profile}");
    }
    let state = match table {
        Table::ContainerExit => "exited",
        Table::ContainerRemove => "removed",
        Table::ContainerCreate => "created",
        _ => "alive before the capture started",
    };
    match rows {
        0 if table == Table::Disagreement => "no source contradicts another".to_owned(),
        1 if table == Table::Disagreement => "1 disagreement".to_owned(),
        _ if table == Table::Disagreement => format!("{rows} disagreements"),
        0 => format!("no container {state}"),
        1 => format!("1 container {state}"),
        _ => format!("{rows} containers {state}"),
    }
}
