//! What was put beside a closed case: hand-overs, and a time stamp.

use obit_case::handover::HandoverRecord;
use obit_case::signing::AllowedSigners;
use obit_case::time_stamp::TimeStamp;
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

/// The files beside a closed case that others than its recorder made.
#[derive(Debug, Default)]
pub struct Attachments {
    /// The hand-overs, in their order.
    pub handovers: Vec<Handover>,
    /// The time stamp over case.json.
    pub time_stamp: Option<TimeStamp>,
    /// Everything that does not hold.
    pub problems: Vec<Problem>,
}

/// Reads the hand-overs of a case and its time stamp. The name of a key is that of one of the
/// signers, if it is theirs.
pub fn read(case: &Case, signers: Option<&AllowedSigners>) -> Attachments {
    let mut attachments = Attachments::default();
    match case.time_stamp() {
        Some(Ok(stamp)) => attachments.time_stamp = Some(stamp),
        Some(Err(why)) => attachments.problems.push(Problem::TimeStamp { why }),
        None => {}
    }
    let log = case.handovers().unwrap_or_default();
    let handovers = log.records.into_iter().map(|handover| {
        let signer = signers.and_then(|signers| signers.name(&handover.signature)).map(str::to_owned);
        let key = SigningKey { fingerprint: handover.signature.fingerprint(), signer };
        Handover { record: handover.record, key }
    });
    attachments.handovers = handovers.collect();
    attachments.problems.extend(log.defects.into_iter().map(|why| Problem::Handover { why }));
    attachments
}
