//! What was said of containers that have no directory yet.
//!
//! An engine tells of a container before it asks its OCI runtime to make one: docker's `create`, and containerd's
//! `/containers/create`, which is the only event of containerd that names the image. The container itself may live for
//! some milliseconds only, too short to ask about it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use super::claim::{Claim, Claims};

/// Ids kept at most; the oldest go first.
const MAX_IDS: usize = 8_192;
/// Claims kept of one id: one a source, and an id may be in use in several namespaces.
const MAX_CLAIMS: usize = 16;

/// Claims that wait for their container.
#[derive(Debug, Default)]
pub(super) struct Foretold {
    by_id: BTreeMap<String, Vec<Claim<'static>>>,
    order: VecDeque<String>,
}

impl Foretold {
    /// Keeps a claim. It is about no life in particular, so what is of one life only is left out.
    pub fn keep(&mut self, claim: Claim<'_>) {
        let mut claim = claim.into_owned();
        claim.forget_this_life();
        let claims = match self.by_id.get_mut(&*claim.container_id) {
            Some(claims) => claims,
            None => {
                self.order.push_back(String::from(&*claim.container_id));
                if self.order.len() > MAX_IDS
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.by_id.remove(&oldest);
                }
                self.by_id.entry(String::from(&*claim.container_id)).or_default()
            }
        };
        if claims.len() < MAX_CLAIMS {
            claims.push(claim);
        }
    }

    /// Gives what was said of an id to a life of the one that its claims name. It stays: the container may be started again.
    pub fn tell(&self, claims: &mut Claims) {
        let Some(id) = claims.container_id() else { return };
        for claim in self.by_id.get(id).into_iter().flatten() {
            if claims.iter().all(|have| have.agrees_on_home(claim)) {
                claims.add(claim.clone());
            }
        }
    }
}
