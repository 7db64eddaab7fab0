//! Explanation of a container's rows: its lives, the records that they follow from ([`trace`]), and
//! what they tell, in words ([`story`]).

mod id_search;
mod kept;
mod life;
mod quick;
mod record_text;
pub mod story;
pub mod trace;

pub use id_search::{IdSearchResult, MIN_PREFIX_CHARACTERS};
pub use kept::{KeptRow, kept_rows};
pub use life::LifeRows;

use std::collections::BTreeMap;

use obit_case::{Case, Problem};
use obit_derivation::{Profile, Row};

use crate::derive::derive_rows;
use crate::error::Error;
use id_search::{MAX_LISTED_IDS, is_prefix};

/// The answer to the search for a container.
#[derive(Debug)]
pub struct ContainerSearch {
    /// The container, or the reason why there is not exactly one.
    pub matches: IdSearchResult,
    /// The problems that reading the case met.
    pub problems: Vec<Problem>,
}

/// Finds the container with an id, or else the one whose id begins with
/// [`MIN_PREFIX_CHARACTERS`] or more characters, and derives its rows.
///
/// Reads only the records that have to do with the container if the rows that follow from these are
/// those that were recorded, and else the whole log.
///
/// # Errors
/// The records cannot be read.
pub fn find(case: &Case, asked: &str) -> Result<ContainerSearch, Error> {
    if let Some(matches) = quick::find(case, asked)? {
        return Ok(ContainerSearch { matches, problems: Vec::new() });
    }
    let fits = |row: &Row| {
        let id = row.identity().container_id.as_str();
        id == asked || (is_prefix(asked) && id.starts_with(asked))
    };
    let mut rows = derive_rows(case, Profile::Strict)?.matching(fits);
    let mut lives_by_id: BTreeMap<String, Vec<LifeRows>> = BTreeMap::new();
    for row in rows.by_ref() {
        let row = row?;
        let id = row.identity().container_id.as_str();
        // One more than is listed shows that there are more.
        let has_room = id == asked || lives_by_id.contains_key(id) || lives_by_id.len() <= MAX_LISTED_IDS;
        if has_room {
            life::add(lives_by_id.entry(id.to_owned()).or_default(), row);
        }
    }
    Ok(ContainerSearch { matches: IdSearchResult::choose(lives_by_id, asked), problems: rows.problems().to_vec() })
}
