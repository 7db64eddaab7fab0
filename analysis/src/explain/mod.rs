//! Explanation of a container's rows: its lives, the records that they follow from ([`trace`]), and
//! what they tell, in sentences ([`story`]) and as a text ([`text`]).

mod explanation;
mod kept;
mod life;
mod numbering;
mod quick;
mod record_text;
mod search;
mod search_row;
pub mod story;
pub mod text;
pub mod trace;
mod wrap;

pub use explanation::{ContainerLives, Explanation};
pub use kept::{KeptRow, kept_rows};
pub use life::LifeRows;
pub use numbering::LifeNumbering;
pub use search::{ContainerSummary, SearchResult};

use std::collections::{BTreeMap, BTreeSet};

use obit_case::{Case, Problem};
use obit_derivation::{Profile, Row};

use crate::derive::derive_rows;
use crate::error::Error;
use crate::filter::RowFilter;
use search::Candidates;

/// The answer to the search for a container.
#[derive(Debug)]
pub struct ContainerSearch {
    /// The container, or the reason why there is not exactly one.
    pub matches: SearchResult,
    /// The problems that reading the case met.
    pub problems: Vec<Problem>,
}

/// Finds the container that a text stands for, and derives its rows: the one with this id, else the
/// only one with this name or with an id that begins so, else the only one of this pod, else the
/// only one of this image. The text may be a pattern, as in [`filter`](crate::filter).
///
/// Of several containers, those count that have a row which the filter leaves, and of the
/// container's lives those with such a row.
///
/// Reads only the records that have to do with the container if the rows that follow from these are
/// those that were recorded, and else the whole log.
///
/// # Errors
/// The records cannot be read.
pub fn find(case: &Case, asked: &str, filter: &RowFilter) -> Result<ContainerSearch, Error> {
    if let Some(lives) = quick::find(case, asked)? {
        let matches = SearchResult::one(asked.to_owned(), lives, filter);
        return Ok(ContainerSearch { matches, problems: Vec::new() });
    }
    let (candidates, problems) = Candidates::find(case, asked, filter)?;
    let (mut containers, has_more) = candidates.into_meant();
    let container_id = match (containers.pop(), containers.as_slice()) {
        (None, _) => return Ok(ContainerSearch { matches: SearchResult::None, problems }),
        (Some(only), []) => only.container_id,
        (Some(last), _) => {
            containers.push(last);
            return Ok(ContainerSearch { matches: SearchResult::Several { containers, has_more }, problems });
        }
    };
    if let Some(lives) = quick::find(case, &container_id)? {
        return Ok(ContainerSearch { matches: SearchResult::one(container_id, lives, filter), problems });
    }
    let is_wanted = |row: &Row| row.identity().container_id == container_id;
    let mut rows = derive_rows(case, Profile::Strict)?.matching(is_wanted);
    let mut lives = Vec::new();
    for row in rows.by_ref() {
        life::add(&mut lives, row?);
    }
    let problems = rows.problems().to_vec();
    drop(rows);
    // Recorded rows may name a container that does not follow from the log.
    let matches = if lives.is_empty() { SearchResult::None } else { SearchResult::one(container_id, lives, filter) };
    Ok(ContainerSearch { matches, problems })
}

/// Derives the rows of several containers, and returns the lives of each, in the order in which
/// they began.
///
/// # Errors
/// The records cannot be read.
pub fn lives_of(case: &Case, containers: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<LifeRows>>, Error> {
    let mut lives: BTreeMap<String, Vec<LifeRows>> = BTreeMap::new();
    let is_wanted = |row: &Row| containers.contains(&row.identity().container_id);
    for row in derive_rows(case, Profile::Strict)?.matching(is_wanted) {
        let row = row?;
        life::add(lives.entry(row.identity().container_id.clone()).or_default(), row);
    }
    Ok(lives)
}
