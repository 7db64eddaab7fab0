//! Rows that are written over: each into the memory of the one before, whose texts were about as long.

use alloc::string::String;
use alloc::vec::Vec;

use super::{ActorCopy, Cause, ContainerCreate, ContainerRemove, Death, Identity, Place};
use crate::identity::ClaimSource;
use crate::record::{Actor, BootNs, CgroupId, CgroupKey, HierarchyId, Seq, Vitals, WallNs};

impl ContainerCreate {
    /// Of no container, to be written over.
    pub(crate) const BLANK: Self = Self {
        seq: Seq(0),
        ts: WallNs(0),
        boot_ns: BootNs(0),
        identity: Identity::BLANK,
        place: Place::BLANK,
        created_seq: Seq(0),
        created_by: None,
        inferred: false,
        after_gap: false,
        evidence_seqs: Vec::new(),
    };
}

impl ContainerRemove {
    /// Of no container, to be written over.
    pub(crate) const BLANK: Self = Self {
        seq: Seq(0),
        ts: WallNs(0),
        boot_ns: BootNs(0),
        identity: Identity::BLANK,
        place: Place::BLANK,
        created_seq: None,
        created_at: None,
        lifetime_ns: None,
        emptied_at: None,
        death: Death::BLANK,
        removed_by: None,
        vitals: Vitals::NONE,
        inferred: false,
        never_started: None,
        after_gap: false,
        rmdir_seq: None,
        evidence_seqs: Vec::new(),
    };
}

impl Identity {
    /// Nobody's, to be written over.
    pub(crate) const BLANK: Self = Self {
        runtime: None,
        container_id: String::new(),
        oci_runtime: None,
        containerd_namespace: None,
        container_name: None,
        image_name: None,
        image_id: None,
        image_digest: None,
        pod_name: None,
        pod_namespace: None,
        pod_uid: None,
        sandbox: None,
        labels: Vec::new(),
        init_pid: None,
        started_at: None,
        restart_count: None,
        parent_container_id: None,
        identified_by: ClaimSource::Path,
        conflicts: Vec::new(),
    };
}

impl Place {
    /// Nowhere, to be written over.
    pub(crate) const BLANK: Self =
        Self { key: CgroupKey { hierarchy: HierarchyId::V2, cgroup: CgroupId(0) }, path: String::new() };
}

impl Death {
    /// Nothing is known of it.
    pub(crate) const BLANK: Self = Self {
        cause: Cause::Unknown,
        exit_code: None,
        exit_signal: None,
        core_dumped: None,
        exited_at: None,
        init_comm: None,
        oom_killed: None,
        oom_limit_scope: None,
        oom_limit_cgroup_path: None,
        killed_by: None,
        requested_by: Vec::new(),
        signals: Vec::new(),
        cause_evidence_seqs: Vec::new(),
    };
}

impl ActorCopy {
    /// Copies another task into the memory of this one.
    pub(crate) fn copy(&mut self, actor: &Actor<'_>) {
        let Self { pid, uid, comm, parent_comm, argv } = self;
        (*pid, *uid) = (actor.pid, actor.uid);
        write_over(comm, actor.comm);
        write_over(parent_comm, actor.parent_comm);
        argv.truncate(actor.argv.len());
        argv.iter_mut().zip(actor.argv).for_each(|(copy, element)| write_over(copy, element));
        argv.extend(actor.argv.iter().skip(argv.len()).map(|&element| String::from(element)));
    }
}

/// Puts another text into the memory of this one.
pub(crate) fn write_over(text: &mut String, by: &str) {
    text.clear();
    text.push_str(by);
}

/// The same of a text that may be absent.
#[inline(always)] // most are absent, and were
pub(crate) fn write_over_option(text: &mut Option<String>, by: Option<&str>) {
    match (text, by) {
        (None, None) => {}
        (Some(text), Some(by)) => write_over(text, by),
        (text, by) => *text = by.map(String::from),
    }
}
