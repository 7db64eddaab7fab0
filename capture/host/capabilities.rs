//! Capabilities of the recorder.

use serde::{Serialize, Serializer};

/// A capability that a capture may need. Values: include/uapi/linux/capability.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // each value is the capability of that name
pub enum Capability {
    DacReadSearch = 2,
    SysAdmin = 21,
    SysResource = 24,
    Perfmon = 38,
    Bpf = 39,
}

/// A set of capabilities, written as the hexadecimal number that /proc/PID/status shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Returns the capabilities in effect for this process; `None` if /proc cannot be read.
    pub fn effective() -> Option<Self> {
        let status = procfs::process::Process::myself().and_then(|process| process.status()).ok()?;
        Some(Self(status.capeff))
    }

    /// Returns whether a capability is in the set.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_told_apart_by_their_bit() {
        // CAP_SYS_ADMIN is 21 and CAP_BPF 39; this is 2^39 + 2^21.
        let set = Capabilities(0x80_0020_0000);
        assert!(set.has(Capability::Bpf) && set.has(Capability::SysAdmin));
        assert!(!set.has(Capability::Perfmon) && !set.has(Capability::DacReadSearch));
        assert_eq!(serde_json::to_string(&set).unwrap(), "\"0000008000200000\"");
    }
}
