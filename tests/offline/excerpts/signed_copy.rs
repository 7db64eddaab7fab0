//! Signed copies of the recorded cases, with roots over their records, and excerpts of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use obit_analysis::derive::derive_rows;
use obit_analysis::evidence::ProofRequest;
use obit_analysis::excerpt::{ExtractOptions, ExtractSummary, TextColumns, extract};
use obit_analysis::verify::{Verdict, Verification, VerifyOptions, verify};
use obit_case::manifest::Manifest;
use obit_case::signing::AllowedSigners;
use obit_case::writer::WriterOptions;
use obit_case::{Case, CaseWriter, FORMAT};
use obit_derivation::fold::DERIVATION_VERSION;
use obit_derivation::{Profile, Row};
use obit_schema::Table;
use obit_schema::encode::RowsBuilder;
use obit_schema::leaf::SaltSeed;
use tempfile::{NamedTempFile, TempDir};

use crate::evidence::keys::Key;

/// Rows of a part: the recorded cases then have several of each raw table.
const PART_ROWS: u64 = 37;

/// Returns the recorded cases, by name.
pub fn recorded_cases() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
    let entries = fs::read_dir(folder).expect("recorded cases").map(|entry| entry.expect("a name").path());
    let mut cases: Vec<_> = entries.filter(|path| path.join("case/case.json").exists()).collect();
    cases.sort();
    assert!(cases.len() >= 8, "{cases:?}");
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    cases.iter().map(|path| (name(path), path.join("case"))).collect()
}

/// A case whose parts have roots, signed with a key.
pub struct SignedCopy {
    _directory: TempDir,
    pub path: PathBuf,
    pub key: Key,
    /// The lines that an anchor got.
    pub anchor: NamedTempFile,
}

/// Records a case again: the same records, with a secret for salts and a key.
pub fn signed_copy(of: &Path) -> SignedCopy {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (path, key) = (directory.path().join("case"), Key::new("recorder"));
    let whole = Case::open(of).expect("a case");
    let recorded = whole.manifest().expect("a manifest");
    let mut manifest = Manifest::new("7d0c41de-0000-4000-8000-00000000beef".to_owned(), recorded.build.clone());
    manifest.format = FORMAT;
    manifest.derivation_version = DERIVATION_VERSION;
    (manifest.schema_version, manifest.grace_ns) = (recorded.schema_version, recorded.grace_ns);
    manifest.host.clone_from(&recorded.host);
    manifest.salt_seed = Some(SaltSeed::new([0x5a; 32]).to_hex());
    let options =
        WriterOptions { part_rows: PART_ROWS, signer: Some(key.signer().shared()), ..WriterOptions::default() };
    let mut writer = CaseWriter::create(&path, manifest, options).expect("a new case");
    for table in Table::RAW {
        for batch in whole.batches(table) {
            let batch = table.conform(&batch.expect("whole parts")).expect("the table's columns");
            for row in (0..batch.num_rows()).step_by(5) {
                let rows = batch.slice(row, 5.min(batch.num_rows() - row));
                writer.append(table, &rows).expect("a case that can be written");
            }
        }
    }
    let mut rows = RowsBuilder::new();
    for row in derive_rows(&whole, Profile::Strict).expect("rules") {
        rows.append(&row.expect("a row"));
    }
    for (table, batch) in rows.finish().expect("batches") {
        writer.append(table, &batch).expect("a case that can be written");
    }
    writer.sync().expect("a case that can be written");
    let mut lines = writer.head_line().expect("on disk");
    lines.push_str(&writer.close(|_| {}).expect("closed").closed_line);
    lines.push_str(&writer.head_line().expect("on disk"));
    let anchor = NamedTempFile::new().expect("a temporary file");
    fs::write(anchor.path(), lines).expect("writable");
    SignedCopy { _directory: directory, path, key, anchor }
}

impl SignedCopy {
    pub fn open(&self) -> Case {
        Case::open(&self.path).expect("a case")
    }

    pub fn signers(&self) -> AllowedSigners {
        AllowedSigners::read(&self.key.signers()).expect("signers")
    }
}

/// Returns the rows of each container that follow from a case.
pub fn rows_by_container(case: &Case) -> BTreeMap<String, Vec<Row>> {
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in derive_rows(case, Profile::Strict).expect("rules") {
        let row = row.expect("a row");
        rows.entry(row.identity().container_id.clone()).or_default().push(row);
    }
    rows
}

/// An excerpt on disk, removed when dropped.
pub struct Excerpt {
    directory: TempDir,
    pub summary: ExtractSummary,
}

impl Excerpt {
    /// Takes the containers out of a case, without these columns.
    pub fn of(case: &Case, containers: &[&str], redacted: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let containers: BTreeSet<_> = containers.iter().map(|id| (*id).to_owned()).collect();
        let redacted = TextColumns::parse(redacted.iter().copied()).expect("columns of text");
        let options = ExtractOptions { containers, redacted, signer: None };
        let summary = extract(case, &directory.path().join("excerpt"), &options).expect("an excerpt");
        Self { directory, summary }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("excerpt")
    }

    pub fn open(&self) -> Case {
        Case::open(&self.path()).expect("an excerpt")
    }
}

/// Verifies a case with these signers.
pub fn verified(case: &Case, signers: Option<&AllowedSigners>) -> Verification {
    verify(case, &VerifyOptions { max_listed: 3, proof: ProofRequest { signers, ..ProofRequest::default() } })
        .expect("verified")
}

/// Fails unless every record of an excerpt is shown to stand in what the signers signed, and its
/// rows follow from its records.
#[track_caller]
pub fn expect_proven(excerpt: &Excerpt, signers: &AllowedSigners) {
    let verification = verified(&excerpt.open(), Some(signers));
    assert_eq!(verification.verdict, Verdict::Same, "{:?} {:?}", verification.problems, verification.excerpt);
    let evidence = verification.excerpt.expect("an excerpt");
    let records = excerpt.summary.records;
    assert!(records > 0 && excerpt.summary.without_proof == 0, "{:?}", excerpt.summary);
    assert_eq!((evidence.records, evidence.included, evidence.proven), (records, records, records));
}
