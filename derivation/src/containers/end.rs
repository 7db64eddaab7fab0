//! What is known of the end of a life, before it has come and after.

use crate::containers::life::Stamp;
use crate::ending;
use crate::record::{Usage, WallNs};

/// What is known of the end of a life, or may have to do with it.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// When it ended.
    pub at: Option<WallNs>,
    /// Its last task left, and none came since.
    pub emptied: Option<Stamp>,
    /// What it used, as far as told.
    pub usage: Usage,
    /// What happened to its processes.
    pub death: ending::DeathEvidence,
}

/// Nothing is known.
pub(crate) static UNKNOWN: End =
    End { at: None, emptied: None, usage: Usage::NONE, death: ending::DeathEvidence::NONE };
