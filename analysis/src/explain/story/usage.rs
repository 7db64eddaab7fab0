//! Phrases about the resources that a container used.

use obit_derivation::record::Usage;
use obit_schema::text::{size, time};

/// Returns one phrase each about processors, memory, tasks and block devices. Values that the
/// kernel did not report are left out.
pub(super) fn phrases(usage: &Usage) -> Vec<String> {
    // Each field by name: a new one does not compile until it has a line here.
    let Usage {
        memory_peak_bytes,
        memory_usage_bytes,
        cpu_usage_ns,
        cpu_user_ns,
        cpu_system_ns,
        cpu_throttled_ns,
        cpu_throttled_count,
        io_read_bytes,
        io_written_bytes,
        pids_peak,
        ooms,
        oom_kills,
    } = *usage;
    let duration = |what: &str, ns: Option<u64>| ns.map(|ns| format!("{what}{}", time::duration(ns)));
    let bytes = |what: &str, bytes: Option<u64>| bytes.map(|bytes| format!("{what}{}", size(bytes)));
    let throttled = cpu_throttled_count.zip(cpu_throttled_ns).map(|(count, ns)| match count {
        0 => "never throttled".to_owned(),
        count => format!("throttled in {count} periods for {}", time::duration(ns)),
    });
    [
        (
            "CPU time",
            vec![
                duration("", cpu_usage_ns),
                duration("user ", cpu_user_ns),
                duration("system ", cpu_system_ns),
                throttled,
            ],
        ),
        ("memory", vec![bytes("peak ", memory_peak_bytes), bytes("last ", memory_usage_bytes)]),
        (
            "tasks",
            vec![
                pids_peak.map(|peak| format!("{peak} at most")),
                oom_kills.map(|kills| format!("{kills} killed by the OOM killer")),
                ooms.filter(|&ooms| oom_kills.is_some_and(|kills| ooms > kills))
                    .map(|ooms| format!("which was asked {ooms} times")),
            ],
        ),
        ("block devices", vec![bytes("read ", io_read_bytes), bytes("wrote ", io_written_bytes)]),
    ]
    .into_iter()
    .map(|(what, values)| (what, values.into_iter().flatten().collect::<Vec<_>>()))
    .filter(|(_, values)| !values.is_empty())
    .map(|(what, values)| format!("{what}: {}", values.join(", ")))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_said() {
        assert_eq!(phrases(&Usage::default()), [""; 0]);
        let usage = Usage {
            cpu_usage_ns: Some(1_500_000_000),
            cpu_throttled_ns: Some(0),
            cpu_throttled_count: Some(0),
            ooms: Some(0),
            oom_kills: Some(0),
            ..Usage::default()
        };
        let cpu = format!("CPU time: {}, never throttled", time::duration(1_500_000_000));
        assert_eq!(phrases(&usage), [&cpu, "tasks: 0 killed by the OOM killer"]);
    }

    #[test]
    fn each_value_stands_under_its_own_name() {
        let usage = Usage {
            memory_peak_bytes: Some(9_000),
            memory_usage_bytes: Some(4_000),
            cpu_usage_ns: Some(5_000_000_000),
            cpu_user_ns: Some(3_000_000_000),
            cpu_system_ns: Some(2_000_000_000),
            cpu_throttled_ns: Some(1_000_000_000),
            cpu_throttled_count: Some(7),
            io_read_bytes: Some(11),
            io_written_bytes: Some(12),
            pids_peak: Some(13),
            ooms: Some(2),
            oom_kills: Some(1),
        };
        let [one, two, three, five] = [1, 2, 3, 5].map(|seconds| time::duration(seconds * 1_000_000_000));
        let expected = [
            format!("CPU time: {five}, user {three}, system {two}, throttled in 7 periods for {one}"),
            "memory: peak 8.8 KiB, last 3.9 KiB".to_owned(),
            "tasks: 13 at most, 1 killed by the OOM killer, which was asked 2 times".to_owned(),
            "block devices: read 11 B, wrote 12 B".to_owned(),
        ];
        assert_eq!(phrases(&usage), expected);
    }
}
