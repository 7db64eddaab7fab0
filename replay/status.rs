//! The ways in which a command can end, each with its exit code.

/// The end of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandStatus {
    /// The command did its work; a comparison found no difference. Exit code 0.
    Done,
    /// A comparison found a difference. Exit code 1.
    Different,
    /// The command used what could be read, and a part of the case could not be; standard error
    /// says which. Exit code 2.
    Incomplete,
}
