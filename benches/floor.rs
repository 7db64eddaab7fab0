//! Lower bound of the cost of recording these tracepoints: a BPF program at each that does nothing.
//!
//! The kernel makes the path of a directory only for a tracepoint that has a listener
//! (`TRACE_CGROUP_PATH` of `kernel/cgroup/cgroup-internal.h`), and calls the program.

use libbpf_rs::libbpf_sys::{BPF_PROG_TYPE_RAW_TRACEPOINT, bpf_insn, bpf_prog_load, bpf_raw_tracepoint_open};

use crate::recorder::FLOOR;

/// Instructions `BPF_ALU64 | BPF_MOV | BPF_K` and `BPF_JMP | BPF_EXIT` of
/// `include/uapi/linux/bpf.h`.
const RETURN_0: [u8; 2] = [0xb7, 0x95];

/// Listens until it is killed, if this program was started for that. Must be called first in
/// `main`.
pub fn serve() -> bool {
    if std::env::args().nth(1).as_deref() != Some(FLOOR) {
        return false;
    }
    let instructions = RETURN_0.map(|code| bpf_insn { code, ..Default::default() });
    for tracepoint in [c"cgroup_mkdir", c"cgroup_rmdir"] {
        // SAFETY: the strings and the instructions live across the calls, which keep none of them;
        // no options.
        let attached = unsafe {
            let program = bpf_prog_load(
                BPF_PROG_TYPE_RAW_TRACEPOINT,
                c"nothing".as_ptr(),
                c"GPL".as_ptr(),
                instructions.as_ptr(),
                instructions.len() as u64,
                std::ptr::null_mut(),
            );
            bpf_raw_tracepoint_open(tracepoint.as_ptr(), program)
        };
        assert!(attached >= 0, "cannot listen to {tracepoint:?}: {attached}");
    }
    // SAFETY: no handler, and no other thread. A shell starts background commands with the signal
    // ignored, which is inherited.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    eprintln!("recording nothing");
    loop {
        std::thread::park();
    }
}
