//! Descriptions of containers by runtimes, and by files of runtimes.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::ids::{HierarchyId, WallNs};
use super::names::names;
use super::source::Source;

/// The outcome of a question to a runtime, or of reading one of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The runtime answered, or the file was read.
    Ok,
    /// The runtime does not know the container, or the file is not there.
    NotFound,
    /// No answer in time.
    Timeout,
    /// Nobody listens.
    Refused,
    /// Permission was denied.
    Denied,
    /// The answer was not what the interface promises, or larger than the bound.
    Invalid,
    /// The question was dropped: too many were waiting.
    Dropped,
}

/// The description of a container by a runtime, or by a file of one.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeAnswer<'a> {
    /// The speaker: one that [is a runtime](Source::is_runtime).
    pub source: Source,
    /// The outcome. The other fields mean something only with [`Outcome::Ok`].
    pub outcome: Outcome,
    /// The bundle directory the answer is about, where there is one.
    pub bundle: Option<Cow<'a, str>>,
    /// The container asked about, or found.
    pub container_id: Option<Cow<'a, str>>,
    /// The container that the answer describes, if it is another one than was asked about: a lie,
    /// or a mistake. The outcome is then [`Outcome::Invalid`], and nothing else of the answer
    /// counts.
    pub answered_id: Option<Cow<'a, str>>,
    /// The engine, by its name in a case.
    pub runtime: Option<Cow<'a, str>>,
    /// containerd's namespace.
    pub namespace: Option<Cow<'a, str>>,
    /// The container's name.
    pub container_name: Option<Cow<'a, str>>,
    /// The image's reference, as the user wrote it.
    pub image_name: Option<Cow<'a, str>>,
    /// The image's config digest.
    pub image_id: Option<Cow<'a, str>>,
    /// The image's manifest digest.
    pub image_digest: Option<Cow<'a, str>>,
    /// Kubernetes pod name.
    pub pod_name: Option<Cow<'a, str>>,
    /// Kubernetes namespace.
    pub pod_namespace: Option<Cow<'a, str>>,
    /// Kubernetes pod UID.
    pub pod_uid: Option<Cow<'a, str>>,
    /// True for a pod's sandbox ("pause") container.
    pub sandbox: Option<bool>,
    /// Process id of its init in the initial pid namespace.
    pub init_pid: Option<u32>,
    /// Time of its creation, as the runtime says.
    pub created_at: Option<WallNs>,
    /// Start time of its init, as the runtime says.
    pub started_at: Option<WallNs>,
    /// Number of restarts by the engine.
    pub restart_count: Option<u32>,
    /// The engine's own word for the event, of an answer that is one (`die`, `destroy`, `oom`, …).
    pub event: Option<Cow<'a, str>>,
    /// The exit code of its init, as the runtime says.
    pub exit_code: Option<i32>,
    /// True if the OOM killer ended it, as the runtime says.
    pub oom_killed: Option<bool>,
    /// Time of its end, as the runtime says.
    pub finished_at: Option<WallNs>,
    /// True if the container is running, or paused, at the moment of the answer, as the source
    /// says.
    pub running: Option<bool>,
    /// The number of the signal that the container is to be stopped with.
    pub stop_signal: Option<u32>,
    /// The number of the signal that the engine was told to send, of a `kill` event.
    pub signal: Option<u32>,
    /// Time since when it is so: of an event its time, of a file that of its last change, of an
    /// answer that of the question.
    pub as_of: Option<WallNs>,
    /// Labels or annotations that were kept.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// `linux.cgroupsPath` as the source spells it (a path, or `slice:prefix:name`).
    pub cgroup_path: Option<Cow<'a, str>>,
    /// The container's directory on each hierarchy, where the source says so.
    pub cgroup_paths: Vec<(HierarchyId, Cow<'a, str>)>,
}

impl RuntimeAnswer<'_> {
    /// Returns the value of a label that was kept.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(have, _)| have == name).map(|(_, value)| &**value)
    }

    /// Returns an answer that says nothing about any container.
    pub const fn unanswered(source: Source, outcome: Outcome) -> Self {
        Self {
            source,
            outcome,
            bundle: None,
            container_id: None,
            answered_id: None,
            runtime: None,
            namespace: None,
            container_name: None,
            image_name: None,
            image_id: None,
            image_digest: None,
            pod_name: None,
            pod_namespace: None,
            pod_uid: None,
            sandbox: None,
            init_pid: None,
            created_at: None,
            started_at: None,
            restart_count: None,
            event: None,
            exit_code: None,
            oom_killed: None,
            finished_at: None,
            running: None,
            stop_signal: None,
            signal: None,
            as_of: None,
            labels: Vec::new(),
            cgroup_path: None,
            cgroup_paths: Vec::new(),
        }
    }
}

names!(Outcome {
    Ok => "ok",
    NotFound => "not_found",
    Timeout => "timeout",
    Refused => "refused",
    Denied => "denied",
    Invalid => "invalid",
    Dropped => "dropped",
});
