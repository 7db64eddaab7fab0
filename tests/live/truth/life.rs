//! The truth about each container life, as the test knows it by construction.

use std::time::{Duration, SystemTime};

use super::plan::Scene;

/// Bounds of a moment, by the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: SystemTime,
    pub to: SystemTime,
}

impl Span {
    /// Runs something and returns the bounds of what it did.
    pub fn of<T>(action: impl FnOnce() -> T) -> (Self, T) {
        let from = SystemTime::now();
        let value = action();
        (Self { from, to: SystemTime::now() }, value)
    }

    /// Returns true if both have a moment in common.
    pub fn meets(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// A moment that never comes.
    pub fn never() -> Self {
        let far = SystemTime::now() + Duration::from_secs(86_400);
        Self { from: far, to: far }
    }

    /// Extends the span to now.
    pub fn until_now(self) -> Self {
        Self { to: SystemTime::now(), ..self }
    }
}

/// Sender of the signal that ended a life, or led init to exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Killer {
    /// No process outside init sent it.
    Nobody,
    /// The process with this pid; in the container with this id, if any.
    Process(u32, Option<String>),
    /// The OCI runtime, by one of these commands.
    Runtime(&'static [&'static str]),
    /// Nobody: the pid namespace of the container with this id ended.
    EndOfPidNamespace(String),
    /// Nobody, or the OCI runtime that gave up a container whose program was never executed.
    NobodyOrRuntime,
}

/// End of a life.
#[derive(Clone, Debug)]
pub struct EndTruth {
    /// Causes that describe it.
    pub causes: &'static [&'static str],
    pub exit_code: Option<u8>,
    pub exit_signal: Option<i32>,
    pub oom_killed: bool,
    /// Processes in the container that the OOM killer killed.
    pub oom_kills: u64,
    pub killer: Killer,
    /// Origins that describe the signal; an empty text stands for null.
    pub origins: &'static [&'static str],
}

impl EndTruth {
    /// Exit of init that nobody asked for.
    pub fn exited(code: u8) -> Self {
        Self {
            causes: &["exited"],
            exit_code: Some(code),
            exit_signal: None,
            oom_killed: false,
            oom_kills: 0,
            killer: Killer::Nobody,
            origins: &[""],
        }
    }

    /// Death of init by a signal.
    pub fn signalled(signal: i32, killer: Killer, origins: &'static [&'static str]) -> Self {
        Self { causes: &["signalled"], exit_code: None, exit_signal: Some(signal), killer, origins, ..Self::exited(0) }
    }

    /// Life whose program was never executed.
    pub fn without_program(cause: &'static [&'static str]) -> Self {
        Self {
            causes: cause,
            exit_code: None,
            killer: Killer::NobodyOrRuntime,
            origins: &["", "user", "cgroup_kill"],
            ..Self::exited(0)
        }
    }
}

/// Demand on the rows of a table about one life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Exactly one row.
    Must,
    /// One row or none: the layout decides.
    May,
    /// No row.
    Never,
}

/// One life of one container.
#[derive(Clone, Debug)]
pub struct Life {
    pub scene: Scene,
    /// Part in the scene, for messages.
    pub role: &'static str,
    /// Engine as the column `runtime` names it.
    pub runtime: &'static str,
    /// Program that made the container.
    pub oci_runtime: &'static str,
    pub id: String,
    /// Names at the end, at the start, and before it.
    pub name: Option<String>,
    pub first_name: Option<String>,
    pub made_as: Option<String>,
    pub image: Option<&'static str>,
    /// Pid of init, if its program was executed.
    pub pid: Option<u32>,
    pub restart_count: Option<u32>,
    /// Id of the container whose cgroup encloses this one's.
    pub parent: Option<String>,
    pub is_started: bool,
    /// Time in which its directory was made and its program executed.
    pub created: Span,
    /// Time since which the engine has the container: that of its first life, if it has several.
    pub made: SystemTime,
    pub end: EndTruth,
    /// Time in which init ended.
    pub ended: Span,
    /// Time in which the last of its directories went.
    pub removed: Span,
    /// Processes that had to do with the container and not with its end.
    pub innocents: Vec<u32>,
    /// Signals that init was sent, where only the test sent any.
    pub signals: Option<u32>,
    pub exit_row: Presence,
    pub remove_row: Presence,
    pub create_row: Presence,
}
