//! The errors of a probe, and what to do about each.

use std::error::Error as StdError;
use std::path::PathBuf;

use thiserror::Error;

/// An error of libbpf's, whose type does not leave the probe.
type LibbpfError = Box<dyn StdError + Send + Sync>;

/// The reason why there are no events of the kernel. The text of each says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The size asked for is none that a ring buffer can have.
    #[error(
        "a ring buffer of {bytes} bytes is not possible: the size must be a power of two and at least a page \
         ({page_bytes} bytes)"
    )]
    RingBufferSize {
        /// The size asked for.
        bytes: u32,
        /// The size of a memory page on this host.
        page_bytes: usize,
    },
    /// The capabilities of this thread cannot be read.
    #[error("cannot read the capabilities of this thread")]
    Capabilities {
        /// The kernel's error.
        source: rustix::io::Errno,
    },
    /// The thread lacks the privileges for BPF.
    #[error(
        "BPF tracing needs privileges that this process does not have ({}): run it as root, or give it CAP_BPF and \
         CAP_PERFMON",
        missing.join(", ")
    )]
    Privileges {
        /// The missing capabilities.
        missing: Vec<&'static str>,
    },
    /// The kernel's type information is not there, or none.
    #[error(
        "cannot read the kernel's type information (BTF) at {}: use a kernel built with CONFIG_DEBUG_INFO_BTF, or give \
         a BTF file made for exactly this kernel", path.display()
    )]
    NoBtf {
        /// The file that was looked for.
        path: PathBuf,
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// There is no type information, and the tracepoints' own format does not help either.
    #[error(
        "cannot read the kernel's type information (BTF) at {}, and {format}: use a kernel built with \
         CONFIG_DEBUG_INFO_BTF, or give a BTF file made for exactly this kernel", path.display()
    )]
    NoBtfNorFormat {
        /// The file that was looked for.
        path: PathBuf,
        /// The reason why the format cannot be used.
        format: super::format::FormatError,
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// The stand-in for type information cannot be made.
    #[error("cannot make a file in memory")]
    NoTypes {
        /// The kernel's error.
        source: std::io::Error,
    },
    /// The kernel has no BPF ring buffers.
    #[error("kernel {release} is too old: BPF ring buffers came with 5.8")]
    KernelTooOld {
        /// The running kernel's release.
        release: String,
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// The privileges are there, but something stands above them.
    #[error(
        "the kernel refuses BPF although the capabilities are there: look for a container's seccomp profile or user \
         namespace, kernel lockdown (/sys/kernel/security/lockdown) or another security module{}",
        appended(log)
    )]
    Refused {
        /// The last lines of libbpf's log.
        log: String,
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// The program does not load, mostly because the verifier rejects it.
    #[error("the BPF program does not load on this kernel; please report it with this text{}", appended(log))]
    Load {
        /// The last lines of libbpf's log, with the verifier's reason.
        log: String,
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// A program is loaded but its tracepoint does not take it.
    #[error("cannot attach to {section}: the kernel may be built without cgroup tracepoints{}", appended(log))]
    Attach {
        /// Way of attaching and tracepoint.
        section: String,
        /// The last lines of libbpf's log.
        log: String,
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// The ring buffer cannot be mapped.
    #[error("cannot map the ring buffer into memory; a smaller one may do")]
    RingBuffer {
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// Waiting for events failed.
    #[error("cannot wait for kernel events")]
    Wait {
        /// The kernel's error.
        source: rustix::io::Errno,
    },
    /// The program's variables cannot be read or written.
    #[error("cannot tell the BPF program to wake the recorder")]
    Mark {
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// Taking events from the ring buffer failed.
    #[error("cannot take events from the ring buffer: error {errno}")]
    Drain {
        /// The kernel's error number.
        errno: i32,
    },
    /// The counters cannot be read.
    #[error("cannot read the counters of the BPF program")]
    Counters {
        /// The error of libbpf.
        source: LibbpfError,
    },
    /// The counters are not what this build's program has.
    #[error("a counter of the BPF program has {bytes} bytes, which this build cannot read")]
    CounterLayout {
        /// The counter's length in bytes.
        bytes: usize,
    },
}

/// The log on lines of its own, or nothing.
fn appended(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("\n{log}") }
}

/// Returns true if a kernel's release is before this version. False for a release that cannot be
/// read: no advice is better than a wrong one.
pub(super) fn is_older(release: &str, than: (u32, u32)) -> bool {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        for older in ["5.7.19", "4.18.0-553.el8.x86_64", "3.10"] {
            assert!(is_older(older, (5, 8)), "{older}");
        }
        for not_older in ["5.8.0", "5.10.0-32-amd64", "6.1", "10.0-rc1", "", "linux", "5", "5-8"] {
            // "5-8" reads as 5.8; "5" says nothing of the minor version.
            assert!(!is_older(not_older, (5, 8)), "{not_older}");
        }
    }

    #[test]
    fn an_error_ends_with_the_log_if_there_is_one() {
        let error = |log: &str| ProbeError::Load { log: log.to_owned(), source: "no".into() }.to_string();
        assert!(error("").ends_with("this text"));
        assert!(error("R1 invalid").ends_with("this text\nR1 invalid"));
    }
}
