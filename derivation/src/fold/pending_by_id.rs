//! Claims about container ids that have no directory yet.
//!
//! An engine tells of a container before it asks its OCI runtime to make one: docker's `create`,
//! and containerd's `/containers/create`, which is the only event of containerd that names the
//! image. The container itself may live for some milliseconds only, too short to ask about it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::claims::{Claim, ClaimSet, OwnedClaim};

/// Most ids kept; the oldest go first.
const MAX_IDS: usize = 8_192;
/// Most claims kept about one id: one from each source, and an id may be in use in several
/// namespaces.
const MAX_CLAIMS: usize = 16;

/// Claims by the container id that they name.
#[derive(Debug, Default)]
pub(super) struct PendingById {
    by_id: BTreeMap<Arc<str>, Vec<OwnedClaim>>,
    order: VecDeque<Arc<str>>,
}

impl PendingById {
    /// Keeps a claim. It is about no life in particular, so what holds for one life only is left
    /// out.
    pub fn add(&mut self, mut claim: Claim<'_>) {
        claim.forget_this_life();
        let id = match self.by_id.get_key_value(claim.container_id) {
            Some((id, _)) => Arc::clone(id),
            None => {
                let id = Arc::from(claim.container_id);
                self.order.push_back(Arc::clone(&id));
                if self.order.len() > MAX_IDS
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.by_id.remove(&oldest);
                }
                id
            }
        };
        let claims = self.by_id.entry(Arc::clone(&id)).or_default();
        if claims.len() < MAX_CLAIMS {
            claims.push(OwnedClaim::new(id, &claim));
        }
    }

    /// Adds the claims about an id to those about a life of it. They stay, since the container may
    /// be started again.
    pub fn complete(&self, claims: &mut ClaimSet) {
        if self.by_id.is_empty() {
            return; // no engine tells of containers in advance
        }
        let Some(id) = claims.container_id() else { return };
        for claim in self.by_id.get(&**id).into_iter().flatten() {
            let claim = claim.borrow();
            if claims.iter().all(|have| have.agrees_on_home(&claim)) {
                claims.add(&claim);
            }
        }
    }
}
