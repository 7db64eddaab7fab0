//! Checks that the records of an excerpt stand in the case that it was taken from.

use std::collections::BTreeMap;

use obit_case::chain::{Chain, ChainLink};
use obit_case::excerpt::{ExcerptProof, PartProof, RecordProof, TextProof};
use obit_case::manifest::{CaseState, ExcerptOrigin, Manifest, PartEntry};
use obit_case::merkle::root_of;
use obit_case::{Case, Problem};
use obit_schema::Table;
use obit_schema::digest::Digest;
use obit_schema::leaf::LeafHasher;

use super::commitments::ProvenCommitments;
use crate::error::Error;
use crate::evidence::{ProofRequest, ProofShortfall, Requirement, SigningKey, examine_chain};
use crate::problems;

/// The proof behind an excerpt, as far as it reaches.
#[derive(Debug)]
pub struct ExcerptEvidence {
    /// The case that the excerpt was taken from, and what was taken.
    pub origin: ExcerptOrigin,
    /// Records in the excerpt.
    pub records: u64,
    /// Records that are shown to stand in the parts that the whole case's chain lists.
    pub included: u64,
    /// Records among them in parts that a signature or an anchor of that chain vouches for, as far
    /// as it was asked for.
    pub proven: u64,
    /// Values that are left out.
    pub redacted: u64,
    /// The keys of these signatures.
    pub keys: Vec<SigningKey>,
    /// Everything that does not hold.
    pub problems: Vec<Problem>,
    /// All that was asked for and is not proven.
    pub shortfalls: Vec<ProofShortfall>,
}

/// Checks an excerpt. Returns `None` if the case is none. What is asked for, is asked of every
/// record and of the whole case's chain.
///
/// # Errors
/// [`Error::Anchor`] if the anchor cannot be read.
pub fn check(case: &Case, request: &ProofRequest<'_>) -> Result<Option<ExcerptEvidence>, Error> {
    let Some(origin) = case.manifest().and_then(|manifest| manifest.excerpt.clone()) else { return Ok(None) };
    let records = Table::RAW.map(|table| case.rows(table)).iter().sum();
    let mut evidence = ExcerptEvidence {
        origin,
        records,
        included: 0,
        proven: 0,
        redacted: 0,
        keys: Vec::new(),
        problems: Vec::new(),
        shortfalls: Vec::new(),
    };
    let reach = match case.excerpt_proof() {
        Ok(proof) => check_proof(case, &proof, request, &mut evidence)?,
        Err(why) => {
            evidence.problems.push(problem(why));
            ProvenRecords::default()
        }
    };
    evidence.shortfalls = shortfalls(case, &evidence, reach, request);
    Ok(Some(evidence))
}

/// Numbers of records that are proven.
#[derive(Clone, Copy, Debug, Default)]
struct ProvenRecords {
    signed: u64,
    anchored: u64,
    /// True if the whole case says that it was closed.
    is_of_closed: bool,
}

/// Returns all that was asked for and is not proven.
fn shortfalls(
    case: &Case,
    evidence: &ExcerptEvidence,
    reach: ProvenRecords,
    request: &ProofRequest<'_>,
) -> Vec<ProofShortfall> {
    let records = evidence.records;
    let lacking = |proven: u64, by: &str| {
        let without = records.saturating_sub(proven);
        (without > 0).then(|| format!("{without} of {records} records are not shown to stand in what {by}"))
    };
    let mut lacks = Vec::new();
    if request.signers.is_some() || request.anchor.is_some() {
        let why = lacking(evidence.proven, "the signers or the anchor vouch for");
        lacks.extend(why.map(|why| (None, why)));
    }
    if let Some(id) = request.case_id.filter(|id| *id != evidence.origin.case_id) {
        lacks.push((None, format!("this is an excerpt of case {}, and not of {id}", evidence.origin.case_id)));
    }
    for requirement in &request.required {
        let why = match requirement {
            Requirement::Closed if case.is_closed() && reach.is_of_closed => None,
            Requirement::Closed => Some("the excerpt, or the whole case, was never closed".to_owned()),
            Requirement::Signed if request.signers.is_none() => {
                Some("nobody said whose signature counts: give --signers".to_owned())
            }
            Requirement::Signed => lacking(reach.signed, "one of the signers signed"),
            Requirement::Anchored if !request.has_authentic_lines() => {
                Some("nothing shows that there are lines of an anchor, and that they are the recorder's".to_owned())
            }
            Requirement::Anchored => lacking(reach.anchored, "the anchor vouches for"),
            Requirement::Complete => Some("an excerpt has some of the records only".to_owned()),
        };
        lacks.extend(why.map(|why| (Some(*requirement), why)));
    }
    lacks.into_iter().map(|(requirement, why)| ProofShortfall { requirement, why }).collect()
}

fn problem(why: impl Into<String>) -> Problem {
    Problem::Excerpt { why: why.into() }
}

/// Checks the proof, notes what does not hold, and counts the records that it is good for.
fn check_proof(
    case: &Case,
    proof: &ExcerptProof,
    request: &ProofRequest<'_>,
    evidence: &mut ExcerptEvidence,
) -> Result<ProvenRecords, Error> {
    let parent = proof.parent.to_manifest();
    let mut problems = Vec::new();
    let head = parent.head.as_ref().map(|head| head.sha256.clone());
    if (&parent.case_id, &head) != (&evidence.origin.case_id, &evidence.origin.sha256) {
        problems.push(problem("case.json names another case, or another head, than excerpt.json"));
    }
    let chain = examine_chain(&parent, proof.parent.case_json_sha256, request)?;
    problems.extend(chain.iter().flat_map(|chain| &chain.problems).map(of_parent));
    // A chain that does not hold vouches for nothing.
    let vouched = chain.as_ref().filter(|_| problems.is_empty());
    let mut reach = ProvenRecords { is_of_closed: parent.state == CaseState::Closed, ..ProvenRecords::default() };
    let entries = PlacedEntries::of(&parent);
    let leaves = Leaves::read(case, proof, &mut problems);
    for (index, part) in proof.parts.iter().enumerate() {
        let known = leaves.of_part(index);
        let whole = entries.find(&part.file);
        match check_part(part, &known, whole.map(|(entry, _)| entry)) {
            Ok(()) => {
                let records = known.len() as u64;
                evidence.included += records;
                evidence.redacted += redacted(part);
                if let (Some((_, place)), Some(chain)) = (whole, vouched) {
                    let counted = |entries: u64| if place < entries { records } else { 0 };
                    evidence.proven += counted(chain.proven);
                    reach.signed += counted(chain.signed);
                    reach.anchored += counted(chain.anchored);
                }
            }
            Err(why) => problems.push(problem(why)),
        }
    }
    evidence.keys = chain.map(|chain| chain.keys).unwrap_or_default();
    evidence.problems = problems;
    Ok(reach)
}

fn of_parent(found: &Problem) -> Problem {
    problem(format!("of the whole case: {found}"))
}

/// Returns the number of text groups that are left out.
fn redacted(part: &PartProof) -> u64 {
    let texts = part.records.iter().flat_map(|record| record.texts.values());
    texts.filter(|text| matches!(text, TextProof::Commitment(_))).count() as u64
}

/// Checks that the records of a part lead to its root.
fn check_part(part: &PartProof, known: &[(u64, Digest)], entry: Option<&PartEntry>) -> Result<(), String> {
    let file = &part.file;
    let entry = entry.ok_or_else(|| format!("the whole case has no part {file}"))?;
    let root = entry.root.as_deref().ok_or_else(|| format!("the whole case has no root of {file}"))?;
    if known.len() != part.records.len() {
        return Err(format!("records of {file} were taken out of the excerpt"));
    }
    let found = root_of(entry.rows, known, &part.nodes);
    if found.is_none_or(|found| found.to_string() != root) {
        return Err(format!("the records of {file} are not those of the whole case"));
    }
    Ok(())
}

/// The entries of a chain by file, each with the number of entries before it.
struct PlacedEntries<'a>(BTreeMap<&'a str, (&'a PartEntry, u64)>);

impl<'a> PlacedEntries<'a> {
    fn of(parent: &'a Manifest) -> Self {
        let mut entries = BTreeMap::new();
        let Some(chain) = Chain::follow(parent) else { return Self(entries) };
        for (place, link) in (chain.dropped()..).zip(chain.links()) {
            if let ChainLink::Part(index) = link
                && let Some(part) = parent.parts.get(*index)
            {
                entries.insert(part.file.as_str(), (part, place));
            }
        }
        Self(entries)
    }

    fn find(&self, file: &str) -> Option<(&'a PartEntry, u64)> {
        self.0.get(file).copied()
    }
}

/// The leaves of an excerpt's records, each with the number of its part in the proof and its row
/// there.
struct Leaves(Vec<(usize, u64, Digest)>);

impl Leaves {
    /// Reads the records and hashes those that the proof names.
    fn read(case: &Case, proof: &ExcerptProof, problems: &mut Vec<Problem>) -> Self {
        let (layout, mut leaves) = (proof.parent.layout(), Vec::new());
        for table in Table::RAW {
            let is_of_table = |part: &PartProof| layout.part_of(&part.file).is_some_and(|(of, _)| of == table);
            let parts = proof.parts.iter().enumerate().filter(|(_, part)| is_of_table(part));
            let records: BTreeMap<u64, (usize, &RecordProof)> = parts
                .flat_map(|(index, part)| part.records.iter().map(move |record| (record.seq, (index, record))))
                .collect();
            let mut hasher = LeafHasher::new(table);
            let mut commitments = ProvenCommitments::new(table, &records);
            let mut batches = case.batches(table);
            while let Some(batch) = batches.next() {
                let hashed = batch.and_then(|batch| {
                    hasher.leaves(&batch, &mut commitments, |_, seq, leaf| {
                        if let Some((index, record)) = records.get(&seq) {
                            leaves.push((*index, record.row, leaf));
                        }
                    })?;
                    Ok(())
                });
                if let Err(error) = hashed {
                    problems.push(problems::damaged(batches.file(), error));
                }
            }
            if let Some(seq) = commitments.shown {
                problems.push(problem(format!("record {seq} has a text where excerpt.json says that it is left out")));
            }
        }
        leaves.sort_unstable();
        Self(leaves)
    }

    /// Returns the leaves of a part, by row.
    fn of_part(&self, index: usize) -> Vec<(u64, Digest)> {
        let from = self.0.partition_point(|(part, ..)| *part < index);
        let leaves = self.0.get(from..).unwrap_or_default().iter();
        leaves.take_while(|(part, ..)| *part == index).map(|(_, row, leaf)| (*row, *leaf)).collect()
    }
}
