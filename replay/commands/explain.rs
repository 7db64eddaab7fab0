//! `explain`: from which records, and by which rule, do a container's rows follow?

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use obit_analysis::explain::{MAX_INCARNATIONS, MAX_RECORDS, choose, explain, fetch, find, quick};
use obit_analysis::problems::{self, Effect};
use obit_schema::text;

use crate::Outcome;
use crate::cli::ExplainArgs;
use crate::output::problems::report_problems;

pub fn run(args: &ExplainArgs) -> anyhow::Result<Outcome> {
    let case = problems::open(&args.case)?;
    let rows = match quick::find(&case, &args.container_id)? {
        Some(rows) => rows,
        None => find(&case, &args.container_id)?,
    };
    let effect = report_problems(&case, &problems::all(&case, &rows.problems));
    let outcome = if effect == Effect::Damage { Outcome::Unusable } else { Outcome::Ok };
    let (id, lives) = choose(rows, &args.container_id, effect)?;

    let wanted: BTreeSet<u64> = lives.iter().flat_map(|life| life.evidence().take(MAX_RECORDS)).collect();
    let evidence = fetch(&case, &wanted)?;
    let mut output = BufWriter::new(io::stdout().lock());
    let shown = lives.iter().take(MAX_INCARNATIONS);
    writeln!(output, "container {}", text::printable(&id))?;
    for (number, life) in (1..).zip(shown) {
        let heading = format!("life {number} of {}", lives.len());
        output.write_all(explain(&heading, life, &evidence).as_bytes())?;
    }
    if lives.len() > MAX_INCARNATIONS {
        writeln!(output, "\nand {} more lives", lives.len() - MAX_INCARNATIONS)?;
    }
    output.flush()?;
    Ok(outcome)
}
