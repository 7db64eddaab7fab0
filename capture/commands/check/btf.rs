//! Reads which tracepoints a kernel's type information names.
//!
//! Layout: Documentation/bpf/btf.rst, `struct btf_header`. Only the section of strings is read: a
//! tracepoint `x` for which BPF programs can be typed has a typedef `btf_trace_x`
//! (include/trace/bpf_probe.h).

use std::collections::BTreeSet;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::host::file::{self, SizeHint};

/// The file in which a kernel shows its own BTF.
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";
/// Largest file read, in bytes. Distribution kernels have 4 to 8 MiB.
const BTF_BYTES: usize = 128 << 20;
const MAGIC: u16 = 0xeb9f;

/// An error of a BTF file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BtfError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(rustix::io::Errno),
    /// The file is larger than any kernel's.
    #[error("is larger than {BTF_BYTES} bytes")]
    TooLarge,
    /// The file holds something else, or has the other byte order.
    #[error("holds no BTF of this machine's byte order")]
    Malformed,
}

/// Reads a BTF file. Links are followed: the path is the user's own.
pub fn read(path: &Path) -> Result<Vec<u8>, BtfError> {
    let opened = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty());
    let mut bytes = Vec::new();
    let truncated = opened
        .and_then(|opened| file::read_into(opened, &mut bytes, BTF_BYTES, SizeHint::Unknown))
        .map_err(BtfError::Read)?;
    if truncated { Err(BtfError::TooLarge) } else { Ok(bytes) }
}

/// Returns the tracepoints for which BTF has a typedef.
pub fn typed_tracepoints<'n>(btf: &[u8], tracepoints: &[&'n str]) -> Result<BTreeSet<&'n str>, BtfError> {
    let strings = strings(btf).ok_or(BtfError::Malformed)?;
    let mut found = BTreeSet::new();
    for name in strings.split(|&byte| byte == 0) {
        if let Some(name) = name.strip_prefix(b"btf_trace_") {
            found.extend(tracepoints.iter().find(|tracepoint| tracepoint.as_bytes() == name));
        }
    }
    Ok(found)
}

fn strings(btf: &[u8]) -> Option<&[u8]> {
    let u32_at = |at: usize| Some(u32::from_ne_bytes(btf.get(at..at + 4)?.try_into().ok()?));
    if u16::from_ne_bytes(btf.get(..2)?.try_into().ok()?) != MAGIC {
        return None;
    }
    let header_bytes = u32_at(4)?;
    // The offset counts from the end of the header.
    let start = usize::try_from(header_bytes.checked_add(u32_at(16)?)?).ok()?;
    let end = start.checked_add(usize::try_from(u32_at(20)?).ok()?)?;
    btf.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn btf(strings: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        // Header length, type offset and length, string offset and length; one word of types.
        for word in [24_u32, 0, 4, 4, u32::try_from(strings.len()).unwrap(), 0] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.truncate(24);
        bytes.extend([0; 4]);
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn only_whole_names_count() {
        let names = ["cgroup_mkdir", "cgroup_rmdir"];
        let found = typed_tracepoints(&btf(b"\0int\0btf_trace_cgroup_mkdir\0btf_trace_cgroup_rmdir_x\0"), &names);
        assert_eq!(found, Ok(BTreeSet::from(["cgroup_mkdir"])));
    }

    #[test]
    fn anything_else_is_malformed_and_no_panic() {
        let whole = btf(b"\0int\0");
        for cut in 0..whole.len() {
            assert_eq!(typed_tracepoints(&whole[..cut], &["x"]), Err(BtfError::Malformed), "{cut} bytes");
        }
        assert!(typed_tracepoints(&whole, &["x"]).unwrap().is_empty());
        let mut far = whole.clone();
        far[16..20].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(typed_tracepoints(&far, &["x"]), Err(BtfError::Malformed));
        assert_eq!(typed_tracepoints(b"\x7fELF", &["x"]), Err(BtfError::Malformed));
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why() {
        let error = read(Path::new("/nonexistent/btf")).unwrap_err();
        assert_eq!(error.to_string(), "cannot be read: No such file or directory (os error 2)");
    }
}
