//! The JSON of `inventory`.

use obit_schema::text::time::rfc3339;
use schemars::JsonSchema;
use serde::Serialize;

use super::identity::ContainerIdentity;
use super::origin::CaseOrigin;
use super::problems::CaseProblem;
use crate::inventory::{Moment, PresentContainer, SinceSource};
use crate::origin::RowOrigin;

/// The output of `obit-replay inventory --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InventoryReport {
    /// The moment, RFC 3339; null if a record was asked for.
    pub at: Option<String>,
    /// The record that was asked for.
    pub at_seq: Option<u64>,
    /// The cases that were read.
    pub cases: Vec<CaseOrigin>,
    /// The containers that were there, of each case those first that are there the longest.
    pub containers: Vec<InventoryEntry>,
    /// Everything that is wrong with the cases.
    pub problems: Vec<CaseProblem>,
}

/// A container that was there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InventoryEntry {
    /// The host and the case.
    #[serde(flatten)]
    pub origin: CaseOrigin,
    /// The state at the moment.
    pub state: PresentState,
    /// Who it was.
    #[serde(flatten)]
    pub identity: ContainerIdentity,
    /// Time of its creation, RFC 3339; null if that was before the capture and no runtime tells.
    pub since: Option<String>,
    /// Source of that time.
    pub since_source: Option<CreationSource>,
    /// Time of the exit, RFC 3339; null if it ran.
    pub exited_at: Option<String>,
}

/// The state of a container at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresentState {
    /// It ran.
    Running,
    /// It had exited, and its directory was there.
    Exited,
}

/// The source of the time of a creation.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreationSource {
    /// The capture saw it.
    Seen,
    /// A walk found the container after events were lost: it was created by then.
    Inferred,
    /// The container's runtime reports it.
    Reported,
}

impl InventoryReport {
    /// Makes the report of what was there, each with the place of its case.
    pub fn new(
        origins: &[RowOrigin],
        moment: Moment,
        present: &[(usize, PresentContainer)],
        problems: Vec<CaseProblem>,
    ) -> Self {
        let (at, at_seq) = match moment {
            Moment::Time(at) => (Some(rfc3339(at.0)), None),
            Moment::Record(seq) => (None, Some(seq)),
        };
        let entry = |(place, container): &(usize, PresentContainer)| {
            InventoryEntry::new(origins.get(*place).unwrap_or(RowOrigin::UNKNOWN), container)
        };
        let cases = origins.iter().map(CaseOrigin::from).collect();
        Self { at, at_seq, cases, containers: present.iter().map(entry).collect(), problems }
    }
}

impl InventoryEntry {
    fn new(origin: &RowOrigin, container: &PresentContainer) -> Self {
        Self {
            origin: origin.into(),
            state: if container.exited_at.is_some() { PresentState::Exited } else { PresentState::Running },
            identity: (&container.identity).into(),
            since: container.since.map(|(ts, _)| rfc3339(ts.0)),
            since_source: container.since.map(|(_, source)| match source {
                SinceSource::Seen => CreationSource::Seen,
                SinceSource::Inferred => CreationSource::Inferred,
                SinceSource::Reported => CreationSource::Reported,
            }),
            exited_at: container.exited_at.map(|ts| rfc3339(ts.0)),
        }
    }
}
