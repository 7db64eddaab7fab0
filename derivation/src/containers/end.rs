//! Facts about the end of a life, before it has come and after.

use crate::ending;
use crate::record::{Stamp, Usage, WallNs};

/// Facts about the end of a life, or that may have to do with it.
#[derive(Debug, Default)]
pub(super) struct EndFacts {
    /// Time of the end.
    pub at: Option<WallNs>,
    /// The stamp at which the last task left, if none came since.
    pub emptied: Option<Stamp>,
    /// The highest accounting values seen.
    pub usage: Usage,
    /// The events of its processes.
    pub evidence: ending::DeathEvidence,
}

/// The facts of a life about whose end nothing is known.
pub(super) static NO_FACTS: EndFacts =
    EndFacts { at: None, emptied: None, usage: Usage::NONE, evidence: ending::DeathEvidence::NONE };
