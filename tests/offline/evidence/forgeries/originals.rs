//! Cases as recorders leave them, with the lines that their anchors got: what a forger begins with.

use std::fs;
use std::path::PathBuf;

use obit_case::FormatVersion;
use obit_case::anchor_line::AnchorStatement;
use obit_case::chain;
use obit_case::manifest::Manifest;
use obit_case::signing::Signer;
use obit_case::writer::WriterOptions;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::forger::Forger;
use crate::case::{self, RecordedCase, Recorder};
use crate::evidence::keys::{Key, anchor_line};

/// A case that a forger begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Original {
    /// Closed and signed.
    Closed,
    /// Killed: signed parts, and journals.
    Killed,
    /// Killed just after everything was sealed: no rows in journals.
    Sealed,
    /// A flight recorder's, closed, with two segments dropped.
    Flight,
    /// A flight recorder's, killed.
    KilledFlight,
    /// Closed, without a key.
    Unsigned,
    /// Closed by a recorder of format 1.2, which signed heads alike and no lines.
    Older,
}

/// The originals and the keys of a run.
pub struct Originals {
    /// The recorder's key; the verifier trusts it.
    pub key: Key,
    /// Somebody else's key.
    pub other_key: Key,
    recorded: Vec<(Original, RecordedCase, Vec<String>)>,
    /// Another case of the same recorder, closed, with its anchor.
    pub other: (RecordedCase, Vec<String>),
    /// A killed case as it was when the head before its newest one was the newest.
    pub earlier_manifest: Vec<u8>,
    /// The killed case as it would be if another container had ended last: the same parts, other
    /// journals.
    pub killed_otherwise: RecordedCase,
}

/// Format of the older recorder.
const OLDER_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 2 };

/// Id of the other case.
pub const OTHER_ID: &str = "99999999-2222-3333-4444-555555555555";

impl Originals {
    pub fn record() -> Self {
        let (key, other_key) = (Key::new("anna@host"), Key::new("mallory"));
        let signer = || Some(key.signer());
        let mut recorded = Vec::new();
        let (recorder, lines) = everyday(case::CASE_ID, signer(), |_| {});
        let (case, lines) = closed(recorder, lines, signer().as_ref());
        recorded.push((Original::Closed, case, lines));
        let mut earlier_manifest = Vec::new();
        let (mut recorder, mut lines) = everyday(case::CASE_ID, signer(), |path| {
            earlier_manifest = fs::read(path.join("case.json")).expect("case.json");
        });
        recorder.live(&case::id('d'));
        recorder.sync();
        lines.push(recorder.head_line());
        recorded.push((Original::Killed, recorder.kill(), lines));
        let (mut recorder, _) = everyday(case::CASE_ID, None, |_| {});
        recorder.live(&case::id('9'));
        let killed_otherwise = recorder.kill();
        let (mut recorder, mut lines) = everyday(case::CASE_ID, signer(), |_| {});
        recorder.seal();
        lines.push(recorder.head_line());
        recorded.push((Original::Sealed, recorder.kill(), lines));
        let (recorder, lines) = flight("12345678", signer());
        let (case, lines) = closed(recorder, lines, signer().as_ref());
        recorded.push((Original::Flight, case, lines));
        let (mut recorder, mut lines) = flight("12345678", signer());
        recorder.sync();
        lines.push(recorder.head_line());
        recorded.push((Original::KilledFlight, recorder.kill(), lines));
        let (recorder, lines) = everyday(case::CASE_ID, None, |_| {});
        let (case, lines) = closed(recorder, lines, None);
        recorded.push((Original::Unsigned, case, lines));
        let recorder = Recorder::of_format(OLDER_FORMAT, case::CASE_ID, options(signer()), json!({}), Vec::new());
        let (recorder, lines) = everyday_of(recorder, |_| {});
        let (case, lines) = older(recorder, lines, &key.signer());
        recorded.push((Original::Older, case, lines));
        let (recorder, lines) = everyday(OTHER_ID, signer(), |_| {});
        let other = closed(recorder, lines, signer().as_ref());
        Self { key, other_key, recorded, other, earlier_manifest, killed_otherwise }
    }

    /// Returns a copy of an original to forge.
    pub fn copy(&self, original: Original) -> Forger {
        let (_, case, lines) = self.recorded.iter().find(|(name, ..)| *name == original).expect("recorded");
        Forger::of(case::copy(case), lines.clone())
    }

    /// Returns a copy of the other case, of another id, by the same recorder.
    pub fn copy_other(&self) -> Forger {
        Forger::of(case::copy(&self.other.0), self.other.1.clone())
    }

    /// Returns a case of this id as a forger without the key records it: without one container.
    pub fn purged(&self, case_id: &str) -> Forger {
        let mut recorder = Recorder::with_id(case_id, options(None));
        recorder.live(&case::id('a'));
        recorder.live(&case::id('e'));
        Forger::of(recorder.close(), Vec::new())
    }

    /// Returns the same, signed with the forger's own key.
    pub fn purged_and_signed(&self) -> Forger {
        let mut recorder = Recorder::with_id(case::CASE_ID, options(Some(self.other_key.signer())));
        recorder.live(&case::id('a'));
        Forger::of(recorder.close(), Vec::new())
    }

    /// Returns the same, never closed.
    pub fn purged_and_killed(&self) -> Forger {
        let mut recorder = Recorder::with_id(case::CASE_ID, options(None));
        recorder.live(&case::id('a'));
        recorder.live(&case::id('e'));
        Forger::of(recorder.kill(), Vec::new())
    }

    /// Returns a killed flight recorder's case as a forger without the key records it.
    pub fn purged_flight(&self) -> Forger {
        Forger::of(flight("12349678", None).0.kill(), Vec::new())
    }

    /// Returns the file of the signers that the verifier trusts.
    pub fn signers(&self) -> PathBuf {
        self.key.signers()
    }
}

fn options(signer: Option<Signer>) -> WriterOptions {
    WriterOptions { part_rows: 5, signer: signer.map(Signer::shared), ..WriterOptions::default() }
}

/// Records the everyday events. `before_last` sees the case before the last heads are made.
fn everyday(
    case_id: &str,
    signer: Option<Signer>,
    before_last: impl FnOnce(&std::path::Path),
) -> (Recorder, Vec<String>) {
    everyday_of(Recorder::with_id(case_id, options(signer)), before_last)
}

/// Records the everyday events with this recorder.
fn everyday_of(mut recorder: Recorder, before_last: impl FnOnce(&std::path::Path)) -> (Recorder, Vec<String>) {
    let mut lines = vec![recorder.head_line()];
    recorder.live(&case::id('f'));
    recorder.sync();
    lines.push(recorder.head_line());
    before_last(recorder.path());
    case::everyday_into(&mut recorder);
    recorder.sync();
    lines.push(recorder.head_line());
    (recorder, lines)
}

/// Records containers that end in four segments, of which the last two are left.
fn flight(containers: &str, signer: Option<Signer>) -> (Recorder, Vec<String>) {
    let mut recorder =
        Recorder::in_segments(WriterOptions { signer: signer.map(Signer::shared), ..WriterOptions::default() });
    let mut lines = vec![recorder.head_line()];
    for (number, digit) in containers.chars().enumerate() {
        if number > 0 && number % 2 == 0 {
            recorder.cut(2);
            lines.push(recorder.head_line());
        }
        recorder.live(&case::id(digit));
    }
    (recorder, lines)
}

/// Closes a case. Returns it with all lines of its anchor.
fn closed(recorder: Recorder, mut lines: Vec<String>, signer: Option<&Signer>) -> (RecordedCase, Vec<String>) {
    let case = recorder.close();
    lines.extend(closing_lines(&case, signer));
    (case, lines)
}

/// Returns the lines that a recorder writes when it has closed a case.
pub fn closing_lines(case: &RecordedCase, signer: Option<&Signer>) -> [String; 2] {
    let text = fs::read(case.path.join("case.json")).expect("case.json");
    let manifest: Manifest = serde_json::from_slice(&text).expect("case.json");
    let head = manifest.head.expect("a head");
    let head = AnchorStatement::Head { entries: head.parts, sha256: head.sha256.parse().expect("a digest") };
    let closed = AnchorStatement::Closed { sha256: Sha256::new_with_prefix(&text).into() };
    [head, closed].map(|statement| anchor_line(statement, &manifest.case_id, signer))
}

/// Closes a case as a recorder of format 1.2 did: the head keeps its signature, and the lines of
/// the anchor have none.
fn older(recorder: Recorder, lines: Vec<String>, signer: &Signer) -> (RecordedCase, Vec<String>) {
    let mut forger = Forger::of(recorder.close(), lines);
    let case_id = forger.manifest.case_id.clone();
    let head = forger.manifest.head.as_mut().expect("a head");
    head.final_signature = None;
    let line = chain::head_line(&case_id, head.parts, &head.sha256);
    head.signature = Some(signer.sign(line.as_bytes()).expect("signed"));
    let text = forger.manifest_text();
    fs::write(forger.path().join("case.json"), &text).expect("written");
    fs::write(forger.path().join("case.json.sig"), signer.sign(&text).expect("signed")).expect("written");
    forger.write_sums();
    let Forger { case, mut lines, .. } = forger;
    for line in &mut lines {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        *line = format!("{}\n", words[..5].join(" "));
    }
    lines.extend(closing_lines(&case, None));
    (case, lines)
}
