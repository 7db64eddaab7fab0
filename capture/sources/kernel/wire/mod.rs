//! Decoding of the records that the BPF program wrote: the structs of `bpf/wire.h`.
//!
//! Total: any bytes give an event or an error. Nothing here knows of libbpf, so it is tested
//! without a kernel.

mod batch;
mod event;
mod layout;
mod usage;

use obit_derivation::BootNs;
use obit_derivation::ending::{SIGHUP, SIGINT, SIGKILL, SIGQUIT};
use obit_derivation::record::{
    CgroupEventKind, CgroupId, CgroupKey, ExitStatus, HierarchyId, KernelEventKind, OomLimit, SignalOrigin,
    SignalResult, Target,
};
use thiserror::Error;

use zerocopy::FromBytes;

use self::layout::types::{obit_flag, obit_kind, obit_process_flag, obit_wire_version};
use self::layout::{AncestorFacts, EventHeader, ProcessFacts, ThreadName};
use self::usage::{NO_USAGE, UsageCounters};

pub use self::batch::RawBatch;
pub use self::event::{
    ARGV_SEAM, KernelActor, KernelAncestor, KernelCgroup, KernelDirectory, KernelEvent, KernelTarget, Payload,
};
pub use self::layout::EventCount;

/// The kinds by their numbers in `enum obit_kind`.
pub const KINDS: [KernelEventKind; obit_kind::OBIT_KINDS.0 as usize] = {
    let mut kinds = [KernelEventKind::Exit; _];
    kinds[obit_kind::OBIT_MKDIR.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Mkdir);
    kinds[obit_kind::OBIT_RMDIR.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Rmdir);
    kinds[obit_kind::OBIT_POPULATED.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Populated);
    kinds[obit_kind::OBIT_EMPTY.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Empty);
    kinds[obit_kind::OBIT_FREEZE.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Freeze);
    kinds[obit_kind::OBIT_UNFREEZE.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Unfreeze);
    kinds[obit_kind::OBIT_FROZEN.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Frozen);
    kinds[obit_kind::OBIT_THAWED.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Thawed);
    kinds[obit_kind::OBIT_RENAME.0 as usize] = KernelEventKind::Cgroup(CgroupEventKind::Rename);
    kinds[obit_kind::OBIT_ATTACH.0 as usize] = KernelEventKind::Attach;
    kinds[obit_kind::OBIT_EXEC.0 as usize] = KernelEventKind::Exec;
    kinds[obit_kind::OBIT_EXIT.0 as usize] = KernelEventKind::Exit;
    kinds[obit_kind::OBIT_SIGNAL.0 as usize] = KernelEventKind::Signal;
    kinds[obit_kind::OBIT_OOM.0 as usize] = KernelEventKind::Oom;
    kinds
};

/// The layout that this build reads.
const VERSION: u8 = obit_wire_version::OBIT_WIRE_VERSION.0;
/// Stands for the part of a process in a record about a cgroup.
const NO_PROCESS: &ProcessFacts = &zerocopy::transmute!([0_u8; size_of::<ProcessFacts>()]);

/// The reason why bytes are no event: each means that program and user space disagree, never that a
/// host did something odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Shorter than the fixed parts of its kind.
    #[error("a kernel event of {length} bytes is shorter than the fixed parts of its kind")]
    Short {
        /// The record's length in bytes.
        length: usize,
    },
    /// Written by a BPF program of another build.
    #[error("a kernel event has layout version {found}, this build reads {VERSION}")]
    Version {
        /// The version in the record.
        found: u8,
    },
    /// A kind that does not exist.
    #[error("a kernel event has the unknown kind {found}")]
    Kind {
        /// The kind in the record.
        found: u8,
    },
    /// The lengths in the fixed part do not add up to the record's.
    #[error("a kernel event of {length} bytes says it has {argv_bytes} bytes of arguments and {path_bytes} of path")]
    Lengths {
        /// The record's length in bytes.
        length: usize,
        /// Length of the path, by the fixed part.
        path_bytes: u32,
        /// Length of the arguments, by the fixed part.
        argv_bytes: u32,
    },
}

/// Decodes one record. `page_size` in bytes turns the kernel's page counts into bytes.
pub fn decode(record: &[u8], page_size: u64) -> Result<KernelEvent<'_>, WireError> {
    let too_short = WireError::Short { length: record.len() };
    let (header, rest) = EventHeader::ref_from_prefix(record).map_err(|_| too_short)?;
    if header.version != VERSION {
        return Err(WireError::Version { found: header.version });
    }
    let kind = *KINDS.get(usize::from(header.kind)).ok_or(WireError::Kind { found: header.kind })?;
    let (process, text) = match kind {
        KernelEventKind::Cgroup(_) => (NO_PROCESS, rest),
        _ => ProcessFacts::ref_from_prefix(rest).map_err(|_| too_short)?,
    };
    let (path_bytes, argv_bytes) = (header.path_bytes, header.argv_bytes);
    let wrong_lengths = WireError::Lengths { length: record.len(), path_bytes, argv_bytes };
    let (argv, rest) = split(text, argv_bytes).ok_or(wrong_lengths)?;
    let (path, rest) = split(rest, path_bytes).ok_or(wrong_lengths)?;
    let is_cgroup = matches!(kind, KernelEventKind::Cgroup(_));
    let usage = if is_cgroup && usage::is_present(header) {
        usage::counters(rest, argv.len() + path.len())
    } else {
        rest.is_empty().then_some(NO_USAGE)
    };
    let usage = usage.ok_or(wrong_lengths)?;
    let payload = match kind {
        KernelEventKind::Cgroup(kind) => Payload::Cgroup(cgroup(header, usage, kind, path, page_size)),
        KernelEventKind::Attach => attach(header, process, path),
        KernelEventKind::Exec => Payload::Exec { target: target(header, process) },
        KernelEventKind::Exit => Payload::Exit {
            target: target(header, process),
            status: ExitStatus::from_wait(process.status),
            oom_victim: process.flags & obit_process_flag::OBIT_OOM_VICTIM.0 != 0,
            rebooted: process.flags & obit_process_flag::OBIT_REBOOTED.0 != 0,
        },
        KernelEventKind::Signal => signal(header, process),
        KernelEventKind::Oom => Payload::Oom {
            target: target(header, process),
            memory_bytes: (process.flags & obit_process_flag::OBIT_HAS_MEMORY.0 != 0)
                .then(|| process.memory.checked_mul(page_size))
                .flatten(),
            limit: limit(process),
        },
    };
    Ok(KernelEvent {
        boot_ns: header.boot_ns,
        cpu: header.cpu,
        actor: KernelActor {
            pid: header.pid,
            tid: header.tid,
            ppid: header.ppid,
            uid: header.uid,
            comm: name(&header.comm),
            parent_comm: name(&header.parent_comm),
            cgroup_id: not_zero(header.actor_cgroup_id),
            argv,
            argv_truncated: header.flags & obit_flag::OBIT_ARGV_TRUNCATED.0 != 0,
        },
        payload,
    })
}

fn split(bytes: &[u8], at: u32) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(usize::try_from(at).ok()?)
}

fn cgroup<'a>(
    header: &EventHeader,
    counters: &UsageCounters,
    kind: CgroupEventKind,
    path: &'a [u8],
    page_size: u64,
) -> KernelCgroup<'a> {
    KernelCgroup {
        kind,
        hierarchy_id: header.hierarchy_id,
        cgroup_id: header.cgroup_id,
        parent_cgroup_id: not_zero(header.parent_cgroup_id),
        level: header.level,
        path,
        path_truncated: header.flags & obit_flag::OBIT_PATH_TRUNCATED.0 != 0,
        usage: usage::decode(header, counters, page_size),
    }
}

fn target<'a>(header: &EventHeader, process: &'a ProcessFacts) -> KernelTarget<'a> {
    let v1 = not_zero(process.v1_cgroup_id);
    KernelTarget {
        facts: Target {
            pid: process.pid,
            pid_inside: process.pid_inside,
            ppid: process.ppid,
            started: BootNs(process.start_ns),
            comm: "",
            is_reaper: process.flags & obit_process_flag::OBIT_REAPER.0 != 0,
            is_frozen: Some(process.flags & obit_process_flag::OBIT_TARGET_FROZEN.0 != 0),
            cgroup: CgroupId(header.cgroup_id),
            v1: v1.map(|id| key(process.v1_hierarchy_id, id)),
            parent_cgroup: not_zero(process.parent_cgroup_id).map(CgroupId),
            parent_v1: not_zero(process.parent_v1_cgroup_id).map(CgroupId),
        },
        comm: name(&process.comm),
    }
}

fn attach<'a>(header: &EventHeader, process: &'a ProcessFacts, path: &'a [u8]) -> Payload<'a> {
    let mut target = target(header, process);
    if header.hierarchy_id != HierarchyId::V2.0 {
        // The record has the directory in the place of the process's cgroup on v2.
        target.facts.cgroup = CgroupId(0);
    }
    let cgroup = KernelDirectory {
        key: key(header.hierarchy_id, header.cgroup_id),
        level: header.level,
        path,
        path_truncated: header.flags & obit_flag::OBIT_PATH_TRUNCATED.0 != 0,
    };
    Payload::Attach { target, cgroup }
}

fn signal<'a>(header: &EventHeader, process: &'a ProcessFacts) -> Payload<'a> {
    // u32::MAX: never set (AUDIT_UID_UNSET of `audit`).
    let loginuid = Some(process.loginuid).filter(|&uid| uid != u32::MAX);
    Payload::Signal {
        target: target(header, process),
        signal: process.signal,
        code: process.signal_code,
        origin: origin(header, process),
        to_group: process.flags & obit_process_flag::OBIT_TO_GROUP.0 != 0,
        // TRACE_SIGNAL_* of include/trace/events/signal.h.
        result: match process.result {
            0 => Some(SignalResult::Delivered),
            1 => Some(SignalResult::Ignored),
            2 => Some(SignalResult::AlreadyPending),
            3 => Some(SignalResult::Dropped),
            4 => Some(SignalResult::InfoLost),
            _ => None,
        },
        actor_v1: not_zero(process.actor_v1_cgroup_id).map(CgroupId),
        loginuid: loginuid.filter(|_| process.flags & obit_process_flag::OBIT_HAS_LOGINUID.0 != 0),
        ancestors: process.ancestors.iter().take_while(|ancestor| ancestor.pid != 0).map(ancestor).collect(),
    }
}

fn ancestor(facts: &AncestorFacts) -> KernelAncestor<'_> {
    KernelAncestor { pid: facts.pid, uid: facts.uid, started: BootNs(facts.start_ns), comm: name(&facts.comm) }
}

/// Tells where a signal came from: by its code, or by the circumstances where the kernel gave none.
///
/// The kernel sends without a code (SEND_SIG_NOINFO, SEND_SIG_PRIV) at few places. cgroup.kill
/// signals each process by its leader (kernel/cgroup/cgroup.c, `__cgroup_kill()`), a tracer its
/// tracee (kernel/ptrace.c); a parent's end (kernel/exit.c, `reparent_leader()`) and that of a pid
/// namespace (kernel/pid_namespace.c, `zap_pid_ns_processes()`) in the context of a task that
/// exits; a terminal (drivers/tty) in that of a worker, or of a session's leader.
fn origin(header: &EventHeader, process: &ProcessFacts) -> Option<SignalOrigin> {
    const SIGCONT: u32 = 18;
    const SIGTSTP: u32 = 20;
    const SIGTTOU: u32 = 22;
    const SIGWINCH: u32 = 28;
    let has = |flag: obit_process_flag| process.flags & flag.0 != 0;
    let is_kill = process.signal == SIGKILL;
    let is_own = header.pid == process.pid;
    let is_exiting = has(obit_process_flag::OBIT_ACTOR_EXITING);
    let is_terminal = matches!(process.signal, SIGHUP | SIGINT | SIGQUIT | SIGCONT | SIGTSTP..=SIGTTOU | SIGWINCH);
    if has(obit_process_flag::OBIT_NO_INFO) {
        return Some(match () {
            () if is_own => SignalOrigin::Fault,
            () if is_kill && has(obit_process_flag::OBIT_ACTOR_TRACES) => SignalOrigin::Ptrace,
            () if is_exiting => SignalOrigin::ParentDeath,
            () if is_kill && !has(obit_process_flag::OBIT_TO_GROUP) => SignalOrigin::CgroupKill,
            () if is_terminal => SignalOrigin::Tty,
            () => SignalOrigin::OnBehalf,
        });
    }
    if has(obit_process_flag::OBIT_KERNEL) {
        return Some(match () {
            () if is_kill && has(obit_process_flag::OBIT_ACTOR_TRACES) => SignalOrigin::Ptrace,
            () if is_kill && is_exiting && !is_own => SignalOrigin::PidNamespaceEnd,
            () if is_terminal || has(obit_process_flag::OBIT_ACTOR_KERNEL_THREAD) => SignalOrigin::Tty,
            () => SignalOrigin::Kernel,
        });
    }
    SignalOrigin::of_code(process.signal_code)
}

fn limit(process: &ProcessFacts) -> Option<OomLimit> {
    if process.flags & obit_process_flag::OBIT_LIMIT_KNOWN.0 == 0 {
        return None;
    }
    Some(match not_zero(process.limit_cgroup_id) {
        Some(id) => OomLimit::Cgroup(key(process.limit_hierarchy_id, id), process.limit_level),
        None => OomLimit::Host,
    })
}

fn key(hierarchy: u32, cgroup: u64) -> CgroupKey {
    CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(cgroup) }
}

/// Returns an inode number; no cgroup has the number 0.
fn not_zero(id: u64) -> Option<u64> {
    (id != 0).then_some(id)
}

/// Returns a name without its NUL and what follows it.
fn name(comm: &ThreadName) -> &[u8] {
    comm.split(|&byte| byte == 0).next().unwrap_or(comm)
}

#[cfg(test)]
mod tests;
