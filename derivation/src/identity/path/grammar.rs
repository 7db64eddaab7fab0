//! The grammars of ids: each runtime's own, exact in length and case.

/// An id as it stands in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdSpelling<'a> {
    /// Without escapes.
    Plain(&'a str),
    /// With systemd's escapes (`\x2d`), which [`unescaped`] takes away.
    Escaped(&'a str),
}

/// Splits a path at its last component that is not empty. Returns what stands before it, and the
/// component.
pub(in crate::identity) fn split_last(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Splits a text at its first slash.
///
/// Looks at eight bytes at a time (Mycroft's test for a zero byte): most components are too short
/// for `str::split_once`, with which the path rules take a quarter more instructions.
#[inline]
fn split_at_slash(text: &str) -> Option<(&str, &str)> {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    const SLASHES: u64 = u64::from_le_bytes([b'/'; 8]);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let in_words = words.iter().enumerate().find_map(|(index, word)| {
        let differing = u64::from_le_bytes(*word) ^ SLASHES;
        // Below the first zero byte nothing is borrowed, so the lowest mark is right.
        let zeros = differing.wrapping_sub(ONES) & !differing & HIGHS;
        (zeros != 0).then(|| index * 8 + (zeros.trailing_zeros() / 8) as usize)
    });
    let position = match in_words {
        Some(position) => position,
        None => words.len() * 8 + rest.iter().position(|byte| *byte == b'/')?,
    };
    Some((text.get(..position)?, text.get(position + 1..)?))
}

/// Returns the components of a path that are not empty, outermost first.
pub(in crate::identity) fn components(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    core::iter::from_fn(move || {
        while !rest.is_empty() {
            let (name, tail) = split_at_slash(rest).unwrap_or((rest, ""));
            rest = tail;
            if !name.is_empty() {
                return Some(name);
            }
        }
        None
    })
}

/// Tests for a container id of docker, podman, CRI-O or containerd's CRI: 32 random bytes in
/// lower-case hex.
pub(super) fn is_hex64(text: &str) -> bool {
    <&[u8; 64]>::try_from(text.as_bytes()).is_ok_and(|bytes| all_lower_hex(bytes))
}

/// Tests all bytes without a branch for each, so that the compiler can use vector instructions.
fn all_lower_hex(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_lower_hex(*byte))
}

/// Tests for the hash that names a static pod (kubelet, `pkg/kubelet/config/common.go`) or an ECS
/// task.
pub(super) fn is_hex32(text: &str) -> bool {
    <&[u8; 32]>::try_from(text.as_bytes()).is_ok_and(|bytes| all_lower_hex(bytes))
}

/// Tests for a UUID in lower case, its groups joined by `separator`.
pub(super) fn is_uuid(text: &str, separator: u8) -> bool {
    const DASHES: [bool; 36] = separators([8, 13, 18, 23]);
    <&[u8; 36]>::try_from(text.as_bytes()).is_ok_and(|bytes| is_groups(bytes, &DASHES, separator))
}

/// Tests for a container handle of Cloud Foundry: 8-4-4-4-4 hex digits.
pub(super) fn is_garden_handle(text: &str) -> bool {
    const DASHES: [bool; 28] = separators([8, 13, 18, 23]);
    <&[u8; 28]>::try_from(text.as_bytes()).is_ok_and(|bytes| is_groups(bytes, &DASHES, b'-'))
}

const fn separators<const LENGTH: usize>(positions: [usize; 4]) -> [bool; LENGTH] {
    let mut separators = [false; LENGTH];
    let mut index = 0;
    while index < positions.len() {
        separators[positions[index]] = true; // in a constant: out of bounds would not compile
        index += 1;
    }
    separators
}

fn is_groups<const LENGTH: usize>(bytes: &[u8; LENGTH], separators: &[bool; LENGTH], separator: u8) -> bool {
    bytes.iter().zip(separators).fold(true, |all, (byte, is_separator)| {
        all & ((*is_separator & (*byte == separator)) | (!*is_separator & is_lower_hex(*byte)))
    })
}

/// Tests for a handle that guardian makes itself: 11 digits of base 32 (`kawasaki/idgenerator.go`).
pub(super) fn is_garden_sequence(text: &str) -> bool {
    text.len() == 11 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v'))
}

/// Tests for an id of BuildKit: 25 digits of base 36 (`identity/randomid.go`).
pub(super) fn is_buildkit_id(text: &str) -> bool {
    text.len() == 25 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'))
}

/// Tests for a container of Fargate: the task's 32 hex digits, a dash, and a number of 32 bits.
pub(super) fn is_fargate_id(text: &str) -> bool {
    if !(34..=43).contains(&text.len()) {
        return false;
    }
    text.split_once('-').is_some_and(|(task, number)| is_hex32(task) && is_digits(number))
}

/// Tests for decimal digits, at least one and at most ten.
pub(super) fn is_digits(text: &str) -> bool {
    (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tests for a Nomad task: `<allocation's UUID>.<task>` (`client/lib/cgroupslib/editor.go`,
/// `ScopeCG1`).
pub(super) fn is_nomad_task(text: &str) -> bool {
    let Some((allocation, task)) = text.split_once('.') else {
        return false;
    };
    !task.is_empty() && is_uuid(allocation, b'-')
}

/// Tests for a container of Nomad's containerd driver: `<task>-<allocation's UUID>`
/// (nomad-driver-containerd, `containerd/driver.go`).
pub(super) fn is_nomad_containerd_id(text: &str) -> bool {
    let Some((task, allocation)) = text.len().checked_sub(36).and_then(|middle| text.split_at_checked(middle)) else {
        return false;
    };
    is_uuid(allocation, b'-') && task.strip_suffix('-').is_some_and(is_oci_id)
}

/// Tests for a build step of buildah: `buildah-` and the name of its bundle, a temporary directory
/// `buildah<number>` (`run_linux.go`, `Builder.Run`). podman builds with the same code.
pub(in crate::identity) fn is_buildah_id(text: &str) -> bool {
    text.strip_prefix("buildah-").is_some_and(is_buildah_bundle)
}

/// Tests for the name of a bundle of buildah; [`is_buildah_id`] has the source.
fn is_buildah_bundle(name: &str) -> bool {
    name.strip_prefix("buildah").is_some_and(is_digits)
}

/// Tests for a job of bpm, as `src/bpm/jobid/encoding.go` writes it: `bpm-`, then letters, digits,
/// `_`, `-` and `.xx` for any other byte.
pub(super) fn is_bpm_id(text: &str) -> bool {
    let Some(job) = text.strip_prefix("bpm-") else {
        return false;
    };
    let mut bytes = job.bytes();
    while let Some(byte) = bytes.next() {
        let valid = match byte {
            b'.' => bytes.next().is_some_and(is_lower_hex) && bytes.next().is_some_and(is_lower_hex),
            _ => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
        };
        if !valid {
            return false;
        }
    }
    !job.is_empty()
}

/// The longest container id that is believed, in bytes. runc has no bound of its own; its id is a
/// file name, which ends at 255.
pub(in crate::identity) const OCI_ID_BYTES_MAX: usize = 1024;

/// Tests for an id that runc takes: `^[\w+-\.]+$` and no path component of its own. (In that
/// expression `+-\.` is a range, so a comma passes up to runc 1.1; later versions took it out.)
pub(in crate::identity) fn is_oci_id(text: &str) -> bool {
    // Without a branch for each byte, as in `all_lower_hex`.
    let is_allowed = |byte: u8| {
        ((byte | 0x20).wrapping_sub(b'a') < 26)
            | (byte.wrapping_sub(b'0') < 10)
            | (byte.wrapping_sub(b'+') < 4)
            | (byte == b'_')
    };
    (1..=OCI_ID_BYTES_MAX).contains(&text.len())
        && text.bytes().fold(true, |all, byte| all & is_allowed(byte))
        && text != "."
        && text != ".."
}

/// Tests for an id of crun in the name of a scope: crun takes more than runc does, and systemd no
/// more than this in a unit's name (src/basic/unit-name.c, `VALID_CHARS_WITH_AT`).
pub(super) fn is_crun_scope_id(text: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.' | b'\\' | b'@');
    (1..=OCI_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_allowed) && text != "." && text != ".."
}

/// Tests for the UID of a Kubernetes pod as a cgroup name spells it: a UUID with dashes (cgroupfs
/// driver) or underscores (systemd driver, which needs the dash for nesting), or the hash of a
/// static pod.
pub(super) fn is_pod_uid(text: &str) -> bool {
    match text.len() {
        32 => is_hex32(text),
        36 => is_uuid(text, b'-') || is_uuid(text, b'_'),
        _ => false,
    }
}

/// Splits a slice's name before the UID of a pod at its end, where a dash cannot be part of it.
pub(super) fn split_pod_uid(stem: &str) -> Option<(&str, &str)> {
    let split = |length: usize| stem.split_at_checked(stem.len().checked_sub(length)?);
    match split(36) {
        Some((before, uid)) if is_uuid(uid, b'_') => Some((before, uid)),
        _ => split(32).filter(|(_, uid)| is_hex32(uid)),
    }
}

/// Tests for a machine's name: what `hostname_is_valid` of systemd lets machined register, after
/// unescaping.
pub(super) fn is_machine_name(escaped: &str) -> bool {
    let mut length = 0_usize;
    for byte in unescaped(escaped) {
        length += 1;
        if length > 64 || !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return false;
        }
    }
    length > 0
}

/// Tests for a UUID whose dashes systemd escaped.
pub(super) fn is_escaped_uuid(escaped: &str) -> bool {
    let mut uuid = [0_u8; 36];
    let mut bytes = unescaped(escaped);
    for place in &mut uuid {
        *place = bytes.next().unwrap_or(0);
    }
    bytes.next().is_none() && core::str::from_utf8(&uuid).is_ok_and(|uuid| is_uuid(uuid, b'-'))
}

/// Returns the bytes of a systemd unit name without its `\xHH` escapes; what is no escape stays
/// (systemd, `unit_name_unescape`).
pub(super) fn unescaped(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text.as_bytes();
    core::iter::from_fn(move || {
        if let [b'\\', b'x', high, low, tail @ ..] = rest
            && let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low))
        {
            rest = tail;
            return Some(high << 4 | low);
        }
        let (first, tail) = rest.split_first()?;
        rest = tail;
        Some(*first)
    })
}

fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

const fn is_lower_hex(byte: u8) -> bool {
    // Both comparisons are cheap; `|` keeps the compiler from branching between them.
    (byte.wrapping_sub(b'0') < 10) | (byte.wrapping_sub(b'a') < 6)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::split_at_slash;

    /// Texts of up to 20 bytes with one or two slashes anywhere; `0` differs from a slash in the
    /// lowest bit, `\u{af}` (its second byte) in the highest.
    fn texts() -> impl Iterator<Item = String> {
        let fillers = ['a', '0', '.', '\u{af}'];
        fillers
            .into_iter()
            .flat_map(|filler| (0..20).map(move |length| (filler, length)))
            .flat_map(|(filler, length)| {
                (0..=length).flat_map(move |first| (first..=length).map(move |second| (filler, length, first, second)))
            })
            .map(|(filler, length, first, second)| {
                (0..length).map(|place| if place == first || place == second { '/' } else { filler }).collect()
            })
    }

    #[test]
    fn the_first_slash_is_where_the_standard_library_finds_it() {
        for text in texts() {
            assert_eq!(split_at_slash(&text), text.split_once('/'), "{text:?}");
        }
    }
}
