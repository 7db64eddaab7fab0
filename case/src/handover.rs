//! handover.jsonl: a signed log of who handed a closed case to whom, beside case.json.
//!
//! Each line is a JSON object with two texts: `record`, which is JSON itself, and `signature`,
//! which covers the bytes of that text with a newline. A record names case.json by its digest, and
//! the record before it by the digest of its text, so none can be changed or taken out from
//! between. Nobody can tell whether records are missing at the end.

use std::io::Read as _;
use std::path::Path;

use obit_schema::digest::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::directory::Directory;
use crate::error::Error;
use crate::files::{self, Folder as _};
use crate::manifest::{self, CaseState, Manifest};
use crate::signing::{Signature, Signer};

/// Name of the file.
pub const FILE_NAME: &str = "handover.jsonl";

/// Longest log that is read, in bytes.
pub const MAX_BYTES: u64 = 16 << 20;

/// Longest name and longest note, in bytes.
pub const MAX_TEXT_BYTES: usize = 4096;

/// A record: whoever held the case hands it to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverRecord {
    /// Version of the record: 1. A name that no other signed text of a case begins with.
    pub obit_handover: u32,
    /// Unique name of the case.
    pub case_id: String,
    /// Digest of its case.json.
    pub case_json_sha256: Digest,
    /// Digest of the record before this one; all zeros for the first.
    pub previous: Digest,
    /// Time by the clock of whoever hands the case over: RFC 3339, UTC.
    pub at: String,
    /// The one who gets the case.
    pub to: String,
    /// Reason and circumstances.
    pub note: String,
}

/// A line of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct HandoverLine {
    record: String,
    signature: String,
}

/// A record with the signature over it, which holds.
#[derive(Clone, Debug)]
pub struct SignedHandover {
    /// The record.
    pub record: HandoverRecord,
    /// The signature of whoever handed the case over.
    pub signature: Signature,
}

/// The records of a log.
#[derive(Debug, Default)]
pub struct HandoverLog {
    /// The records that hold, in their order.
    pub records: Vec<SignedHandover>,
    /// Everything that does not hold.
    pub defects: Vec<String>,
    /// Digest of the last record.
    end: Option<Digest>,
}

impl HandoverLog {
    /// Returns a log of which nothing could be read.
    pub(crate) fn unreadable(why: String) -> Self {
        Self { defects: vec![why], ..Self::default() }
    }

    /// Reads the log of the case with this id and this case.json.
    pub fn parse(text: &[u8], case_id: &str, case_json: &[u8]) -> Self {
        let mut log = Self::default();
        let case_json_sha256 = Digest::from(Sha256::new_with_prefix(case_json));
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        for (number, line) in (1..).zip(lines) {
            let read = read_line(line).and_then(|(end, handover)| {
                let expected = log.end.unwrap_or_else(start);
                log.end = Some(end);
                let record = &handover.record;
                if record.case_id != case_id || record.case_json_sha256 != case_json_sha256 {
                    return Err("it is about another case, or about another case.json".to_owned());
                }
                if record.previous != expected {
                    return Err("it does not follow the record before it: records were changed or taken out".to_owned());
                }
                Ok(handover)
            });
            match read {
                Ok(handover) => log.records.push(handover),
                Err(why) => log.defects.push(format!("record {number}: {why}")),
            }
        }
        log
    }
}

/// Returns what the first record has in place of the digest of one before it.
fn start() -> Digest {
    Digest::from_bytes([0; 32])
}

/// Reads one line. Returns the digest of its record too.
fn read_line(line: &[u8]) -> Result<(Digest, SignedHandover), String> {
    let invalid = |error: serde_json::Error| format!("it cannot be read: {error}");
    let line: HandoverLine = serde_json::from_slice(line).map_err(invalid)?;
    let signature = Signature::check(&line.signature, format!("{}\n", line.record).as_bytes())?;
    let record: HandoverRecord = serde_json::from_str(&line.record).map_err(invalid)?;
    if record.obit_handover != 1 {
        return Err(format!("it has version {}, which this build does not know", record.obit_handover));
    }
    Ok((Digest::from(Sha256::new_with_prefix(&line.record)), SignedHandover { record, signature }))
}

/// Adds a record to the log of a closed case. Returns how many there are now.
///
/// # Errors
/// [`Error::StillOpen`]; [`Error::Busy`]; [`Error::Damaged`] if the log that is there does not
/// hold, or a text is too long; [`Error::Sign`] or [`Error::Io`].
pub fn append(case: &Path, to: &str, note: &str, at: String, signer: &Signer) -> Result<usize, Error> {
    let root = Directory::open(case)?;
    root.lock()?;
    let path = root.path().join(FILE_NAME);
    let refused = |why: String| Error::Damaged { path: path.clone(), why };
    for text in [to, note] {
        if text.len() > MAX_TEXT_BYTES {
            return Err(refused(format!("a text of {} bytes is longer than {MAX_TEXT_BYTES}", text.len())));
        }
    }
    let read = |name: &str, limit: u64| -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let path = root.path().join(name);
        root.open_file(name)?.take(limit).read_to_end(&mut bytes).map_err(Error::io("read", &path))?;
        Ok(bytes)
    };
    let case_json = read(manifest::FILE_NAME, manifest::MAX_BYTES)?;
    let manifest = Manifest::parse(&case_json, &root.path().join(manifest::FILE_NAME), 0)?;
    if manifest.state != CaseState::Closed {
        return Err(Error::StillOpen { path: case.to_owned() });
    }
    let mut text = match read(FILE_NAME, MAX_BYTES) {
        Err(Error::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    let log = HandoverLog::parse(&text, &manifest.case_id, &case_json);
    if let Some(defect) = log.defects.first() {
        return Err(refused(format!("nothing is added to a log that does not hold: {defect}")));
    }
    let record = HandoverRecord {
        obit_handover: 1,
        case_id: manifest.case_id,
        case_json_sha256: Digest::from(Sha256::new_with_prefix(&case_json)),
        previous: log.end.unwrap_or_else(start),
        at,
        to: to.to_owned(),
        note: note.to_owned(),
    };
    let encoded = |source| Error::ManifestText { source };
    let record = serde_json::to_string(&record).map_err(encoded)?;
    let signature = signer.sign(format!("{record}\n").as_bytes())?;
    text.extend(serde_json::to_vec(&HandoverLine { record, signature }).map_err(encoded)?);
    text.push(b'\n');
    if text.len() as u64 > MAX_BYTES {
        return Err(refused(format!("the log would be longer than {MAX_BYTES} bytes")));
    }
    files::write_whole(&root, FILE_NAME, &text)?;
    Ok(log.records.len() + 1)
}
