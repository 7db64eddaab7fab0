//! The options of the OCI runtimes, so that the value of one is never taken for the id.
//!
//! Tables as of runc 1.5 (`main.go`, `create.go`, …; kata 1 has the same), crun 1.29 (`src/*.c`), youki 0.7
//! (`crates/liboci-cli`), runsc of 2026 (`runsc/config/flags.go`, `runsc/cmd`).

use super::Verb;
use crate::identity::OciRuntime;

/// How a runtime's parser reads options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Go's `flag`: `-x` is `--x`; the first argument that is no option ends the options.
    GoFlag,
    /// urfave's `cli`: the same, but options may follow arguments.
    GoCli,
    /// glibc's argp: short options in clusters, long ones cut short.
    Argp,
    /// clap: short options in clusters, with `=` before a value allowed.
    Clap,
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    long: &'static str,
    short: Option<char>,
    takes_value: bool,
}

const fn flag(long: &'static str) -> Known {
    Known { long, short: None, takes_value: false }
}

const fn value(long: &'static str) -> Known {
    Known { long, short: None, takes_value: true }
}

impl Known {
    const fn or(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }
}

/// Which parser a runtime has.
pub(super) fn dialect(runtime: OciRuntime) -> Dialect {
    match runtime {
        OciRuntime::Runc | OciRuntime::Kata => Dialect::GoCli,
        OciRuntime::Crun => Dialect::Argp,
        OciRuntime::Youki => Dialect::Clap,
        OciRuntime::Runsc => Dialect::GoFlag,
    }
}

/// Options before the command.
pub(super) fn global(runtime: OciRuntime) -> &'static [Known] {
    match runtime {
        OciRuntime::Runc | OciRuntime::Kata => RUNC_GLOBAL,
        OciRuntime::Crun => CRUN_GLOBAL,
        OciRuntime::Youki => YOUKI_GLOBAL,
        OciRuntime::Runsc => RUNSC_GLOBAL,
    }
}

/// Options after a life-cycle command. One table serves all commands of a runtime where they do not contradict.
pub(super) fn of_verb(runtime: OciRuntime, verb: Verb) -> &'static [Known] {
    match (runtime, verb) {
        (OciRuntime::Runc | OciRuntime::Kata, _) => RUNC_VERBS,
        (OciRuntime::Crun, Verb::Create | Verb::Run | Verb::Restore) => CRUN_MAKING,
        (OciRuntime::Crun, Verb::Start | Verb::Kill | Verb::Delete) => CRUN_ENDING,
        (OciRuntime::Youki, _) => YOUKI_VERBS,
        (OciRuntime::Runsc, _) => RUNSC_VERBS,
    }
}

/// Options of `exec`.
pub(super) fn of_exec(runtime: OciRuntime) -> &'static [Known] {
    match runtime {
        OciRuntime::Runc | OciRuntime::Kata | OciRuntime::Crun | OciRuntime::Youki => EXEC,
        OciRuntime::Runsc => RUNSC_EXEC,
    }
}

/// What one step of a [`Scan`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// An option of the table, by its long name.
    Option { name: &'static str, value: Option<&'a str> },
    /// An option that no table has. `complete` if it holds its own value or none, so that nothing after it belongs to it.
    Unknown { complete: bool },
    /// No option.
    Positional(&'a str),
}

/// Reads arguments one option or positional at a time.
pub(super) struct Scan<'a, 't> {
    arguments: &'t [&'a str],
    next: usize,
    table: &'static [Known],
    globals: &'static [Known],
    dialect: Dialect,
    /// Short options that are left of the argument before.
    cluster: &'a str,
    options_ended: bool,
}

impl<'a, 't> Scan<'a, 't> {
    pub(super) fn new(arguments: &'t [&'a str], globals: &'static [Known], dialect: Dialect) -> Self {
        Self { arguments, next: 0, table: &[], globals, dialect, cluster: "", options_ended: false }
    }

    /// Goes on behind the command, whose options are those of `table`; global ones are taken there too.
    pub(super) fn continue_with(&mut self, table: &'static [Known]) {
        self.table = table;
        self.options_ended = false;
    }

    /// How many arguments have been read.
    pub(super) fn position(&self) -> usize {
        self.next
    }

    /// Takes the next argument as a value, unless it is an option.
    pub(super) fn take_value(&mut self) -> Option<&'a str> {
        let argument = self.arguments.get(self.next).filter(|argument| !argument.starts_with('-'))?;
        self.next += 1;
        Some(argument)
    }

    /// Skips the next argument if it is no option and `is_value` holds for it.
    pub(super) fn skip_value(&mut self, is_value: impl Fn(&str) -> bool) {
        if self.arguments.get(self.next).is_some_and(|argument| !argument.starts_with('-') && is_value(argument)) {
            self.next += 1;
        }
    }

    fn argument(&mut self) -> Option<&'a str> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        Some(argument)
    }

    fn known(&self, matches: impl Fn(&Known) -> bool) -> Option<Known> {
        self.table.iter().chain(self.globals).find(|known| matches(known)).copied()
    }

    fn find_long(&self, name: &str) -> Option<Known> {
        let exact = self.known(|known| known.long == name);
        if exact.is_some() || self.dialect != Dialect::Argp || name.is_empty() {
            return exact;
        }
        // getopt_long takes any beginning that only one option has.
        let mut candidates = self.table.iter().chain(self.globals).filter(|known| known.long.starts_with(name));
        let first = candidates.next().copied();
        if candidates.any(|other| Some(other.long) != first.map(|known| known.long)) { None } else { first }
    }

    fn long(&mut self, body: &'a str) -> Item<'a> {
        let (name, inline) = match body.split_once('=') {
            Some((name, inline)) => (name, Some(inline)),
            None => (body, None),
        };
        let known = self.find_long(name).or_else(|| {
            // Go writes short options with any number of dashes.
            let mut characters = name.chars();
            let short = characters.next().filter(|_| characters.next().is_none());
            let go = matches!(self.dialect, Dialect::GoFlag | Dialect::GoCli);
            short.filter(|_| go).and_then(|short| self.known(|known| known.short == Some(short)))
        });
        match known {
            None => Item::Unknown { complete: inline.is_some() },
            Some(Known { long, takes_value: false, .. }) => Item::Option { name: long, value: inline },
            Some(Known { long, .. }) => Item::Option { name: long, value: inline.or_else(|| self.argument()) },
        }
    }

    fn short(&mut self) -> Option<Item<'a>> {
        let mut characters = self.cluster.chars();
        let short = characters.next()?;
        let rest = characters.as_str();
        let Some(known) = self.known(|known| known.short == Some(short)) else {
            self.cluster = "";
            return Some(Item::Unknown { complete: !rest.is_empty() });
        };
        if !known.takes_value {
            self.cluster = rest;
            return Some(Item::Option { name: known.long, value: None });
        }
        self.cluster = "";
        let inline = if self.dialect == Dialect::Clap { rest.strip_prefix('=').unwrap_or(rest) } else { rest };
        let value = if rest.is_empty() { self.argument() } else { Some(inline) };
        Some(Item::Option { name: known.long, value })
    }
}

impl<'a> Iterator for Scan<'a, '_> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if let Some(item) = self.short() {
            return Some(item);
        }
        loop {
            let argument = self.argument()?;
            if self.options_ended || argument == "-" || !argument.starts_with('-') {
                self.options_ended |= self.dialect == Dialect::GoFlag;
                return Some(Item::Positional(argument));
            }
            if argument == "--" {
                self.options_ended = true;
                continue;
            }
            if let Some(body) = argument.strip_prefix("--") {
                return Some(self.long(body));
            }
            let body = argument.strip_prefix('-')?;
            if matches!(self.dialect, Dialect::GoFlag | Dialect::GoCli) {
                return Some(self.long(body));
            }
            self.cluster = body;
            return self.short();
        }
    }
}

const RUNC_GLOBAL: &[Known] = &[
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

const RUNC_VERBS: &[Known] = &[
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

const CRUN_GLOBAL: &[Known] = &[
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

const CRUN_MAKING: &[Known] = &[
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

const CRUN_ENDING: &[Known] = &[flag("all").or('a'), flag("force").or('f'), flag("regex").or('r')];

const YOUKI_GLOBAL: &[Known] = &[
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

const YOUKI_VERBS: &[Known] = &[
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

const RUNSC_GLOBAL: &[Known] = &[
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

const RUNSC_VERBS: &[Known] = &[
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

/// `exec` of runc, kata, crun and youki; they agree.
const EXEC: &[Known] = &[
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

const RUNSC_EXEC: &[Known] = &[
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

/// Flags of a containerd shim (`pkg/shim/shim.go`).
pub(super) const KATA_SHIM: &[Known] = &[
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
