//! The proof behind the files of a case: the chain of its parts, signatures, and an anchor that is
//! kept elsewhere. `docs/case-format.md` states the rules.

mod anchor;
mod reach;
mod requirement;
mod signed;

pub use anchor::{AnchorSource, LineCounts, LineTrust};
pub use reach::{ChainReach, EntrySpan, ProofReach, ProvenSpan};
pub use requirement::{ProofRequest, ProofShortfall, Requirement};
pub use signed::SigningKey;

use std::collections::BTreeSet;

use obit_case::chain::{Chain, ChainLink};
use obit_case::manifest::Manifest;
use obit_case::{Case, FormatVersion, Problem};
use obit_schema::Table;
use obit_schema::digest::Digest;

use crate::error::Error;
pub(crate) use anchor::closed_digest;
use anchor::{AnchorCheck, AnchorLines};
use reach::span;
use requirement::{JudgedCase, shortfalls};
use signed::{SignatureCheck, SignedManifest};

/// The first format whose recorders chain their parts.
const CHAINED_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 1 };

/// The proof behind a case, as far as it reaches.
#[derive(Debug)]
pub struct CaseEvidence {
    /// Everything that does not hold.
    pub problems: Vec<Problem>,
    /// The reach of each kind of proof.
    pub reach: ChainReach,
    /// All that was asked for and is not proven.
    pub shortfalls: Vec<ProofShortfall>,
}

/// Examines the proof behind a case.
///
/// # Errors
/// [`Error::Anchor`] if the anchor cannot be read; an error of reading the records if the case must
/// be complete.
pub fn examine(case: &Case, request: &ProofRequest<'_>) -> Result<CaseEvidence, Error> {
    let Some(manifest) = case.manifest() else {
        return Ok(without_chain(ChainReach::NoManifest, "case.json cannot be read", Vec::new(), request));
    };
    let Some(chain) = Chain::follow(manifest) else {
        let mut problems = Vec::new();
        if manifest.format >= CHAINED_FORMAT || request.anchor.is_some() || request.signers.is_some() {
            let why = "case.json has none, so nothing can be said about signatures and anchors".to_owned();
            problems.push(Problem::Head { why });
        }
        return Ok(without_chain(ChainReach::NotChained, "its parts are not chained", problems, request));
    };
    let mut problems = chain.problems().to_vec();
    let anchor = request
        .anchor
        .map(|source| check_anchor(closed_digest(case), manifest, &chain, source, request))
        .transpose()?;
    problems.extend(anchor.iter().flat_map(|anchor| &anchor.problems).cloned());
    let closed = case.signature().filter(|_| case.is_closed()).zip(case.manifest_bytes());
    let closed = closed.map(|(signature, bytes)| SignedManifest { bytes, signature });
    let signatures = SignatureCheck::new(manifest, closed.as_ref(), &chain, request.signers);
    problems.extend(signatures.problems.iter().cloned());
    let anchored = anchor.as_ref().map_or(0, |anchor| anchor.entries);
    let vouched = signatures.entries.max(anchored);
    let proven = proven_entries(request, signatures.entries, anchored);
    // Where nothing at all vouches, a dropping is as unproven as all the rest.
    let has_proof = !signatures.keys.is_empty() || request.signers.is_some() || anchor.is_some();
    if let Some(problem) = unproven_drop(&chain, manifest, proven).filter(|_| has_proof) {
        problems.push(problem);
    }
    let unlisted_rows = unlisted_rows(case, manifest);
    let judged =
        JudgedCase { case, manifest, chain: &chain, signatures: &signatures, anchor: anchor.as_ref(), unlisted_rows };
    let shortfalls = shortfalls(&judged, request)?;
    let entries = chain.parts();
    let reach = ProofReach {
        entries,
        dropped_entries: chain.dropped(),
        has_drops: chain.links().iter().any(|link| matches!(link, ChainLink::Drop(_))),
        anchored: anchor.as_ref().map(|anchor| ProvenSpan {
            entries: span(manifest, &chain, 0, anchor.entries),
            has_manifest: anchor.has_manifest,
        }),
        line_counts: anchor.as_ref().map(|anchor| anchor.counts).unwrap_or_default(),
        signed: ProvenSpan {
            entries: span(manifest, &chain, 0, signatures.entries),
            has_manifest: signatures.manifest,
        },
        keys: signatures.keys,
        only_hashed: span(manifest, &chain, vouched, entries),
        unlisted_rows,
    };
    Ok(CaseEvidence { problems, reach: ChainReach::Chained(Box::new(reach)), shortfalls })
}

/// The proof behind a chain whose files are not all there.
#[derive(Debug)]
pub(crate) struct ChainEvidence {
    /// Number of entries that a signature vouches for.
    pub(crate) signed: u64,
    /// Number of entries that the anchor vouches for.
    pub(crate) anchored: u64,
    /// Number of entries that are proven by what was asked for.
    pub(crate) proven: u64,
    /// The keys of the signatures.
    pub(crate) keys: Vec<SigningKey>,
    /// Everything that does not hold.
    pub(crate) problems: Vec<Problem>,
}

/// Examines the proof behind the chain of a case. `closed` is the digest of its case.json if it is
/// closed.
///
/// # Errors
/// [`Error::Anchor`] if the anchor cannot be read.
pub(crate) fn examine_chain(
    manifest: &Manifest,
    closed: Option<Digest>,
    request: &ProofRequest<'_>,
) -> Result<Option<ChainEvidence>, Error> {
    let Some(chain) = Chain::follow(manifest) else { return Ok(None) };
    let mut problems = chain.problems().to_vec();
    let anchor = request.anchor.map(|source| check_anchor(closed, manifest, &chain, source, request)).transpose()?;
    problems.extend(anchor.iter().flat_map(|anchor| &anchor.problems).cloned());
    let mut signatures = SignatureCheck::new(manifest, None, &chain, request.signers);
    problems.append(&mut signatures.problems);
    let anchored = anchor.as_ref().map_or(0, |anchor| anchor.entries);
    let proven = proven_entries(request, signatures.entries, anchored);
    Ok(Some(ChainEvidence { signed: signatures.entries, anchored, proven, keys: signatures.keys, problems }))
}

/// Returns the number of entries that are proven. Beside an anchor, a signature by anybody's key
/// proves nothing.
fn proven_entries(request: &ProofRequest<'_>, signed: u64, anchored: u64) -> u64 {
    if request.signers.is_some() || request.anchor.is_none() { signed.max(anchored) } else { anchored }
}

/// Returns the evidence of a case in which nothing can vouch for anything.
fn without_chain(reach: ChainReach, why: &str, problems: Vec<Problem>, request: &ProofRequest<'_>) -> CaseEvidence {
    let lack = |requirement| ProofShortfall { requirement, why: why.to_owned() };
    let given = request.anchor.is_some() || request.signers.is_some() || request.case_id.is_some();
    let required = request.required.iter().map(|requirement| lack(Some(*requirement)));
    let shortfalls = given.then(|| lack(None)).into_iter().chain(required).collect();
    CaseEvidence { problems, reach, shortfalls }
}

fn check_anchor(
    closed: Option<Digest>,
    manifest: &Manifest,
    chain: &Chain,
    source: AnchorSource<'_>,
    request: &ProofRequest<'_>,
) -> Result<AnchorCheck, Error> {
    let signers = request.signers.filter(|_| source.trust == LineTrust::Signed);
    let lines = AnchorLines::read(source.path, &manifest.case_id)?;
    let failed = |cause| Error::Anchor { path: source.path.to_owned(), cause };
    lines.check(manifest, closed, chain, signers).map_err(failed)
}

/// Returns the problem of segments that are said to be dropped, unless a head at or after the entry
/// that says so is vouched for.
fn unproven_drop(chain: &Chain, manifest: &Manifest, proven: u64) -> Option<Problem> {
    let dropped = manifest.dropped.as_ref()?;
    let last = chain.links().iter().rposition(|link| matches!(link, ChainLink::Drop(_)));
    let needed = chain.dropped().saturating_add(last.map_or(0, |last| last as u64 + 1)).max(1);
    (proven < needed).then(|| {
        let last_seq = dropped.last_seq;
        let why = format!(
            "records 0 to {last_seq} are said to be dropped, and no head that is signed or anchored says so: somebody \
             else may have removed them"
        );
        Problem::Head { why }
    })
}

/// Returns the number of rows that are in files which the manifest does not list: journals, and
/// parts of a case that was never closed.
fn unlisted_rows(case: &Case, manifest: &Manifest) -> u64 {
    let listed: BTreeSet<&str> = manifest.parts.iter().map(|part| part.file.as_str()).collect();
    let parts = Table::ALL.iter().flat_map(|table| case.parts(*table));
    parts.filter(|part| !listed.contains(part.file.as_str())).map(|part| part.rows).fold(0, u64::saturating_add)
}
