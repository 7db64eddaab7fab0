//! The ends and starts of the process that asks daemons, as case.json has them.

use std::collections::VecDeque;

use obit_schema::text::time;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::host::clock::ClockPair;
use crate::sources::daemons::{AskerEvent, AskerFacts};

/// Ends that are told one by one, the last ones.
const MAX_ENDS: usize = 16;

/// The history of the process.
#[derive(Debug, Serialize)]
pub struct AskerHistory {
    #[serde(flatten)]
    facts: AskerFacts,
    /// Number of times that it has ended before it should.
    ends: u64,
    last_ends: VecDeque<AskerEnd>,
}

#[derive(Debug, Serialize)]
struct AskerEnd {
    at: String,
    status: String,
    started_again_at: Option<String>,
}

impl AskerHistory {
    /// Returns the history of a process that has just been started.
    pub fn new(facts: AskerFacts) -> Self {
        Self { facts, ends: 0, last_ends: VecDeque::new() }
    }

    /// Adds a change of the process. Returns the message to the user about it, if it is worth one.
    pub fn add(&mut self, event: AskerEvent) -> Option<String> {
        let at = || time::rfc3339(ClockPair::read().wall.0);
        match event {
            AskerEvent::Ended(status) => {
                let message = format!("the process that asks daemons has ended ({status}); it is started again");
                self.push(AskerEnd { at: at(), status, started_again_at: None });
                Some(message)
            }
            AskerEvent::Started(facts) => {
                self.facts = facts;
                if let Some(end) = self.last_ends.back_mut() {
                    end.started_again_at = Some(at());
                }
                None
            }
            AskerEvent::GivenUp(why) => {
                self.push(AskerEnd { at: at(), status: why.clone(), started_again_at: None });
                Some(why)
            }
        }
    }

    fn push(&mut self, end: AskerEnd) {
        self.ends = self.ends.saturating_add(1);
        if self.last_ends.len() >= MAX_ENDS {
            self.last_ends.pop_front();
        }
        self.last_ends.push_back(end);
    }

    /// Returns it as a part of what case.json says of the recorder.
    pub fn report(&self) -> Map<String, Value> {
        Map::from_iter([("daemon_process".to_owned(), json!(self))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::confine::{Confinement, LandlockState, SeccompState};

    fn facts(pid: u32) -> AskerFacts {
        let confinement = Confinement {
            landlock: LandlockState::Full,
            seccomp: SeccompState::Filtered,
            capabilities: Vec::new(),
            no_new_privs: true,
            dumpable: false,
        };
        AskerFacts { pid, confinement }
    }

    #[test]
    fn each_end_is_counted_and_the_last_ones_are_told() {
        let mut history = AskerHistory::new(facts(1));
        let mut pids = 2..;
        for _ in 0..=MAX_ENDS {
            assert!(history.add(AskerEvent::Ended("signal: 9".into())).unwrap().contains("started again"));
            assert_eq!(history.add(AskerEvent::Started(facts(pids.next().unwrap()))), None);
        }
        history.add(AskerEvent::GivenUp("it lied".into()));
        let report = &history.report()["daemon_process"];
        assert_eq!((report["pid"].as_u64(), report["ends"].as_u64()), (Some(18), Some(18)));
        let ends = report["last_ends"].as_array().unwrap();
        assert_eq!(ends.len(), MAX_ENDS);
        assert!(ends[0]["started_again_at"].is_string() && ends[0]["status"] == "signal: 9");
        assert!(ends[MAX_ENDS - 1]["started_again_at"].is_null() && ends[MAX_ENDS - 1]["status"] == "it lied");
    }
}
