//! The options of the OCI runtimes.
//!
//! The tables are those of runc 1.5 (`main.go`, `create.go`, …; kata 1 has the same), crun 1.29
//! (`src/*.c`), youki 0.7 (`crates/liboci-cli`) and runsc of 2026 (`runsc/config/flags.go`,
//! `runsc/cmd`).

use super::verb::Verb;
use crate::identity::engine::OciRuntime;

/// An option that a runtime's parser knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OptionSpec {
    /// Long name, without dashes.
    pub(super) long: &'static str,
    /// Short name.
    pub(super) short: Option<char>,
    /// True if it takes a value: in the next argument, if it does not hold one.
    pub(super) takes_value: bool,
}

const fn flag(long: &'static str) -> OptionSpec {
    OptionSpec { long, short: None, takes_value: false }
}

const fn value(long: &'static str) -> OptionSpec {
    OptionSpec { long, short: None, takes_value: true }
}

impl OptionSpec {
    const fn or(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }
}

/// Returns the options before the command.
pub(super) fn global(runtime: OciRuntime) -> &'static [OptionSpec] {
    match runtime {
        OciRuntime::Runc | OciRuntime::Kata => RUNC_GLOBAL,
        OciRuntime::Crun => CRUN_GLOBAL,
        OciRuntime::Youki => YOUKI_GLOBAL,
        OciRuntime::Runsc => RUNSC_GLOBAL,
    }
}

/// Returns the options after a life-cycle command. One table serves all commands of a runtime that
/// do not contradict each other.
pub(super) fn of_verb(runtime: OciRuntime, verb: Verb) -> &'static [OptionSpec] {
    match (runtime, verb) {
        (OciRuntime::Runc | OciRuntime::Kata, _) => RUNC_VERBS,
        (OciRuntime::Crun, Verb::Create | Verb::Run | Verb::Restore) => CRUN_MAKING,
        (OciRuntime::Crun, Verb::Start | Verb::Kill | Verb::Delete) => CRUN_ENDING,
        (OciRuntime::Youki, _) => YOUKI_VERBS,
        (OciRuntime::Runsc, _) => RUNSC_VERBS,
    }
}

/// Returns the options of `exec`.
pub(super) fn of_exec(runtime: OciRuntime) -> &'static [OptionSpec] {
    match runtime {
        OciRuntime::Runc | OciRuntime::Kata | OciRuntime::Crun | OciRuntime::Youki => EXEC,
        OciRuntime::Runsc => RUNSC_EXEC,
    }
}

const RUNC_GLOBAL: &[OptionSpec] = &[
    value("root"),
    value("log"),
    value("log-format"),
    flag("debug"),
    flag("systemd-cgroup"),
    value("rootless"),
    value("criu"),
    flag("help").or('h'),
    flag("version").or('v'),
    // kata
    value("config"),
    value("kata-config"),
    flag("kata-show-default-config-paths"),
    flag("show-default-config-paths"),
];

const RUNC_VERBS: &[OptionSpec] = &[
    value("bundle").or('b'),
    value("console-socket"),
    value("pidfd-socket"),
    value("pid-file"),
    flag("no-pivot"),
    flag("no-new-keyring"),
    value("preserve-fds"),
    flag("detach").or('d'),
    flag("keep"),
    flag("no-subreaper"),
    value("image-path"),
    value("work-path"),
    flag("tcp-established"),
    flag("ext-unix-sk"),
    flag("shell-job"),
    flag("file-locks"),
    value("manage-cgroups-mode"),
    value("empty-ns"),
    flag("auto-dedup"),
    flag("lazy-pages"),
    value("lsm-profile"),
    value("lsm-mount-context"),
    flag("all").or('a'),
    flag("force").or('f'),
    // kata
    value("console"),
];

const CRUN_GLOBAL: &[OptionSpec] = &[
    value("root"),
    value("log"),
    value("log-format"),
    value("log-level"),
    flag("debug"),
    value("cgroup-manager"),
    flag("systemd-cgroup"),
    value("rootless"),
    flag("help").or('?'),
    flag("usage"),
    flag("version").or('v'),
    flag("version").or('V'),
];

const CRUN_MAKING: &[OptionSpec] = &[
    value("bundle").or('b'),
    value("config").or('f'),
    value("console-socket"),
    value("preserve-fds"),
    flag("no-pivot"),
    value("pid-file"),
    flag("no-subreaper"),
    flag("no-new-keyring"),
    flag("detach").or('d'),
    flag("keep"),
    value("image-path"),
    value("work-path"),
    flag("tcp-established"),
    flag("tcp-close"),
    flag("ext-unix-sk"),
    flag("shell-job"),
    flag("file-locks"),
    value("manage-cgroups-mode"),
    flag("network-lock"),
    value("lsm-profile"),
    value("lsm-mount-context"),
];

const CRUN_ENDING: &[OptionSpec] = &[flag("all").or('a'), flag("force").or('f'), flag("regex").or('r')];

const YOUKI_GLOBAL: &[OptionSpec] = &[
    value("root").or('r'),
    value("log").or('l'),
    value("log-format"),
    value("log-level"),
    flag("debug"),
    flag("systemd-cgroup").or('s'),
    flag("systemd-log"),
    flag("help").or('h'),
    flag("version").or('v'),
];

const YOUKI_VERBS: &[OptionSpec] = &[
    value("bundle").or('b'),
    value("console-socket").or('c'),
    value("pid-file").or('p'),
    flag("no-pivot"),
    flag("no-new-keyring"),
    value("preserve-fds"),
    flag("no-subreaper"),
    flag("keep"),
    flag("detach").or('d'),
    flag("force").or('f'),
    flag("all").or('a'),
];

const RUNSC_GLOBAL: &[OptionSpec] = &[
    value("root"),
    value("log"),
    value("log-format"),
    flag("debug"),
    flag("systemd-cgroup"),
    value("debug-log"),
    value("debug-command"),
    value("panic-log"),
    value("coverage-report"),
    flag("log-packets"),
    value("pcap-log"),
    value("debug-log-format"),
    flag("debug-to-user-log"),
    flag("alsologtostderr"),
    flag("allow-flag-override"),
    value("traceback"),
    value("metric-server"),
    value("final-metrics-log"),
    value("profiling-metrics"),
    value("profiling-metrics-log"),
    value("profiling-metrics-rate-us"),
    flag("strace"),
    value("strace-syscalls"),
    value("strace-log-size"),
    flag("strace-event"),
    value("platform"),
    value("platform_device_path"),
    value("watchdog-action"),
    value("panic-signal"),
    flag("profile"),
    value("profile-block"),
    value("profile-cpu"),
    value("profile-gc-interval"),
    value("profile-heap"),
    value("profile-mutex"),
    value("trace"),
    flag("rootless"),
    value("ref-leak-mode"),
    flag("cpu-num-from-quota"),
    flag("oci-seccomp"),
    flag("enable-core-tags"),
    value("pod-init-config"),
    value("host-settings"),
    value("sidecar-release-enforcement-policy"),
    value("restore-spec-validation"),
    flag("systrap-disable-syscall-patching"),
    flag("systrap-disable-fast-path"),
    flag("allow-suid"),
    flag("kvm-use-cpu-nums"),
    flag("allow-rootfs-tar-annotation"),
    value("control-rpc-stop-timeout"),
    value("shared-root"),
    flag("app-huge-pages"),
    value("file-access"),
    value("file-access-mounts"),
    flag("overlay"),
    value("overlay2"),
    flag("fsgofer-host-uds"),
    value("host-uds"),
    value("host-fifo"),
    value("character-device-policy"),
    flag("gvisor-marker-file"),
    value("override-procs"),
    flag("vfs2"),
    flag("fuse"),
    flag("lisafs"),
    flag("cgroupfs"),
    flag("ignore-cgroups"),
    flag("mount-cgroup-v2"),
    value("fdlimit"),
    value("dcache"),
    flag("iouring"),
    flag("directfs"),
    flag("TESTONLY-nftables"),
    value("network"),
    value("gofer-network-namespace"),
    flag("net-raw"),
    flag("allow-packet-socket-write"),
    flag("allow-live-tcp-migration"),
    flag("gso"),
    flag("software-gso"),
    flag("gvisor-gro"),
    flag("tx-checksum-offload"),
    flag("rx-checksum-offload"),
    value("qdisc"),
    value("qdisc-tbf-rate"),
    value("qdisc-tbf-burst"),
    value("num-network-channels"),
    value("network-processors-per-channel"),
    value("EXPERIMENTAL-xdp"),
    flag("EXPERIMENTAL-xdp-need-wakeup"),
    flag("reproduce-nat"),
    flag("reproduce-nftables"),
    flag("net-disconnect-ok"),
    flag("pause-external-networking"),
    flag("allow-connected-on-save"),
    flag("nvproxy"),
    flag("nvproxy-docker"),
    value("nvproxy-driver-version"),
    flag("nvproxy-allow-unsupported-driver"),
    value("nvproxy-allowed-driver-capabilities"),
    flag("rdmaproxy"),
    flag("tpuproxy"),
    flag("TESTONLY-unsafe-nonroot"),
    value("TESTONLY-test-name-env"),
    flag("TESTONLY-afs-syscall-panic"),
    value("TESTONLY-autosave-image-path"),
    flag("TESTONLY-autosave-resume"),
];

const RUNSC_VERBS: &[OptionSpec] = &[
    value("bundle"),
    value("console-socket"),
    value("pid-file"),
    value("user-log"),
    value("fs-restore-image-path"),
    flag("fs-restore-direct"),
    flag("detach"),
    value("pass-fd"),
    value("exec-fd"),
    value("image-path"),
    flag("direct"),
    flag("background"),
    flag("no-subreaper"),
    value("work-path"),
    flag("all"),
    value("pid"),
    value("pgid"),
    flag("force"),
];

/// Options of `exec` in runc, kata, crun and youki, which agree.
const EXEC: &[OptionSpec] = &[
    value("console-socket"),
    value("console"),
    value("pidfd-socket"),
    value("cwd"),
    value("env").or('e'),
    flag("tty").or('t'),
    value("user").or('u'),
    value("additional-gids").or('g'),
    value("process").or('p'),
    flag("detach").or('d'),
    value("pid-file"),
    value("process-label"),
    value("apparmor"),
    flag("no-new-privs"),
    value("cap").or('c'),
    value("preserve-fds"),
    value("cgroup"),
    flag("ignore-paused"),
    flag("no-subreaper"),
];

const RUNSC_EXEC: &[OptionSpec] = &[
    value("cwd"),
    value("env"),
    value("user"),
    value("additional-gids"),
    value("cap"),
    flag("detach"),
    value("process"),
    value("pid-file"),
    value("internal-pid-file"),
    value("console-socket"),
    value("pass-fd"),
    value("exec-fd"),
];

/// Options of `lxc-start` and `lxc-execute`, which do not contradict each other (lxc/lxc
/// src/lxc/tools/arguments.h, lxc_start.c, lxc_execute.c).
pub(super) const LXC: &[OptionSpec] = &[
    value("name").or('n'),
    flag("help").or('h'),
    flag("help").or('?'),
    flag("usage"),
    flag("version"),
    flag("quiet").or('q'),
    value("logfile").or('o'),
    value("logpriority").or('l'),
    value("lxcpath").or('P'),
    value("rcfile").or('f'),
    flag("daemon").or('d'),
    flag("foreground").or('F'),
    value("define").or('s'),
    value("console").or('c'),
    value("console-log").or('L'),
    flag("close-all-fds").or('C'),
    value("pidfile").or('p'),
    value("uid").or('u'),
    value("gid").or('g'),
    value("share-net"),
    value("share-ipc"),
    value("share-uts"),
    value("share-pid"),
];

/// Flags of a containerd shim (`pkg/shim/shim.go`).
pub(super) const KATA_SHIM: &[OptionSpec] = &[
    value("namespace"),
    value("id"),
    value("address"),
    value("publish-binary"),
    value("bundle"),
    value("socket"),
    value("debug-socket"),
    flag("debug"),
    flag("info"),
    flag("v"),
    flag("version"),
];
