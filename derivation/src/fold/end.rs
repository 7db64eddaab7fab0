//! What is known of the end of a life, before it has come and after.

use super::incarnation::Moment;
use crate::death;
use crate::record::{Vitals, WallNs};

/// What is known of the end of a life, or may have to do with it.
#[derive(Debug, Default)]
pub(super) struct End {
    /// When it ended.
    pub at: Option<WallNs>,
    /// Its last task left, and none came since.
    pub emptied: Option<Moment>,
    /// What it used, as far as told.
    pub vitals: Vitals,
    /// What happened to its processes.
    pub death: death::Evidence,
}

/// Nothing is known.
pub(super) static UNKNOWN: End = End { at: None, emptied: None, vitals: Vitals::NONE, death: death::Evidence::NONE };
