//! Golden cases, and the containers that were started while they were recorded.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::replay;

/// Events, by the names of their tables.
pub const EVENTS: [&str; 5] =
    ["container_create", "container_exit", "container_remove", "disagreement", "existing_container"];

/// A recorded case with the lives that it must show.
#[derive(Debug)]
pub struct Golden {
    pub name: String,
    pub directory: PathBuf,
    pub lives: Vec<Life>,
}

/// Beginning of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeBegin {
    /// It began before the capture.
    Before,
    /// The capture saw its directory being made.
    Seen,
    /// Events were lost, and a walk found it.
    Inferred,
}

/// End of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEnd {
    /// The capture saw no end.
    Not,
    /// The capture saw it exit, and its directory stayed.
    Exited,
    /// The capture saw its directory being removed.
    Seen,
    /// Events were lost, and a walk missed it.
    Inferred,
}

/// Life of a container: a line of `expected.tsv`.
#[derive(Clone, Debug)]
pub struct Life {
    pub runtime: String,
    pub container_id: String,
    pub began: LifeBegin,
    pub ended: LifeEnd,
    /// True if no task ever entered it; `None` if nobody can know.
    pub never_started: Option<bool>,
    /// True if events were lost while it lived.
    pub gap: bool,
    /// Name, and containerd's namespace, where a source of the case knows them.
    pub name: Option<String>,
    pub namespace: Option<String>,
    /// Cause of the end.
    pub cause: Option<String>,
}

impl Golden {
    /// Reads every golden case.
    pub fn all() -> Vec<Self> {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
        let mut cases: Vec<_> = fs::read_dir(&fixtures)
            .unwrap_or_else(|error| panic!("{}: {error}", fixtures.display()))
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_dir())
            .map(Self::read)
            .collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(cases.len() >= 8, "cases are missing in {}", fixtures.display());
        cases
    }

    fn read(directory: PathBuf) -> Self {
        let name = directory.file_name().expect("a name").to_string_lossy().into_owned();
        let path = directory.join("expected.tsv");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let lives = lines.map(|line| Life::parse(line).unwrap_or_else(|| panic!("{}: {line}", path.display())));
        Self { name, lives: lives.collect(), directory }
    }

    /// Returns the case as an argument.
    pub fn arg(&self) -> String {
        self.directory.join("case").display().to_string()
    }

    /// Returns true if the capture closed it.
    pub fn is_closed(&self) -> bool {
        self.manifest()["state"] == "closed"
    }

    /// Reads its case.json.
    pub fn manifest(&self) -> Value {
        let path = self.directory.join("case/case.json");
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Derives the rows of one event from the records alone.
    pub fn derived(&self, event: &str) -> Vec<Value> {
        derived(&self.arg(), event)
    }
}

/// Derives the rows of one event of a case from its records alone.
pub fn derived(case: &str, event: &str) -> Vec<Value> {
    let run = replay(["derive", case, "--event", event, "--format", "jsonl"]).expect_code(0);
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

impl Life {
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split('\t').collect();
        let [runtime, container_id, name, namespace, began, ended, never_started, cause, gap] = fields[..] else {
            return None;
        };
        let known = |field: &str| (field != "-").then(|| field.to_owned());
        Some(Self {
            runtime: runtime.to_owned(),
            container_id: container_id.to_owned(),
            began: match began {
                "before" => LifeBegin::Before,
                "seen" => LifeBegin::Seen,
                "inferred" => LifeBegin::Inferred,
                _ => return None,
            },
            ended: match ended {
                "-" => LifeEnd::Not,
                "exited" => LifeEnd::Exited,
                "seen" => LifeEnd::Seen,
                "inferred" => LifeEnd::Inferred,
                _ => return None,
            },
            never_started: match never_started {
                "-" => None,
                "yes" => Some(true),
                "no" => Some(false),
                _ => return None,
            },
            gap: match gap {
                "-" => false,
                "gap" => true,
                _ => return None,
            },
            name: known(name),
            namespace: known(namespace),
            cause: known(cause),
        })
    }
}
