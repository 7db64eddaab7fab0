//! Checks that openat2(2) is allowed: files and directories of others are opened by it only.

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::report::CheckItem;

/// Tries openat2(2) on the working directory.
pub fn examine() -> CheckItem {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    verdict(openat2(CWD, c".", flags, Mode::empty(), ResolveFlags::BENEATH).map(drop))
}

/// Reports on the attempt. A filter of system calls refuses it with ENOSYS, as systemd does, or
/// with EPERM, as older profiles of container engines do. Any other error is about the working
/// directory.
fn verdict(opened: Result<(), Errno>) -> CheckItem {
    match opened {
        Err(errno @ (Errno::NOSYS | Errno::PERM)) => CheckItem::warning(
            "openat2",
            format!("refused: {errno}"),
            "allow openat2(2) in the seccomp profile of the container, or take RestrictSUIDSGID= out of the systemd unit: \
             cgroups that are there already and files of runtimes stay unread",
        ),
        _ => CheckItem::ok("openat2", "allowed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::report::CheckStatus;

    #[test]
    fn only_a_filters_refusal_is_worth_a_warning() {
        for (opened, status) in [
            (Ok(()), CheckStatus::Ok),
            (Err(Errno::ACCESS), CheckStatus::Ok),
            (Err(Errno::NOSYS), CheckStatus::Warning),
            (Err(Errno::PERM), CheckStatus::Warning),
        ] {
            assert_eq!(verdict(opened).status, status, "{opened:?}");
        }
    }

    #[test]
    fn a_test_is_not_confined() {
        assert_eq!(examine().status, CheckStatus::Ok);
    }
}
