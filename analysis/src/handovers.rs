//! Hand-overs of a case, from the log beside it.

use obit_case::handover::HandoverRecord;
use obit_case::signing::AllowedSigners;
use obit_case::{Case, Problem};
use serde::Serialize;

use crate::evidence::SigningKey;

/// A hand-over whose signature holds.
#[derive(Clone, Debug, Serialize)]
pub struct Handover {
    /// The record.
    pub record: HandoverRecord,
    /// The key of whoever handed the case over.
    pub key: SigningKey,
}

/// Reads the hand-overs of a case. The name of a key is that of one of the signers, if it is theirs.
/// Returns what does not hold too.
pub fn read(case: &Case, signers: Option<&AllowedSigners>) -> (Vec<Handover>, Vec<Problem>) {
    let Some(log) = case.handovers() else { return (Vec::new(), Vec::new()) };
    let handovers = log.records.into_iter().map(|handover| {
        let signer = signers.and_then(|signers| signers.name(&handover.signature)).map(str::to_owned);
        let key = SigningKey { fingerprint: handover.signature.fingerprint(), signer };
        Handover { record: handover.record, key }
    });
    let problems = log.defects.into_iter().map(|why| Problem::Handover { why });
    (handovers.collect(), problems.collect())
}
