//! The memory limit at which the OOM killer came.

use alloc::string::{String, ToString};

use super::evidence::OomVictim;
use crate::record::{CgroupKey, OomLimit};
use crate::row::LimitScope;

/// A container's root directory on one hierarchy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RootPath<'a> {
    pub key: CgroupKey,
    pub path: &'a str,
}

/// Tells whose memory limit the OOM killer came for, seen from the container, and the path of the
/// cgroup that had it.
///
/// The OOM killer runs for the memory cgroup whose limit was reached, or for the host
/// (`oom_control.memcg` of include/linux/oom.h); the record names that cgroup and its depth.
pub(super) fn limit_of(victim: &OomVictim, roots: &[RootPath<'_>]) -> (Option<LimitScope>, Option<String>) {
    let (key, level) = match victim.limit {
        None => return (None, None),
        Some(OomLimit::Host) => return (Some(LimitScope::Host), None),
        Some(OomLimit::Cgroup(key, level)) => (key, level),
    };
    if let Some(root) = roots.iter().find(|root| root.key == key) {
        return (Some(LimitScope::Own), Some(root.path.to_string()));
    }
    let Some(root) = roots.iter().find(|root| root.key.hierarchy == key.hierarchy) else {
        return (None, None);
    };
    // Above the root there is one directory at each depth.
    let names = root.path.split('/').filter(|name| !name.is_empty());
    let depth = usize::try_from(level).unwrap_or(usize::MAX);
    if depth >= names.clone().count() {
        return (Some(LimitScope::Inside), None);
    }
    let path: String = names.take(depth).flat_map(|name| ["/", name]).collect();
    (Some(LimitScope::Ancestor), Some(path))
}
