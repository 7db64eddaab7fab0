//! The recorder's report on itself in case.json.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use obit_schema::digest::Digest;
use object::read::{Object as _, ReadCache};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::asker_history::AskerHistory;
use super::drain::KernelCounts;
use super::recorder::RecorderCommand;
use super::sequencer::UserLimits;
use crate::announcing::AnnouncementReport;
use crate::host::confine::Confinement;
use crate::host::ntp::ClockState;
use crate::sources::daemons::DaemonAsker;

/// Starts a thread that hashes this program as it runs (the file itself, whatever its path leads to
/// by now) and has the recorder note the digest.
pub fn start(recorder: SyncSender<RecorderCommand>) -> Result<JoinHandle<()>> {
    let program = File::open("/proc/self/exe");
    let hash = move || {
        let mut report = Map::new();
        let program = program.ok();
        report.insert("binary_build_id".into(), program.as_ref().and_then(build_id).into());
        report.insert("binary_sha256".into(), program.and_then(sha256).into());
        // The recorder is gone if the recording is over.
        let _ = recorder.send(RecorderCommand::Note(report));
    };
    thread::Builder::new().name("obit-self-hash".into()).spawn(hash).context("cannot start a thread")
}

/// Returns the number that the linker gave the program (ELF's NT_GNU_BUILD_ID), in hex. It stays
/// when debug information is stripped.
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

/// Returns what is known once the probes are attached.
pub fn at_start(confinement: Option<&Confinement>, asker: Option<&DaemonAsker>) -> Map<String, Value> {
    let mut report = Map::new();
    report.insert("pid".into(), std::process::id().into());
    report.insert("uid".into(), rustix::process::geteuid().as_raw().into());
    report.insert("confinement".into(), json!(confinement));
    let history = asker.map(|asker| AskerHistory::new(asker.facts().clone()));
    report.extend(history.map_or_else(|| Map::from_iter([("daemon_process".into(), Value::Null)]), |one| one.report()));
    report.insert("clock_at_start".into(), json!(ClockState::read()));
    report
}

/// Returns the signals received, as case.json names them.
pub fn signals(signals: Vec<Value>) -> Map<String, Value> {
    Map::from_iter([("signals".to_owned(), signals.into())])
}

/// Returns what is known at the end.
pub fn closing_report(
    counts: &KernelCounts,
    limits: &UserLimits,
    received: Vec<Value>,
    announcements: Option<AnnouncementReport>,
) -> Map<String, Value> {
    let mut report = signals(received);
    if let Some(AnnouncementReport { written, missing }) = announcements {
        report.insert("announcements".into(), json!({"written": written, "missing": missing}));
    }
    if !limits.not_followed.is_empty() {
        report.insert("directories_not_followed".into(), json!(limits.not_followed));
    }
    if !limits.thinned.is_empty() {
        let name = |uid: Option<u32>| uid.map_or_else(|| "others".to_owned(), |uid| uid.to_string());
        let thinned: Map<_, _> = limits.thinned.iter().map(|(uid, count)| (name(*uid), (*count).into())).collect();
        report.insert("events_thinned".into(), thinned.into());
    }
    let counts: Map<String, Value> = counts
        .iter()
        .map(|(kind, (admitted, lost))| ((*kind).to_owned(), json!({"admitted": admitted, "lost": lost})))
        .collect();
    report.insert("kernel_counters".into(), counts.into());
    report.insert("clock_at_end".into(), json!(ClockState::read()));
    report
}
