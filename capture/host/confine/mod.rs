//! Confinement of a recorder that is attached: whatever goes wrong in it later, it can only read,
//! and write its case.
//!
//! Each part is per thread and inherited (capabilities(7), landlock(7), seccomp(2)), so a recorder
//! confines itself while it has one thread, before it starts the others.

mod seccomp;

use std::fmt;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    path_beneath_rules,
};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs};
use serde::Serialize;

pub use self::seccomp::SeccompState;
use self::seccomp::restrict_calls;

/// The newest Landlock whose rights are asked for; an older kernel gives what it has. Later ones
/// restrict more than files, also the daemons' sockets.
const ABI_USED: ABI = ABI::V5;

/// The extent of Landlock's restrictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

/// The result of confining a recorder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confinement {
    /// Extent to which writes outside the case are refused.
    pub landlock: LandlockState,
    /// State of the filter of system calls.
    pub seccomp: SeccompState,
    /// Capabilities that were kept, by name.
    pub capabilities: Vec<&'static str>,
    /// No program that is started can have more.
    pub no_new_privs: bool,
}

/// Capabilities that a recorder keeps, if it has them: its maps are read and written with CAP_BPF
/// (before Linux 5.19, where unprivileged BPF is off), bundles and state of all users with
/// CAP_DAC_READ_SEARCH.
const KEPT: [(CapabilitySet, &str); 2] =
    [(CapabilitySet::BPF, "CAP_BPF"), (CapabilitySet::DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH")];

/// Capability to follow `/proc/PID/root` of a process with more capabilities than this one.
const PTRACE: (CapabilitySet, &str) = (CapabilitySet::SYS_PTRACE, "CAP_SYS_PTRACE");

/// Gives up what is not needed any more. Only `case` stays writable; open files stay open.
///
/// # Errors
/// The kernel refuses a step. It never refuses to take what is given up, so that is a bug or an odd
/// sandbox.
pub fn confine(case: &Path, host_root: &Path) -> Result<Confinement> {
    // An unprivileged process needs it for Landlock.
    set_no_new_privs(true).context("cannot set no_new_privs")?;
    let landlock = restrict_files(case).context("cannot restrict which files may be written (Landlock)")?;
    let kept = KEPT.into_iter().chain(host_root.starts_with("/proc").then_some(PTRACE));
    let held = capabilities(None).context("cannot read the capabilities")?;
    // Before Linux 5.8 there is no CAP_BPF, and CAP_SYS_ADMIN stands for it.
    let instead = !held.permitted.contains(CapabilitySet::BPF) && held.permitted.contains(CapabilitySet::SYS_ADMIN);
    let kept = kept.chain(instead.then_some((CapabilitySet::SYS_ADMIN, "CAP_SYS_ADMIN")));
    let kept: Vec<_> = kept.filter(|(capability, _)| held.permitted.contains(*capability)).collect();
    let permitted = kept.iter().fold(CapabilitySet::empty(), |all, (capability, _)| all | *capability);
    let sets = CapabilitySets { effective: permitted & held.effective, permitted, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).context("cannot drop capabilities")?;
    let capabilities = kept.into_iter().map(|(_, name)| name).collect();
    // Last, as it refuses more than the others.
    let seccomp = restrict_calls().context("cannot restrict which system calls may be made (seccomp)")?;
    Ok(Confinement { landlock, seccomp, capabilities, no_new_privs: true })
}

/// Returns how much Landlock can restrict here. A thread finds out, by confining itself, and ends.
pub fn landlock_here() -> LandlockState {
    let try_it = || set_no_new_privs(true).ok().and_then(|()| restrict_files(Path::new("/")).ok());
    thread::spawn(try_it).join().ok().flatten().unwrap_or(LandlockState::None)
}

/// Returns whether this kernel can refuse system calls. A thread finds out, by restricting itself,
/// and ends.
pub fn seccomp_here() -> SeccompState {
    thread::spawn(|| restrict_calls().ok()).join().ok().flatten().unwrap_or(SeccompState::None)
}

fn restrict_files(case: &Path) -> Result<LandlockState> {
    let all: BitFlags<AccessFs> = AccessFs::from_all(ABI_USED);
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = all & !AccessFs::Execute;
    // Bundles lie where an engine put them, so everything may be read.
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(["/"], read))?
        .add_rules(path_beneath_rules([case], write))?
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
    use std::io::{ErrorKind, Write as _};

    #[test]
    fn finding_out_confines_nobody_else() {
        let scratch = tempfile::tempdir().unwrap();
        landlock_here();
        seccomp_here();
        fs::write(scratch.path().join("file"), "").unwrap();
    }

    #[test]
    fn a_write_outside_the_case_fails_and_inside_works() {
        let scratch = tempfile::tempdir().unwrap();
        let (case, outside) = (scratch.path().join("case"), scratch.path().join("outside"));
        fs::create_dir(&case).unwrap();
        fs::write(&outside, "as it was").unwrap();
        // In a thread of its own, which takes the confinement along when it ends.
        thread::scope(|scope| {
            let confined = scope.spawn(|| {
                let mut open_before = OpenOptions::new().append(true).open(&outside).unwrap();
                let confinement = confine(&case, Path::new("/")).unwrap();
                if confinement.landlock != LandlockState::None {
                    let refused = [
                        File::create(scratch.path().join("new")).map(drop),
                        OpenOptions::new().write(true).open(&outside).map(drop),
                        fs::remove_file(&outside),
                        fs::create_dir(scratch.path().join("directory")),
                        fs::rename(&outside, case.join("taken")),
                    ];
                    for attempt in refused {
                        let kind = attempt.unwrap_err().kind();
                        assert!(matches!(kind, ErrorKind::PermissionDenied | ErrorKind::CrossesDevices), "{kind:?}");
                    }
                }
                fs::create_dir(case.join("raw")).unwrap();
                fs::write(case.join("raw/part"), "inside").unwrap();
                fs::rename(case.join("raw/part"), case.join("raw/renamed")).unwrap();
                fs::remove_file(case.join("raw/renamed")).unwrap();
                assert_eq!(fs::read_to_string(&outside).unwrap(), "as it was", "everything can be read");
                // An anchor was opened before.
                open_before.write_all(b", and more").unwrap();
                let held = capabilities(None).unwrap().permitted;
                assert!(!held.contains(CapabilitySet::SYS_ADMIN) || !held.contains(CapabilitySet::BPF), "{held:?}");
                assert!(!held.intersects(CapabilitySet::DAC_OVERRIDE | CapabilitySet::SYS_MODULE), "{held:?}");
            });
            confined.join().unwrap();
        });
        fs::write(&outside, "free again").unwrap();
    }
}
