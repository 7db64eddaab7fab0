//! Columns of an answer of a runtime, or of one of its files, about a container.

use std::borrow::Cow;

use obit_derivation::record::{Outcome, RuntimeAnswer, Source};

use crate::column::{Bool, CgroupPathList, ColumnReader, I32, Pairs, Text, TextMap, Timestamp, U32, columns};

columns!(
    /// An answer of a runtime about a container.
    Answer {
        /// The container asked about, or found.
        container_id: Text optional,
        /// The container that the answer is about, if it is not the one asked about; `outcome` is
        /// then `invalid`.
        answered_id: Text optional,
        /// The container's engine: `docker`, `containerd`, `crio`, `podman`, …
        runtime: Text optional,
        /// The bundle directory that the answer is about; escaped.
        bundle: Text optional,
        /// containerd's namespace.
        namespace: Text optional,
        /// The container's name.
        container_name: Text optional,
        /// The image's reference, as the user wrote it.
        image_name: Text optional,
        /// The image's config digest.
        image_id: Text optional,
        /// The image's manifest digest.
        image_digest: Text optional,
        /// Kubernetes pod name.
        pod_name: Text optional,
        /// Kubernetes namespace.
        pod_namespace: Text optional,
        /// Kubernetes pod UID.
        pod_uid: Text optional,
        /// True if the container is a pod's sandbox ("pause") container.
        sandbox: Bool optional,
        /// Process id of the container's init, in the initial pid namespace.
        init_pid: U32 optional,
        /// Time of the creation, as the runtime reports it, by the runtime's clock.
        created_at: Timestamp optional,
        /// Start of the container's init, as the runtime reports it, by the runtime's clock.
        started_at: Timestamp optional,
        /// Number of times that the engine restarted the container.
        restart_count: U32 optional,
        /// The engine's own word for an event (`die`, `destroy`, `oom`, …); null if the answer is
        /// no event.
        event: Text optional,
        /// Exit code of the container's init, as the runtime reports it.
        exit_code: I32 optional,
        /// True if the runtime reports that the OOM killer ended the container.
        oom_killed: Bool optional,
        /// End of the container, as the runtime reports it, by the runtime's clock.
        finished_at: Timestamp optional,
        /// True if the source reports that the container is running, paused included, when it
        /// answers; null if it does not report this.
        running: Bool optional,
        /// Number of the signal that the container is to be stopped with, where the source names
        /// one.
        stop_signal: U32 optional,
        /// For `kill` events: number of the signal that the engine was told to send; null in cases
        /// of older builds.
        signal: U32 optional,
        /// Time since when it is so: of an event its time by the daemon's clock, of a file that of
        /// its last change, of an answer that of the question; null in cases of older builds.
        as_of: Timestamp optional,
        /// `linux.cgroupsPath` as the source spells it (a path, or `slice:prefix:name`); escaped.
        cgroup_path: Text optional,
        /// The container's directory on each hierarchy, where the source reports it; paths escaped.
        cgroup_paths: CgroupPathList optional,
        /// Labels or annotations that were kept, by name; null if none was.
        labels: TextMap optional,
    }
);

impl<'a> From<&'a RuntimeAnswer<'a>> for Row<'a> {
    fn from(answer: &'a RuntimeAnswer<'a>) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let RuntimeAnswer {
            // Columns of the table itself.
            source: _,
            outcome: _,
            container_id,
            answered_id,
            runtime,
            bundle,
            namespace,
            container_name,
            image_name,
            image_id,
            image_digest,
            pod_name,
            pod_namespace,
            pod_uid,
            sandbox,
            init_pid,
            created_at,
            started_at,
            restart_count,
            event,
            exit_code,
            oom_killed,
            finished_at,
            running,
            stop_signal,
            signal,
            as_of,
            cgroup_path,
            cgroup_paths,
            labels,
        } = answer;
        Self {
            container_id: container_id.as_deref(),
            answered_id: answered_id.as_deref(),
            runtime: runtime.as_deref(),
            bundle: bundle.as_deref(),
            namespace: namespace.as_deref(),
            container_name: container_name.as_deref(),
            image_name: image_name.as_deref(),
            image_id: image_id.as_deref(),
            image_digest: image_digest.as_deref(),
            pod_name: pod_name.as_deref(),
            pod_namespace: pod_namespace.as_deref(),
            pod_uid: pod_uid.as_deref(),
            sandbox: *sandbox,
            init_pid: *init_pid,
            created_at: *created_at,
            started_at: *started_at,
            restart_count: *restart_count,
            event: event.as_deref(),
            exit_code: *exit_code,
            oom_killed: *oom_killed,
            finished_at: *finished_at,
            running: *running,
            stop_signal: *stop_signal,
            signal: *signal,
            as_of: *as_of,
            cgroup_path: cgroup_path.as_deref(),
            cgroup_paths: (!cgroup_paths.is_empty()).then_some(cgroup_paths),
            labels: (!labels.is_empty()).then_some(Pairs::Borrowed(labels)),
        }
    }
}

impl Readers {
    /// Returns the answer of a row, given by this source with this outcome.
    pub(crate) fn get(&self, row: usize, source: Source, outcome: Outcome) -> RuntimeAnswer<'_> {
        RuntimeAnswer {
            source,
            outcome,
            container_id: text(&self.container_id, row),
            answered_id: text(&self.answered_id, row),
            runtime: text(&self.runtime, row),
            bundle: text(&self.bundle, row),
            namespace: text(&self.namespace, row),
            container_name: text(&self.container_name, row),
            image_name: text(&self.image_name, row),
            image_id: text(&self.image_id, row),
            image_digest: text(&self.image_digest, row),
            pod_name: text(&self.pod_name, row),
            pod_namespace: text(&self.pod_namespace, row),
            pod_uid: text(&self.pod_uid, row),
            sandbox: self.sandbox.get(row),
            init_pid: self.init_pid.get(row),
            created_at: self.created_at.get(row),
            started_at: self.started_at.get(row),
            restart_count: self.restart_count.get(row),
            event: text(&self.event, row),
            exit_code: self.exit_code.get(row),
            oom_killed: self.oom_killed.get(row),
            finished_at: self.finished_at.get(row),
            running: self.running.get(row),
            stop_signal: self.stop_signal.get(row),
            signal: self.signal.get(row),
            as_of: self.as_of.get(row),
            cgroup_path: text(&self.cgroup_path, row),
            cgroup_paths: self.cgroup_paths.paths(row),
            labels: self.labels.pairs(row).into_iter().map(|(name, text)| (name.into(), text.into())).collect(),
        }
    }
}

fn text(column: &ColumnReader<Text>, row: usize) -> Option<Cow<'_, str>> {
    column.get(row).map(Cow::Borrowed)
}
