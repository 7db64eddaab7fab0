//! The kinds of the rows of raw/events.

use obit_derivation::record::KernelEventKind;

use crate::kind;

/// The kind of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    Kernel(KernelEventKind),
    Lost,
    Thinned,
    Clock,
    CaptureStart,
    CaptureStop,
    SegmentBegin,
    Carried,
    SnapshotBegin,
    SnapshotFailed,
    SnapshotEnd,
    /// A kind unknown to this version.
    Unknown,
}

impl RowKind {
    pub(super) fn from_name(name: &str) -> Self {
        match name {
            kind::LOST => Self::Lost,
            kind::THINNED => Self::Thinned,
            kind::CLOCK => Self::Clock,
            kind::CAPTURE_START => Self::CaptureStart,
            kind::CAPTURE_STOP => Self::CaptureStop,
            kind::SEGMENT_BEGIN => Self::SegmentBegin,
            kind::CARRIED => Self::Carried,
            kind::SNAPSHOT_BEGIN => Self::SnapshotBegin,
            kind::SNAPSHOT_FAILED => Self::SnapshotFailed,
            kind::SNAPSHOT_END => Self::SnapshotEnd,
            name => KernelEventKind::from_name(name).map_or(Self::Unknown, Self::Kernel),
        }
    }
}
