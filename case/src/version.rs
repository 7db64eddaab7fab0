//! The version of a case's layout.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Version of the layout that this build writes. It reads every version up to this major.
pub const FORMAT: FormatVersion = FormatVersion { major: 2, minor: 0 };

/// A version of the layout. A newer major is another layout; a newer minor only adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FormatVersion {
    /// Raised by a change that an older reader would misread.
    pub major: u32,
    /// Raised by a change that an older reader may overlook.
    pub minor: u32,
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
