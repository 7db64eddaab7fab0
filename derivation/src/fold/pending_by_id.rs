//! Claims about container ids that have no directory yet.
//!
//! An engine tells of a container before it asks its OCI runtime to make one: docker's `create`,
//! and containerd's `/containers/create`, which is the only event of containerd that names the
//! image. The container itself may live for some milliseconds only, too short to ask about it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::claims::{Claim, ClaimSet};
use crate::record::{Source, WallNs};

/// Most ids kept; the oldest go first.
const MAX_IDS: usize = 8_192;
/// Most containers kept of one id: it may be in use in several namespaces.
const MAX_HOMES: usize = 16;
/// Most deleted containers kept; the oldest go first.
const MAX_DELETED: usize = 64;

/// Claims by the container id that they name.
#[derive(Debug, Default)]
pub(super) struct PendingById {
    /// Of each id, the containers that have it: those whose claims agree on where they are kept.
    by_id: BTreeMap<Arc<str>, Vec<PendingContainer>>,
    order: VecDeque<Arc<str>>,
    /// Containers that were deleted by all that was read. The making of their directories may still
    /// be read, by a recorder that was held up.
    deleted: VecDeque<DeletedContainer>,
}

/// What is claimed of a container.
#[derive(Debug)]
struct PendingContainer {
    claims: ClaimSet,
    /// When it was created, if its engine told.
    created_at: Option<WallNs>,
}

/// What was claimed of a container until its engine deleted it.
#[derive(Debug)]
struct DeletedContainer {
    container_id: Arc<str>,
    container: PendingContainer,
    deleted_at: WallNs,
}

impl PendingById {
    /// Keeps a claim beside those about the same container. It is about no life in particular, so
    /// what holds for one life only is left out. `created_at`: the claim is that of its creation.
    pub fn add(&mut self, mut claim: Claim<'_>, created_at: Option<WallNs>) {
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
        if let Some(container) = containers.iter_mut().find(|container| container.claims.agree_on_home(&claim)) {
            container.claims.add(&claim);
            container.created_at = created_at.or(container.created_at);
        } else if containers.len() < MAX_HOMES {
            let mut claims = ClaimSet::default();
            claims.add_sharing(&claim, Some(&id));
            containers.push(PendingContainer { claims, created_at });
        }
    }

    /// Takes over what a claim changes about a container that is kept.
    pub fn update(&mut self, mut claim: Claim<'_>) {
        let Some(containers) = self.by_id.get_mut(claim.container_id) else { return };
        claim.forget_this_life();
        let is_same = |claims: &&mut ClaimSet| claims.agree_on_home(&claim) && claims.is_changed_by(&claim);
        if let Some(claims) = containers.iter_mut().map(|container| &mut container.claims).find(is_same) {
            claims.add(&claim);
        }
    }

    /// Keeps what is claimed of the container that a claim is about as that of one that was deleted
    /// at this moment.
    pub fn keep_deleted(&mut self, claim: &Claim<'_>, deleted_at: WallNs) {
        let Some((id, containers)) = self.by_id.get_key_value(claim.container_id) else { return };
        let Some(container) = containers.iter().find(|container| container.claims.agree_on_home(claim)) else { return };
        if self.deleted.len() >= MAX_DELETED {
            self.deleted.pop_front();
        }
        let container = PendingContainer { claims: container.claims.for_next_life(), created_at: container.created_at };
        self.deleted.push_back(DeletedContainer { container_id: Arc::clone(id), container, deleted_at });
    }

    /// Forgets what the source of a claim has said of the container that the claim is about: at
    /// that source it is no more, or another one takes its id. What others say stays: docker makes
    /// an object of containerd's for each life of its container.
    pub fn forget(&mut self, claim: &Claim<'_>) {
        let Some(containers) = self.by_id.get_mut(claim.container_id) else { return };
        for container in containers.iter_mut().filter(|container| container.claims.agree_on_home(claim)) {
            container.claims.forget_source(claim.source);
        }
        self.drop_if_empty(claim.container_id);
    }

    /// Forgets what a source has said of all containers with an id.
    pub fn forget_source(&mut self, container_id: &str, source: Source) {
        let Some(containers) = self.by_id.get_mut(container_id) else { return };
        containers.iter_mut().for_each(|container| container.claims.forget_source(source));
        self.drop_if_empty(container_id);
    }

    /// Drops the containers with an id of which nothing is said any more.
    fn drop_if_empty(&mut self, container_id: &str) {
        let Some(containers) = self.by_id.get_mut(container_id) else { return };
        containers.retain(|container| !container.claims.is_empty());
        if containers.is_empty() {
            self.by_id.remove(container_id);
            // Most go soon after they came.
            if let Some(place) = self.order.iter().rposition(|id| **id == *container_id) {
                self.order.remove(place);
            }
        }
    }

    /// Adds the claims about an id to those about a life of it that began at this moment of the
    /// wall clock; without one, nobody can tell the moment. They stay, since the container may be
    /// started again.
    pub fn complete(&self, claims: &mut ClaimSet, began_at: Option<WallNs>) {
        let is_late = |deleted: &DeletedContainer| began_at.is_some_and(|began| began <= deleted.deleted_at);
        // Most lives begin after all that was deleted.
        let has_deleted = self.deleted.back().is_some_and(is_late);
        if self.by_id.is_empty() && !has_deleted {
            return; // no engine tells of containers in advance
        }
        let Some(id) = claims.container_id().cloned() else { return };
        let is_created = |container: &&PendingContainer| {
            container.created_at.zip(began_at).is_none_or(|(created, began)| created <= began)
        };
        let kept = self.by_id.get(&*id).into_iter().flatten();
        let deleted = self.deleted.iter().rev().take_while(|_| has_deleted);
        let deleted = deleted.filter(|deleted| is_late(deleted) && deleted.container_id == id);
        for container in kept.chain(deleted.map(|deleted| &deleted.container)).filter(is_created) {
            if container.claims.iter().all(|claim| claims.agree_on_home(&claim.borrow())) {
                claims.add_all(&container.claims);
            }
        }
    }
}
