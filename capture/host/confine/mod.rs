//! Confinement of a recorder that is attached: whatever goes wrong in it later, it writes nothing
//! but its case and what it had open, starts nothing and ends nothing.
//!
//! It still reads every file; who asks daemons is another process, which reads hardly any.
//! `docs/design.md` lists what each confined process may do, and the tests below try each line of
//! those lists.
//!
//! Each part is per thread and inherited (capabilities(7), landlock(7), seccomp(2)), so a recorder
//! confines itself while it has one thread, before it starts the others.

mod seccomp;

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    path_beneath_rules,
};
use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs};
use serde::{Deserialize, Serialize};

pub use self::seccomp::SeccompState;
use self::seccomp::restrict_calls;

/// The newest Landlock whose rights are asked for; an older kernel gives what it has. Later ones
/// restrict more than files, also the daemons' sockets.
const ABI_USED: ABI = ABI::V5;

/// The extent of Landlock's restrictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LandlockState {
    /// Nothing can be written outside the case, nothing executed.
    Full,
    /// Writes outside the case are refused as far as this kernel can.
    Partial,
    /// Nothing is restricted: this kernel has no Landlock, or it is off.
    None,
}

impl LandlockState {
    /// Returns its name in a case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}

impl fmt::Display for LandlockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The result of confining a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Extent to which access to files is refused.
    pub landlock: LandlockState,
    /// State of the filter of system calls.
    pub seccomp: SeccompState,
    /// Capabilities that were kept, by name.
    pub capabilities: Vec<String>,
    /// No program that is started can have more.
    pub no_new_privs: bool,
    /// Other processes of its user may read its memory, and a crash leaves that on disk.
    pub dumpable: bool,
}

/// Capability to read and write the maps that the recorder has (before Linux 5.19, where
/// unprivileged BPF is off).
const BPF: (CapabilitySet, &str) = (CapabilitySet::BPF, "CAP_BPF");

/// Capability to read bundles and state of all users.
const READ_SEARCH: (CapabilitySet, &str) = (CapabilitySet::DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH");

/// Capability to follow `/proc/PID/root` of a process with more capabilities than this one.
const PTRACE: (CapabilitySet, &str) = (CapabilitySet::SYS_PTRACE, "CAP_SYS_PTRACE");

/// Keeps the memory of this process from core dumps and from other processes that lack
/// CAP_SYS_PTRACE.
///
/// # Errors
/// The kernel refuses, which it has no reason for.
pub fn forbid_dumps() -> Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot forbid core dumps")
}

/// Keeps all open descriptors but the standard ones from programs that are started from here on,
/// also those that this process was started with. Before Linux 5.11 those stay open in them.
pub fn keep_descriptors_from_children() {
    /// `close_range` (Linux 5.9), and its flag to only mark descriptors (Linux 5.11)
    /// (include/uapi/linux/close_range.h). From 424 on, calls have one number on all processors.
    const CLOSE_RANGE: libc::c_long = 436;
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 1 << 2;
    let (first, last) = (3 as libc::c_uint, libc::c_uint::MAX);
    // SAFETY: takes numbers only, and closes nothing: it sets FD_CLOEXEC.
    let _ = unsafe { libc::syscall(CLOSE_RANGE, first, last, CLOSE_RANGE_CLOEXEC) };
}

/// Gives up what is not needed any more. Only `case` stays writable; open files stay open.
///
/// # Errors
/// The kernel refuses a step. It never refuses to take what is given up, so that is a bug or an odd
/// sandbox.
pub fn confine(case: &Path, host_root: &Path) -> Result<Confinement> {
    // An unprivileged process needs it for Landlock.
    set_no_new_privs(true).context("cannot set no_new_privs")?;
    let landlock =
        restrict_files(&[Path::new("/")], &[case]).context("cannot restrict which files may be written (Landlock)")?;
    let held = capabilities(None).context("cannot read the capabilities")?.permitted;
    // Before Linux 5.8 there is no CAP_BPF, and CAP_SYS_ADMIN stands for it.
    let instead = !held.contains(CapabilitySet::BPF) && held.contains(CapabilitySet::SYS_ADMIN);
    let kept = [BPF, READ_SEARCH].into_iter().chain(host_root.starts_with("/proc").then_some(PTRACE));
    let capabilities = keep_capabilities(kept.chain(instead.then_some((CapabilitySet::SYS_ADMIN, "CAP_SYS_ADMIN"))))?;
    let dumpable = is_dumpable();
    // Last, as it refuses more than the others.
    let seccomp = restrict_calls().context("cannot restrict which system calls may be made (seccomp)")?;
    Ok(Confinement { landlock, seccomp, capabilities, no_new_privs: true, dumpable })
}

/// Gives up what asking daemons does not need: all but reading /proc, the directories of their
/// sockets and these configurations, connecting to their sockets, and messages to the recorder.
///
/// # Errors
/// The kernel refuses a step.
pub fn confine_to_daemons(host_root: &Path, configurations: &[PathBuf]) -> Result<Confinement> {
    set_no_new_privs(true).context("cannot set no_new_privs")?;
    let readable = [host_root.join("proc"), host_root.join("run")];
    let readable: Vec<&Path> = readable.iter().chain(configurations).map(PathBuf::as_path).collect();
    let landlock = restrict_files(&readable, &[]).context("cannot restrict which files may be opened (Landlock)")?;
    let capabilities = keep_capabilities_for_daemons(host_root)?;
    let dumpable = is_dumpable();
    let seccomp = seccomp::allow_only_asking().context("cannot restrict which system calls may be made (seccomp)")?;
    Ok(Confinement { landlock, seccomp, capabilities, no_new_privs: true, dumpable })
}

/// Drops all capabilities but those that asking daemons needs: directories of users with their
/// sockets are closed to others. Returns the names of those kept, which a program that is started
/// can have too.
///
/// # Errors
/// The kernel refuses a step.
pub fn keep_capabilities_for_daemons(host_root: &Path) -> Result<Vec<String>> {
    set_no_new_privs(true).context("cannot set no_new_privs")?;
    keep_capabilities([READ_SEARCH].into_iter().chain(host_root.starts_with("/proc").then_some(PTRACE)))
}

fn is_dumpable() -> bool {
    dumpable_behavior().is_ok_and(|behavior| behavior != DumpableBehavior::NotDumpable)
}

/// Drops all capabilities but these, as far as they are held. Returns the names of those kept.
fn keep_capabilities(kept: impl Iterator<Item = (CapabilitySet, &'static str)>) -> Result<Vec<String>> {
    let held = capabilities(None).context("cannot read the capabilities")?;
    let kept: Vec<_> = kept.filter(|(capability, _)| held.permitted.contains(*capability)).collect();
    let permitted = kept.iter().fold(CapabilitySet::empty(), |all, (capability, _)| all | *capability);
    // Without those that were inheritable, a program that another user than root starts would lose
    // all.
    let inheritable = permitted & held.inheritable;
    let sets = CapabilitySets { effective: permitted & held.effective, permitted, inheritable };
    set_capabilities(None, sets).context("cannot drop capabilities")?;
    Ok(kept.into_iter().map(|(_, name)| name.to_owned()).collect())
}

/// Returns how much Landlock can restrict here. A thread finds out, by confining itself, and ends.
pub fn landlock_here() -> LandlockState {
    let try_it = || set_no_new_privs(true).ok().and_then(|()| restrict_files(&[], &[Path::new("/")]).ok());
    thread::spawn(try_it).join().ok().flatten().unwrap_or(LandlockState::None)
}

/// Returns whether this kernel can refuse system calls. A thread finds out, by restricting itself,
/// and ends.
pub fn seccomp_here() -> SeccompState {
    thread::spawn(|| restrict_calls().ok()).join().ok().flatten().unwrap_or(SeccompState::None)
}

/// Gives up all but reading and writing what is open, as far as this kernel can refuse it.
///
/// # Errors
/// The kernel refuses a step.
pub fn confine_to_open_files() -> Result<()> {
    set_no_new_privs(true).context("cannot set no_new_privs")?;
    restrict_files(&[], &[]).context("cannot restrict which files may be opened (Landlock)")?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).context("cannot drop capabilities")?;
    seccomp::allow_only_io().context("cannot restrict which system calls may be made (seccomp)")?;
    Ok(())
}

/// Gives up all but writing what is open, and files in one directory.
///
/// # Errors
/// The kernel refuses a step.
pub fn confine_to_directory(directory: Option<&Path>) -> Result<()> {
    set_no_new_privs(true).context("cannot set no_new_privs")?;
    let writable: Vec<&Path> = directory.into_iter().collect();
    restrict_files(&[], &writable).context("cannot restrict which files may be opened (Landlock)")?;
    keep_capabilities(std::iter::empty())?;
    restrict_calls().context("cannot restrict which system calls may be made (seccomp)")?;
    Ok(())
}

/// Refuses to open files but those below the given paths. Bundles lie where an engine put them, so
/// a recorder may read everything.
fn restrict_files(readable: &[&Path], writable: &[&Path]) -> Result<LandlockState> {
    let all: BitFlags<AccessFs> = AccessFs::from_all(ABI_USED);
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = all & !AccessFs::Execute;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules(writable, write))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => LandlockState::Full,
        RulesetStatus::PartiallyEnforced => LandlockState::Partial,
        RulesetStatus::NotEnforced => LandlockState::None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File, OpenOptions};
    use std::io::ErrorKind::{CrossesDevices, PermissionDenied};
    use std::io::{self, Read as _, Write as _};
    use std::net::UdpSocket;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::process::Command;

    #[test]
    fn a_process_that_only_signs_opens_starts_and_gains_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        fs::write(&path, "as it was").unwrap();
        let has_filters = seccomp_here() == SeccompState::Filtered;
        let own = rustix::process::getpid();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut ours, mut theirs) = (File::from(OwnedFd::from(ours)), File::from(OwnedFd::from(theirs)));
        thread::scope(|scope| {
            let confined = scope.spawn(|| {
                confine_to_open_files().unwrap();
                ours.write_all(b"signed").unwrap();
                let mut answer = [0; 6];
                theirs.read_exact(&mut answer).unwrap();
                let tried = [
                    ("opening a file", File::open(&path).map(drop)),
                    ("making a file", File::create(scratch.path().join("new")).map(drop)),
                    ("asking for a socket", UnixStream::connect(&path).map(drop)),
                    ("starting a program", Command::new("true").status().map(drop)),
                    ("a signal", rustix::process::test_kill_process(own).map_err(io::Error::from)),
                    ("a look at memory", rustix::process::dumpable_behavior().map(drop).map_err(io::Error::from)),
                ];
                for (what, outcome) in tried.into_iter().filter(|_| has_filters) {
                    assert_eq!(outcome.expect_err(what).kind(), PermissionDenied, "{what}");
                }
            });
            confined.join().unwrap();
        });
    }

    #[test]
    fn finding_out_confines_nobody_else() {
        let scratch = tempfile::tempdir().unwrap();
        landlock_here();
        seccomp_here();
        fs::write(scratch.path().join("file"), "").unwrap();
    }

    /// Returns the lines of a list in docs/design.md: what is tried, and whether it works.
    fn documented(title: &str) -> Vec<(String, bool)> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/design.md");
        let text = fs::read_to_string(path).unwrap();
        let (_, list) = text.split_once(&format!("| {title} | |\n|---|---|\n")).expect("the list");
        let rows = list.lines().map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
        rows.map(|(what, answer)| (what.to_owned(), answer.starts_with("yes"))).collect()
    }

    /// Tries each of what is documented. What is not allowed must be refused, not fail otherwise;
    /// without root there is no capability to read what others keep.
    fn try_all(is_root: bool, documented: &[(String, bool)], mut try_it: impl FnMut(&str) -> io::Result<()>) {
        assert!(documented.len() > 10, "{documented:?}");
        for (what, is_allowed) in documented {
            match try_it(what) {
                Ok(()) => assert!(is_allowed, "it may {what}"),
                Err(error) => {
                    let is_refusal = matches!(error.kind(), PermissionDenied | CrossesDevices);
                    let is_excused = !is_root && what.starts_with("read files");
                    assert!(is_refusal && (!is_allowed || is_excused), "{what}: {error}");
                }
            }
        }
    }

    fn gain_a_capability() -> io::Result<()> {
        let mut sets = capabilities(None)?;
        sets.permitted |= CapabilitySet::SYS_ADMIN;
        sets.effective |= CapabilitySet::SYS_ADMIN;
        Ok(set_capabilities(None, sets)?)
    }

    #[test]
    fn what_a_process_that_asks_daemons_may_do_is_what_the_documents_say() {
        let host = tempfile::tempdir().unwrap();
        let below = |path: &str| host.path().join(path);
        for directory in ["proc/1", "run/user/1000", "etc/docker", "case"] {
            fs::create_dir_all(below(directory)).unwrap();
        }
        for file in ["proc/1/comm", "etc/docker/daemon.json", "etc/shadow", "named.toml", "case/part"] {
            fs::write(below(file), "as it was").unwrap();
        }
        let _daemon = UnixListener::bind(below("run/docker.sock")).unwrap();
        let own = rustix::process::getpid();
        let documented = documented("a process that asks daemons may");
        thread::scope(|scope| {
            let confined = scope.spawn(|| {
                let kept = [below("etc/docker"), below("named.toml"), below("gone")];
                let confinement = confine_to_daemons(host.path(), &kept).unwrap();
                if confinement.landlock == LandlockState::None || confinement.seccomp == SeccompState::None {
                    return;
                }
                try_all(true, &documented, |what| match what {
                    "list processes and read their command lines" => {
                        fs::read_dir(below("proc")).and_then(|_| fs::read(below("proc/1/comm"))).map(drop)
                    }
                    "look for sockets below /run" => fs::read_dir(below("run/user")).map(drop),
                    "read configurations of daemons" => {
                        fs::read(below("etc/docker/daemon.json")).and_then(|_| fs::read(below("named.toml"))).map(drop)
                    }
                    "connect to a socket of a daemon" => UnixStream::connect(below("run/docker.sock")).map(drop),
                    "start threads" => thread::spawn(|| ()).join().map_err(|_| io::ErrorKind::Other.into()),
                    "read another file" => fs::read(below("etc/shadow")).map(drop),
                    "read the case" => fs::read(below("case/part")).map(drop),
                    "write a file" => OpenOptions::new().write(true).open(below("named.toml")).map(drop),
                    "make a file" => File::create(below("run/new")).map(drop),
                    "remove a file" => fs::remove_file(below("run/docker.sock")),
                    "start a program" => Command::new("true").status().map(drop),
                    "signal a process" => rustix::process::test_kill_process(own).map_err(io::Error::from),
                    "listen on a socket" => UnixListener::bind(below("run/other.sock")).map(drop),
                    "open a socket of a network" => UdpSocket::bind("127.0.0.1:0").map(drop),
                    "use BPF" => {
                        // SAFETY: BPF_MAP_GET_NEXT_ID takes no pointer but a null here.
                        match unsafe { libc::syscall(libc::SYS_bpf, 12, 0, 0) } {
                            -1 => Err(io::Error::last_os_error()),
                            _ => Ok(()),
                        }
                    }
                    "gain a capability" => gain_a_capability(),
                    other => panic!("nobody knows how to try this: {other}"),
                });
            });
            confined.join().unwrap();
        });
    }

    #[test]
    fn what_a_confined_recorder_may_do_is_what_the_documents_say() {
        let scratch = tempfile::tempdir().unwrap();
        let (case, outside, private) =
            (scratch.path().join("case"), scratch.path().join("outside"), scratch.path().join("private"));
        fs::create_dir_all(case.join("raw")).unwrap();
        fs::write(&outside, "as it was").unwrap();
        fs::write(&private, "somebody's").unwrap();
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            chown(&private, Some(65534), None).unwrap();
        }
        fs::set_permissions(&private, PermissionsExt::from_mode(0o000)).unwrap();
        let socket = scratch.path().join("daemon");
        let _daemon = UnixListener::bind(&socket).unwrap();
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        let other_pid = rustix::process::Pid::from_child(&other);
        let documented = documented("a confined recorder may");
        // In a thread of its own, which takes the confinement along when it ends.
        thread::scope(|scope| {
            let confined = scope.spawn(|| {
                let mut open_before = OpenOptions::new().append(true).open(&outside).unwrap();
                let confinement = confine(&case, Path::new("/")).unwrap();
                if confinement.landlock == LandlockState::None || confinement.seccomp == SeccompState::None {
                    return;
                }
                try_all(is_root, &documented, |what| match what {
                    "read files of every user" => fs::read(&private).map(drop),
                    "write, rename and remove files in its case" => {
                        fs::write(case.join("raw/part"), "inside")?;
                        fs::rename(case.join("raw/part"), case.join("raw/renamed"))?;
                        fs::remove_file(case.join("raw/renamed"))
                    }
                    "append to an anchor that it had open" => open_before.write_all(b", and more"),
                    "connect to a socket of a daemon" => UnixStream::connect(&socket).map(drop),
                    "start threads" => thread::spawn(|| ()).join().map_err(|_| io::ErrorKind::Other.into()),
                    "write a file elsewhere" => OpenOptions::new().write(true).open(&outside).map(drop),
                    "make a file elsewhere" => File::create(scratch.path().join("new")).map(drop),
                    "remove a file elsewhere" => fs::remove_file(&outside),
                    "make a directory elsewhere" => fs::create_dir(scratch.path().join("directory")),
                    "move a file into its case" => fs::rename(&outside, case.join("taken")),
                    "start a program" => Command::new("true").status().map(drop),
                    "signal another process" => {
                        Ok(rustix::process::kill_process(other_pid, rustix::process::Signal::TERM)?)
                    }
                    "change the mode of a file in its case" => {
                        fs::set_permissions(case.join("raw"), PermissionsExt::from_mode(0o777))
                    }
                    "open a socket of a network" => UdpSocket::bind("127.0.0.1:0").map(drop),
                    "gain a capability" => gain_a_capability(),
                    other => panic!("nobody knows how to try this: {other}"),
                });
                let held = capabilities(None).unwrap().permitted;
                assert!(!held.contains(CapabilitySet::SYS_ADMIN) || !held.contains(CapabilitySet::BPF), "{held:?}");
                assert!(!held.intersects(CapabilitySet::DAC_OVERRIDE | CapabilitySet::SYS_MODULE), "{held:?}");
            });
            confined.join().unwrap();
        });
        other.kill().unwrap();
        other.wait().unwrap();
        fs::write(&outside, "nobody else is confined").unwrap();
    }
}
