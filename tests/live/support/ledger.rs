//! Ledger of a test: the containers that it started and removed, and therefore the rows that must
//! come out.

use std::collections::BTreeMap;

use serde_json::Value;

use obit_test_engines::Cgroups;

/// Engine and container id.
pub type Who = (String, String);

/// Container that a test started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Name of the engine in a row.
    pub runtime: &'static str,
    /// Id that the engine gave or took.
    pub container_id: String,
    /// Name of the container, for messages.
    pub name: String,
    /// Lives that began while the capture ran.
    pub begun: usize,
    /// Lives that ended while the capture ran.
    pub ended: usize,
    /// True if it was alive when the capture started.
    pub existed_before: bool,
}

/// All containers of a test.
#[derive(Debug, Default)]
pub struct Ledger {
    started: Vec<LedgerEntry>,
    is_recording: bool,
}

impl Ledger {
    /// Notes that the capture runs from here on.
    pub fn recording_started(&mut self) {
        self.is_recording = true;
    }

    /// Notes that a container was started and lives.
    pub fn starts(&mut self, runtime: &'static str, name: &str, container_id: &str) {
        self.started.push(LedgerEntry {
            runtime,
            container_id: container_id.to_owned(),
            name: name.to_owned(),
            begun: usize::from(self.is_recording),
            ended: 0,
            existed_before: !self.is_recording,
        });
    }

    /// Notes that one life of a container ended.
    pub fn ends(&mut self, container_id: &str) {
        self.entry(container_id).ended += 1;
    }

    /// Notes that a container ended one life and began another.
    pub fn restarts(&mut self, container_id: &str) {
        let entry = self.entry(container_id);
        entry.ended += 1;
        entry.begun += 1;
    }

    /// Notes that a container was started and has ended.
    pub fn comes_and_goes(&mut self, runtime: &'static str, name: &str, container_id: &str) {
        self.starts(runtime, name, container_id);
        self.ends(container_id);
    }

    /// Returns the number of lives that ended.
    pub fn ended(&self) -> usize {
        self.started.iter().map(|entry| entry.ended).sum()
    }

    /// Expects exactly the rows that this ledger asks for. Containers whose directories existed
    /// before the test began belong to others and are left out.
    pub fn assert_matches(&self, removed: &[Value], created: &[Value], existing: &[Value], cgroups: &Cgroups) {
        self.assert_same("container_remove", removed, cgroups, |entry| entry.ended);
        self.assert_same("container_create", created, cgroups, |entry| entry.begun);
        self.assert_same("existing_container", existing, cgroups, |entry| usize::from(entry.existed_before));
    }

    fn assert_same(&self, event: &str, rows: &[Value], cgroups: &Cgroups, times: impl Fn(&LedgerEntry) -> usize) {
        let mut wanted: BTreeMap<Who, usize> = BTreeMap::new();
        for entry in &self.started {
            *wanted.entry((entry.runtime.to_owned(), entry.container_id.clone())).or_default() += times(entry);
        }
        wanted.retain(|_, times| *times > 0);
        let mut found: BTreeMap<Who, usize> = BTreeMap::new();
        for row in rows.iter().filter(|row| !cgroups.was_there_before(text(row, "cgroup_path"))) {
            *found.entry((text(row, "runtime").to_owned(), text(row, "container_id").to_owned())).or_default() += 1;
        }
        if wanted == found {
            return;
        }
        let mut report = String::new();
        for who in wanted.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>() {
            let (want, have) = (wanted.get(who).copied().unwrap_or(0), found.get(who).copied().unwrap_or(0));
            if want != have {
                let name = self.started.iter().find(|entry| entry.container_id == who.1).map(|entry| &*entry.name);
                report +=
                    &format!("\n  {} {} ({}): {want} expected, {have} found", who.0, who.1, name.unwrap_or("not ours"));
            }
        }
        panic!("the {event} rows are not what was started:{report}");
    }

    fn entry(&mut self, container_id: &str) -> &mut LedgerEntry {
        self.started
            .iter_mut()
            .rev()
            .find(|entry| entry.container_id == container_id)
            .unwrap_or_else(|| panic!("{container_id} was not started"))
    }
}

/// Returns a text field of a row; empty if it is null.
pub fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).unwrap_or_else(|| panic!("a row has no field {field}: {row}")).as_str().unwrap_or_default()
}
