//! Makes an excerpt of a case.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use obit_case::excerpt::{self, ExcerptProof, ParentChain, PartProof, RecordProof};
use obit_case::manifest::{ExcerptOrigin, Manifest, PartEntry};
use obit_case::merkle::MerkleTree;
use obit_case::reader::PartInfo;
use obit_case::signing::CaseSigner;
use obit_case::writer::WriterOptions;
use obit_case::{Case, CaseWriter, FORMAT};
use obit_derivation::Profile;
use obit_derivation::fold::DERIVATION_VERSION;
use obit_schema::Table;
use obit_schema::digest::Digest;
use obit_schema::encode::RowsBuilder;
use obit_schema::leaf::{LeafHasher, SaltSeed};
use obit_schema::value::{Cells, Value};
use sha2::{Digest as _, Sha256};

use super::commitments::NotedCommitments;
use super::selection::{Selection, SelectionScope};
use super::text_columns::TextColumns;
use crate::derive::derive_rows;
use crate::error::Error;
use crate::evidence::closed_digest;
use crate::problems::{self, Effect};
use crate::profile::columns_error;

/// The fact about the host that a profile's rules need.
const HIERARCHIES: &str = "hierarchies";

/// The contents of an excerpt.
#[derive(Clone, Debug, Default)]
pub struct ExtractOptions {
    /// Ids of the containers.
    pub containers: BTreeSet<String>,
    /// Columns whose values are left out.
    pub redacted: TextColumns,
    /// The key that signs the excerpt, as the word of whoever made it.
    pub signer: Option<Arc<dyn CaseSigner>>,
}

/// Numbers about an excerpt that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractSummary {
    /// The records that were needed.
    pub scope: SelectionScope,
    /// Records in the excerpt.
    pub records: u64,
    /// Rows in the excerpt.
    pub rows: u64,
    /// Records that carry no proof: their part has no root.
    pub without_proof: u64,
}

/// Makes an excerpt of a case at `output`, which must not be there: the records that the rows of
/// some containers rest on, with their old places, and these rows.
///
/// # Errors
/// [`Error::ExcerptOfExcerpt`], [`Error::DamagedCase`], [`Error::NoContainer`],
/// [`Error::WrongRoot`], or an error of reading or writing.
pub fn extract(case: &Case, output: &Path, options: &ExtractOptions) -> Result<ExtractSummary, Error> {
    let Some(manifest) = case.manifest() else {
        let problem = case.problems().first().cloned();
        return Err(problem.map_or(Error::ExcerptOfExcerpt, |problem| Error::DamagedCase { problem }));
    };
    if manifest.excerpt.is_some() {
        return Err(Error::ExcerptOfExcerpt);
    }
    let selection = Selection::of(case, &options.containers)?;
    let found = problems::all(case, &selection.problems);
    let damage = found.into_iter().find(|problem| problems::effect(case, problem) == Effect::Damage);
    if let Some(problem) = damage {
        return Err(Error::DamagedCase { problem });
    }
    let writer_options = WriterOptions { signer: options.signer.clone(), ..WriterOptions::default() };
    let writer = CaseWriter::create(output, excerpt_manifest(manifest, options), writer_options)?;
    let mut maker = ExcerptMaker { case, manifest, selection, options, writer, records: 0, proven: 0 };
    let parts = maker.write_records()?;
    let proof = ExcerptProof { parent: ParentChain::of(manifest, closed_digest(case)), parts };
    maker.writer.attach(excerpt::FILE_NAME, &proof.to_text()?)?;
    let rows = maker.write_rows(output)?;
    maker.writer.close(|_| {})?;
    if let Some(error) = maker.writer.take_signing_failure() {
        return Err(error.into());
    }
    let ExcerptMaker { selection, records, proven, .. } = maker;
    Ok(ExtractSummary { scope: selection.scope, records, rows, without_proof: records - proven })
}

/// Returns the first case.json of an excerpt. Of the whole case's it has what a derivation needs
/// and what names the recording; no secret, and no other fact about the host.
fn excerpt_manifest(whole: &Manifest, options: &ExtractOptions) -> Manifest {
    let containers: Vec<_> = options.containers.iter().cloned().collect();
    let redacted = options.redacted.names();
    let named = Sha256::new_with_prefix(format!("{containers:?} {redacted:?}"));
    // The same excerpt has the same id each time, and no two of one case have one id.
    let name: String = Digest::from(named).to_string().chars().take(8).collect();
    let mut manifest = Manifest::new(format!("{}-excerpt-{name}", whole.case_id), whole.build.clone());
    manifest.format = FORMAT;
    manifest.schema_version = whole.schema_version;
    manifest.derivation_version = DERIVATION_VERSION;
    manifest.grace_ns = whole.grace_ns;
    manifest.user_lives_per_second = whole.user_lives_per_second;
    manifest.started_at.clone_from(&whole.started_at);
    manifest.ended_at.clone_from(&whole.ended_at);
    manifest.clocks = whole.clocks;
    manifest.quirks.clone_from(&whole.quirks);
    if let Some(hierarchies) = whole.host.get(HIERARCHIES) {
        manifest.host.insert(HIERARCHIES.to_owned(), hierarchies.clone());
    }
    let head = whole.head.as_ref();
    manifest.excerpt = Some(ExcerptOrigin {
        case_id: whole.case_id.clone(),
        entries: head.map_or(0, |head| head.parts),
        sha256: head.map(|head| head.sha256.clone()),
        containers,
        redacted,
    });
    manifest
}

/// An excerpt that is being made.
struct ExcerptMaker<'a> {
    case: &'a Case,
    manifest: &'a Manifest,
    selection: Selection,
    options: &'a ExtractOptions,
    writer: CaseWriter,
    /// Records written so far.
    records: u64,
    /// Those of them that have a proof.
    proven: u64,
}

impl ExcerptMaker<'_> {
    /// Writes the selected records. Returns the proofs that they stand in their parts.
    fn write_records(&mut self) -> Result<Vec<PartProof>, Error> {
        let seed = self.manifest.salt_seed();
        let entries: BTreeMap<&str, &PartEntry> =
            self.manifest.parts.iter().map(|part| (part.file.as_str(), part)).collect();
        let mut proofs = Vec::new();
        for table in Table::RAW {
            for part in self.case.parts(table) {
                if !self.may_hold(part) {
                    continue;
                }
                let root = entries.get(part.file.as_str()).and_then(|entry| entry.root.as_deref());
                let mut proof = root
                    .zip(seed.clone())
                    .map(|(root, seed)| ProofMaker::new(table, seed, root, &self.options.redacted));
                for batch in self.case.batches_of(table, part) {
                    let batch = batch?;
                    let is_wanted = self.marks(&batch);
                    if let Some(proof) = &mut proof {
                        proof.append(&batch, &is_wanted)?;
                    }
                    if is_wanted.has_true() {
                        self.write(table, &batch, &is_wanted)?;
                    }
                }
                if let Some(proof) = proof {
                    let proof = proof.finish(&part.file)?;
                    self.proven += proof.records.len() as u64;
                    proofs.extend((!proof.records.is_empty()).then_some(proof));
                }
            }
            self.writer.seal(table)?;
        }
        Ok(proofs)
    }

    /// Returns false if none of the selected records can be in a part.
    fn may_hold(&self, part: &PartInfo) -> bool {
        match (&self.selection.seqs, part.first_seq, part.last_seq) {
            (Some(seqs), Some(first), Some(last)) if first <= last => seqs.range(first..=last).next().is_some(),
            _ => true,
        }
    }

    /// Marks the selected records of a batch.
    fn marks(&self, batch: &RecordBatch) -> BooleanArray {
        let seqs = batch.column_by_name("seq").map(|column| Cells::new(column.as_ref()));
        let is_selected = |row: usize| match seqs.map(|seqs| seqs.value(row)) {
            Some(Value::U64(seq)) => self.selection.contains(seq),
            _ => false,
        };
        (0..batch.num_rows()).map(|row| Some(is_selected(row))).collect()
    }

    fn write(&mut self, table: Table, batch: &RecordBatch, is_wanted: &BooleanArray) -> Result<(), Error> {
        let batch = filter_record_batch(batch, is_wanted).map_err(columns_error(table))?;
        let batch = self.options.redacted.clear(table, &table.conform(&batch)?)?;
        self.records += batch.num_rows() as u64;
        Ok(self.writer.append_unsealed(table, &batch)?)
    }

    /// Writes the rows that follow from the records of the excerpt. They are read from there, so a
    /// row has nothing that was left out.
    fn write_rows(&mut self, output: &Path) -> Result<u64, Error> {
        let excerpt = Case::open(output)?;
        let mut builder = RowsBuilder::new();
        let mut count = 0;
        for row in derive_rows(&excerpt, Profile::Strict)? {
            builder.append(&row?);
            count += 1;
        }
        for (table, batch) in builder.finish()? {
            self.writer.append_unsealed(table, &batch)?;
        }
        Ok(count)
    }
}

/// The proof for the records of one part, in the making.
struct ProofMaker<'a> {
    leaves: LeafHasher,
    commitments: NotedCommitments<'a>,
    tree: MerkleTree,
    records: Vec<RecordProof>,
    root: &'a str,
}

impl<'a> ProofMaker<'a> {
    fn new(table: Table, seed: SaltSeed, root: &'a str, redacted: &'a TextColumns) -> Self {
        let commitments = NotedCommitments::new(table, seed, redacted);
        Self { leaves: LeafHasher::new(table), commitments, tree: MerkleTree::default(), records: Vec::new(), root }
    }

    /// Adds the records of a batch, of which some are wanted.
    fn append(&mut self, batch: &RecordBatch, is_wanted: &BooleanArray) -> Result<(), Error> {
        let (tree, records) = (&mut self.tree, &mut self.records);
        let mut is_wanted = is_wanted.iter();
        self.leaves.leaves(batch, &mut self.commitments, |commitments, seq, leaf| {
            if is_wanted.next().flatten() == Some(true) {
                records.push(RecordProof { seq, row: tree.leaves(), texts: commitments.take() });
                tree.push_wanted(leaf);
            } else {
                commitments.forget();
                tree.push(leaf);
            }
        })?;
        Ok(())
    }

    /// Returns the proof, if the records are those that the root stands for.
    fn finish(self, file: &str) -> Result<PartProof, Error> {
        let (root, nodes) = self.tree.finish();
        if root.to_string() != self.root {
            return Err(Error::WrongRoot { file: file.to_owned() });
        }
        Ok(PartProof { file: file.to_owned(), records: self.records, nodes })
    }
}
