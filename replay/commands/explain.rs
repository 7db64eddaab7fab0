//! `explain`: the story of a container, and the records behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use obit_analysis::cases;
use obit_analysis::explain::story::ContainerStory;
use obit_analysis::explain::trace::{self, TracedRecord};
use obit_analysis::explain::{KeptRow, LifeRows};
use obit_analysis::problems::Effect;
use obit_analysis::span::CaseSpan;
use obit_schema::text::{printable, time};

use crate::cli::ExplainArgs;
use crate::json;
use crate::json::explain::ExplainReport;
use crate::json::problems::of_case;
use crate::output::activity::Activity;
use crate::output::containers::{FoundContainer, find_container};
use crate::output::destination::Destination;
use crate::output::format::ReportFormat;
use crate::output::messages::say;
use crate::output::story;
use crate::output::terminal::{HEADING, Look};
use crate::status::CommandStatus;

/// Most records shown of one life.
const MAX_RECORDS: usize = 500;

pub fn run(args: &ExplainArgs) -> anyhow::Result<CommandStatus> {
    let cases = cases::open(&args.cases)?;
    let activity = Activity::on_records("searching", &cases.iter().collect::<Vec<_>>());
    let filter = args.filter.filter(CaseSpan::of_all(&cases));
    let found = find_container(&cases, &args.what, &filter);
    drop(activity);
    let FoundContainer { case, container_id, mut lives, lives_left_out, kept, problems, effect } = found?;

    let all_lives = lives.len();
    lives.truncate(args.limit);
    let seqs: BTreeSet<u64> = lives.iter().flat_map(|life| life.evidence().take(MAX_RECORDS)).collect();
    let records = trace::read(case, &container_id, &seqs)?;
    let story = ContainerStory::tell(&container_id, &lives, &records);
    match args.format {
        ReportFormat::Json => {
            let problems = of_case(case, &problems);
            json::print(&ExplainReport::new(
                &story,
                &lives,
                [all_lives - lives.len(), lives_left_out],
                &kept,
                &records,
                problems,
            )?)?;
        }
        ReportFormat::Text => {
            let mut output = Destination::for_people(None)?;
            write_text(&story, &lives, all_lives, args.records.then_some(&records), &mut output)?;
            kept.iter().try_for_each(|row| write_kept(row, &mut output))?;
            output.finish()?;
            if lives_left_out > 0 {
                let noun = if lives_left_out == 1 { "life" } else { "lives" };
                say(&format!("the filters leave out {lives_left_out} {noun} of this container"));
            }
        }
    }
    Ok(if effect == Effect::Damage { CommandStatus::Incomplete } else { CommandStatus::Done })
}

/// Writes the story as text, with the records if they are wanted.
fn write_text(
    story: &ContainerStory,
    lives: &[LifeRows],
    all_lives: usize,
    records: Option<&BTreeMap<u64, TracedRecord>>,
    output: &mut impl Write,
) -> io::Result<()> {
    let look = Look::get();
    writeln!(output, "{}", look.paint(HEADING, &format!("container {}", printable(&story.container_id))))?;
    for (number, (life, told)) in (1..).zip(lives.iter().zip(&story.lives)) {
        writeln!(output)?;
        story::write_life(&format!("life {number} of {all_lives}"), told, look, output)?;
        if let Some(records) = records {
            write_records(life, records, output)?;
        }
    }
    if all_lives > lives.len() {
        writeln!(output, "\nand {} more lives", all_lives - lives.len())?;
    }
    if !story.commands.is_empty() {
        writeln!(output)?;
    }
    story::write_commands(story, look, output)
}

/// Writes a line for each record that the rows of a life came from.
fn write_records(life: &LifeRows, records: &BTreeMap<u64, TracedRecord>, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "  records")?;
    for seq in life.evidence().take(MAX_RECORDS) {
        match records.get(&seq) {
            Some(record) => {
                writeln!(output, "    {seq:>8}  {}  {}", time::to_millisecond(record.ts.0), record.line)?;
            }
            None => writeln!(output, "    {seq:>8}  this record could not be read")?,
        }
    }
    let hidden = life.evidence().count().saturating_sub(MAX_RECORDS);
    if hidden > 0 {
        writeln!(output, "    and {hidden} more records")?;
    }
    Ok(())
}

/// Writes a row that was kept of a dropped segment.
fn write_kept(row: &KeptRow, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "\n{} of a dropped segment, as it was recorded; its records are gone", row.table)?;
    row.fields.iter().try_for_each(|(column, value)| writeln!(output, "  {column}: {}", printable(value)))
}
