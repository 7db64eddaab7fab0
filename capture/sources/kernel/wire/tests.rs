use std::mem::offset_of;

use obit_derivation::record::Usage;
use proptest::prelude::*;

use super::layout::types::obit_present;
use super::*;

const PAGE: u64 = 4096;
const HEADER_BYTES: usize = size_of::<EventHeader>();
const PROCESS_BYTES: usize = size_of::<ProcessFacts>();
const USAGE_BYTES: usize = size_of::<UsageCounters>();

/// A record as the program would write it, with a value of its own in every field.
fn record(kind: u8, flags: u8, present: u8, path: &[u8], argv: &[u8]) -> Vec<u8> {
    let mut record = Vec::new();
    for value in [111_u64, 0x1_0000_0007, 5, 9, 17] {
        record.extend(value.to_ne_bytes());
    }
    let lengths = [path.len(), argv.len()].map(|length| u32::try_from(length).unwrap());
    for value in [1_u32, 8, 4, 100, 101, 99, 1000].into_iter().chain(lengths) {
        record.extend(value.to_ne_bytes());
    }
    record.extend([kind, flags, present, VERSION]);
    record.extend(b"runc:[1:CHILD]\0\0");
    record.extend(b"fifteen-letters\0");
    record.extend(argv);
    record.extend(path);
    if present & usage::USAGE_VALUES != 0 && flags & obit_flag::OBIT_USAGE_ZERO.0 == 0 {
        record.resize(record.len().next_multiple_of(usage::ALIGNMENT), b'?');
        for value in [3_u64, 40, 3, 2, 500, 300, 200, 70, 6, 8192, 4096] {
            record.extend(value.to_ne_bytes());
        }
    }
    record
}

const ALL_PRESENT: u8 = 255;

/// The cgroup that an event is about.
fn cgroup<'a>(event: &KernelEvent<'a>) -> KernelCgroup<'a> {
    match &event.payload {
        Payload::Cgroup(cgroup) => cgroup.clone(),
        other => panic!("about no cgroup: {other:?}"),
    }
}

/// The same record about a process, with a value of its own in every field of the process.
fn process_record(kind: u8, flags: u32, status: u32, argv: &[u8]) -> Vec<u8> {
    let mut record = record(kind, 0, 0, b"", argv);
    let mut process = Vec::new();
    for value in [222_u64, 0x2_0000_0008, 0x5_0000_0001, 0x5_0000_0002, 0x5_0000_0003, 30, 0x3_0000_0009] {
        process.extend(value.to_ne_bytes());
    }
    for value in [4_u32, 300, 1, 299, status, 15, 0, 1000, 4, 3, 1, flags] {
        process.extend(value.to_ne_bytes());
    }
    process.extend(b"nginx\0garbage!!!");
    for (start_ns, pid, uid, comm) in [(333_u64, 99_u32, 0_u32, b"containerd-shim\0"), (44, 1, 5, b"systemd\0ignored!")]
    {
        process.extend(start_ns.to_ne_bytes());
        process.extend(pid.to_ne_bytes());
        process.extend(uid.to_ne_bytes());
        process.extend(comm);
    }
    process.resize(PROCESS_BYTES, 0);
    record.splice(HEADER_BYTES..HEADER_BYTES, process);
    record
}

#[test]
fn every_field_is_read_from_its_own_place() {
    let record = record(1, 0, ALL_PRESENT, b"/docker/\xff", b"runc\0delete\0x\0");
    let expected = KernelEvent {
        boot_ns: 111,
        cpu: 1,
        actor: KernelActor {
            pid: 100,
            tid: 101,
            ppid: 99,
            uid: 1000,
            comm: b"runc:[1:CHILD]",
            parent_comm: b"fifteen-letters",
            cgroup_id: Some(9),
            argv: b"runc\0delete\0x\0",
            argv_truncated: false,
        },
        payload: Payload::Cgroup(KernelCgroup {
            kind: CgroupEventKind::Rmdir,
            hierarchy_id: 8,
            cgroup_id: 0x1_0000_0007,
            parent_cgroup_id: Some(5),
            level: 4,
            path: b"/docker/\xff",
            path_truncated: false,
            usage: Usage {
                memory_peak_bytes: Some(40 * PAGE),
                memory_usage_bytes: Some(3 * PAGE),
                cpu_usage_ns: Some(500),
                cpu_user_ns: Some(300),
                cpu_system_ns: Some(200),
                cpu_throttled_ns: Some(70),
                cpu_throttled_count: Some(6),
                io_read_bytes: Some(8192),
                io_written_bytes: Some(4096),
                pids_peak: Some(17),
                ooms: Some(3),
                oom_kills: Some(2),
            },
        }),
    };
    assert_eq!(decode(&record, PAGE), Ok(expected));
}

/// What `process_record` says of its process.
fn expected_target(is_reaper: bool) -> KernelTarget<'static> {
    let facts = Target {
        pid: 300,
        pid_inside: 1,
        ppid: 299,
        started: BootNs(222),
        comm: "",
        is_reaper,
        is_frozen: Some(false),
        cgroup: CgroupId(0x1_0000_0007),
        v1: Some(key(4, 0x2_0000_0008)),
        parent_cgroup: Some(CgroupId(0x5_0000_0001)),
        parent_v1: Some(CgroupId(0x5_0000_0002)),
    };
    KernelTarget { facts, comm: b"nginx" }
}

#[test]
fn every_field_of_a_process_is_read_from_its_own_place() {
    let exit = process_record(8, obit_process_flag::OBIT_REAPER.0, 3 << 8, b"");
    let status = ExitStatus::Exited(3);
    let expected = Payload::Exit { target: expected_target(true), status, oom_victim: false, rebooted: false };
    assert_eq!(decode(&exit, PAGE).unwrap().payload, expected);

    let exit = process_record(8, obit_process_flag::OBIT_TARGET_FROZEN.0, 3 << 8, b"");
    let mut frozen = expected_target(false);
    frozen.facts.is_frozen = Some(true);
    let expected = Payload::Exit { target: frozen, status, oom_victim: false, rebooted: false };
    assert_eq!(decode(&exit, PAGE).unwrap().payload, expected);

    let flags = obit_process_flag::OBIT_OOM_VICTIM.0 | obit_process_flag::OBIT_REBOOTED.0;
    let exit = process_record(8, flags, 0x80 | 11, b"");
    let status = ExitStatus::Signalled { signal: 11, core_dumped: true };
    let expected = Payload::Exit { target: expected_target(false), status, oom_victim: true, rebooted: true };
    assert_eq!(decode(&exit, PAGE).unwrap().payload, expected);

    let signal = process_record(
        9,
        obit_process_flag::OBIT_TO_GROUP.0 | obit_process_flag::OBIT_HAS_LOGINUID.0,
        0,
        b"runc\0kill\0",
    );
    let event = decode(&signal, PAGE).unwrap();
    let expected = Payload::Signal {
        target: expected_target(false),
        signal: 15,
        code: 0,
        origin: Some(SignalOrigin::User),
        to_group: true,
        result: Some(SignalResult::Ignored),
        actor_v1: Some(CgroupId(0x5_0000_0003)),
        loginuid: Some(1000),
        ancestors: vec![
            KernelAncestor { pid: 99, uid: 0, started: BootNs(333), comm: b"containerd-shim" },
            KernelAncestor { pid: 1, uid: 5, started: BootNs(44), comm: b"systemd" },
        ],
    };
    assert_eq!((event.payload, event.actor.argv), (expected, &b"runc\0kill\0"[..]));

    let exec = process_record(11, 0, 0, b"");
    assert_eq!(decode(&exec, PAGE).unwrap().payload, Payload::Exec { target: expected_target(false) });

    // Its cgroup on v2 is not in the record: the directory is, which is on tree 8.
    let mut attach = process_record(12, 0, 0, b"");
    attach.extend(b"/docker/x");
    attach[offset_of!(EventHeader, path_bytes)] = 9;
    let mut target = expected_target(false);
    target.facts.cgroup = CgroupId(0);
    let cgroup = KernelDirectory { key: key(8, 0x1_0000_0007), level: 4, path: b"/docker/x", path_truncated: false };
    assert_eq!(decode(&attach, PAGE).unwrap().payload, Payload::Attach { target, cgroup });

    let oom = process_record(10, obit_process_flag::OBIT_LIMIT_KNOWN.0 | obit_process_flag::OBIT_HAS_MEMORY.0, 0, b"");
    let limit = Some(OomLimit::Cgroup(key(4, 0x3_0000_0009), 3));
    let expected = Payload::Oom { target: expected_target(false), memory_bytes: Some(30 * PAGE), limit };
    assert_eq!(decode(&oom, PAGE).unwrap().payload, expected);
    let oom = process_record(10, 0, 0, b"");
    let expected = Payload::Oom { target: expected_target(false), memory_bytes: None, limit: None };
    assert_eq!(decode(&oom, PAGE).unwrap().payload, expected);
}

#[test]
fn a_signal_s_origin_is_read_from_its_code_and_from_how_the_kernel_sent_it() {
    use obit_process_flag as Flag;
    const CODE: u32 = 0;
    let (on_behalf, by_kernel) = (Flag::OBIT_NO_INFO.0, Flag::OBIT_KERNEL.0);
    let (exiting, tracer, group) = (Flag::OBIT_ACTOR_EXITING.0, Flag::OBIT_ACTOR_TRACES.0, Flag::OBIT_TO_GROUP.0);
    let worker = Flag::OBIT_ACTOR_KERNEL_THREAD.0;
    let (sighup, sigint, sigkill, sigterm, sigxcpu) = (1, 2, 9, 15, 24);
    for (flags, code, signal, expected) in [
        (CODE, 0, sigterm, Some(SignalOrigin::User)),
        (CODE, -6, sigterm, Some(SignalOrigin::Tkill)),
        (CODE, -1, sigterm, Some(SignalOrigin::Queue)),
        (CODE, -2, sigterm, Some(SignalOrigin::Timer)),
        (CODE, -3, sigterm, Some(SignalOrigin::MessageQueue)),
        (CODE, -4, sigterm, Some(SignalOrigin::AsyncIo)),
        (CODE, -5, sigterm, Some(SignalOrigin::AsyncIo)),
        (CODE, 1, sigterm, Some(SignalOrigin::Fault)),
        (CODE, -60, sigterm, None),
        (on_behalf, 0, sigkill, Some(SignalOrigin::CgroupKill)),
        (on_behalf | group, 0, sigkill, Some(SignalOrigin::OnBehalf)),
        (on_behalf | tracer, 0, sigkill, Some(SignalOrigin::Ptrace)),
        (on_behalf | group | exiting, 0, sigkill, Some(SignalOrigin::ParentDeath)),
        (on_behalf | group, 0, sighup, Some(SignalOrigin::Tty)),
        (by_kernel, 0x80, sigkill, Some(SignalOrigin::Kernel)),
        (by_kernel | tracer | exiting, 0x80, sigkill, Some(SignalOrigin::Ptrace)),
        (by_kernel | exiting, 0x80, sigkill, Some(SignalOrigin::PidNamespaceEnd)),
        (by_kernel | worker, 0x80, sigint, Some(SignalOrigin::Tty)),
        (by_kernel | exiting, 0x80, sighup, Some(SignalOrigin::Tty)),
        (by_kernel, 0x80, sigxcpu, Some(SignalOrigin::Kernel)),
    ] {
        let mut record = process_record(9, flags, 0, b"");
        let at = |field: usize| HEADER_BYTES + field..HEADER_BYTES + field + 4;
        record[at(offset_of!(ProcessFacts, signal))].copy_from_slice(&u32::to_ne_bytes(signal));
        record[at(offset_of!(ProcessFacts, signal_code))].copy_from_slice(&i32::to_ne_bytes(code));
        let Payload::Signal { origin, .. } = decode(&record, PAGE).unwrap().payload else { panic!("a signal") };
        assert_eq!(origin, expected, "{flags} {code} {signal}");
    }
}

#[test]
fn each_presence_bit_stands_for_its_own_value() {
    let decoded = |present| {
        let record = record(0, 0, present, b"/", b"");
        cgroup(&decode(&record, PAGE).unwrap()).usage
    };
    assert_eq!(decoded(0), Usage::default());
    let usage = Usage { memory_usage_bytes: Some(3 * PAGE), ..Usage::default() };
    assert_eq!(decoded(obit_present::OBIT_HAS_MEMORY_USAGE.0), usage);
    let peak = Usage { memory_peak_bytes: Some(40 * PAGE), ..Usage::default() };
    assert_eq!(decoded(obit_present::OBIT_HAS_MEMORY_WATERMARK.0), peak);
    assert_eq!(decoded(obit_present::OBIT_HAS_OOMS.0), Usage { ooms: Some(3), oom_kills: Some(2), ..Usage::default() });
    assert_eq!(decoded(obit_present::OBIT_HAS_PIDS_WATERMARK.0), Usage { pids_peak: Some(17), ..Usage::default() });
    assert_eq!(decoded(obit_present::OBIT_HAS_CPU_USAGE.0), Usage { cpu_usage_ns: Some(500), ..Usage::default() });
    let split = Usage { cpu_user_ns: Some(300), cpu_system_ns: Some(200), ..Usage::default() };
    assert_eq!(decoded(obit_present::OBIT_HAS_CPU_SPLIT.0), split);
    let throttled = Usage { cpu_throttled_ns: Some(70), cpu_throttled_count: Some(6), ..Usage::default() };
    assert_eq!(decoded(obit_present::OBIT_HAS_THROTTLED.0), throttled);
    let io = Usage { io_read_bytes: Some(8192), io_written_bytes: Some(4096), ..Usage::default() };
    assert_eq!(decoded(obit_present::OBIT_HAS_IO.0), io);
}

/// What is left out because it is zero is as present as if it were written.
#[test]
fn usage_that_is_zero_is_left_out_of_a_record_but_not_of_the_event() {
    for present in [0, obit_present::OBIT_HAS_CPU_USAGE.0 | obit_present::OBIT_HAS_IO.0, ALL_PRESENT] {
        let mut written = record(1, 0, present, b"/abc", b"de");
        if present != 0 {
            let usage = written.len() - USAGE_BYTES;
            written[usage..].fill(0);
        }
        let left_out = record(1, obit_flag::OBIT_USAGE_ZERO.0, present, b"/abc", b"de");
        assert_eq!(left_out.len(), HEADER_BYTES + 6);
        assert_eq!(decode(&left_out, PAGE), decode(&written, PAGE));
        assert_eq!(cgroup(&decode(&left_out, PAGE).unwrap()).usage.cpu_usage_ns.is_some(), present != 0);
        let longer = [&left_out[..], &[0; 2 + USAGE_BYTES]].concat();
        let error = WireError::Lengths { length: longer.len(), path_bytes: 4, argv_bytes: 2 };
        assert_eq!(decode(&longer, PAGE), Err(error));
    }
}

#[test]
fn each_kind_has_its_number() {
    for (number, kind) in (0..).zip(KINDS) {
        let record = match kind {
            KernelEventKind::Cgroup(_) => record(number, 0, 0, b"/", b""),
            _ => process_record(number, 0, 0, b""),
        };
        assert_eq!(decode(&record, PAGE).unwrap().payload.kind(), kind);
    }
    let found = u8::try_from(KINDS.len()).unwrap();
    assert_eq!(decode(&record(found, 0, 0, b"/", b""), PAGE), Err(WireError::Kind { found }));
}

#[test]
fn each_flag_marks_its_own_text() {
    let truncated = |flags| {
        let record = record(0, flags, 0, b"/a", b"b");
        let event = decode(&record, PAGE).unwrap();
        (cgroup(&event).path_truncated, event.actor.argv_truncated)
    };
    assert_eq!(truncated(0), (false, false));
    assert_eq!(truncated(obit_flag::OBIT_PATH_TRUNCATED.0), (true, false));
    assert_eq!(truncated(obit_flag::OBIT_ARGV_TRUNCATED.0), (false, true));
}

#[test]
fn an_inconsistent_record_is_an_error() {
    let good = record(0, 0, 0, b"/abc", b"de");
    for length in 0..HEADER_BYTES {
        assert_eq!(decode(&good[..length], PAGE), Err(WireError::Short { length }));
    }
    for length in HEADER_BYTES..good.len() {
        let error = WireError::Lengths { length, path_bytes: 4, argv_bytes: 2 };
        assert_eq!(decode(&good[..length], PAGE), Err(error));
    }
    let exit = process_record(8, 0, 0, b"");
    for length in HEADER_BYTES..exit.len() {
        assert_eq!(decode(&exit[..length], PAGE), Err(WireError::Short { length }));
    }
    let longer = [&good[..], b"x"].concat();
    let error = WireError::Lengths { length: longer.len(), path_bytes: 4, argv_bytes: 2 };
    assert_eq!(decode(&longer, PAGE), Err(error));
    // 4 and 2 bytes, and 2 to a multiple of eight.
    let with_usage = record(0, 0, obit_present::OBIT_HAS_IO.0, b"/abc", b"de");
    assert_eq!(with_usage.len(), HEADER_BYTES + 8 + USAGE_BYTES);
    let longer = [&with_usage[..], b"x"].concat();
    for wrong in (HEADER_BYTES..with_usage.len()).map(|length| &with_usage[..length]).chain([&longer[..]]) {
        let error = WireError::Lengths { length: wrong.len(), path_bytes: 4, argv_bytes: 2 };
        assert_eq!(decode(wrong, PAGE), Err(error));
    }
    let mut other_build = good;
    other_build[offset_of!(EventHeader, version)] = 77;
    assert_eq!(decode(&other_build, PAGE), Err(WireError::Version { found: 77 }));
}

#[test]
fn a_page_count_too_large_for_bytes_is_absent() {
    let mut record = record(0, 0, ALL_PRESENT, b"/", b"");
    let memory_usage = record.len() - USAGE_BYTES + offset_of!(UsageCounters, memory_usage);
    record[memory_usage..memory_usage + 8].fill(0xff);
    let usage = cgroup(&decode(&record, PAGE).unwrap()).usage;
    assert_eq!((usage.memory_usage_bytes, usage.memory_peak_bytes), (None, Some(40 * PAGE)));
}

#[test]
fn arguments_are_whole() {
    fn elements(argv: &[u8], truncated: bool) -> Vec<String> {
        let flags = if truncated { obit_flag::OBIT_ARGV_TRUNCATED.0 } else { 0 };
        let record = record(0, flags, 0, b"/", argv);
        let event = decode(&record, PAGE).unwrap();
        event.actor.argv_elements().map(|element| String::from_utf8(element.to_vec()).unwrap()).collect()
    }
    /// What the kernel side makes of longer arguments: their first bytes and the last 256.
    fn both_ends(head: &[u8], last: &[u8]) -> Vec<u8> {
        [head, &vec![b'x'; 256 - last.len()], last].concat()
    }
    let none: [&str; 0] = [];
    assert_eq!(elements(b"", false), none);
    assert_eq!(elements(b"runc\0delete\0id\0", false), ["runc", "delete", "id"]);
    assert_eq!(elements(b"runc\0\0id\0", false), ["runc", "", "id"]);
    assert_eq!(elements(b"\0", false), [""]);
    assert_eq!(elements(b"nginx: worker process", false), ["nginx: worker process"]);
    assert_eq!(elements(b"a\0b", false), ["a", "b"]);
    assert_eq!(elements(&both_ends(b"runc\0delete\0i", b"\0id\0"), true), ["runc", "delete", "…", "id"]);
    assert_eq!(
        elements(&both_ends(b"runc\0delete\0", b"\0--force\0id"), true),
        ["runc", "delete", "…", "--force", "id"]
    );
    assert_eq!(elements(&both_ends(b"runc\0create\0i", b""), true), ["runc", "create", "…"]);
    assert_eq!(elements(&both_ends(b"one-long-argume", b"nt\0"), true), ["…"]);
    assert_eq!(elements(b"one-long-argume", true), ["…"]);
}

#[test]
fn a_batch_gives_back_what_was_pushed() {
    let mut batch = RawBatch::new();
    for round in 0..2_u8 {
        assert!(batch.is_empty());
        batch.push(&[round, 2]);
        batch.push(&[]);
        batch.push(&[3]);
        assert_eq!(batch.iter().collect::<Vec<_>>(), [&[round, 2][..], &[], &[3]]);
        assert_eq!((batch.len(), batch.iter().len(), batch.byte_len()), (3, 3, 3));
        batch.clear();
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), page_size in any::<u64>()) {
        if let Ok(event) = decode(&bytes, page_size) {
            event.actor.argv_elements().for_each(drop);
        }
    }

    /// Random bytes hardly get past the version; these do.
    #[test]
    fn a_good_record_with_changed_bytes_decodes_or_is_refused(
        path in prop::collection::vec(any::<u8>(), 0..64),
        argv in prop::collection::vec(any::<u8>(), 0..64),
        flags in 0..8_u8,
        present in any::<u8>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = record(2, flags, present, &path, &argv);
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(event) = decode(&bytes, 4096) {
            let argv = event.actor.argv;
            if let Payload::Cgroup(cgroup) = &event.payload {
                let text = cgroup.path.len() + argv.len();
                let with_usage = text.next_multiple_of(usage::ALIGNMENT) + USAGE_BYTES;
                prop_assert!([text, with_usage].contains(&(bytes.len() - HEADER_BYTES)));
            }
            let elements: usize = event.actor.argv_elements().map(|element| element.len() + 1).sum();
            // The mark of what is missing takes room of its own.
            prop_assert!(elements <= argv.len() + 1 + ARGV_SEAM.len() + 1);
        }
    }
}

proptest! {
    #[test]
    fn a_name_ends_before_its_first_nul(bytes: [u8; 16], nul in 0_usize..20, ones: bool) {
        let mut bytes = if ones { [1; 16] } else { bytes };
        if let Some(byte) = bytes.get_mut(nul) {
            *byte = 0;
        }
        prop_assert_eq!(Some(name(&bytes)), bytes.split(|&byte| byte == 0).next());
    }
}

#[test]
fn the_tail_of_long_arguments_is_as_long_as_the_program_writes_it() {
    let header = include_str!("../../../../bpf/wire.h");
    let define = format!("#define OBIT_ARGV_TAIL_BYTES {}\n", super::event::ARGV_TAIL_BYTES);
    assert!(header.contains(&define), "bpf/wire.h has another length than event.rs");
}
