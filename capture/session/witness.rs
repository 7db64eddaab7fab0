//! What a recorder says of itself, in case.json.

use std::fs::File;
use std::io::Read as _;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use obit_schema::digest::Digest;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::drain::Counted;
use crate::confine::Confinement;
use crate::host::ntp::ClockState;

/// Starts to hash this program as it runs: the file itself, whatever its path leads to by now.
pub fn start() -> Result<JoinHandle<Option<String>>> {
    let program = File::open("/proc/self/exe");
    let hash = || {
        let (mut program, mut hash, mut buffer) = (program.ok()?, Sha256::new(), vec![0; 64 << 10]);
        loop {
            match program.read(&mut buffer).ok()? {
                0 => return Some(Digest::from(hash).to_string()),
                length => hash.update(buffer.get(..length)?),
            }
        }
    };
    thread::Builder::new().name("obit-witness".into()).spawn(hash).context("cannot start a thread")
}

/// What is known once it is attached.
pub fn before(confinement: Option<&Confinement>) -> Map<String, Value> {
    let mut said = Map::new();
    said.insert("pid".into(), std::process::id().into());
    said.insert("uid".into(), rustix::process::geteuid().as_raw().into());
    said.insert("confinement".into(), json!(confinement));
    said.insert("clock_at_start".into(), json!(ClockState::read()));
    said
}

/// What is known at the end.
pub fn after(program: JoinHandle<Option<String>>, counted: &Counted, signals: Vec<Value>) -> Map<String, Value> {
    let mut said = Map::new();
    said.insert("binary_sha256".into(), program.join().ok().flatten().into());
    let counted: Map<String, Value> = counted
        .iter()
        .map(|(kind, (admitted, lost))| ((*kind).to_owned(), json!({"admitted": admitted, "lost": lost})))
        .collect();
    said.insert("kernel_counters".into(), counted.into());
    said.insert("signals".into(), signals.into());
    said.insert("clock_at_end".into(), json!(ClockState::read()));
    said
}
