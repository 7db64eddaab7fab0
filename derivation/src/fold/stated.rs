//! What runtimes said of places that no walk has shown yet.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeMap;
use alloc::string::String;

use super::claim::Claim;
use crate::record::HierarchyId;

/// Places kept at most. A host at its limits runs some thousands of containers, on ten hierarchies each.
const MAX_PLACES: usize = 262_144;

/// Statements of the form "the container's root is here", waiting for the walk that shows the place.
#[derive(Debug, Default)]
pub(super) struct Stated {
    by_place: BTreeMap<(HierarchyId, String), Claim>,
}

impl Stated {
    /// Keeps a claim for each place that it names.
    pub fn keep(&mut self, claim: &Claim, places: &[(HierarchyId, Cow<'_, str>)]) {
        for (hierarchy, path) in places {
            if self.by_place.len() < MAX_PLACES {
                self.by_place
                    .insert((*hierarchy, path.as_ref().to_owned()), claim.clone());
            }
        }
    }

    /// Takes what was stated of a place; a second directory in the same place is another container's.
    pub fn take(&mut self, hierarchy: HierarchyId, path: &str) -> Option<Claim> {
        if self.by_place.is_empty() {
            return None; // nearly always: spares the copy below
        }
        self.by_place.remove(&(hierarchy, path.to_owned()))
    }

    /// Forgets all: a place that the walk did not show was stale.
    pub fn clear(&mut self) {
        self.by_place.clear();
    }
}
