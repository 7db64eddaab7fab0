//! case.json: what a replay must know of the recorder.

use std::collections::BTreeMap;
use std::path::Path;

use obit_derivation::record::{BootNs, WallNs};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::counts::CaseCounts;
use crate::error::Error;
use crate::version::{FORMAT, FormatVersion};

/// Name of the file.
pub const FILE_NAME: &str = "case.json";

/// Name of the file beside it that `sha256sum -c` reads.
pub const SUMS_NAME: &str = "SHA256SUMS";

/// Longest case.json that is read, in bytes. A part takes about 300 of them.
pub const MAX_BYTES: u64 = 64 << 20;

/// The program that recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildInfo {
    /// Its version.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
}

/// Whether a case was finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// The capture is running, or ended without closing it.
    #[default]
    Open,
    /// Complete: nothing is added any more.
    Closed,
}

/// The two clocks read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ClockPairText", into = "ClockPairText")]
pub struct ClockPair {
    /// Wall clock.
    pub ts: WallNs,
    /// Boot clock.
    pub boot_ns: BootNs,
}

#[derive(Serialize, Deserialize)]
struct ClockPairText {
    ts_ns: i64,
    boot_ns: u64,
}

impl From<ClockPairText> for ClockPair {
    fn from(text: ClockPairText) -> Self {
        Self { ts: WallNs(text.ts_ns), boot_ns: BootNs(text.boot_ns) }
    }
}

impl From<ClockPair> for ClockPairText {
    fn from(pair: ClockPair) -> Self {
        Self { ts_ns: pair.ts.0, boot_ns: pair.boot_ns.0 }
    }
}

/// The clocks when the capture started and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureClocks {
    /// When it started.
    pub start: Option<ClockPair>,
    /// When it ended; `None` while it runs.
    pub end: Option<ClockPair>,
}

/// A sealed part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// The file, relative to the case.
    pub file: String,
    /// Its table.
    pub table: String,
    /// Its number, counted from 0 in each table.
    pub number: u32,
    /// Rows.
    pub rows: u64,
    /// The first row's `seq`; `None` of a part without rows.
    pub first_seq: Option<u64>,
    /// The last row's `seq`; `None` of a part without rows.
    pub last_seq: Option<u64>,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hex.
    pub sha256: String,
    /// Digest of the entry before, in lower-case hex, see [`crate::chain`]; `None` of a recorder that made no chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The segment that it belongs to; `None` of a recording that is not cut into segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
}

/// A stretch of a recording that stands by itself: it begins with a record `segment_begin` and a walk of its own, and no
/// part spans two of them. So the oldest can be dropped as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number, counted from 0.
    pub number: u32,
    /// Its first record.
    pub first_seq: u64,
    /// The clocks when it began.
    pub began: ClockPair,
    /// What it holds, as of the last part that was sealed.
    #[serde(default)]
    pub counts: CaseCounts,
}

/// A segment that the recorder dropped, as it was told to: an entry of the chain, as a part's is. It is kept as long as a
/// part that was sealed before it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropEntry {
    /// How many entries of the chain come before this one.
    pub entry: u64,
    /// Digest of the entry before, in lower-case hex.
    pub previous: String,
    /// The segment's number.
    pub segment: u32,
    /// Its first record.
    pub first_seq: u64,
    /// Its last record.
    pub last_seq: u64,
    /// The clocks when it began.
    pub began: ClockPair,
    /// The clocks when the next segment began.
    pub ended: ClockPair,
    /// The clocks when it was dropped.
    pub dropped_at: ClockPair,
    /// Size of its files.
    pub bytes: u64,
    /// What it held.
    pub counts: CaseCounts,
    /// How many entries of the chain are gone with it and the segments before it.
    pub entries: u64,
    /// Digest of the last of these, in lower-case hex.
    pub sha256: String,
    /// The entries of its parts.
    pub parts: Vec<PartEntry>,
}

/// All that the recorder dropped, as it was told to, in sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropTotals {
    /// How many segments: the first so many.
    pub segments: u32,
    /// How many parts.
    pub parts: u64,
    /// Size of their files.
    pub bytes: u64,
    /// The last record that is gone; all before it are too.
    pub last_seq: u64,
    /// What they held.
    pub counts: CaseCounts,
    /// The clocks when the first of them began.
    pub began: ClockPair,
    /// The clocks when the first segment that is left began.
    pub ended: ClockPair,
    /// The clocks when the last of them was dropped.
    pub dropped_at: ClockPair,
    /// How many entries of the chain are gone with them.
    pub entries: u64,
    /// Digest of the last of these, in lower-case hex: what the first entry that is left follows from.
    pub sha256: String,
    /// Of each table, the number of its first part that is not gone.
    pub next_parts: BTreeMap<String, u32>,
}

impl DropTotals {
    /// Whether that part is one of those that are gone. A file of that number may still be there after a crash.
    pub fn has(&self, table: &str, number: u32) -> bool {
        self.next_parts.get(table).is_some_and(|next| number < *next)
    }
}

/// The end of the chain of entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// How many entries it stands for: parts that were sealed, and segments that were dropped.
    pub parts: u64,
    /// Digest of the last of them, in lower-case hex, see [`crate::chain`].
    pub sha256: String,
    /// Signature over the head's line, as `ssh-keygen -Y sign -n obit-case` makes it; `None` if nobody signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Records that are missing, or may be, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRange {
    /// The first record that may be missing.
    pub first_seq: u64,
    /// The last; `None` if nobody knows how many followed.
    pub last_seq: Option<u64>,
    /// Why, in words.
    pub reason: String,
}

/// The contents of case.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout of a case.
    pub format: FormatVersion,
    /// Version of the tables: raised with each column or kind that is added.
    pub schema_version: u32,
    /// Version of the derivation that made the derived tables.
    #[serde(default)]
    pub derivation_version: u32,
    /// How long the derivation held back the row of an end for what was still said of the container, in ns of record time.
    #[serde(default)]
    pub grace_ns: u64,
    /// The program that recorded.
    #[serde(default)]
    pub build: BuildInfo,
    /// Unique name of the case, e.g. a random UUID. It is in every file of the case.
    pub case_id: String,
    /// Whether the case is complete.
    pub state: CaseState,
    /// When the capture started: RFC 3339, UTC. For people.
    #[serde(default)]
    pub started_at: String,
    /// When it ended: RFC 3339, UTC; null while it runs.
    #[serde(default)]
    pub ended_at: Option<String>,
    /// The clocks at both ends.
    #[serde(default)]
    pub clocks: CaptureClocks,
    /// Facts about the host, as the capture found them.
    #[serde(default)]
    pub host: Map<String, Value>,
    /// Options that the capture was given.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// Named facts about how this recorder behaved, for a newer replay to follow.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// What the recorder says of itself: its process, what it gave up, what the kernel counted. For people and tests.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub recorder: Map<String, Value>,
    /// What the case holds.
    #[serde(default)]
    pub counts: CaseCounts,
    /// What of the recording did not reach the case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<MissingRange>,
    /// The segments that are there, if the recording is cut into such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// What the recorder dropped of them, as it was told to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<DropTotals>,
    /// The last of these one by one, in the order of the chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<DropEntry>,
    /// The sealed parts, in the order of their sealing.
    #[serde(default)]
    pub parts: Vec<PartEntry>,
    /// The end of their chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<ChainHead>,
    /// The newest head that was signed, if the last one is not: what was sealed later was sealed without the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_head: Option<ChainHead>,
}

impl Manifest {
    /// Of a case that begins now, in this build's format.
    pub fn new(case_id: String, build: BuildInfo) -> Self {
        Self {
            format: FORMAT,
            schema_version: obit_schema::SCHEMA_VERSION,
            derivation_version: 0,
            grace_ns: 0,
            build,
            case_id,
            state: CaseState::Open,
            started_at: String::new(),
            ended_at: None,
            clocks: CaptureClocks::default(),
            host: Map::new(),
            options: Map::new(),
            quirks: Vec::new(),
            recorder: Map::new(),
            counts: CaseCounts::default(),
            incomplete: Vec::new(),
            segments: Vec::new(),
            dropped: None,
            drops: Vec::new(),
            parts: Vec::new(),
            head: None,
            signed_head: None,
        }
    }

    /// Reads the text of a case.json. `path` is for messages, `parts` the number of part and journal files beside it.
    ///
    /// # Errors
    /// [`Error::NewerFormat`], or [`Error::Manifest`] for text that is not a case.json.
    pub fn parse(text: &[u8], path: &Path, parts: usize) -> Result<Self, Error> {
        /// What every version has.
        #[derive(Deserialize)]
        struct VersionOnly {
            format: FormatVersion,
        }
        let invalid = |why: serde_json::Error| Error::Manifest { path: path.to_owned(), why: why.to_string(), parts };
        let head: VersionOnly = serde_json::from_slice(text).map_err(invalid)?;
        if head.format.major > FORMAT.major {
            return Err(Error::NewerFormat { path: path.to_owned(), found: head.format });
        }
        serde_json::from_slice(text).map_err(invalid)
    }

    /// The text of the file.
    pub(crate) fn to_text(&self) -> Result<Vec<u8>, Error> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|source| Error::ManifestText { source })?;
        text.push(b'\n');
        Ok(text)
    }
}
