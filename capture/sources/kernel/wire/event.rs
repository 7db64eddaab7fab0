//! An event of the kernel, as views of a record.

use obit_derivation::BootNs;
use obit_derivation::record::{
    CgroupEventKind, CgroupId, CgroupKey, ExitStatus, KernelEventKind, OomLimit, SignalOrigin, SignalResult, Target,
    Usage,
};

/// The event of the kernel, as views of a record.
///
/// Text is as the kernel had it: any bytes but NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelEvent<'a> {
    /// CLOCK_BOOTTIME, in nanoseconds.
    pub boot_ns: u64,
    /// The processor on which the event fired.
    pub cpu: u32,
    /// The task in whose context the event fired.
    ///
    /// Of mkdir and rmdir this is who asked for it. Of populated and empty it is the task that
    /// moved, was forked or exited; on kernels that unlink an exited task late (6.19 and newer) it
    /// may be whoever ran next on that processor. Of a signal it is the sender, of an OOM kill the
    /// task that asked for memory, of an exit the thread that exits.
    pub actor: KernelActor<'a>,
    /// The part that depends on the kind.
    pub payload: Payload<'a>,
}

/// A task, in the initial namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelActor<'a> {
    /// Process (thread group).
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// Parent process.
    pub ppid: u32,
    /// Real user id, in the initial user namespace.
    pub uid: u32,
    /// Name of the thread.
    pub comm: &'a [u8],
    /// Name of the parent process.
    pub parent_comm: &'a [u8],
    /// The cgroup of the task on the v2 tree.
    pub cgroup_id: Option<u64>,
    /// Argument area of the process, NUL-separated; see [`KernelActor::argv_elements`]. Empty where
    /// there was none to read: a kernel thread, an exiting task, a page that was not in memory.
    pub argv: &'a [u8],
    /// The argument area is longer than the 1,024 bytes kept: the first 768 and the last 256.
    pub argv_truncated: bool,
}

/// Bytes kept of the end of a long argument area.
pub(super) const ARGV_TAIL_BYTES: usize = 256;
/// Stands for the arguments that are missing between the first and the last ones.
pub const ARGV_SEAM: &[u8] = "\u{2026}".as_bytes();

/// The part of an event that depends on its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// A cgroup.
    Cgroup(KernelCgroup<'a>),
    /// A process was put into a cgroup.
    Attach {
        /// The process, after the move.
        target: KernelTarget<'a>,
        /// The directory.
        cgroup: KernelDirectory<'a>,
    },
    /// A process executed a program.
    Exec {
        /// The process.
        target: KernelTarget<'a>,
    },
    /// A process ended.
    Exit {
        /// The process.
        target: KernelTarget<'a>,
        /// The status of its exit.
        status: ExitStatus,
        /// The OOM killer had chosen it.
        oom_victim: bool,
        /// Its pid namespace was told to reboot or to halt.
        rebooted: bool,
    },
    /// A signal was sent.
    Signal {
        /// The process that the signal is for.
        target: KernelTarget<'a>,
        /// The number of the signal.
        signal: u32,
        /// `si_code`.
        code: i32,
        /// The origin of the signal.
        origin: Option<SignalOrigin>,
        /// To the process, not to one thread.
        to_group: bool,
        /// The result of the sending.
        result: Option<SignalResult>,
        /// The cgroup of the actor on the hierarchy of the target's v1 cgroup.
        actor_v1: Option<CgroupId>,
        /// Login user id of the actor; `None` also if it never logged in.
        loginuid: Option<u32>,
        /// The actor's ancestors, its parent first.
        ancestors: Vec<KernelAncestor<'a>>,
    },
    /// The OOM killer chose a process.
    Oom {
        /// The victim.
        target: KernelTarget<'a>,
        /// The resident memory of the victim, in bytes.
        memory_bytes: Option<u64>,
        /// The limit that was reached.
        limit: Option<OomLimit>,
    },
}

impl Payload<'_> {
    /// Returns the kind.
    pub fn kind(&self) -> KernelEventKind {
        match self {
            Self::Cgroup(cgroup) => KernelEventKind::Cgroup(cgroup.kind),
            Self::Attach { .. } => KernelEventKind::Attach,
            Self::Exec { .. } => KernelEventKind::Exec,
            Self::Exit { .. } => KernelEventKind::Exit,
            Self::Signal { .. } => KernelEventKind::Signal,
            Self::Oom { .. } => KernelEventKind::Oom,
        }
    }
}

/// An ancestor of a task, in the initial namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelAncestor<'a> {
    /// Process (thread group).
    pub pid: u32,
    /// Real user id.
    pub uid: u32,
    /// The start of the process, on the boot clock.
    pub started: BootNs,
    /// Name of its first thread.
    pub comm: &'a [u8],
}

/// A directory that a process was put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelDirectory<'a> {
    /// The tree and the inode number.
    pub key: CgroupKey,
    /// Depth below the tree's root, which is 0.
    pub level: u32,
    /// From the tree's root, with a leading `/`.
    pub path: &'a [u8],
    /// The path fills the kernel's buffer.
    pub path_truncated: bool,
}

/// A cgroup to which something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelCgroup<'a> {
    /// The kind of the event.
    pub kind: CgroupEventKind,
    /// The cgroup's tree; 0 is v2.
    pub hierarchy_id: u32,
    /// The directory's inode number, unique within its tree.
    pub cgroup_id: u64,
    /// The inode number of the directory above; `None` for a tree's root.
    pub parent_cgroup_id: Option<u64>,
    /// Depth below the tree's root, which is 0.
    pub level: u32,
    /// From the tree's root, with a leading `/`.
    pub path: &'a [u8],
    /// The path fills the kernel's buffer of 1,023 bytes, so it is cut (or, by chance, just fits).
    pub path_truncated: bool,
    /// The usage that the kernel still accounted to the cgroup.
    pub usage: Usage,
}

/// A process to which something happened. The name is apart from the rest, which is what a record
/// of the case holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelTarget<'a> {
    /// All but its name, which is empty here.
    pub facts: Target<'static>,
    /// The name of the process.
    pub comm: &'a [u8],
}

impl Eq for KernelTarget<'_> {}

impl KernelTarget<'_> {
    /// Returns the process under a name that is text.
    pub fn named<'b>(&self, comm: &'b str) -> Target<'b> {
        Target { comm, ..self.facts }
    }
}

impl<'a> KernelActor<'a> {
    /// Iterates over the whole arguments. Of those that are cut, [`ARGV_SEAM`] stands for what is
    /// missing in the middle; an argument that is cut there is left out.
    pub fn argv_elements(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let tail_at = self.argv.len().saturating_sub(ARGV_TAIL_BYTES);
        let (head, tail) = if self.argv_truncated { self.argv.split_at(tail_at) } else { (self.argv, &b""[..]) };
        let is_nul = |&byte: &u8| byte == 0;
        let head = match head.iter().rposition(is_nul) {
            Some(nul) if self.argv_truncated || nul + 1 == head.len() => Some(&head[..nul]),
            None if self.argv_truncated || head.is_empty() => None,
            // A process may have overwritten its arguments, and the last NUL too.
            _ => Some(head),
        };
        let tail = tail.iter().position(is_nul).map(|nul| &tail[nul + 1..]).filter(|tail| !tail.is_empty());
        let tail = tail.map(|tail| tail.strip_suffix(b"\0").unwrap_or(tail));
        let seam = self.argv_truncated.then_some(ARGV_SEAM);
        let split = |argv: &'a [u8]| argv.split(|&byte| byte == 0);
        head.into_iter().flat_map(split).chain(seam).chain(tail.into_iter().flat_map(split))
    }
}
