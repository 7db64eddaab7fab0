//! `obit-capture check`: what would work on this host and what not.
//!
//! [`examine`] only looks; [`run`] also tries a real load of the BPF program and prints.

mod btf;
mod cgroups;
mod command;
mod kernel;
mod opening;
mod privileges;
mod runtimes;
mod space;
mod table;

use std::path::PathBuf;

use serde::Serialize;

use crate::host::hierarchies::Hierarchies;
pub use command::run;
pub use table::render_table;

/// Where to look.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Where a case would be written; it need not exist.
    pub output: PathBuf,
    /// Type information to use in place of the kernel's own, as for a capture.
    pub btf: Option<PathBuf>,
    /// Where the host's files are: `/`, or a mount of it.
    pub host_root: PathBuf,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self { output: PathBuf::from("."), btf: None, host_root: PathBuf::from("/") }
    }
}

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// A capture runs, and something will be missing from it.
    Warning,
    /// Not there, and not needed.
    Missing,
    /// A capture cannot run.
    Failed,
}

impl Status {
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
pub struct Item {
    /// What: a few words, the same on every host.
    pub name: String,
    /// How it stands.
    pub status: Status,
    /// What was found. May hold text of any origin.
    pub found: String,
    /// What it means and what to do about it; of everything that is not ok or merely absent.
    pub advice: Option<String>,
}

impl Item {
    /// As it should be.
    pub fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: Status::Ok, found: found.into(), advice: None }
    }

    /// Not there, and not needed.
    pub fn missing(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: Status::Missing, found: found.into(), advice: None }
    }

    /// A capture runs, and something will be missing from it.
    pub fn warning(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name: name.into(), status: Status::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    /// A capture cannot run.
    pub fn failed(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name: name.into(), status: Status::Failed, found: found.into(), advice: Some(advice.into()) }
    }
}

/// Everything that was looked at, in the order of its printing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The items.
    pub items: Vec<Item>,
}

impl Report {
    /// Adds one more, e.g. how a real load of the BPF program went.
    pub fn push(&mut self, item: Item) {
        self.items.push(item);
    }

    /// Whether nothing stands in the way of a capture.
    pub fn can_capture(&self) -> bool {
        self.items.iter().all(|item| item.status != Status::Failed)
    }

    /// The report as one JSON object: `{"can_capture": …, "items": […]}`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "can_capture": self.can_capture(), "items": self.items })
    }
}

/// Looks at everything that a capture depends on.
pub fn examine(options: &CheckOptions) -> Report {
    let mut report = Report::default();
    let hierarchies = Hierarchies::read();
    report.items.extend(kernel::examine(options.btf.as_deref()));
    report.items.extend(privileges::examine());
    report.push(opening::examine());
    report.items.extend(cgroups::examine(&hierarchies));
    report.items.extend(runtimes::examine(&options.host_root, hierarchies.as_ref().ok()));
    report.push(space::examine(&options.output));
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_is_enough_and_a_warning_is_none() {
        let mut report = Report::default();
        report.push(Item::ok("a", "1"));
        report.push(Item::warning("b", "2", "do"));
        report.push(Item::missing("c", "not found"));
        assert!(report.can_capture());
        report.push(Item::failed("BPF load", "EPERM", "run as root"));
        assert!(!report.can_capture());
        let json = report.to_json();
        assert_eq!(json["can_capture"], false);
        assert_eq!(json["items"][3]["status"], "failed");
        assert_eq!(json["items"][3]["advice"], "run as root");
    }

    #[test]
    fn this_host_gets_a_report_in_which_every_shortcoming_has_an_advice() {
        let report = examine(&CheckOptions::default());
        for expected in ["kernel", "BTF", "tracepoints", "CAP_BPF", "disk space", "docker", "cgroups"] {
            assert!(report.items.iter().any(|item| item.name == expected), "{expected} is missing: {report:#?}");
        }
        for item in &report.items {
            let needs_advice = matches!(item.status, Status::Warning | Status::Failed);
            assert_eq!(item.advice.is_some(), needs_advice, "{item:?}");
        }
    }
}
