//! The processes of OCI runtimes, by the names that they give themselves.

use alloc::string::String;

use super::argv::is_oci_runtime;
use super::path::split_last;

/// A process that an OCI runtime makes on the way to a container's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeProcess {
    /// A helper, which leaves before the command is executed.
    Helper,
    /// The process that becomes the container's init when it executes the command.
    Init,
    /// A copy of the runtime's own program, executed by the number of a descriptor, which is then
    /// its name. A container's command that is executed so has such a name too.
    Copy,
}

/// Returns what a process is to an OCI runtime by its name; `None` for any other name.
///
/// Sources: runc libcontainer/nsenter/nsexec.c; youki
/// crates/libcontainer/src/process/container_{main,intermediate}_process.rs. Copies: runc
/// libcontainer/exeseal/cloned_binary_linux.go, crun src/libcrun/cloned_binary.c, youki
/// crates/youki/src/main.rs (`ensure_sealed`).
#[must_use]
pub fn runtime_process(comm: &str) -> Option<RuntimeProcess> {
    match comm {
        "runc:[0:PARENT]" | "runc:[1:CHILD]" | "youki:[1:INTER]" => Some(RuntimeProcess::Helper),
        "runc:[2:INIT]" | "youki:[2:INIT]" => Some(RuntimeProcess::Init),
        // Descriptors of a program that has opened a few files.
        _ if (1..=3).contains(&comm.len()) && comm.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(RuntimeProcess::Copy)
        }
        _ => None,
    }
}

/// Returns the name of a task's program: the task's own or, where that is only the number of a
/// descriptor, the name by which an OCI runtime was called.
#[must_use]
pub fn task_name<'a>(comm: &'a str, argv: &'a [String]) -> &'a str {
    match argv.first() {
        Some(program) if runtime_process(comm) == Some(RuntimeProcess::Copy) && is_oci_runtime(program) => {
            split_last(program).1
        }
        _ => comm,
    }
}

#[cfg(test)]
mod tests {
    use super::RuntimeProcess::{Copy, Helper, Init};
    use super::{runtime_process, task_name};
    use alloc::string::ToString;

    #[test]
    fn a_copy_of_a_runtime_has_the_runtimes_name() {
        for (comm, argv, name) in [
            ("4", &["/usr/bin/youki", "delete", "web"][..], "youki"),
            ("6", &["runc"], "runc"),
            ("runc", &["runc", "delete", "web"], "runc"),
            ("4", &["/tmp/web"], "4"),
            ("4", &[], "4"),
            ("youki:[1:INTER]", &["youki", "create"], "youki:[1:INTER]"),
        ] {
            let argv: alloc::vec::Vec<_> = argv.iter().map(ToString::to_string).collect();
            assert_eq!(task_name(comm, &argv), name, "{comm} {argv:?}");
        }
    }

    #[test]
    fn processes_of_runtimes_are_known_by_their_names() {
        for (comm, expected) in [
            ("runc:[0:PARENT]", Some(Helper)),
            ("runc:[1:CHILD]", Some(Helper)),
            ("runc:[2:INIT]", Some(Init)),
            ("youki:[1:INTER]", Some(Helper)),
            ("youki:[2:INIT]", Some(Init)),
            ("4", Some(Copy)),
            ("6", Some(Copy)),
            ("123", Some(Copy)),
            ("1234", None),
            ("", None),
            ("4a", None),
            ("runc", None),
            ("runc:[3:X]", None),
            ("youki:[", None),
        ] {
            assert_eq!(runtime_process(comm), expected, "{comm}");
        }
    }
}
