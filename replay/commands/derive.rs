//! `derive`: rows from the raw log alone.

use obit_derivation::{Profile, Row};
use obit_schema::Table;

use crate::cli::{DeriveArgs, Format};
use crate::output::RowWriter;
use crate::output::problems::report_problems;

use crate::{Outcome, complain, say};
use obit_analysis::derive as rederive;
use obit_analysis::problems::{self, Effect};

pub fn run(args: &DeriveArgs) -> anyhow::Result<Outcome> {
    // Before the output is made: a wrong path must not leave an empty file behind.
    let case = problems::open(&args.case)?;
    let table = args.event.table();
    let case_id = case.manifest().map(|manifest| manifest.case_id.as_str());
    let mut writer = RowWriter::open(table, args.profile, args.format, args.output.as_deref(), case_id)?;
    let of_table = |row: &Row| rederive::table_of(row) == table;
    let pass = rederive::rows(&case, args.profile, |row| if of_table(row) { writer.write(row) } else { Ok(()) })?;
    let written = writer.finish()?;
    if args.format == Format::Table {
        say(&counted(written.rows, table, args.profile));
    }
    let effect = report_problems(&case, &problems::all(&case, &pass.problems));
    if written.formulas > 0 {
        complain(&format!(
            "{} values begin with =, +, - or @ and are left as they are; \
             a spreadsheet may run them as formulas: import every column as text",
            written.formulas
        ));
    }
    match effect {
        Effect::None | Effect::CutOff | Effect::Changed | Effect::DerivedOnly => Ok(Outcome::Ok),
        Effect::Damage => {
            complain(&format!("{} {table} rows follow from what could be read; others may be missing", written.rows));
            Ok(Outcome::Unusable)
        }
    }
}

/// What is said below a table.
fn counted(rows: u64, table: Table, profile: Profile) -> String {
    if profile != Profile::Strict {
        // Not so many containers: some of these rows may be wrong, which is what they are asked for.
        let rows_are = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        return format!("{rows_are} of {table} by the rules of {profile}");
    }
    let what = match table {
        Table::ContainerRemove => "ended",
        Table::ContainerCreate => "created",
        _ => "alive before the capture started",
    };
    match rows {
        0 if table == Table::Disagreement => "no source contradicts another".to_owned(),
        1 if table == Table::Disagreement => "1 disagreement".to_owned(),
        _ if table == Table::Disagreement => format!("{rows} disagreements"),
        0 => format!("no container {what}"),
        1 => format!("1 container {what}"),
        _ => format!("{rows} containers {what}"),
    }
}
