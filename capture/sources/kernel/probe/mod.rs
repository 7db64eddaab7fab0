//! The BPF program in user space: load, attach, drain, count, detach.
//!
//! No other module but [`processors`] and [`wakeups`] names libbpf-rs.

mod error;
mod format;
#[cfg(test)]
mod live_tests;
mod processors;
mod wakeups;

use std::collections::VecDeque;
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libbpf_rs::btf::{Btf, types::Typedef};
use libbpf_rs::skel::{OpenSkel, Skel, SkelBuilder};
use libbpf_rs::{
    ErrorKind, Link, MapCore, MapFlags, MapHandle, PrintLevel, Program, RingBuffer, RingBufferBuilder, set_print,
};
use obit_derivation::record::KernelEventKind;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::thread::CapabilitySet;
use zerocopy::FromBytes;

use crate::sources::kernel::skeleton;
use crate::sources::kernel::wire::{self, EventCount, RawBatch};
pub use error::ProbeError;
pub use format::check as check_format;
use wakeups::Wakeups;

/// A drain ends after about this many bytes, so that a storm cannot keep it from returning.
const DRAIN_BYTES: usize = 4 << 20;
/// Records taken from the ring buffer between two looks at the bound. At most 0.6 MB.
const DRAIN_STEP: usize = 256;
/// Lines of libbpf's log kept for an error. The verifier's reason is in the last ones.
const LOG_LINES: usize = 40;
/// The file in which a kernel shows its own types.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";
/// Names the type of the tracepoint's function in a kernel's BTF.
const TRACEPOINT_TYPE: &str = "btf_trace_cgroup_mkdir";
/// The first kernel with BPF ring buffers.
const OLDEST_KERNEL: (u32, u32) = (5, 8);

/// The options of an attachment.
#[derive(Clone, Debug)]
pub struct ProbeOptions {
    /// Size of the ring buffer between kernel and user space; a power of two and at least a page.
    pub ring_buffer_bytes: u32,
    /// Type information of the running kernel, for kernels that do not carry their own
    /// (`/sys/kernel/btf/vmlinux`).
    pub btf: Option<PathBuf>,
}

impl Default for ProbeOptions {
    fn default() -> Self {
        Self { ring_buffer_bytes: 16 << 20, btf: None }
    }
}

/// The way in which the programs are attached to the tracepoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachType {
    /// Raw tracepoints whose arguments the kernel has checked against its own type information.
    TpBtf,
    /// Plain raw tracepoints.
    RawTp,
    /// Tracepoints as the kernel traces them itself, without any type information: no usage values,
    /// no arguments and no parent of the actor, and nothing of how processes end.
    Tracepoint,
}

impl AttachType {
    /// Returns the name by which BPF tools know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TpBtf => "tp_btf",
            Self::RawTp => "raw_tp",
            Self::Tracepoint => "tracepoint",
        }
    }

    fn of_section(section: &str) -> Option<Self> {
        match section.split_once('/')?.0 {
            "tp_btf" => Some(Self::TpBtf),
            "raw_tp" => Some(Self::RawTp),
            "tp" => Some(Self::Tracepoint),
            _ => None,
        }
    }
}

/// The number of events of one kind that reached the program on one processor, since it was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindCpuCount {
    /// The kind.
    pub kind: KernelEventKind,
    /// The processor.
    pub cpu: u32,
    /// Events written to the ring buffer: what [`Probe::drain`] has handed out, or will.
    pub admitted: u64,
    /// Events dropped because the ring buffer was full.
    pub lost: u64,
}

/// The attached BPF program. Dropping it detaches.
pub struct Probe {
    attach_type: AttachType,
    program_ids: Vec<u32>,
    /// The kind of event of each program, if it has only one.
    program_kinds: Vec<Option<KernelEventKind>>,
    /// Descriptors that keep the programs loaded after a detach, so that the kernel can still be
    /// asked about them.
    programs: Vec<OwnedFd>,
    // Every part below owns its file descriptors, so libbpf's object is closed once they are made.
    // libbpf-rs declares links and ring buffers Send, map handles are only a descriptor, and the
    // callback shares nothing but `received`.
    links: Vec<Link>,
    ring: RingBuffer<'static>,
    received: Arc<Mutex<RawBatch>>,
    counts: MapHandle,
    wakeups: Wakeups,
    /// The last drain stopped at its bound and left records behind.
    left_behind: bool,
}

/// A probe is made by one thread and drained by another.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Probe>();
};

impl Probe {
    /// Loads and attaches the BPF program: from here on every event is admitted or counted as lost.
    ///
    /// Needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN. On kernels before 5.11, which charge BPF
    /// maps to RLIMIT_MEMLOCK, libbpf raises that limit; on newer ones it does not.
    pub fn attach(options: &ProbeOptions) -> Result<Self, ProbeError> {
        check_ring_buffer_size(options.ring_buffer_bytes)?;
        // Check before libbpf is called: it caches, for the whole process, what it finds a kernel
        // to support, and without privileges it finds nothing.
        check_privileges()?;
        let log = LibbpfLog::start();
        let attach_type = choose_attach_type(options.btf.as_deref())?;

        let offsets = match attach_type {
            AttachType::Tracepoint => None,
            AttachType::TpBtf | AttachType::RawTp => processors::offsets(options.btf.as_deref()),
        };

        let mut storage = MaybeUninit::uninit();
        let mut builder = skeleton::ObitSkelBuilder::default();
        if let Some(btf) = &options.btf {
            builder.obj_builder.btf_custom_path(btf).map_err(|error| load_error(error, &log))?;
        }
        let no_types = (attach_type == AttachType::Tracepoint).then(no_types).transpose();
        let no_types = no_types.map_err(|source| ProbeError::NoTypes { source })?;
        if let Some(file) = &no_types {
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            builder.obj_builder.btf_custom_path(path).map_err(|error| load_error(error, &log))?;
        }
        let mut opened = builder.open(&mut storage).map_err(|error| load_error(error, &log))?;
        opened.maps.events.set_max_entries(options.ring_buffer_bytes).map_err(|error| load_error(error, &log))?;
        if let Some(constants) = opened.maps.rodata_data.as_deref_mut() {
            constants.wakeup_bytes = u64::from(options.ring_buffer_bytes / 4);
            if let Some(offsets) = offsets {
                constants.processors = u32::try_from(offsets.len()).unwrap_or_default();
                constants.processor_offsets[..offsets.len()].copy_from_slice(&offsets);
            }
        }
        for mut program in opened.open_object_mut().progs_mut() {
            let wanted = program.section().to_str().and_then(AttachType::of_section) == Some(attach_type);
            program.set_autoload(wanted);
        }
        let loaded = opened.load().map_err(|error| load_error(error, &log))?;

        let ring_error = |source| ProbeError::RingBuffer { source: Box::new(source) };
        let received = Arc::new(Mutex::new(RawBatch::new()));
        let sink = Arc::clone(&received);
        let mut ring = RingBufferBuilder::new();
        ring.add(&loaded.maps.events, move |record| {
            lock(&sink).push(record);
            0
        })
        .map_err(ring_error)?;
        let ring = ring.build().map_err(ring_error)?;
        let events = MapHandle::try_from(&loaded.maps.events).map_err(ring_error)?;
        let counts = MapHandle::try_from(&loaded.maps.counts).map_err(ring_error)?;
        let marks = MapHandle::try_from(&loaded.maps.bss).map_err(ring_error)?;
        let wakeups = Wakeups::of(events, marks).map_err(|source| ProbeError::Wait { source })?;

        let mut links = Vec::new();
        let mut programs = Vec::new();
        let mut program_ids = Vec::new();
        let mut program_kinds = Vec::new();
        for program in loaded.object().progs_mut().filter(|program| program.autoload()) {
            let attach_error = |source: Box<dyn Error + Send + Sync>| ProbeError::Attach {
                section: program.section().display().to_string(),
                log: log.take(),
                source,
            };
            programs.push(program.as_fd().try_clone_to_owned().map_err(|error| attach_error(error.into()))?);
            program_ids.push(Program::id_from_fd(program.as_fd()).map_err(|error| attach_error(error.into()))?);
            program_kinds.push(program.section().to_str().and_then(kind_of_section));
            links.push(program.attach().map_err(|error| attach_error(error.into()))?);
        }
        let left_behind = false;
        Ok(Self {
            attach_type,
            program_ids,
            program_kinds,
            programs,
            links,
            ring,
            received,
            counts,
            wakeups,
            left_behind,
        })
    }

    /// Returns how the programs are attached.
    pub fn attach_type(&self) -> AttachType {
        self.attach_type
    }

    /// Returns the kernel's numbers of the attached programs, as bpftool lists them.
    pub fn program_ids(&self) -> &[u32] {
        &self.program_ids
    }

    /// Waits, then puts all waiting records into `batch`, which is emptied first. Returns how many
    /// there are.
    ///
    /// The wait ends after `timeout`, or earlier if the ring buffer is more than a quarter full; a
    /// single event does not end it, unless [`Self::want_wakeup`] was called. After about 4 MiB the
    /// rest is left for the next call, which then does not wait.
    pub fn drain(&mut self, timeout: Duration, batch: &mut RawBatch) -> Result<usize, ProbeError> {
        if !self.left_behind && !timeout.is_zero() {
            self.wakeups.wait(timeout).map_err(|source| ProbeError::Wait { source })?;
        }
        batch.clear();
        // The callback appends to `received`; swapping lends it the caller's memory, without a
        // copy.
        std::mem::swap(batch, &mut lock(&self.received));
        let outcome = loop {
            let taken = self.ring.consume_raw_n(DRAIN_STEP);
            match usize::try_from(taken) {
                Err(_) => break Err(ProbeError::Drain { errno: -taken }),
                Ok(taken) if taken < DRAIN_STEP => break Ok(false),
                Ok(_) if lock(&self.received).byte_len() >= DRAIN_BYTES => break Ok(true),
                Ok(_) => {}
            }
        };
        std::mem::swap(batch, &mut lock(&self.received));
        self.left_behind = outcome?;
        Ok(batch.len())
    }

    /// Adds a descriptor that ends the wait for a drain each time that it becomes readable, now or
    /// later.
    pub fn wake_on(&self, source: BorrowedFd<'_>) -> Result<(), ProbeError> {
        self.wakeups.also_of(source).map_err(|source| ProbeError::Wait { source })
    }

    /// Arms a one-shot wake-up: the next event of a cgroup ends the wait for a drain. An event of a
    /// task does not.
    ///
    /// Events from before this call do not end the wait. So drain next; wait long only if the drain
    /// finds nothing and [`Self::wants_wakeup`] is still true: see `wake_sleeper()` in
    /// `bpf/obit.bpf.c`.
    pub fn want_wakeup(&self) -> Result<(), ProbeError> {
        self.wakeups.want()
    }

    /// Returns true if a wake-up was asked for and has not come yet.
    pub fn wants_wakeup(&self) -> Result<bool, ProbeError> {
        self.wakeups.is_wanted()
    }

    /// Detaches: no further event is admitted or counted. What was admitted can still be drained,
    /// and counters read.
    pub fn detach(&mut self) {
        self.links.clear();
        // A program may still be running on another processor. The kernel's tracepoints run inside
        // RCU read sections, and this command waits until all that began before it are over
        // (kernel/sched/membarrier.c). Where it is not supported the chance of an event in that
        // microsecond remains; the counters would show it.
        let _ = rustix::thread::membarrier(rustix::thread::MembarrierCommand::Global);
    }

    /// Returns the counters since the program was loaded, by kind and processor; without those that
    /// are all zero.
    pub fn counters(&self) -> Result<Vec<KindCpuCount>, ProbeError> {
        let mut counts = Vec::new();
        for (number, kind) in (0_u32..).zip(wire::KINDS) {
            let values = self
                .counts
                .lookup_percpu(&number.to_ne_bytes(), MapFlags::ANY)
                .map_err(|source| ProbeError::Counters { source: Box::new(source) })?
                .unwrap_or_default();
            for (cpu, value) in (0_u32..).zip(values) {
                // The kernel pads the value of each processor to eight bytes.
                let (&EventCount { admitted, lost }, _) = EventCount::ref_from_prefix(&value)
                    .map_err(|_| ProbeError::CounterLayout { bytes: value.len() })?;
                if admitted != 0 || lost != 0 {
                    counts.push(KindCpuCount { kind, cpu, admitted, lost });
                }
            }
        }
        Ok(counts)
    }

    /// Returns how often the kernel skipped each program because it was running on that processor
    /// already. No counter of the program could see such an event. The kind is given where the
    /// program has only one. `None` if the kernel (before 5.12) does not tell.
    ///
    /// Where the kernel may preempt a program (from 7.0 on) that can happen to the one of exits,
    /// when another task exits meanwhile; the others run with interrupts off.
    pub fn recursion_misses(&self) -> Option<Vec<(Option<KernelEventKind>, u64)>> {
        // By the programs' own descriptors (`bpf_prog_show_fdinfo`): the recorder has given up the
        // privilege to list all programs of the host.
        let misses = |program: &OwnedFd| {
            let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", program.as_raw_fd())).ok()?;
            text.lines().find_map(|line| line.strip_prefix("recursion_misses:")?.trim().parse().ok())
        };
        let programs = self.program_kinds.iter().zip(&self.programs);
        programs.map(|(kind, program)| Some((*kind, misses(program)?))).collect()
    }
}

/// libbpf's log lines during one attach, which would go to stderr otherwise.
///
/// libbpf knows one log function for the whole process, so this is one at a time.
struct LibbpfLog {
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());
static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

impl LibbpfLog {
    fn start() -> Self {
        let turn = lock(&TURN);
        lock(&LINES).clear();
        set_print(Some((PrintLevel::Warn, Self::keep)));
        Self { _turn: turn }
    }

    fn keep(_level: PrintLevel, message: String) {
        let mut lines = lock(&LINES);
        lines.extend(message.lines().map(str::to_owned));
        while lines.len() > LOG_LINES {
            lines.pop_front();
        }
    }

    fn take(&self) -> String {
        Vec::from(std::mem::take(&mut *lock(&LINES))).join("\n")
    }
}

/// Returns the kind of event of a section's program, if it has only one and that is no cgroup's.
fn kind_of_section(section: &str) -> Option<KernelEventKind> {
    match section.split_once('/')?.1 {
        "cgroup_attach_task" => Some(KernelEventKind::Attach),
        "sched_process_exec" => Some(KernelEventKind::Exec),
        "sched_process_exit" => Some(KernelEventKind::Exit),
        "signal_generate" => Some(KernelEventKind::Signal),
        "mark_victim" => Some(KernelEventKind::Oom),
        _ => None,
    }
}

/// Locks a mutex. The data behind each mutex here is whole after every statement, so a panic
/// elsewhere cannot have broken it.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check_ring_buffer_size(bytes: u32) -> Result<(), ProbeError> {
    let page_bytes = rustix::param::page_size();
    // The kernel's own rule, ringbuf_map_alloc() in kernel/bpf/ringbuf.c.
    if bytes.is_power_of_two() && bytes as usize >= page_bytes {
        Ok(())
    } else {
        Err(ProbeError::RingBufferSize { bytes, page_bytes })
    }
}

/// Checks the capabilities of the calling thread: the kernel asks for those.
fn check_privileges() -> Result<(), ProbeError> {
    let held = rustix::thread::capabilities(None).map_err(|source| ProbeError::Capabilities { source })?.effective;
    if held.contains(CapabilitySet::SYS_ADMIN) || held.contains(CapabilitySet::BPF | CapabilitySet::PERFMON) {
        return Ok(());
    }
    let needed = [(CapabilitySet::BPF, "CAP_BPF"), (CapabilitySet::PERFMON, "CAP_PERFMON")];
    let missing = needed.into_iter().filter(|&(capability, _)| !held.contains(capability)).map(|(_, name)| name);
    Err(ProbeError::Privileges { missing: missing.collect() })
}

fn choose_attach_type(btf: Option<&Path>) -> Result<AttachType, ProbeError> {
    let no_btf = |path: &Path, source| ProbeError::NoBtf { path: path.to_owned(), source: Box::new(source) };
    match btf {
        // A detached file tells the loader where fields lie; tp_btf needs the types inside the
        // kernel.
        Some(path) => Btf::from_path(path).map(|_| AttachType::RawTp).map_err(|source| no_btf(path, source)),
        None => {
            let own = match Btf::from_vmlinux() {
                Ok(own) => own,
                Err(source) => {
                    return match format::check() {
                        Ok(()) => Ok(AttachType::Tracepoint),
                        Err(format) => Err(ProbeError::NoBtfNorFormat {
                            path: KERNEL_BTF.into(),
                            format,
                            source: Box::new(source),
                        }),
                    };
                }
            };
            let has_tracepoint = own.type_by_name::<Typedef<'_>>(TRACEPOINT_TYPE).is_some();
            Ok(if has_tracepoint { AttachType::TpBtf } else { AttachType::RawTp })
        }
    }
}

/// Makes an empty BTF file. libbpf asks for the kernel's types as soon as an object has programs
/// that need them, loaded or not. Given a file it looks there, and for the programs that are loaded
/// it looks nothing up.
fn no_types() -> std::io::Result<File> {
    let file = File::from(memfd_create("obit-no-types", MemfdFlags::CLOEXEC)?);
    // struct btf_header (include/uapi/linux/btf.h): magic, version 1, flags; its own length; no
    // types; one string, empty.
    let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();
    bytes.extend([1, 0]);
    for word in [24_u32, 0, 0, 0, 1] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.push(0);
    (&file).write_all(&bytes)?;
    Ok(file)
}

fn load_error(source: libbpf_rs::Error, log: &LibbpfLog) -> ProbeError {
    let denied = source.kind() == ErrorKind::PermissionDenied;
    let log = log.take();
    let source = Box::new(source);
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    if error::is_older(&release, OLDEST_KERNEL) {
        ProbeError::KernelTooOld { release, source }
    // EACCES is also what the verifier says when it refuses a program, but then it says why.
    } else if denied && !log.contains("PROG LOAD LOG") {
        ProbeError::Refused { log, source }
    } else {
        ProbeError::Load { log, source }
    }
}
