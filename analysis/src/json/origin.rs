//! The host and the case that something comes from, as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::origin::RowOrigin;

/// The host and the case that something comes from. A fact that case.json does not have is null.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CaseOrigin {
    /// Name of the host.
    pub host: Option<String>,
    /// `/etc/machine-id` of the host.
    pub machine_id: Option<String>,
    /// Id of the host's boot.
    pub boot_id: Option<String>,
    /// Id of the case.
    pub case_id: Option<String>,
}

impl From<&RowOrigin> for CaseOrigin {
    fn from(origin: &RowOrigin) -> Self {
        let RowOrigin { host, machine_id, boot_id, case_id } = origin.clone();
        Self { host, machine_id, boot_id, case_id }
    }
}
