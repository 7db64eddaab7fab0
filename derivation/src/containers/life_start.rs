//! The beginning of a life.

use super::origin::{Origin, Stage};
use crate::record::Stamp;

/// The beginning of a life, if a directory turns out to begin one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LifeStart {
    pub origin: Origin,
    pub stage: Stage,
    pub stamp: Stamp,
    /// Events may have been lost since the life began.
    pub after_gap: bool,
    /// Exits may have been lost since the life began.
    pub exits_lost: bool,
    /// Executions of programs may have been lost since the life began.
    pub execs_lost: bool,
    /// False if another life of the same id cannot be meant: a runtime began the container anew.
    pub extends_others: bool,
}

impl LifeStart {
    /// Describes a life since whose beginning nothing was lost.
    pub fn without_loss(origin: Origin, stage: Stage, stamp: Stamp) -> Self {
        Self { origin, stage, stamp, after_gap: false, exits_lost: false, execs_lost: false, extends_others: true }
    }
}
