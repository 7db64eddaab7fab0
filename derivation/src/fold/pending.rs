//! Claims about containers that have no directory yet.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::pending_by_id::PendingById;
use super::pending_by_path::PendingByPath;
use crate::claims::{Claim, ClaimSet, OwnedClaim};
use crate::record::{HierarchyId, Source, WallNs};

/// Claims about containers that have no directory yet.
#[derive(Debug, Default)]
pub(super) struct PendingClaims {
    by_id: PendingById,
    by_path: PendingByPath,
}

impl PendingClaims {
    /// Keeps a claim for the directories with these paths, or beside the claims about its container
    /// that are kept so.
    pub fn add_by_path(&mut self, claim: &Claim<'_>, paths: &[(HierarchyId, Cow<'_, str>)]) {
        self.by_path.add(claim, paths);
    }

    /// Keeps a claim for the lives of its container that begin from now on. `created_at`: the
    /// claim is that of its creation.
    pub fn add_by_id(&mut self, claim: Claim<'_>, created_at: Option<WallNs>) {
        self.by_id.add(claim, created_at);
    }

    /// Keeps what is claimed of a container that was deleted for a life of it of which is read
    /// later.
    pub fn keep_deleted(&mut self, claim: &Claim<'_>, deleted_at: WallNs) {
        self.by_id.keep_deleted(claim, deleted_at);
    }

    /// Takes over what a claim changes about a container that is kept by id.
    pub fn update_by_id(&mut self, claim: Claim<'_>) {
        self.by_id.update(claim);
    }

    /// Forgets what is kept by id about the container that a claim is about.
    pub fn forget_by_id(&mut self, claim: &Claim<'_>) {
        self.by_id.forget(claim);
    }

    /// Forgets, at the end of a run of a container, what a next one may not share. At containerd
    /// the user chooses the id, and may give it to another container, of which its own events tell
    /// late.
    pub fn forget_run(&mut self, container_id: &str) {
        self.by_id.forget_source(container_id, Source::Containerd);
    }

    /// Returns true if there are claims for the directory with this path.
    pub fn has_path(&self, hierarchy: HierarchyId, path: &str) -> bool {
        self.by_path.has(hierarchy, path)
    }

    /// Takes the claims for the directory with this path.
    pub fn take_by_path(&mut self, hierarchy: HierarchyId, path: &str) -> Vec<OwnedClaim> {
        self.by_path.take(hierarchy, path)
    }

    /// Adds the claims about a container to those about a life of it that began at this moment; a
    /// clock that was set tells none.
    pub fn complete(&self, claims: &mut ClaimSet, began_at: Option<WallNs>) {
        self.by_id.complete(claims, began_at);
    }

    /// Forgets the claims that are kept by path: a path that no walk showed was stale.
    pub fn clear_by_path(&mut self) {
        self.by_path = PendingByPath::default();
    }

    /// Takes the claims that are kept by path out, to be put back by [`Self::restore_by_path`].
    pub fn take_all_by_path(&mut self) -> PendingByPath {
        core::mem::take(&mut self.by_path)
    }

    /// Puts the claims that are kept by path back, in place of newer ones.
    pub fn restore_by_path(&mut self, by_path: PendingByPath) {
        self.by_path = by_path;
    }
}
