//! The findings of a check.

use clap::ValueEnum;
use serde::Serialize;

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// As a table for people
    Table,
    /// As JSON for programs
    Json,
}

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// A capture runs, and something will be missing from it.
    Warning,
    /// Not there, and not needed.
    Missing,
    /// A capture cannot run.
    Failed,
}

impl CheckStatus {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// What: a few words, the same on every host.
    pub name: String,
    /// How it stands.
    pub status: CheckStatus,
    /// What was found. May hold text of any origin.
    pub found: String,
    /// What it means and what to do about it; of everything that is not ok or merely absent.
    pub advice: Option<String>,
}

impl CheckItem {
    /// As it should be.
    pub fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Ok, found: found.into(), advice: None }
    }

    /// Not there, and not needed.
    pub fn missing(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Missing, found: found.into(), advice: None }
    }

    /// A capture runs, and something will be missing from it.
    pub fn warning(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    /// A capture cannot run.
    pub fn failed(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name: name.into(), status: CheckStatus::Failed, found: found.into(), advice: Some(advice.into()) }
    }
}

/// Everything that was looked at, in the order of its printing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The items.
    pub items: Vec<CheckItem>,
}

impl CheckReport {
    /// Adds one more, e.g. how a real load of the BPF program went.
    pub fn push(&mut self, item: CheckItem) {
        self.items.push(item);
    }

    /// Whether nothing stands in the way of a capture.
    pub fn can_capture(&self) -> bool {
        self.items.iter().all(|item| item.status != CheckStatus::Failed)
    }

    /// The report as one JSON object: `{"can_capture": …, "items": […]}`.
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
