//! What runtimes said of places that no walk has shown yet.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::claim::Claim;
use crate::record::HierarchyId;

/// Places kept at most. A host at its limits runs some thousands of containers, on ten hierarchies each.
const MAX_PLACES: usize = 262_144;
/// Further claims kept about one container.
const MAX_CLAIMS: usize = 8;

/// Statements of the form "the container's root is here", waiting for the walk that shows the place.
#[derive(Debug, Default)]
pub(super) struct Stated {
    by_place: BTreeMap<(HierarchyId, String), usize>,
    by_id: BTreeMap<String, Vec<usize>>,
    statements: Vec<Vec<Claim<'static>>>,
}

impl Stated {
    /// Keeps a claim: for the places that it names, or beside those kept already that it completes.
    pub fn keep(&mut self, claim: Claim<'_>, places: &[(HierarchyId, Cow<'_, str>)]) {
        if places.is_empty() {
            for number in self.by_id.get(&*claim.container_id).into_iter().flatten() {
                if let Some(claims) = self.statements.get_mut(*number)
                    && claims.len() < MAX_CLAIMS
                    && claims.iter().all(|have| have.agrees_on_home(&claim))
                {
                    claims.push(claim.clone().into_owned());
                }
            }
            return;
        }
        if self.by_place.len() + places.len() > MAX_PLACES {
            return;
        }
        let number = self.statements.len();
        for (hierarchy, path) in places {
            self.by_place.insert((*hierarchy, path.as_ref().to_owned()), number);
        }
        let claim = claim.into_owned();
        self.by_id.entry(String::from(&*claim.container_id)).or_default().push(number);
        self.statements.push(Vec::from([claim]));
    }

    /// Takes what was stated of a place; a second directory in the same place is another container's.
    pub fn take(&mut self, hierarchy: HierarchyId, path: &str) -> Vec<Claim<'static>> {
        if self.by_place.is_empty() {
            return Vec::new(); // nearly always: spares the copy below
        }
        let number = self.by_place.remove(&(hierarchy, path.to_owned()));
        number.and_then(|number| self.statements.get(number)).cloned().unwrap_or_default()
    }

    /// Forgets all: a place that the walk did not show was stale.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
