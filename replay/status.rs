//! The ways in which a command can end, each with its exit code.

use std::io::{self, ErrorKind};

/// The end of a command that did not fail. Of several answers the last one here is that of the
/// command: a difference is a finding, which a case that could not be read must not hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommandStatus {
    /// The command did its work; a comparison found no difference. Exit code 0.
    Done,
    /// The command used what could be read, and a part of the case could not be; standard error
    /// says which. Exit code 2.
    Incomplete,
    /// A comparison found a difference. Exit code 1.
    Different,
}

/// Returns true for the error of a reader that has seen enough.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_closed = |cause: &io::Error| cause.kind() == ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_closed))
}
