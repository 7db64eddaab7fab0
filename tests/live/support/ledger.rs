//! The ledger of a test: which containers it started and removed, and what the rows must therefore be.

use std::collections::BTreeMap;

use serde_json::Value;

use obit_test_engines::Cgroups;

/// Engine and container id.
pub type Who = (String, String);

/// One container that a test started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The engine's name in a row.
    pub runtime: &'static str,
    /// The id the engine gave or took.
    pub container_id: String,
    /// Its name, for messages.
    pub name: String,
    /// How many of its lives began while the capture ran.
    pub begun: usize,
    /// How many of its lives ended while the capture ran.
    pub ended: usize,
    /// Whether it was alive when the capture started.
    pub existed_before: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Ledger {
    started: Vec<LedgerEntry>,
    is_recording: bool,
}

impl Ledger {
    /// From here on the capture runs.
    pub fn recording_started(&mut self) {
        self.is_recording = true;
    }

    /// A container was started and is alive.
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

    /// One life of a container ended.
    pub fn ends(&mut self, container_id: &str) {
        self.entry(container_id).ended += 1;
    }

    /// A container that is known ended one life and began another.
    pub fn restarts(&mut self, container_id: &str) {
        let entry = self.entry(container_id);
        entry.ended += 1;
        entry.begun += 1;
    }

    /// A container was started and is gone again.
    pub fn comes_and_goes(&mut self, runtime: &'static str, name: &str, container_id: &str) {
        self.starts(runtime, name, container_id);
        self.ends(container_id);
    }

    /// How many lives ended.
    pub fn ended(&self) -> usize {
        self.started.iter().map(|entry| entry.ended).sum()
    }

    /// Expects the rows of a case to be those of this ledger: no more, no fewer. Containers whose directories were
    /// there before the test began are somebody else's and are left out.
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

/// A text field of a row; empty if it is null.
pub fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).unwrap_or_else(|| panic!("a row has no field {field}: {row}")).as_str().unwrap_or_default()
}
