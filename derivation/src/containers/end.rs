//! Facts about the end of a life, before it has come and after.

use alloc::vec::Vec;

use super::life_id::LifeId;
use crate::ending;
use crate::record::{Stamp, Usage, WallNs};

/// Facts about the end of a life, or that may have to do with it.
#[derive(Debug, Default)]
pub(super) struct EndFacts {
    /// Time of the removal.
    pub at: Option<WallNs>,
    /// The exit, once it has happened.
    pub exit: Option<Exit>,
    /// The stamp at which the last task left, if none came since.
    pub emptied: Option<Stamp>,
    /// The highest accounting values seen.
    pub usage: Usage,
    /// The events of its processes.
    pub evidence: ending::DeathEvidence,
    /// The other containers from which signals came.
    pub senders: Vec<LifeId>,
}

/// The exit of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// The record that shows it.
    pub at: Stamp,
    pub evidence: ExitEvidence,
}

/// The way in which an exit showed itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitEvidence {
    /// The end of the init was seen.
    InitEnded,
    /// The last task left, and the end of the init was not seen.
    Emptied,
    /// A walk found the container without tasks at the start of the capture, though it had run.
    BeforeCapture,
    /// Another life of the container began, or its directory is gone.
    Concluded,
}

/// The facts of a life about whose end nothing is known.
pub(super) static NO_FACTS: EndFacts = EndFacts {
    at: None,
    exit: None,
    emptied: None,
    usage: Usage::NONE,
    evidence: ending::DeathEvidence::NONE,
    senders: Vec::new(),
};
