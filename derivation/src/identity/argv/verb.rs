//! The commands of an OCI runtime that begin or end a container.

/// A command of an OCI runtime that changes a container's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each value is the subcommand of that name
pub enum Verb {
    Create,
    Run,
    Restore,
    Start,
    Kill,
    Delete,
}

impl Verb {
    /// Returns the command with this name.
    pub(super) fn from_argument(argument: &str) -> Option<Self> {
        Some(match argument {
            "create" => Self::Create,
            "run" => Self::Run,
            "restore" => Self::Restore,
            "start" => Self::Start,
            "kill" => Self::Kill,
            "delete" => Self::Delete,
            _ => return None,
        })
    }

    /// Returns true if a runtime makes the container's directories on this command.
    pub(crate) fn makes_directories(self) -> bool {
        matches!(self, Self::Create | Self::Run | Self::Restore)
    }
}
