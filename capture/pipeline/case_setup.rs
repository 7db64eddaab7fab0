//! The beginning of a case: its manifest, the older cases that make room for it, and the
//! confinement to it.

use std::sync::Arc;

use anyhow::{Context, Result};
use obit_case::manifest::{BuildInfo, CaseCounts, Manifest, Segment};
use obit_case::writer::CaseWriter;
use obit_derivation::fold::DERIVATION_VERSION;
use obit_schema::leaf::SaltSeed;
use obit_schema::text::time;
use serde_json::Value;

use super::anchor::{Anchor, AnchorTarget};
use super::messages::MessageOutput;
use super::options::SessionOptions;
use super::recorder::RecorderOptions;
use super::self_report;
use super::sequencer::USER_LIVES_PER_SECOND;
use super::size_limit::Disk;
use crate::host::clock::ClockPair;
use crate::host::confine;
use crate::host::facts::HostFacts;
use crate::sources::daemons::DaemonAsker;
use crate::sources::kernel::probe::Probe;

/// Makes the case and confines this thread to it, and with it every thread that it starts from now
/// on.
pub fn create(
    options: &SessionOptions,
    facts: &HostFacts,
    probe: &Probe,
    asker: Option<&DaemonAsker>,
    started: ClockPair,
) -> Result<(CaseWriter, RecorderOptions)> {
    let manifest = manifest(options, facts, probe, started)?;
    let anchor = options.anchor.as_deref().map(AnchorTarget::open).transpose()?;
    let removed = match &options.older_cases {
        Some((dirs, max_bytes)) => dirs.make_room(*max_bytes).context("cannot make room beside older cases")?,
        None => Vec::new(),
    };
    let mut writer = CaseWriter::create(&options.output, manifest, options.writer.clone())?;
    let disk = Disk::of(&options.output);
    let confinement = options.is_confined.then(|| confine::confine(&options.output, &options.host_root)).transpose()?;
    // Threads are confined if they start from here on.
    let anchor = anchor.map(Anchor::start).transpose()?;
    let messages = Arc::new(MessageOutput::start()?);
    writer.amend(|manifest| {
        manifest.recorder = self_report::at_start(confinement.as_ref(), asker);
        if !removed.is_empty() {
            manifest.recorder.insert("older_cases_removed".into(), removed.into());
        }
    });
    writer.sync()?;
    Ok((writer, RecorderOptions { anchor, messages, limit: options.size_limit, disk }))
}

/// Returns a new secret to make salts from: two UUIDs, which have 244 random bits.
fn salt_seed() -> SaltSeed {
    let mut random = [0; 32];
    for half in random.as_chunks_mut::<16>().0 {
        half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    }
    SaltSeed::new(random)
}

/// Returns what a replay must know of this recorder and its host.
fn manifest(options: &SessionOptions, facts: &HostFacts, probe: &Probe, started: ClockPair) -> Result<Manifest> {
    let build = BuildInfo { version: env!("CARGO_PKG_VERSION").into(), commit: env!("OBIT_GIT_COMMIT").into() };
    let mut manifest = Manifest::new(uuid::Uuid::new_v4().to_string(), build);
    manifest.derivation_version = DERIVATION_VERSION;
    manifest.grace_ns = options.grace_ns();
    manifest.user_lives_per_second = USER_LIVES_PER_SECOND;
    manifest.started_at = time::rfc3339(started.wall.0);
    manifest.clocks.start = Some(started.into());
    let facts = serde_json::to_value(facts).context("cannot write down the facts of this host")?;
    if let Value::Object(facts) = facts {
        manifest.host = facts;
    }
    // Roots over the records cost time, and prove something only where somebody vouches for them.
    if options.writer.signer.is_some() || options.anchor.is_some() {
        manifest.salt_seed = Some(salt_seed().to_hex());
    }
    if options.segments.is_some() {
        let (began, counts) = (started.into(), CaseCounts::default());
        manifest.segments.push(Segment { number: 0, first_seq: 0, began, counts });
    }
    manifest.options = options.given.clone();
    manifest.options.insert("attach_type".into(), probe.attach_type().as_str().into());
    manifest.options.insert("program_ids".into(), probe.program_ids().into());
    Ok(manifest)
}
