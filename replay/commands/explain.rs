//! `explain`: the records and the rule behind each row of a container.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};

use obit_analysis::explain::text::{record_lines, row_lines};
use obit_analysis::explain::{IdSearchResult, KeptRow, LifeRows, find, kept_rows};
use obit_analysis::problems::{self, Effect};
use obit_schema::text;

use crate::cli::ExplainArgs;
use crate::output::containers::the_container;
use crate::output::problems::report_problems;
use crate::status::CommandStatus;

/// Most lives shown; a crash loop makes more.
const MAX_LIVES: usize = 1_000;

/// Most records shown of one life.
const MAX_RECORDS: usize = 500;

pub fn run(args: &ExplainArgs) -> anyhow::Result<CommandStatus> {
    let case = problems::open(&args.case)?;
    let search = find(&case, &args.container_id)?;
    let effect = report_problems(&case, &problems::all(&case, &search.problems));
    let kept = kept_rows(&case, &args.container_id)?;
    let (id, lives) = match (search.matches, kept.first()) {
        (IdSearchResult::None, Some(row)) if kept.iter().all(|other| other.container_id == row.container_id) => {
            (row.container_id.clone(), Vec::new())
        }
        (matches, _) => the_container(matches, &args.container_id, effect)?,
    };

    let seqs: BTreeSet<u64> = lives.iter().flat_map(|life| life.evidence().take(MAX_RECORDS)).collect();
    let records = record_lines(&case, &seqs)?;
    let mut output = BufWriter::new(io::stdout().lock());
    writeln!(output, "container {}", text::printable(&id))?;
    for (number, life) in (1..).zip(lives.iter().take(MAX_LIVES)) {
        writeln!(output, "\nlife {number} of {}", lives.len())?;
        write_life(life, &records, &mut output)?;
    }
    if lives.len() > MAX_LIVES {
        writeln!(output, "\nand {} more lives", lives.len() - MAX_LIVES)?;
    }
    kept.iter().filter(|row| row.container_id == id).try_for_each(|row| write_kept(row, &mut output))?;
    output.flush()?;
    Ok(if effect == Effect::Damage { CommandStatus::Incomplete } else { CommandStatus::Done })
}

/// Writes the lines about the rows of a life, each once, and its records.
fn write_life(life: &LifeRows, records: &BTreeMap<u64, String>, output: &mut impl Write) -> io::Result<()> {
    // Identity and place are mostly the same from row to row.
    let mut written = BTreeSet::new();
    for line in life.rows.iter().flat_map(row_lines) {
        if !written.contains(&line) {
            writeln!(output, "  {}", text::printable(&line))?;
            written.insert(line);
        }
    }
    writeln!(output, "  records:")?;
    for seq in life.evidence().take(MAX_RECORDS) {
        let line = records.get(&seq).map_or("this record could not be read", String::as_str);
        writeln!(output, "    {seq:>8}  {line}")?;
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
    row.fields.iter().try_for_each(|(column, value)| writeln!(output, "  {column}: {}", text::printable(value)))
}
