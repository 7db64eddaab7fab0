//! The init of the run that a row tells of.

/// The init of the run that a row tells of, as far as the kernel has shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunInit {
    /// The kernel has shown that it is the process with this pid. What a source says of a run with
    /// another init is of another life.
    Shown(u32),
    /// The kernel has shown none, and nothing speaks against what sources state.
    Stated,
    /// Events were lost, among them perhaps the end of this run and the beginning of another: what
    /// a source says of a run may be of either.
    Doubtful,
}
