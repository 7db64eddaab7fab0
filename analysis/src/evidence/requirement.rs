//! What a verifier asks of a case, and what the case lacks of it.

use std::collections::BTreeSet;

use obit_case::Case;
use obit_case::chain::Chain;
use obit_case::manifest::Manifest;
use obit_case::signing::AllowedSigners;
use obit_derivation::record::Body;

use super::anchor::{AnchorCheck, AnchorSource, LineTrust};
use super::signed::SignatureCheck;
use crate::error::Error;

/// A property that a verifier can require of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// The case is closed.
    Closed,
    /// One of the signers signed all that is in the case.
    Signed,
    /// Lines of the anchor vouch for all that is in the case, and they are the recorder's.
    Anchored,
    /// The case is closed and nothing of the recording is missing: no record, no event that was
    /// lost, no segment that was dropped.
    Complete,
}

impl Requirement {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Closed, Self::Signed, Self::Anchored, Self::Complete];

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Signed => "signed",
            Self::Anchored => "anchored",
            Self::Complete => "complete",
        }
    }
}

/// All that a verifier asks of a case.
#[derive(Clone, Debug, Default)]
pub struct ProofRequest<'a> {
    /// An anchor of the case. Nothing sealed may lie after what it, or a signer, vouches for.
    pub anchor: Option<AnchorSource<'a>>,
    /// The signers to trust. One of them must have signed something, and nothing sealed may lie
    /// after what one of them, or the anchor, vouches for. Without them any key counts.
    pub signers: Option<&'a AllowedSigners>,
    /// The case's id.
    pub case_id: Option<&'a str>,
    /// Properties that must hold.
    pub required: BTreeSet<Requirement>,
}

impl ProofRequest<'_> {
    /// Returns true if the lines of the anchor that count are known to be the recorder's.
    pub(crate) fn has_authentic_lines(&self) -> bool {
        let is_trusted = |anchor: &AnchorSource<'_>| self.signers.is_some() || anchor.trust == LineTrust::All;
        self.anchor.as_ref().is_some_and(is_trusted)
    }
}

/// A lack of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofShortfall {
    /// The requirement; `None` if the signers, the anchor or the id that were given asked for it.
    pub requirement: Option<Requirement>,
    /// The lack, in words.
    pub why: String,
}

/// What is known of a case when its requirements are judged.
pub(super) struct JudgedCase<'a> {
    pub(super) case: &'a Case,
    pub(super) manifest: &'a Manifest,
    pub(super) chain: &'a Chain,
    pub(super) signatures: &'a SignatureCheck,
    pub(super) anchor: Option<&'a AnchorCheck>,
    /// Rows in files that the chain does not list.
    pub(super) unlisted_rows: u64,
}

/// Returns what a case lacks of what was asked for.
pub(super) fn shortfalls(case: &JudgedCase<'_>, request: &ProofRequest<'_>) -> Result<Vec<ProofShortfall>, Error> {
    let mut lacks: Vec<_> = given(case, request).into_iter().map(|why| (None, why)).collect();
    for requirement in &request.required {
        let why = match requirement {
            Requirement::Closed => case.not_closed(),
            Requirement::Signed => not_signed(case, request),
            Requirement::Anchored => not_anchored(case, request),
            Requirement::Complete => not_complete(case)?,
        };
        lacks.extend(why.map(|why| (Some(*requirement), why)));
    }
    Ok(lacks.into_iter().map(|(requirement, why)| ProofShortfall { requirement, why }).collect())
}

/// Returns the lacks of what the signers, the anchor and the id that were given ask for.
fn given(case: &JudgedCase<'_>, request: &ProofRequest<'_>) -> Vec<String> {
    let mut lacks = Vec::new();
    let mut lack = |why: &str| lacks.push(why.to_owned());
    let signed = case.signatures;
    if request.signers.is_some() {
        if signed.entries == 0 && !signed.manifest {
            lack("nothing in this case is signed by one of the signers");
        } else if case.case.is_closed() && !signed.manifest {
            lack("case.json is not signed: whoever closed the case had no key, or the signature was taken away");
        }
    }
    if let Some(anchor) = case.anchor {
        if !anchor.has_lines {
            lack("the anchor has no line about this case");
        } else if anchor.entries == 0 && !anchor.has_manifest {
            match request.signers {
                Some(_) => lack(
                    "no line of the anchor about this case is signed by one of the signers; if nobody but the recorder \
                     could write to it, say --trust-anchor",
                ),
                None => lack("no line of the anchor vouches for anything in this case"),
            }
        } else if case.case.is_closed() && !anchor.has_manifest && !(request.signers.is_some() && signed.manifest) {
            lack(
                "the anchor has no line about the closed case: its end was cut off, or it was closed without the anchor",
            );
        }
    }
    // Without signers to ask for, a signature by any key proves nothing.
    let signed_entries = request.signers.map_or(0, |_| signed.entries);
    let vouched = signed_entries.max(case.anchor.map_or(0, |anchor| anchor.entries));
    if (request.signers.is_some() || case.anchor.is_some()) && vouched < case.chain.parts() {
        let (first, last) = (vouched.max(case.chain.dropped()).saturating_add(1), case.chain.parts());
        lack(&format!("entries {first} to {last} come after the newest head that anything vouches for"));
    }
    if let Some(id) = request.case_id.filter(|id| *id != case.manifest.case_id) {
        lack(&format!("this is case {}, and not {id}", case.manifest.case_id));
    }
    lacks
}

impl JudgedCase<'_> {
    fn not_closed(&self) -> Option<String> {
        (!self.case.is_closed()).then(|| "the case was never closed".to_owned())
    }

    /// Returns the first lack of a kind of proof that should cover all of the case.
    fn not_covered(&self, entries: u64, has_manifest: bool, verb: &str) -> Option<String> {
        let all = self.chain.parts();
        if entries < all {
            let first = entries.max(self.chain.dropped()).saturating_add(1);
            return Some(format!("entries {first} to {all} are not {verb}"));
        }
        if self.unlisted_rows > 0 {
            let rows = self.unlisted_rows;
            return Some(format!(
                "{rows} rows are in journals or in parts that case.json does not list: nothing covers them"
            ));
        }
        (self.case.is_closed() && !has_manifest).then(|| format!("case.json is not {verb}"))
    }
}

fn not_signed(case: &JudgedCase<'_>, request: &ProofRequest<'_>) -> Option<String> {
    match request.signers {
        None => Some("nobody said whose signature counts: give --signers".to_owned()),
        Some(_) => case.not_covered(case.signatures.entries, case.signatures.manifest, "signed by one of the signers"),
    }
}

fn not_anchored(case: &JudgedCase<'_>, request: &ProofRequest<'_>) -> Option<String> {
    let Some(anchor) = case.anchor else { return Some("there is no anchor to compare with: give --anchor".to_owned()) };
    if !request.has_authentic_lines() {
        let why = "nothing shows that the anchor's lines are the recorder's: give --signers if they are signed, or say \
                   --trust-anchor if nobody else could write to it";
        return Some(why.to_owned());
    }
    case.not_covered(anchor.entries, anchor.has_manifest, "anchored")
}

fn not_complete(case: &JudgedCase<'_>) -> Result<Option<String>, Error> {
    if let Some(why) = case.not_closed() {
        return Ok(Some(why));
    }
    if let Some(missing) = case.manifest.incomplete.first() {
        return Ok(Some(format!("from record {} on something may be missing: {}", missing.first_seq, missing.reason)));
    }
    if let Some(dropped) = &case.manifest.dropped {
        return Ok(Some(format!("records 0 to {} were dropped", dropped.last_seq)));
    }
    let mut lost = 0_u64;
    case.case.records().for_each(|record| -> Result<(), Error> {
        if let Body::Lost(loss) = &record.body {
            lost = lost.saturating_add(loss.count);
        }
        Ok(())
    })?;
    Ok((lost > 0).then(|| format!("{lost} events were lost")))
}
