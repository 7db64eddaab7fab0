//! The findings of a check.

use clap::ValueEnum;
use serde::Serialize;

/// The format of the findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// A table for people
    Table,
    /// JSON for programs
    Json,
}

/// The result of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// Everything is as it should be.
    Ok,
    /// A capture runs, and something will be missing from it.
    Warning,
    /// Something is absent and not needed.
    Missing,
    /// A capture cannot run.
    Failed,
}

impl CheckStatus {
    /// Returns its name in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Missing => "absent",
            Self::Failed => "failed",
        }
    }
}

/// A finding of the check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// Name of the check: a few words, the same on every host.
    pub name: String,
    /// Result of the check.
    pub status: CheckStatus,
    /// Finding in words. It may hold text of any origin.
    pub found: String,
    /// Advice on what to do about it, for a warning or a failure.
    pub advice: Option<String>,
}

impl CheckItem {
    /// Makes a finding that all is well.
    pub fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Ok, found: found.into(), advice: None }
    }

    /// Makes a finding of something absent that is not needed.
    pub fn missing(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Missing, found: found.into(), advice: None }
    }

    /// Makes a finding because of which something will be missing from a capture.
    pub fn warning(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    /// Makes a finding because of which a capture cannot run.
    pub fn failed(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Failed, found: found.into(), advice: Some(advice.into()) }
    }
}

/// All findings, in the order in which they are printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The findings.
    pub items: Vec<CheckItem>,
}

impl CheckReport {
    /// Adds a finding.
    pub fn push(&mut self, item: CheckItem) {
        self.items.push(item);
    }

    /// Returns whether a capture can run.
    pub fn can_capture(&self) -> bool {
        self.items.iter().all(|item| item.status != CheckStatus::Failed)
    }

    /// Returns the report as one JSON object: `{"can_capture": …, "items": […]}`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "can_capture": self.can_capture(), "items": self.items })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_is_enough_and_a_warning_is_none() {
        let mut report = CheckReport::default();
        report.push(CheckItem::ok("a", "1"));
        report.push(CheckItem::warning("b", "2", "do"));
        report.push(CheckItem::missing("c", "not found"));
        assert!(report.can_capture());
        report.push(CheckItem::failed("BPF load", "EPERM", "run as root"));
        assert!(!report.can_capture());
        let json = report.to_json();
        assert_eq!(json["can_capture"], false);
        assert_eq!(json["items"][3]["status"], "failed");
        assert_eq!(json["items"][3]["advice"], "run as root");
    }
}
