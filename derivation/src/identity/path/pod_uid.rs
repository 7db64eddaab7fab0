//! The UID of a pod, as a path gives it.

use core::fmt;
use core::ops::Deref;

/// Bytes of a UUID with its four separators (RFC 9562, 4).
const UUID_BYTES: usize = 36;

/// The UID of a pod as the API server writes it, with dashes; or the hash of a static pod. Derefs
/// to `str`.
///
/// A dashed UID is held in place: nearly every path of Kubernetes has one, and memory for each
/// costs `identify` 14 per cent.
#[derive(Clone, Copy)]
pub struct PodUid<'a>(UidText<'a>);

#[derive(Clone, Copy)]
enum UidText<'a> {
    AsSpelled(&'a str),
    /// The kubelet writes `_` for `-` in a slice's name.
    WithDashes([u8; UUID_BYTES]),
}

impl<'a> From<&'a str> for PodUid<'a> {
    /// Reads the UID as a directory's name spells it.
    fn from(name: &'a str) -> Self {
        Self(match <[u8; UUID_BYTES]>::try_from(name.as_bytes()) {
            Ok(bytes) if bytes[8] == b'_' => {
                UidText::WithDashes(bytes.map(|byte| if byte == b'_' { b'-' } else { byte }))
            }
            _ => UidText::AsSpelled(name),
        })
    }
}

impl Deref for PodUid<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            UidText::AsSpelled(name) => name,
            // One ASCII character in place of another leaves the text valid.
            UidText::WithDashes(bytes) => core::str::from_utf8(bytes).unwrap_or_default(),
        }
    }
}

impl PartialEq for PodUid<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for PodUid<'_> {}

impl fmt::Debug for PodUid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
