//! Tracee's rules: the rows that Aqua's Tracee would give for the same records, errors included.
//!
//! Read from Tracee at commit 7c9ec9788ec5 (August 2026), which the line numbers here and in the
//! parts refer to:
//! - pkg/datastores/container/containers.go: the maps, the path rule, the deletion after 30 s
//! - pkg/events/derive/container_remove.go and container_create.go: the events that are reported
//! - pkg/events/usermode.go: containers that were there before
//! - pkg/ebpf/controlplane/cgroups.go: the effect of a kernel event on the maps
//! - common/cgroup/cgroup.go: the hierarchy that counts
//!
//! Tracee differs from obit in this:
//! - A removed directory is reported if its path lies in a container, whether or not it is the
//!   container's own (container_remove.go, line 27): one container, several removes, also while it
//!   runs.
//! - The path is the only source. What follows a known prefix need not be an id.
//! - Directories are keyed by the low 32 bits of their cgroup id.
//! - The container's entry is deleted 30 s after any of its directories was removed. If the
//!   container was restarted within that time, or had a directory inside removed, the later, real
//!   removal is not reported.
//! - Of v1 hierarchies, only the one with the cpuset controller counts.
//!
//! Tracee's answer also depends on what no record holds. In its place:
//! | unrecorded | here |
//! |---|---|
//! | order of its two buffers (signals change the maps, events are reported) | the signal of a kernel event first, then its event |
//! | its clock when it handles a signal, by which entries expire | the record's boot clock, which also counts time in suspend |
//! | cgroupfs searched when an event names a directory it does not know, the actor's own among them | nothing is found |
//! | `stat` of a new directory, for its creation time | not given |
//! | daemons asked for names and images, which fill other fields and may bring a deleted entry back within 10 s | not asked: those fields are not given |
//! | the end of a path that is longer than obit's bound | taken for directories inside the container that the rest names; the row says that its path is cut |
//! | signals and events that it loses under load | none lost; what the recorder lost is missing here as well |
//! | its walk of cgroupfs at the start, before its probes are attached | the recorder's first walk |
//! | order of `existing_container`, by Go's random order of maps | the order of the walk |
//!
//! The rows are those of [`crate::row`]. Only the fields that Tracee fills mean something:
//! `runtime` ([`Unknown`](crate::identity::Engine::Unknown) is its `unknown`) and `container_id`,
//! the time, the directory of the event, the task's pid, uid and name, and the records.

mod fold;
mod path;
mod store;

pub use fold::{TraceeFold, WatchedHierarchies};
