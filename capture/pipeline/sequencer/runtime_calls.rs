//! The calls of OCI runtimes that made containers, as far as look-ups need them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use obit_derivation::CgroupKey;

/// Calls that are remembered, so that the ten directories of one container lead to one look at its
/// bundle.
const RECENT_CALLS: usize = 64;
/// Containers whose state directory is remembered.
const MAX_STATES: usize = 131_072;
/// State directories (`--root`) that are remembered. A host has some; more could be made up to fill
/// this memory.
const MAX_ROOTS: usize = 1_024;

/// Recent calls, and where the runtimes keep the state of their containers.
#[derive(Debug, Default)]
pub struct RuntimeCalls {
    /// Caller and container id of each call, the oldest first.
    recent: VecDeque<(u32, String)>,
    states: BTreeMap<CgroupKey, StateDirectory>,
    /// The `--root` directories, each once.
    roots: BTreeSet<Arc<str>>,
}

/// The directory in which a runtime keeps the state of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDirectory {
    /// The runtime's state directory (`--root`).
    pub root: Arc<str>,
    /// The directory of the container in it.
    pub container_id: Box<str>,
}

impl RuntimeCalls {
    /// Remembers a call. Returns whether it is new: the other directories of the same container
    /// come of the same call.
    pub fn insert(&mut self, pid: u32, container_id: &str) -> bool {
        if self.recent.iter().any(|(caller, id)| *caller == pid && id == container_id) {
            return false;
        }
        if self.recent.len() >= RECENT_CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back((pid, container_id.to_owned()));
        true
    }

    /// Remembers where the state of a container is, by one of its directories.
    pub fn insert_state(&mut self, key: CgroupKey, root: &str, container_id: &str) {
        if self.states.len() >= MAX_STATES {
            return;
        }
        let root = match self.roots.get(root) {
            Some(root) => Arc::clone(root),
            None => {
                if self.roots.len() >= MAX_ROOTS {
                    self.roots.retain(|root| Arc::strong_count(root) > 1);
                }
                let root: Arc<str> = root.into();
                if self.roots.len() < MAX_ROOTS {
                    self.roots.insert(Arc::clone(&root));
                }
                root
            }
        };
        self.states.insert(key, StateDirectory { root, container_id: container_id.into() });
    }

    /// Returns where the state of a container is.
    pub fn state(&self, key: CgroupKey) -> Option<&StateDirectory> {
        self.states.get(&key)
    }

    /// Forgets where the state of a container is, and returns it.
    pub fn remove_state(&mut self, key: CgroupKey) -> Option<StateDirectory> {
        self.states.remove(&key)
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::{CgroupId, HierarchyId};

    use super::*;

    fn key(number: u64) -> CgroupKey {
        CgroupKey { hierarchy: HierarchyId(0), cgroup: CgroupId(number) }
    }

    #[test]
    fn a_call_is_new_once() {
        let mut calls = RuntimeCalls::default();
        assert!(calls.insert(1, "a"));
        assert!(!calls.insert(1, "a"));
        assert!(calls.insert(2, "a") && calls.insert(1, "b"), "another call, another container");
        for number in 0..RECENT_CALLS {
            calls.insert(3, &number.to_string());
        }
        assert!(calls.insert(1, "a"), "long ago");
        assert!(calls.recent.len() <= RECENT_CALLS);
    }

    #[test]
    fn state_directories_are_kept_once_and_bounded() {
        let mut calls = RuntimeCalls::default();
        for number in 0..10 {
            calls.insert_state(key(number), "/run/runc", "a");
        }
        assert_eq!(calls.roots.len(), 1);
        for number in 10..10 + 3 * MAX_ROOTS as u64 {
            calls.insert_state(key(number), &format!("/tmp/{number}"), "a");
        }
        assert!(calls.roots.len() <= MAX_ROOTS);
        let last = 9 + 3 * MAX_ROOTS as u64;
        let known = StateDirectory { root: format!("/tmp/{last}").into(), container_id: "a".into() };
        assert_eq!(calls.state(key(last)), Some(&known), "known all the same");
        // Those whose containers are gone make room.
        calls.states.clear();
        calls.insert_state(key(1), "/run/crun", "a");
        assert_eq!(calls.roots.iter().map(|root| &**root).collect::<Vec<_>>(), ["/run/crun"]);
    }
}
