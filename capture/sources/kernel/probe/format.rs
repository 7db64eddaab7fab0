//! The layout of the cgroup tracepoints in the kernel's trace buffer, for kernels without type
//! information.
//!
//! Sources: `events/cgroup/*/format` of tracefs (Documentation/trace/events.rst, section 2.1);
//! `struct obit_format` of bpf/no_btf.h, which is what the program expects.

use std::fs::File;
use std::io::Read;
use std::mem::offset_of;
use std::path::{Path, PathBuf};

use crate::sources::kernel::skeleton::types::obit_format;

/// Mount points of tracefs: its own, or below debugfs on older set-ups.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// Largest format read; they have about 500 bytes.
const FORMAT_BYTES: u64 = 64 << 10;

/// Declaration, offset and size of a field.
type FormatField = (&'static str, usize, usize);
const CGROUP: &[FormatField] = &[
    ("int root", offset_of!(obit_format, root), 4),
    ("int level", offset_of!(obit_format, level), 4),
    ("u64 id", offset_of!(obit_format, id), 8),
    ("__data_loc char[] path", offset_of!(obit_format, path), 4),
];
const EVENT: &[FormatField] = &[("int val", offset_of!(obit_format, val), 4)];
/// Each tracepoint, and whether it has the fields of an event besides those of a cgroup.
const TRACEPOINTS: [(&str, bool); 6] = [
    ("cgroup_mkdir", false),
    ("cgroup_rmdir", false),
    ("cgroup_notify_populated", true),
    ("cgroup_freeze", false),
    ("cgroup_unfreeze", false),
    ("cgroup_notify_frozen", true),
];

/// The reason why the tracepoints' own format cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FormatError {
    /// No tracefs.
    #[error("the tracepoints' own format is not readable: mount tracefs (mount -t tracefs none /sys/kernel/tracing)")]
    NoTracefs,
    /// Another kernel than this was made for.
    #[error("{tracepoint} has no field '{field}' at byte {offset} in this kernel")]
    Differs {
        /// The tracepoint.
        tracepoint: &'static str,
        /// The field.
        field: &'static str,
        /// The byte at which the field should be.
        offset: usize,
    },
}

/// Compares the running kernel's format with what the program expects.
///
/// # Errors
/// If tracefs is not mounted, or a field is missing or elsewhere.
pub fn check() -> Result<(), FormatError> {
    let tracefs: Option<PathBuf> = TRACEFS.iter().map(PathBuf::from).find(|root| root.join("events/cgroup").is_dir());
    let tracefs = tracefs.ok_or(FormatError::NoTracefs)?;
    TRACEPOINTS.iter().try_for_each(|&(tracepoint, is_event)| {
        let text =
            read(&tracefs.join("events/cgroup").join(tracepoint).join("format")).ok_or(FormatError::NoTracefs)?;
        compare(tracepoint, is_event, &text)
    })
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(FORMAT_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// ` field:int root; offset:8; size:4; signed:1;`
fn compare(tracepoint: &'static str, is_event: bool, text: &str) -> Result<(), FormatError> {
    let has = |&(field, offset, size): &FormatField| {
        let wanted = [format!("field:{field}"), format!("offset:{offset}"), format!("size:{size}")];
        text.lines().any(|line| line.trim().split(';').map(str::trim).take(3).eq(wanted.iter().map(String::as_str)))
    };
    let fields = CGROUP.iter().chain(if is_event { EVENT } else { &[] });
    match fields.into_iter().find(|field| !has(field)) {
        None => Ok(()),
        Some(&(field, offset, _)) => Err(FormatError::Differs { tracepoint, field, offset }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// events/cgroup/cgroup_notify_populated/format of Linux 6.1.
    const POPULATED: &str = "name: cgroup_notify_populated
ID: 396
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:int root;	offset:8;	size:4;	signed:1;
	field:int level;	offset:12;	size:4;	signed:1;
	field:u64 id;	offset:16;	size:8;	signed:0;
	field:__data_loc char[] path;	offset:24;	size:4;	signed:1;
	field:int val;	offset:28;	size:4;	signed:1;

print fmt: \"root=%d id=%llu level=%d path=%s val=%d\", REC->root, REC->id, REC->level, __get_str(path), REC->val
";

    #[test]
    fn the_layout_must_be_the_one_that_the_program_expects() {
        assert_eq!(compare("cgroup_notify_populated", true, POPULATED), Ok(()));
        // Before 5.5 the id had 32 bits.
        let older = POPULATED.replace("u64 id;	offset:16;	size:8", "int id;	offset:12;	size:4");
        let differs = compare("cgroup_notify_populated", true, &older).unwrap_err();
        assert_eq!(
            differs,
            FormatError::Differs { tracepoint: "cgroup_notify_populated", field: "u64 id", offset: 16 }
        );
        let moved = POPULATED.replace("offset:28", "offset:32");
        assert!(compare("cgroup_notify_populated", true, &moved).is_err());
        assert_eq!(compare("cgroup_mkdir", false, &moved), Ok(()), "that field is of events only");
    }
}
