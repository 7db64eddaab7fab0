//! Filters of derived rows, by who a container was, why it ended and when.
//!
//! A filter comes after the derivation and changes nothing in it: the rows that it leaves are the
//! rows of the whole case, value by value. Both programs take filters by the same options, which
//! the feature `args` adds.

#![forbid(unsafe_code)]

#[cfg(feature = "args")]
pub mod args;
mod pattern;

use obit_derivation::identity::Engine;
use obit_derivation::row::{Cause, Identity};
use obit_derivation::{Row, WallNs};

pub use pattern::{
    IdPattern, ImagePattern, KillerPattern, MIN_PREFIX_CHARACTERS, PodPattern, TextPattern, is_in_namespace,
};

/// A filter of containers by who they are: a container must fit each field that is not empty, and
/// one value of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentityFilter {
    /// Container ids, or their beginnings.
    pub containers: Vec<IdPattern>,
    /// Container names.
    pub names: Vec<TextPattern>,
    /// Kubernetes pods.
    pub pods: Vec<PodPattern>,
    /// Kubernetes namespaces, or containerd's.
    pub namespaces: Vec<TextPattern>,
    /// Images.
    pub images: Vec<ImagePattern>,
    /// Engines.
    pub runtimes: Vec<Engine>,
}

impl IdentityFilter {
    /// Returns true if the filter leaves the container.
    pub fn matches(&self, identity: &Identity) -> bool {
        fits(&self.containers, |id| id.matches(&identity.container_id))
            && fits(&self.names, |name| identity.container_name.as_deref().is_some_and(|text| name.matches(text)))
            && fits(&self.pods, |pod| pod.matches(identity))
            && fits(&self.namespaces, |namespace| is_in_namespace(namespace, identity))
            && fits(&self.images, |image| image.matches(identity))
            && fits(&self.runtimes, |runtime| identity.runtime == Some(*runtime))
    }
}

/// A filter of derived rows: a row must fit each field that is not empty, and one value of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowFilter {
    /// The container that the row is about.
    pub identity: IdentityFilter,
    /// Causes of an end.
    pub causes: Vec<Cause>,
    /// Exit codes, by the kernel's word.
    pub exit_codes: Vec<u8>,
    /// Tasks that ended a container, or asked it to end.
    pub killers: Vec<KillerPattern>,
    /// First moment, by the rows' own time `ts`.
    pub since: Option<WallNs>,
    /// Last moment, by the rows' own time `ts`.
    pub until: Option<WallNs>,
}

impl RowFilter {
    /// Returns true if the filter leaves the row.
    pub fn matches(&self, row: &Row) -> bool {
        let death = row.death();
        let killer = death.and_then(|death| death.killed_by.as_ref());
        self.since.is_none_or(|since| since <= row.ts())
            && self.until.is_none_or(|until| row.ts() <= until)
            && self.identity.matches(row.identity())
            && fits(&self.causes, |cause| death.is_some_and(|death| death.cause == *cause))
            && fits(&self.exit_codes, |code| death.is_some_and(|death| death.exit_code == Some(*code)))
            && fits(&self.killers, |pattern| killer.is_some_and(|killer| pattern.matches(killer)))
    }

    /// Returns true if the filter leaves every row.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the columns that decide, by the names that they have in a case. A table without one
    /// of them has no row that fits.
    pub fn columns(&self) -> Vec<&'static str> {
        // All tables have the container's id, its runtime and a time.
        let IdentityFilter { containers: _, names, pods, namespaces, images, runtimes: _ } = &self.identity;
        [
            (names.is_empty(), "container_name"),
            (pods.is_empty(), "pod_name"),
            (namespaces.is_empty(), "pod_namespace"),
            (images.is_empty(), "image_name"),
            (self.causes.is_empty(), "cause"),
            (self.exit_codes.is_empty(), "exit_code"),
            (self.killers.is_empty(), "killed_by_pid"),
        ]
        .into_iter()
        .filter(|(is_empty, _)| !is_empty)
        .map(|(_, column)| column)
        .collect()
    }
}

/// Returns true if a field asks for nothing, or for something that is there.
fn fits<T>(wanted: &[T], is_there: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::row::{ContainerCreate, ContainerRemove, Death};

    fn removal(name: &str, cause: Cause, ts: i64) -> Row {
        let identity = Identity { container_name: Some(name.to_owned()), ..Identity::default() };
        let death = Death { cause, ..Death::default() };
        Row::Remove(ContainerRemove { ts: WallNs(ts), identity, death, ..ContainerRemove::default() })
    }

    #[test]
    fn of_one_field_any_value_fits_and_all_fields_must() {
        let names = ["web", "db"].map(|name| name.parse().expect("a pattern")).to_vec();
        let identity = IdentityFilter { names, ..IdentityFilter::default() };
        let filter = RowFilter { identity, causes: vec![Cause::Exited], ..RowFilter::default() };
        assert!(filter.matches(&removal("web", Cause::Exited, 0)) && filter.matches(&removal("db", Cause::Exited, 0)));
        assert!(!filter.matches(&removal("web", Cause::Signalled, 0)));
        assert!(!filter.matches(&removal("app", Cause::Exited, 0)));
        assert!(RowFilter::default().matches(&removal("app", Cause::Unknown, 0)));
    }

    #[test]
    fn both_ends_of_a_time_are_in_it() {
        let filter = RowFilter { since: Some(WallNs(5)), until: Some(WallNs(7)), ..RowFilter::default() };
        let fitting: Vec<i64> = (0..10).filter(|ts| filter.matches(&removal("a", Cause::Exited, *ts))).collect();
        assert_eq!(fitting, [5, 6, 7]);
    }

    #[test]
    fn a_row_without_an_end_has_no_cause() {
        let filter = RowFilter { causes: vec![Cause::Unknown], ..RowFilter::default() };
        assert!(!filter.matches(&Row::Create(ContainerCreate::default())));
        assert_eq!(filter.columns(), ["cause"]);
    }
}
