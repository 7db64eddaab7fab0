//! `explain`: the records and the rule behind each row of a container.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};

use anyhow::bail;
use obit_analysis::explain::text::{record_lines, row_lines};
use obit_analysis::explain::{IdSearchResult, LifeRows, MIN_PREFIX_CHARACTERS, find};
use obit_analysis::problems::{self, Effect};
use obit_schema::text;

use crate::cli::ExplainArgs;
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
    let (id, lives) = the_one(search.matches, &args.container_id, effect)?;

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
    output.flush()?;
    Ok(if effect == Effect::Damage { CommandStatus::Incomplete } else { CommandStatus::Done })
}

/// Returns the container that was found, or an error that tells how to name exactly one.
fn the_one(matches: IdSearchResult, asked: &str, effect: Effect) -> anyhow::Result<(String, Vec<LifeRows>)> {
    match matches {
        IdSearchResult::One { container_id, lives } => Ok((container_id, lives)),
        IdSearchResult::Several { ids, has_more } => {
            let rest = if has_more { ", and more" } else { "" };
            bail!("{asked} is the beginning of several containers' ids: {}{rest}; give more of it", ids.join(", "))
        }
        IdSearchResult::None if asked.chars().count() < MIN_PREFIX_CHARACTERS => bail!(
            "no container has the id {asked}; to find one by the beginning of its id give {MIN_PREFIX_CHARACTERS} characters or more"
        ),
        IdSearchResult::None if effect == Effect::Damage => {
            bail!("no container whose id begins with {asked} in what could be read of this case")
        }
        IdSearchResult::None => bail!(
            "no container's id begins with {asked} in this case; \
             'obit-replay derive CASE --format jsonl' lists those that ended, --event existing_container those alive before"
        ),
    }
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
