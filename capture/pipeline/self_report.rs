//! What a recorder says of itself, in case.json.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use obit_schema::digest::Digest;
use object::read::{Object as _, ReadCache};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::drain::Counted;
use super::recorder::Order;
use crate::host::confine::Confinement;
use crate::host::ntp::ClockState;

/// Starts to read this program as it runs (the file itself, whatever its path leads to by now), and has the recorder note
/// what it is.
pub fn start(recorder: SyncSender<Order>) -> Result<JoinHandle<()>> {
    let program = File::open("/proc/self/exe");
    let look = move || {
        let mut said = Map::new();
        let program = program.ok();
        said.insert("binary_build_id".into(), program.as_ref().and_then(build_id).into());
        said.insert("binary_sha256".into(), program.and_then(sha256).into());
        // Nobody is there to note it if the recording is over.
        let _ = recorder.send(Order::Note(said));
    };
    thread::Builder::new().name("obit-witness".into()).spawn(look).context("cannot start a thread")
}

/// The number that the linker gave the program (ELF's NT_GNU_BUILD_ID), in hex: it stays when debug information is stripped.
fn build_id(program: &File) -> Option<String> {
    let cache = ReadCache::new(program);
    let file = object::File::parse(&cache).ok()?;
    let id = file.build_id().ok()??;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn sha256(mut program: File) -> Option<String> {
    program.rewind().ok()?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match program.read(&mut buffer).ok()? {
            0 => return Some(Digest::from(hash).to_string()),
            length => hash.update(buffer.get(..length)?),
        }
    }
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

/// The signals that came.
pub fn signals(signals: Vec<Value>) -> Map<String, Value> {
    Map::from_iter([("signals".to_owned(), signals.into())])
}

/// What is known at the end.
pub fn after(counted: &Counted, received: Vec<Value>) -> Map<String, Value> {
    let mut said = signals(received);
    let counted: Map<String, Value> = counted
        .iter()
        .map(|(kind, (admitted, lost))| ((*kind).to_owned(), json!({"admitted": admitted, "lost": lost})))
        .collect();
    said.insert("kernel_counters".into(), counted.into());
    said.insert("clock_at_end".into(), json!(ClockState::read()));
    said
}
