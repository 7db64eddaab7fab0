//! The containers that an id, or the beginning of one, stands for.

use std::collections::BTreeMap;

use super::life::LifeRows;

/// Fewest characters that may stand for an id which begins with them.
pub const MIN_PREFIX_CHARACTERS: usize = 4;

/// Most ids listed when a prefix fits several.
pub(super) const MAX_LISTED_IDS: usize = 20;

/// The containers that an id or the beginning of one stands for.
#[derive(Debug)]
pub enum IdSearchResult {
    /// Exactly one container.
    One {
        /// The whole id.
        container_id: String,
        /// The container's lives, in the order in which they began.
        lives: Vec<LifeRows>,
    },
    /// Several containers.
    Several {
        /// The ids, ascending; 20 at most.
        ids: Vec<String>,
        /// True if more ids fit than are listed.
        has_more: bool,
    },
    /// No container.
    None,
}

impl IdSearchResult {
    /// Chooses the container that is meant: the one with exactly this id, else the only one.
    pub(super) fn choose(mut lives_by_id: BTreeMap<String, Vec<LifeRows>>, asked: &str) -> Self {
        // A whole id is meant even if it is the beginning of another.
        let exact = lives_by_id.remove_entry(asked);
        let only = exact.or_else(|| if lives_by_id.len() == 1 { lives_by_id.pop_first() } else { None });
        match only {
            Some((container_id, lives)) => Self::One { container_id, lives },
            None if lives_by_id.is_empty() => Self::None,
            None => Self::several(lives_by_id.into_keys()),
        }
    }

    /// Lists the first of several ids.
    pub(super) fn several(ids: impl ExactSizeIterator<Item = String>) -> Self {
        let has_more = ids.len() > MAX_LISTED_IDS;
        Self::Several { ids: ids.take(MAX_LISTED_IDS).collect(), has_more }
    }
}

/// Returns true if the text is long enough to stand for ids that begin with it.
pub(super) fn is_prefix(asked: &str) -> bool {
    asked.chars().count() >= MIN_PREFIX_CHARACTERS
}
