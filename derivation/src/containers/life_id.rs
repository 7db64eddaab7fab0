//! The name of a life.

/// The name of a life within one fold; never given to another life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LifeId {
    pub(super) slot: u32,
    /// Lives that were in the slot before.
    pub(super) generation: u32,
}
