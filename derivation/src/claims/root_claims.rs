//! Claims about one directory.

use alloc::vec::Vec;

use super::claim::Claim;
use super::observed_directory::ObservedDirectory;
use super::owned_claim::OwnedClaim;
use crate::identity::argv::Invocation;
use crate::identity::path;
use crate::record::Seq;

/// The claims that make a directory a container's root. A directory without one is no root, as far
/// as known now.
#[derive(Default)]
pub(crate) struct RootClaims<'a> {
    pub by_argv: Option<Claim<'a>>,
    pending: Vec<Claim<'a>>,
    by_path: Option<Claim<'a>>,
}

impl<'a> RootClaims<'a> {
    /// Collects the claims about a directory that a record shows: by `call`, which made or removed
    /// it, by the claims that were pending for its path, and by the path itself.
    pub fn of(
        seq: Seq,
        observed: &'a ObservedDirectory<'_>,
        call: Option<&Invocation<'a>>,
        pending: &'a [OwnedClaim],
    ) -> Self {
        let by_path = Claim::of_path(seq, &observed.identity);
        // If a runtime makes what looks like another container's root, the runtime is believed; the
        // path becomes a conflict.
        let is_about = |call: &&Invocation<'_>| {
            by_path.is_some() && call.verb.makes_directories()
                || path::names_container(observed.path, call.container_id)
        };
        let by_argv = call.filter(is_about).map(|call| Claim::of_argv(seq, call));
        // Nearly always nothing was pending.
        let pending = if pending.is_empty() { Vec::new() } else { pending.iter().map(OwnedClaim::borrow).collect() };
        Self { by_argv, pending, by_path }
    }

    /// Iterates over the claims, the most trusted first.
    pub fn iter(&self) -> impl Iterator<Item = &Claim<'a>> {
        self.by_argv.iter().chain(&self.pending).chain(&self.by_path)
    }

    /// Returns true if nothing makes the directory a root.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns the container id by the most trusted claim.
    pub fn container_id(&self) -> Option<&'a str> {
        self.iter().next().map(|claim| claim.container_id)
    }
}
