//! `explain`: from which records, and by which rule, do a container's rows follow?
//!
//! Two passes over the raw log: one derives the rows and keeps those of the container, one fetches the records that they
//! name as their evidence.

mod life;
pub mod quick;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::bail;
use obit_case::Case;
use obit_case::reader::RecordFilter;
use obit_derivation::Profile;

use crate::derive as rederive;
use crate::problems::Effect;
use life::LifeRows;
use obit_schema::text as safe;
use text::{record, rule};

/// Fewest characters of an id that may stand for it.
const PREFIX_CHARACTERS: usize = 4;

/// Most ids listed when a prefix fits several.
const LISTED_IDS: usize = 20;

/// Most lives explained; a crash loop makes more.
pub const MAX_INCARNATIONS: usize = 1_000;

/// Most records shown of one life.
pub const MAX_RECORDS: usize = 500;

/// What a prefix found.
pub struct Found {
    /// Incarnations by container id.
    pub lives: BTreeMap<String, Vec<LifeRows>>,
    /// Whether more ids fit than were kept.
    pub is_cut: bool,
    pub problems: Vec<obit_case::Problem>,
}

/// Derives the rows of every container whose id begins so.
pub fn find(case: &Case, prefix: &str) -> anyhow::Result<Found> {
    let mut found = Found { lives: BTreeMap::new(), is_cut: false, problems: Vec::new() };
    let pass = rederive::rows(case, Profile::Strict, |row| {
        let id = row.identity().container_id.as_str();
        let is_exact = id == prefix;
        if is_exact || (prefix.chars().count() >= PREFIX_CHARACTERS && id.starts_with(prefix)) {
            if is_exact || found.lives.contains_key(id) || found.lives.len() <= LISTED_IDS {
                life::add(found.lives.entry(id.to_owned()).or_default(), row.clone());
            } else {
                found.is_cut = true;
            }
        }
        Ok(())
    })?;
    found.problems = pass.problems;
    Ok(found)
}

/// The one container meant.
pub fn choose(mut found: Found, asked: &str, effect: Effect) -> anyhow::Result<(String, Vec<LifeRows>)> {
    // A whole id is meant even if it is the beginning of another.
    if let Some(exact) = found.lives.remove_entry(asked) {
        return Ok(exact);
    }
    if found.lives.len() > 1 {
        let mut list = String::new();
        for id in found.lives.keys().take(LISTED_IDS) {
            let _ = write!(list, "{}{id}", if list.is_empty() { "" } else { ", " });
        }
        let rest = if found.is_cut || found.lives.len() > LISTED_IDS { ", and more" } else { "" };
        bail!("{asked} is the beginning of several containers' ids: {list}{rest}; give more of it");
    }
    if let Some(only) = found.lives.pop_first() {
        return Ok(only);
    }
    if asked.chars().count() < PREFIX_CHARACTERS {
        bail!(
            "no container has the id {asked}; to find one by the beginning of its id give {PREFIX_CHARACTERS} characters or more"
        );
    }
    match effect {
        Effect::Damage => bail!("no container whose id begins with {asked} in what could be read of this case"),
        _ => bail!(
            "no container's id begins with {asked} in this case; \
             'obit-replay derive CASE --format jsonl' lists those that ended, --event existing_container those alive before"
        ),
    }
}

/// The records in question, as lines of text.
pub fn fetch(case: &Case, wanted: &BTreeSet<u64>) -> anyhow::Result<BTreeMap<u64, String>> {
    let mut lines = BTreeMap::new();
    let trail = RecordFilter { seqs: wanted.clone(), ..RecordFilter::default() };
    case.records_matching(&trail).for_each(|record| -> anyhow::Result<()> {
        if wanted.contains(&record.seq.0) {
            lines.insert(record.seq.0, record::line(record));
        }
        Ok(())
    })?;
    Ok(lines)
}

pub fn explain(heading: &str, life: &LifeRows, evidence: &BTreeMap<u64, String>) -> String {
    let mut text = format!("\n{heading}\n");
    // Writing to a String cannot fail.
    // Who and where it is mostly stays the same from row to row, and is said once.
    let mut said = BTreeSet::new();
    for line in life.rows.iter().flat_map(rule::lines) {
        if !said.contains(&line) {
            let _ = writeln!(text, "  {}", safe::printable(&line));
            said.insert(line);
        }
    }
    let _ = writeln!(text, "  records:");
    let mut shown = 0;
    for seq in life.evidence().take(MAX_RECORDS) {
        shown += 1;
        let line = evidence.get(&seq).map_or("this record could not be read", String::as_str);
        let _ = writeln!(text, "    {seq:>8}  {line}");
    }
    let hidden = life.evidence().count() - shown;
    if hidden > 0 {
        let _ = writeln!(text, "    and {hidden} more records");
    }
    text
}
