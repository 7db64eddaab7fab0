//! Claims about paths that no walk has shown yet.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::claims::{Claim, OwnedClaim};
use crate::record::HierarchyId;

/// Most paths kept. A host at its limits runs some thousands of containers, on ten hierarchies
/// each.
const MAX_PATHS: usize = 262_144;
/// Most claims kept about one container.
const MAX_CLAIMS: usize = 8;

/// Claims of the form "the container's root is here", by path, until a walk shows it.
#[derive(Debug, Default)]
pub(super) struct PendingByPath {
    by_path: BTreeMap<(HierarchyId, String), usize>,
    by_id: BTreeMap<Arc<str>, Vec<usize>>,
    /// Claims about one container each.
    groups: Vec<Vec<OwnedClaim>>,
}

impl PendingByPath {
    /// Keeps a claim for the directories with these paths; without any, beside those kept already
    /// that it completes.
    pub fn add(&mut self, claim: &Claim<'_>, paths: &[(HierarchyId, Cow<'_, str>)]) {
        if paths.is_empty() {
            let Some((id, numbers)) = self.by_id.get_key_value(claim.container_id) else { return };
            for number in numbers {
                if let Some(claims) = self.groups.get_mut(*number)
                    && claims.len() < MAX_CLAIMS
                    && claims.iter().all(|have| have.agrees_on_home(claim))
                {
                    claims.push(OwnedClaim::new(Arc::clone(id), claim));
                }
            }
            return;
        }
        if self.by_path.len() + paths.len() > MAX_PATHS {
            return;
        }
        let number = self.groups.len();
        for (hierarchy, path) in paths {
            self.by_path.insert((*hierarchy, path.as_ref().to_owned()), number);
        }
        let id: Arc<str> = claim.container_id.into();
        self.groups.push(Vec::from([OwnedClaim::new(Arc::clone(&id), claim)]));
        self.by_id.entry(id).or_default().push(number);
    }

    /// Returns true if there are claims for a path.
    pub fn has(&self, hierarchy: HierarchyId, path: &str) -> bool {
        !self.by_path.is_empty() && self.by_path.contains_key(&(hierarchy, path.to_owned()))
    }

    /// Takes the claims for a path; a second directory with the same path is another container's.
    pub fn take(&mut self, hierarchy: HierarchyId, path: &str) -> Vec<OwnedClaim> {
        if self.by_path.is_empty() {
            return Vec::new(); // nearly always: spares the copy below
        }
        let number = self.by_path.remove(&(hierarchy, path.to_owned()));
        number.and_then(|number| self.groups.get(number)).cloned().unwrap_or_default()
    }
}
