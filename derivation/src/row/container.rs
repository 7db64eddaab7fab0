//! The rows about a container's life.

use alloc::vec::Vec;

use super::death::Death;
use super::identity::{ActorCopy, Identity, Place};
use crate::record::{BootNs, Seq, Usage, WallNs};

/// A container was created: its root directory was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerCreate {
    /// The record that decided the row.
    pub seq: Seq,
    /// Wall-clock time at which its directory was made, as far as seen.
    pub ts: WallNs,
    /// Boot-clock time of that moment.
    pub boot_ns: BootNs,
    /// The container's identity.
    pub identity: Identity,
    /// The container's directory.
    pub place: Place,
    /// The record of the directory's creation (of the first, where there are several).
    pub created_seq: Seq,
    /// The task that made the directory; `None` if that was not seen.
    pub created_by: Option<ActorCopy>,
    /// True if the making was not seen: a walk found it after events were lost.
    pub inferred: bool,
    /// True if events were lost within its life so far.
    pub after_gap: bool,
    /// The records that this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}

/// A container was alive before the capture started.
#[derive(Clone, Debug, PartialEq)]
pub struct ExistingContainer {
    /// The record that decided the row.
    pub seq: Seq,
    /// Wall-clock time at which the walk saw it.
    pub ts: WallNs,
    /// Boot-clock time of that moment.
    pub boot_ns: BootNs,
    /// The container's identity.
    pub identity: Identity,
    /// The container's directory.
    pub place: Place,
    /// The record in which it was first seen.
    pub first_seen_seq: Seq,
    /// Time of its creation, as its runtime says.
    pub created_at: Option<WallNs>,
    /// The records that this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}

/// A container exited: its init ended or, where the init is not known, its last task left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerExit {
    /// The record that decided the row.
    pub seq: Seq,
    /// Wall-clock time of the end of its init, or of the last task's leaving. If neither was seen,
    /// the time by which it had happened.
    pub ts: WallNs,
    /// Boot-clock time of that moment.
    pub boot_ns: BootNs,
    /// The container's identity.
    pub identity: Identity,
    /// The container's directory; `None` if it has none.
    pub place: Option<Place>,
    /// The record of the container's creation; `None` if it was there before the capture, or its
    /// creation was not seen.
    pub created_seq: Option<Seq>,
    /// Time of the creation, by the kernel or else as the runtime says.
    pub created_at: Option<WallNs>,
    /// Time from creation to the exit on the boot clock, in nanoseconds; `None` if one of the two
    /// was not seen.
    pub lifetime_ns: Option<u64>,
    /// Time at which its last task left.
    pub emptied_at: Option<WallNs>,
    /// The account of its end.
    pub death: Death,
    /// Usage values counted by then.
    pub usage: Usage,
    /// True if the end of its init was not seen.
    pub inferred: bool,
    /// True if its program was never executed; `None` if that was not to be seen.
    pub never_started: Option<bool>,
    /// True if events were lost within its life.
    pub after_gap: bool,
    /// The records that this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}

/// A container was removed: its root directory is gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerRemove {
    /// The record that decided the row.
    pub seq: Seq,
    /// Wall-clock time at which the directory was removed (of an inferred row: was found missing).
    pub ts: WallNs,
    /// Boot-clock time of that moment.
    pub boot_ns: BootNs,
    /// The container's identity.
    pub identity: Identity,
    /// The container's directory.
    pub place: Place,
    /// The record of the directory's creation; `None` if it was there before or its creation was
    /// lost.
    pub created_seq: Option<Seq>,
    /// Time of its creation, by the kernel's event if seen, else as its runtime says.
    pub created_at: Option<WallNs>,
    /// From creation to removal on the boot clock; `None` if the creation was not seen.
    pub lifetime_ns: Option<u64>,
    /// Time at which the last task left it for good; `None` if that was not seen.
    pub emptied_at: Option<WallNs>,
    /// The kernel's account of its end.
    pub death: Death,
    /// The task that removed the directory; `None` in an inferred row.
    pub removed_by: Option<ActorCopy>,
    /// The last accounting values seen on any of its directories, field by field.
    pub usage: Usage,
    /// True if the removal was not seen: a walk missed the directory.
    pub inferred: bool,
    /// True if no task ever entered it; `None` if its whole life was not seen.
    pub never_started: Option<bool>,
    /// True if events were lost within its life.
    pub after_gap: bool,
    /// The record of the removal; `None` in an inferred row.
    pub rmdir_seq: Option<Seq>,
    /// The records that this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}
