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
