//! Facts that a verdict needs beside the evidence.

use super::evidence::ProcessExit;
use super::oom_limit::RootPath;
use super::reports::EndReports;

/// Facts about a container beside the evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerdictInput<'a> {
    pub container_id: &'a str,
    /// The end of its init, if that was seen.
    pub init_exit: Option<&'a ProcessExit>,
    /// What is known of the start of its program.
    pub start: ProgramStart,
    /// Its init is a sandbox that runs the program within: gVisor's.
    pub is_sandboxed: bool,
    /// Signal that it is to be stopped with, as its runtime says.
    pub stop_signal: Option<u32>,
    /// Root directories; they count only where the OOM killer came.
    pub roots: &'a [RootPath<'a>],
    /// Reports of daemons and files.
    pub reports: &'a EndReports,
    /// Another run of the container may have taken place unseen, so that a report may be about
    /// either.
    pub is_run_doubtful: bool,
}

/// The start of a container's program, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramStart {
    /// The program was started, or that was not to be seen.
    Possible,
    /// A runtime's process was in the container, and never executed the program.
    Failed,
    /// The init ended under the name of a runtime's process. Whether it had executed the program,
    /// which may take that name, is among the events that were lost.
    Unclear,
    /// Nothing ever entered the container, or what a runtime had prepared was deleted.
    Never,
}
