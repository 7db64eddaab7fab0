//! How a life came to be known, and the rows that it has had.

/// The way in which the fold came to know of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The making of its first directory was seen.
    Made,
    /// A walk found it. Its row is written at the walk's end, unless the event of its making still
    /// turns up.
    Walked,
    /// The removal of its first known directory was seen, and nothing before.
    Leaving,
    /// It has no directory; a source stated its init.
    Stated,
}

/// The stage of a life, by its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A runtime made a directory for it, but not yet one that is surely its root; no row yet.
    Provisional,
    /// The life has a root, and no row about its beginning yet (a walk is under way).
    Unannounced,
    /// The life's beginning has a row.
    Announced,
    /// The container is removed. The life is kept until its last directory is gone, so that these
    /// end nothing more.
    Ended,
}
