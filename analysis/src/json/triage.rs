//! The JSON of `triage`.

use std::collections::BTreeMap;

use obit_derivation::identity::Engine;
use obit_derivation::row::Cause;
use obit_schema::text::time::rfc3339;
use schemars::JsonSchema;
use serde::Serialize;

use super::identity::ContainerIdentity;
use super::origin::CaseOrigin;
use super::problems::CaseProblem;
use crate::origin::RowOrigin;
use crate::triage::{SuspectEnd, TriageReason};

/// The output of `obit-replay triage --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TriageDocument {
    /// The cases that were read.
    pub cases: Vec<CaseOrigin>,
    /// Ends by engine and cause.
    pub counts: Vec<CauseCount>,
    /// Ends by reason, by the reason's name; an end with several counts for each.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Number of ends that want a second look; not all need be listed.
    pub suspects_total: u64,
    /// The ends that want a second look, the most urgent first.
    pub suspects: Vec<SuspectEntry>,
    /// Everything that is wrong with the cases.
    pub problems: Vec<CaseProblem>,
}

/// Number of ends of one engine with one cause.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CauseCount {
    /// The engine; null if it is not known.
    pub runtime: Option<&'static str>,
    /// The cause.
    pub cause: &'static str,
    /// Number of ends.
    pub ends: u64,
}

/// An end that wants a second look. All but the reasons and the origin are columns of its row.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuspectEntry {
    /// Names of the reasons, the most urgent first.
    pub reasons: Vec<&'static str>,
    /// The host and the case.
    #[serde(flatten)]
    pub origin: CaseOrigin,
    /// The record that decided the row.
    pub seq: u64,
    /// Time of the end, RFC 3339.
    pub ts: String,
    /// Who it was.
    #[serde(flatten)]
    pub identity: ContainerIdentity,
    /// Time from the creation to the end, in ns.
    pub lifetime_ns: Option<u64>,
    /// Cause of the end; null if a source says that a container which lives has ended.
    pub cause: Option<&'static str>,
    /// Exit code.
    pub exit_code: Option<u8>,
    /// Signal that ended the init.
    pub exit_signal: Option<u8>,
    /// Process id of the task that ended it.
    pub killed_by_pid: Option<u32>,
    /// Real user id of this task.
    pub killed_by_uid: Option<u32>,
    /// Thread name of this task.
    pub killed_by_comm: Option<String>,
    /// The container that this task was in.
    pub killed_by_container_id: Option<String>,
    /// The cgroup whose memory limit was reached.
    pub oom_limit_cgroup_path: Option<String>,
}

impl TriageDocument {
    /// Returns the counts of ends, by engine and cause.
    pub fn counts(counts: &BTreeMap<(Option<Engine>, Cause), u64>) -> Vec<CauseCount> {
        let count = |((runtime, cause), ends): (&(Option<Engine>, Cause), &u64)| CauseCount {
            runtime: runtime.map(Engine::as_str),
            cause: cause.as_str(),
            ends: *ends,
        };
        counts.iter().map(count).collect()
    }

    /// Returns the counts of ends, by reason.
    pub fn reasons(by_reason: &BTreeMap<TriageReason, u64>) -> BTreeMap<&'static str, u64> {
        by_reason.iter().map(|(reason, ends)| (reason.name(), *ends)).collect()
    }
}

impl SuspectEntry {
    /// Makes the entry of an end.
    pub fn new(origin: &RowOrigin, end: &SuspectEnd) -> Self {
        let row = &end.row;
        let death = row.death();
        let killer = death.and_then(|death| death.killed_by.as_ref());
        Self {
            reasons: end.reasons.iter().map(|reason| reason.name()).collect(),
            origin: origin.into(),
            seq: row.seq().0,
            ts: rfc3339(row.ts().0),
            identity: row.identity().into(),
            lifetime_ns: row.lifetime_ns(),
            cause: death.map(|death| death.cause.as_str()),
            exit_code: death.and_then(|death| death.exit_code),
            exit_signal: death.and_then(|death| death.exit_signal),
            killed_by_pid: killer.map(|killer| killer.task.pid),
            killed_by_uid: killer.map(|killer| killer.task.uid),
            killed_by_comm: killer.map(|killer| killer.task.comm.clone()),
            killed_by_container_id: killer.and_then(|killer| killer.container_id.clone()),
            oom_limit_cgroup_path: death.and_then(|death| death.oom_limit_cgroup_path.clone()),
        }
    }
}
