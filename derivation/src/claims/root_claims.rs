//! Claims about one directory.

use alloc::vec::Vec;

use super::claim::Claim;
use super::observed_directory::ObservedDirectory;
use super::owned_claim::OwnedClaim;
use crate::identity::argv::Invocation;
use crate::identity::{Engine, path};
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
        let mut by_path = Claim::of_path(seq, &observed.identity);
        let by_argv = call.filter(|call| is_about(call, observed, by_path.as_ref()));
        // With a number of its own, LXC's directory says no more than the monitor does.
        if by_argv.is_some_and(|call| call.oci_runtime.is_none() && call.container_id != id_of(by_path.as_ref())) {
            by_path = None;
        }
        let by_argv = by_argv.map(|call| Claim::of_argv(seq, call));
        // Nearly always nothing was pending.
        let pending = if pending.is_empty() { Vec::new() } else { pending.iter().map(OwnedClaim::borrow).collect() };
        Self { by_argv, pending, by_path }
    }

    /// Returns the claim of a call that begins a container in a directory.
    pub fn of_call(call: Claim<'a>) -> Self {
        Self { by_argv: Some(call), ..Self::default() }
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

/// Returns true if a directory that a call made or removed is its container's root.
///
/// If an OCI runtime makes what looks like another container's root, the runtime is believed; the
/// path becomes a conflict. LXC's monitor makes directories for itself too, so the path must name
/// its container.
fn is_about(call: &Invocation<'_>, observed: &ObservedDirectory<'_>, by_path: Option<&Claim<'_>>) -> bool {
    if call.oci_runtime.is_none() {
        return by_path
            .is_some_and(|claim| claim.runtime == Some(Engine::Lxc) && call.explains_path_id(claim.container_id));
    }
    by_path.is_some() && call.verb.makes_directories() || path::names_container(observed.path, call.container_id)
}

/// Returns the id that a claim names, or nothing.
fn id_of<'a>(claim: Option<&Claim<'a>>) -> &'a str {
    claim.map_or("", |claim| claim.container_id)
}
