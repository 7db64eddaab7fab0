//! What runtimes said of places that no walk has shown yet.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::claims::{Claim, OwnedClaim};
use crate::record::HierarchyId;

/// Places kept at most. A host at its limits runs some thousands of containers, on ten hierarchies each.
const MAX_PLACES: usize = 262_144;
/// Further claims kept about one container.
const MAX_CLAIMS: usize = 8;

/// EndReports of the form "the container's root is here", waiting for the walk that shows the place.
#[derive(Debug, Default)]
pub(super) struct PendingByPath {
    by_place: BTreeMap<(HierarchyId, String), usize>,
    by_id: BTreeMap<Arc<str>, Vec<usize>>,
    statements: Vec<Vec<OwnedClaim>>,
}

impl PendingByPath {
    /// Keeps a claim: for the places that it names, or beside those kept already that it completes.
    pub fn keep(&mut self, claim: &Claim<'_>, places: &[(HierarchyId, Cow<'_, str>)]) {
        if places.is_empty() {
            let Some((id, numbers)) = self.by_id.get_key_value(claim.container_id) else { return };
            for number in numbers {
                if let Some(claims) = self.statements.get_mut(*number)
                    && claims.len() < MAX_CLAIMS
                    && claims.iter().all(|have| have.agrees_on_home(claim))
                {
                    claims.push(OwnedClaim::new(Arc::clone(id), claim));
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
        let id: Arc<str> = claim.container_id.into();
        self.statements.push(Vec::from([OwnedClaim::new(Arc::clone(&id), claim)]));
        self.by_id.entry(id).or_default().push(number);
    }

    /// Takes what was stated of a place; a second directory in the same place is another container's.
    pub fn take(&mut self, hierarchy: HierarchyId, path: &str) -> Vec<OwnedClaim> {
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
