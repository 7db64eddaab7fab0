//! Claims about container ids that have no directory yet.
//!
//! An engine tells of a container before it asks its OCI runtime to make one: docker's `create`,
//! and containerd's `/containers/create`, which is the only event of containerd that names the
//! image. The container itself may live for some milliseconds only, too short to ask about it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::claims::{Claim, ClaimSet};
use crate::record::Source;

/// Most ids kept; the oldest go first.
const MAX_IDS: usize = 8_192;
/// Most containers kept of one id: it may be in use in several namespaces.
const MAX_HOMES: usize = 16;

/// Claims by the container id that they name.
#[derive(Debug, Default)]
pub(super) struct PendingById {
    /// Of each id, the containers that have it: those whose claims agree on where they are kept.
    by_id: BTreeMap<Arc<str>, Vec<ClaimSet>>,
    order: VecDeque<Arc<str>>,
}

impl PendingById {
    /// Keeps a claim beside those about the same container. It is about no life in particular, so
    /// what holds for one life only is left out.
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
        let containers = self.by_id.entry(Arc::clone(&id)).or_default();
        if let Some(claims) = containers.iter_mut().find(|claims| claims.agree_on_home(&claim)) {
            claims.add(&claim);
        } else if containers.len() < MAX_HOMES {
            let mut claims = ClaimSet::default();
            claims.add_sharing(&claim, Some(&id));
            containers.push(claims);
        }
    }

    /// Takes over what a claim changes about a container that is kept.
    pub fn update(&mut self, mut claim: Claim<'_>) {
        let Some(containers) = self.by_id.get_mut(claim.container_id) else { return };
        claim.forget_this_life();
        let is_same = |claims: &&mut ClaimSet| claims.agree_on_home(&claim) && claims.is_changed_by(&claim);
        if let Some(claims) = containers.iter_mut().find(is_same) {
            claims.add(&claim);
        }
    }

    /// Forgets what the source of a claim has said of the container that the claim is about: at
    /// that source it is no more, or another one takes its id. What others say stays: docker makes
    /// an object of containerd's for each life of its container.
    pub fn forget(&mut self, claim: &Claim<'_>) {
        let Some(containers) = self.by_id.get_mut(claim.container_id) else { return };
        for claims in containers.iter_mut().filter(|claims| claims.agree_on_home(claim)) {
            claims.forget_source(claim.source);
        }
        self.drop_if_empty(claim.container_id);
    }

    /// Forgets what a source has said of all containers with an id.
    pub fn forget_source(&mut self, container_id: &str, source: Source) {
        let Some(containers) = self.by_id.get_mut(container_id) else { return };
        containers.iter_mut().for_each(|claims| claims.forget_source(source));
        self.drop_if_empty(container_id);
    }

    /// Drops the containers with an id of which nothing is said any more.
    fn drop_if_empty(&mut self, container_id: &str) {
        let Some(containers) = self.by_id.get_mut(container_id) else { return };
        containers.retain(|claims| !claims.is_empty());
        if containers.is_empty() {
            self.by_id.remove(container_id);
            // Most go soon after they came.
            if let Some(place) = self.order.iter().rposition(|id| **id == *container_id) {
                self.order.remove(place);
            }
        }
    }

    /// Adds the claims about an id to those about a life of it. They stay, since the container may
    /// be started again.
    pub fn complete(&self, claims: &mut ClaimSet) {
        if self.by_id.is_empty() {
            return; // no engine tells of containers in advance
        }
        let Some(id) = claims.container_id() else { return };
        for container in self.by_id.get(&**id).into_iter().flatten() {
            if container.iter().all(|claim| claims.agree_on_home(&claim.borrow())) {
                claims.add_all(container);
            }
        }
    }
}
