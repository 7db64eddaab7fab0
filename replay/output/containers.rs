//! The container that an argument means.

use anyhow::bail;
use obit_analysis::explain::{IdSearchResult, LifeRows, MIN_PREFIX_CHARACTERS};
use obit_analysis::problems::Effect;

/// Returns the container that was found, or an error that tells how to name exactly one.
pub fn the_container(matches: IdSearchResult, asked: &str, effect: Effect) -> anyhow::Result<(String, Vec<LifeRows>)> {
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
