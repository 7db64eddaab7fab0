//! Checks the kernel: its release, its type information, the tracepoints, and what may forbid them.

use std::path::Path;

use super::btf::{self, BtfError, KERNEL_BTF};
use super::report::CheckItem;
use crate::host::file::read_trimmed;

/// The first release with the BPF ring buffer and CAP_BPF.
const OLDEST: (u32, u32) = (5, 8);
const TRACEPOINTS: [&str; 3] = ["cgroup_mkdir", "cgroup_rmdir", "cgroup_notify_populated"];
/// Mount points of tracefs: its own, or one below debugfs on older set-ups.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Examines the kernel.
pub fn examine(custom_btf: Option<&Path>) -> Vec<CheckItem> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let own = btf::read(Path::new(KERNEL_BTF)).and_then(|bytes| typed(&bytes));
    let custom = custom_btf.map(|path| (path, btf::read(path).and_then(|bytes| typed(&bytes))));
    let in_tracefs = TRACEFS.iter().find(|root| Path::new(root).join("events/cgroup").is_dir()).map(|root| {
        let exists = |name: &&&str| Path::new(root).join("events/cgroup").join(name).is_dir();
        TRACEPOINTS.iter().filter(exists).copied().collect()
    });
    let format = crate::sources::kernel::probe::check_format().map_err(|error| error.to_string());
    let mut items = vec![release_item(&release), btf_item(&own, custom.as_ref(), &format)];
    let typed = own.as_ref().or_else(|unread| custom.as_ref().map_or(Err(unread), |(_, read)| read.as_ref())).ok();
    items.push(tracepoints_item(typed, in_tracefs.as_ref()));
    items.push(lockdown_item(read_trimmed("/sys/kernel/security/lockdown").as_deref()));
    items
}

type Names = Vec<&'static str>;

fn typed(bytes: &[u8]) -> Result<Names, BtfError> {
    Ok(btf::typed_tracepoints(bytes, &TRACEPOINTS)?.into_iter().collect())
}

fn release_item(release: &str) -> CheckItem {
    let name = "kernel";
    match version_of(release) {
        Some(version) if version >= OLDEST => CheckItem::ok(name, release),
        Some(_) => CheckItem::failed(
            name,
            release,
            format!("run Linux {}.{} or newer: older ones have no BPF ring buffer", OLDEST.0, OLDEST.1),
        ),
        None => CheckItem::warning(name, release, "its version cannot be told; Linux 5.8 or newer is needed"),
    }
}

/// Returns (5, 10) for `5.10.0-28-amd64`.
fn version_of(release: &str) -> Option<(u32, u32)> {
    let (major, rest) = release.split_once('.')?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..digits].parse().ok()?))
}

/// Reports on type information. `format` says whether the tracepoints' own format can be used in
/// its place.
fn btf_item(
    own: &Result<Names, BtfError>,
    custom: Option<&(&Path, Result<Names, BtfError>)>,
    format: &Result<(), String>,
) -> CheckItem {
    let name = "BTF";
    match (custom, own) {
        (Some((path, Ok(_))), _) => CheckItem::ok(name, path.display().to_string()),
        (Some((path, Err(error))), _) => CheckItem::failed(
            name,
            format!("{} {error}", path.display()),
            "give the path of a BTF file made for exactly this kernel",
        ),
        (None, Ok(_)) => CheckItem::ok(name, KERNEL_BTF),
        (None, Err(error)) if format.is_ok() => CheckItem::warning(
            name,
            format!("{KERNEL_BTF} {error}; the tracepoints' own format is used"),
            "give a BTF file made for exactly this kernel (--btf): without, the arguments and parents of processes, vital \
             signs and the ends of processes are not recorded",
        ),
        (None, Err(error)) => CheckItem::failed(
            name,
            format!("{KERNEL_BTF} {error}; {}", format.as_ref().err().map_or("", String::as_str)),
            "run a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian's and Ubuntu's are), or give a BTF file made for \
             exactly this kernel",
        ),
    }
}

fn tracepoints_item(typed: Option<&Names>, in_tracefs: Option<&Names>) -> CheckItem {
    let name = "tracepoints";
    let known = |wanted: &&&str| [typed, in_tracefs].into_iter().flatten().any(|names| names.contains(*wanted));
    let absent: Vec<_> = TRACEPOINTS.iter().filter(|wanted| !known(wanted)).copied().collect();
    match (typed, in_tracefs) {
        (None, None) => CheckItem::warning(
            name,
            "cannot be told without BTF or tracefs",
            "mount tracefs to see: mount -t tracefs none /sys/kernel/tracing",
        ),
        _ if absent.is_empty() => CheckItem::ok(name, TRACEPOINTS.join(", ")),
        _ => CheckItem::failed(
            name,
            format!("not in this kernel: {}", absent.join(", ")),
            "run a kernel built with CONFIG_CGROUPS=y and CONFIG_TRACEPOINTS=y, Linux 5.8 or newer",
        ),
    }
}

/// Reports on lockdown, from a text like `none [integrity] confidentiality`
/// (security/lockdown/lockdown.c). Only `confidentiality` forbids a BPF program to read kernel
/// memory (`LOCKDOWN_BPF_READ_KERNEL`).
fn lockdown_item(lockdown: Option<&str>) -> CheckItem {
    let name = "lockdown";
    let mode = lockdown.and_then(|text| text.split_once('[')?.1.split_once(']')).map(|(mode, _)| mode);
    match mode {
        None => CheckItem::ok(name, "not in this kernel"),
        Some("confidentiality") => CheckItem::failed(
            name,
            "confidentiality",
            "boot without lockdown=confidentiality: it forbids BPF programs to read what happened; integrity does not",
        ),
        Some(mode) => CheckItem::ok(name, mode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::report::CheckStatus;
    use rustix::io::Errno;

    #[test]
    fn releases_are_compared_as_numbers() {
        for (release, status) in [
            ("6.18.44", CheckStatus::Ok),
            ("5.8", CheckStatus::Ok),
            ("5.10.0-28-amd64", CheckStatus::Ok),
            ("10.1-rc1", CheckStatus::Ok),
            ("5.7.19", CheckStatus::Failed),
            ("4.19.0", CheckStatus::Failed),
            ("custom", CheckStatus::Warning),
            ("5.x", CheckStatus::Warning),
        ] {
            assert_eq!(release_item(release).status, status, "{release}");
        }
    }

    #[test]
    fn a_kernel_without_btf_fails_unless_there_is_another_way() {
        let none = || Err(BtfError::Read(Errno::NOENT));
        let unmounted = Err("mount tracefs".to_owned());
        let item = btf_item(&none(), None, &unmounted);
        assert_eq!(item.status, CheckStatus::Failed);
        assert!(item.found.contains("mount tracefs"), "{item:?}");
        assert_eq!(btf_item(&none(), None, &Ok(())).status, CheckStatus::Warning, "the tracepoints' own format does");
        assert_eq!(btf_item(&none(), Some(&(Path::new("/b"), Ok(Vec::new()))), &unmounted).status, CheckStatus::Ok);
        let bad = btf_item(&Ok(Vec::new()), Some(&(Path::new("/b"), Err(BtfError::Malformed))), &Ok(()));
        assert_eq!(
            (bad.status, bad.found.as_str()),
            (CheckStatus::Failed, "/b holds no BTF of this machine's byte order")
        );
    }

    #[test]
    fn a_tracepoint_may_be_known_from_either_source() {
        let all = TRACEPOINTS.to_vec();
        let two = TRACEPOINTS[..2].to_vec();
        assert_eq!(tracepoints_item(Some(&all), None).status, CheckStatus::Ok);
        assert_eq!(tracepoints_item(None, Some(&all)).status, CheckStatus::Ok);
        assert_eq!(tracepoints_item(Some(&two), Some(&all)).status, CheckStatus::Ok);
        assert_eq!(tracepoints_item(None, None).status, CheckStatus::Warning);
        let short = tracepoints_item(Some(&two), None);
        assert_eq!(
            (short.status, short.found.as_str()),
            (CheckStatus::Failed, "not in this kernel: cgroup_notify_populated")
        );
    }

    #[test]
    fn only_confidentiality_forbids() {
        assert_eq!(lockdown_item(Some("[none] integrity confidentiality")).found, "none");
        assert_eq!(lockdown_item(Some("none [integrity] confidentiality")).status, CheckStatus::Ok);
        assert_eq!(lockdown_item(Some("none integrity [confidentiality]")).status, CheckStatus::Failed);
        assert_eq!(lockdown_item(None).status, CheckStatus::Ok);
    }
}
