//! The tables of a case, by name.

use std::fmt;

/// A table of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// raw/events: kernel events, losses, clocks and the marks of a capture.
    Events,
    /// raw/cgroupfs: directories as cgroupfs showed them.
    Cgroupfs,
    /// raw/runtime: answers of runtimes and contents of their files.
    Runtime,
    /// derived/container_exit: containers that exited.
    ContainerExit,
    /// derived/container_remove: containers that were removed.
    ContainerRemove,
    /// derived/container_create: containers that began.
    ContainerCreate,
    /// derived/existing_container: containers that were there before the capture.
    ExistingContainer,
    /// derived/disagreement: contradictions between sources about an end.
    Disagreement,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 8] = [
        Self::Events,
        Self::Cgroupfs,
        Self::Runtime,
        Self::ContainerExit,
        Self::ContainerRemove,
        Self::ContainerCreate,
        Self::ExistingContainer,
        Self::Disagreement,
    ];
    /// The tables whose rows are records, in one total order.
    pub const RAW: [Self; 3] = [Self::Events, Self::Cgroupfs, Self::Runtime];
    /// The tables that the derivation fills.
    pub const DERIVED: [Self; 5] = [
        Self::ContainerExit,
        Self::ContainerRemove,
        Self::ContainerCreate,
        Self::ExistingContainer,
        Self::Disagreement,
    ];

    /// Returns the name: the start of the files' names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Cgroupfs => "cgroupfs",
            Self::Runtime => "runtime",
            Self::ContainerExit => "container_exit",
            Self::ContainerRemove => "container_remove",
            Self::ContainerCreate => "container_create",
            Self::ExistingContainer => "existing_container",
            Self::Disagreement => "disagreement",
        }
    }

    /// Returns the table of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Returns the folder of a case that holds the parts of this table and of others of its
    /// kind, or their folders.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Events | Self::Cgroupfs | Self::Runtime => "raw",
            Self::ContainerExit
            | Self::ContainerRemove
            | Self::ContainerCreate
            | Self::ExistingContainer
            | Self::Disagreement => "derived",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
