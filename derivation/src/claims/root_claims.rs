//! What is said of one directory.

use alloc::vec::Vec;

use super::{Claim, OwnedClaim};
use crate::containers::directory::ObservedDirectory;
use crate::identity::argv::Invocation;
use crate::identity::path;
use crate::record::Seq;

/// The claims that make a directory a container's root. None: it is not one, as far as known now.
#[derive(Default)]
pub(crate) struct RootClaims<'a> {
    pub by_argv: Option<Claim<'a>>,
    stated: Vec<Claim<'a>>,
    by_path: Option<Claim<'a>>,
}

impl<'a> RootClaims<'a> {
    /// Of a directory that a record shows, with the call that made or removed it and what runtimes stated of the place.
    pub fn of(
        seq: Seq,
        sighting: &'a ObservedDirectory<'_>,
        call: Option<&Invocation<'a>>,
        stated: &'a [OwnedClaim],
    ) -> Self {
        let by_path = Claim::of_path(seq, &sighting.identity);
        // A runtime that makes what looks like another container's root is believed, and the path kept as a conflict.
        let is_about = |call: &&Invocation<'_>| {
            by_path.is_some() && call.verb.makes_directories()
                || path::names_container(sighting.path, call.container_id)
        };
        let by_argv = call.filter(is_about).map(|call| Claim::of_argv(seq, call));
        // Nearly always nothing was stated.
        let stated = if stated.is_empty() { Vec::new() } else { stated.iter().map(OwnedClaim::heard).collect() };
        Self { by_argv, stated, by_path }
    }

    /// The best first.
    pub fn iter(&self) -> impl Iterator<Item = &Claim<'a>> {
        self.by_argv.iter().chain(&self.stated).chain(&self.by_path)
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The id by the best of them.
    pub fn container_id(&self) -> Option<&'a str> {
        self.iter().next().map(|claim| claim.container_id)
    }
}
