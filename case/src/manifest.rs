//! case.json: the facts about the recorder and the recording that a replay needs.

use std::collections::BTreeMap;
use std::path::Path;

use obit_derivation::record::{BootNs, WallNs};
use obit_schema::leaf::SaltSeed;
use obit_schema::tables::Table;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::counts::CaseCounts;
use crate::error::Error;
use crate::layout::Layout;
use crate::version::{FORMAT, FormatVersion};

/// Name of the file.
pub const FILE_NAME: &str = "case.json";

/// Name of the file beside it that `sha256sum -c` reads.
pub const SUMS_NAME: &str = "SHA256SUMS";

/// Longest case.json that is read, in bytes. Each part takes about 300.
pub const MAX_BYTES: u64 = 64 << 20;

/// Most values in a case.json. Each takes tens of bytes of memory, and can be two bytes of text; a
/// part has about ten.
const MAX_VALUES: usize = 2_000_000;

/// The program that recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildInfo {
    /// Version of the program.
    pub version: String,
    /// Commit that the program was built from.
    pub commit: String,
}

/// State of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// The capture is running, or ended without closing it.
    #[default]
    Open,
    /// Complete: nothing is added.
    Closed,
}

/// The wall clock and the boot clock, read at one moment.
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
    /// Clocks at the start.
    pub start: Option<ClockPair>,
    /// Clocks at the end; `None` while the capture runs.
    pub end: Option<ClockPair>,
}

/// A sealed part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// Path of the file, relative to the case.
    pub file: String,
    /// Name of the table.
    pub table: String,
    /// Number of the part, counted from 0 in each table.
    pub number: u32,
    /// Rows.
    pub rows: u64,
    /// Place of the first row; `None` without rows.
    pub first_seq: Option<u64>,
    /// Place of the last row; `None` without rows.
    pub last_seq: Option<u64>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hex.
    pub sha256: String,
    /// Root of the Merkle tree over the part's records, in lower-case hex, see [`crate::merkle`];
    /// `None` for a derived table, and if the recorder made none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Digest of the entry before, in lower-case hex, see [`crate::chain`]; `None` if the recorder
    /// made no chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Number of the part's segment; `None` if the recording is not cut into segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
}

/// A stretch of a recording that stands by itself: it begins with a record `segment_begin` and a
/// walk of its own, and no part spans two segments. So a recorder can drop the oldest as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Number of the segment, counted from 0.
    pub number: u32,
    /// Place of its first record.
    pub first_seq: u64,
    /// Clocks at its first record.
    pub began: ClockPair,
    /// Counts of its rows, as of the last part that was sealed.
    #[serde(default)]
    pub counts: CaseCounts,
}

/// A segment that the recorder dropped on request: an entry of the chain. It is kept as long as a
/// part that was sealed before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropEntry {
    /// Number of entries of the chain before this one.
    pub entry: u64,
    /// Digest of the entry before, in lower-case hex.
    pub previous: String,
    /// Number of the segment.
    pub segment: u32,
    /// Place of its first record.
    pub first_seq: u64,
    /// Place of its last record.
    pub last_seq: u64,
    /// Clocks when the segment began.
    pub began: ClockPair,
    /// Clocks when the next segment began.
    pub ended: ClockPair,
    /// Clocks when it was dropped.
    pub dropped_at: ClockPair,
    /// Bytes of its files.
    pub bytes: u64,
    /// Counts of its rows.
    pub counts: CaseCounts,
    /// Number of entries of the chain that are gone with this segment and those before it.
    pub entries: u64,
    /// Digest of the last of these entries, in lower-case hex.
    pub sha256: String,
    /// Digest of the list of all parts that are kept from here on, in lower-case hex, see
    /// [`crate::chain::kept_digest`]; `None` if none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_sha256: Option<String>,
    /// Entries of its parts.
    pub parts: Vec<PartEntry>,
}

/// Totals of the segments that the recorder dropped on request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropTotals {
    /// Number of segments: the first ones of the recording.
    pub segments: u32,
    /// Number of their parts.
    pub parts: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Place of the last record that is gone; all before it are gone too.
    pub last_seq: u64,
    /// Counts of their rows.
    pub counts: CaseCounts,
    /// Clocks when the first of them began.
    pub began: ClockPair,
    /// Clocks when the first segment that is left began.
    pub ended: ClockPair,
    /// Clocks when the last of them was dropped.
    pub dropped_at: ClockPair,
    /// Number of entries of the chain that are gone with them.
    pub entries: u64,
    /// Digest of the last of these entries, in lower-case hex: the first entry that is left follows
    /// it.
    pub sha256: String,
    /// Number of the first part that is left, by table.
    pub next_parts: BTreeMap<String, u32>,
    /// Parts of derived tables that were kept though their segment is gone, the oldest first. The
    /// records that their rows follow from are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<PartEntry>,
}

impl DropTotals {
    /// Returns true if a part of that number was of a dropped segment. Its file may still be there
    /// after a crash, or because it is [kept](Self::keeps).
    pub fn has(&self, table: &str, number: u32) -> bool {
        self.next_parts.get(table).is_some_and(|next| number < *next)
    }

    /// Counts parts as dropped that were never sealed.
    pub(crate) fn skip_parts(&mut self, parts: &[(Table, u32)]) {
        for (table, number) in parts {
            let next = self.next_parts.entry(table.name().to_owned()).or_default();
            *next = number.saturating_add(1).max(*next);
        }
    }

    /// Returns true if a part of a dropped segment was kept.
    pub fn keeps(&self, table: &str, number: u32) -> bool {
        self.kept.iter().any(|part| part.table == table && part.number == number)
    }

    /// Returns the number of rows that were kept.
    pub fn kept_rows(&self) -> u64 {
        self.kept.iter().fold(0, |rows, part| part.rows.saturating_add(rows))
    }
}

/// The end of the chain of entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Number of all entries: parts that were sealed, and segments that were dropped.
    pub parts: u64,
    /// Digest of the last entry, in lower-case hex, see [`crate::chain`].
    pub sha256: String,
    /// Signature over the head's line, as `ssh-keygen -Y sign -n obit-case` makes it; `None`
    /// without a key, and once the case is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Signature over the final line, in a case that was closed with a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_signature: Option<String>,
}

/// A range of records that are or may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRange {
    /// Place of the first record that may be missing.
    pub first_seq: u64,
    /// Place of the last; `None` if nobody knows how many followed.
    pub last_seq: Option<u64>,
    /// Reason, in words.
    pub reason: String,
}

/// The case that an excerpt was taken from, and what of it the excerpt holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcerptOrigin {
    /// Unique name of the case.
    pub case_id: String,
    /// Number of entries of its chain; 0 if its recorder made no chain.
    pub entries: u64,
    /// Digest of the last of these entries, in lower-case hex; `None` if its recorder made no
    /// chain.
    pub sha256: Option<String>,
    /// Ids of the containers whose records and rows were taken, ascending.
    pub containers: Vec<String>,
    /// Columns whose values were left out, as `table.column`, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
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
    /// Time, in ns of record time, for which the derivation held back the row of an end to wait for
    /// late reports.
    #[serde(default)]
    pub grace_ns: u64,
    /// Number of containers of a user without privileges that the derivation followed a second, on
    /// average; 0 for any number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub user_lives_per_second: u32,
    /// The program that recorded.
    #[serde(default)]
    pub build: BuildInfo,
    /// Unique name of the case, e.g. a random UUID. It is in every file of the case.
    pub case_id: String,
    /// State of the case.
    pub state: CaseState,
    /// Start of the capture, for people: RFC 3339, UTC.
    #[serde(default)]
    pub started_at: String,
    /// End of the capture, for people: RFC 3339, UTC; null while it runs.
    #[serde(default)]
    pub ended_at: Option<String>,
    /// Clocks at the start and the end.
    #[serde(default)]
    pub clocks: CaptureClocks,
    /// Facts about the host that the capture found.
    #[serde(default)]
    pub host: Map<String, Value>,
    /// Options of the capture.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// Named facts about how this recorder behaved, for a newer replay to follow.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// Statements of the recorder about itself, for people and tests: its process, what it gave up,
    /// what the kernel counted.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub recorder: Map<String, Value>,
    /// Counts of the rows in the case.
    #[serde(default)]
    pub counts: CaseCounts,
    /// Ranges of the recording that did not reach the case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<MissingRange>,
    /// Segments that are there, if the recording is cut into segments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// Totals of the segments that the recorder dropped on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<DropTotals>,
    /// Dropped segments whose entries are still needed, in the order of the chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<DropEntry>,
    /// The case that this one is an excerpt of; `None` for a case that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<ExcerptOrigin>,
    /// Secret that the salts of the records' commitments are made from, in lower-case hex; `None`
    /// if the recorder made no Merkle trees. See [`obit_schema::leaf`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt_seed: Option<String>,
    /// The sealed parts, in the order of their sealing.
    #[serde(default)]
    pub parts: Vec<PartEntry>,
    /// End of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<ChainHead>,
    /// Newest head that was signed, if the last one is not: later parts were sealed without the
    /// key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_head: Option<ChainHead>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Manifest {
    /// Returns the manifest of a new case, in this build's format.
    pub fn new(case_id: String, build: BuildInfo) -> Self {
        Self {
            format: FORMAT,
            schema_version: obit_schema::SCHEMA_VERSION,
            derivation_version: 0,
            grace_ns: 0,
            user_lives_per_second: 0,
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
            excerpt: None,
            salt_seed: None,
            parts: Vec::new(),
            head: None,
            signed_head: None,
        }
    }

    /// Returns the layout of the case's tables.
    pub fn layout(&self) -> Layout {
        Layout::of(self.format)
    }

    /// Iterates over the files of tables that the case has: the parts, and those that were kept of
    /// dropped segments.
    pub fn part_files(&self) -> impl Iterator<Item = &PartEntry> {
        self.parts.iter().chain(self.dropped.iter().flat_map(|dropped| &dropped.kept))
    }

    /// Returns the secret that salts are made from; `None` if there is none that can be read.
    pub fn salt_seed(&self) -> Option<SaltSeed> {
        self.salt_seed.as_deref()?.parse().ok()
    }

    /// Parses the text of a case.json. `path` and `parts`, the number of part and journal files
    /// beside it, are for messages.
    ///
    /// # Errors
    /// [`Error::NewerFormat`], or [`Error::Manifest`] for text that is not a case.json.
    pub fn parse(text: &[u8], path: &Path, parts: usize) -> Result<Self, Error> {
        /// The field that every version has.
        #[derive(Deserialize)]
        struct VersionOnly {
            format: FormatVersion,
        }
        let invalid = |why: serde_json::Error| Error::Manifest { path: path.to_owned(), why: why.to_string(), parts };
        // Each value but the last of a list or an object is followed by a comma.
        let values = text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
        if values > MAX_VALUES {
            let why = format!("more than {MAX_VALUES} values; a part has about ten");
            return Err(Error::Manifest { path: path.to_owned(), why, parts });
        }
        let head: VersionOnly = serde_json::from_slice(text).map_err(invalid)?;
        if head.format.major > FORMAT.major {
            return Err(Error::NewerFormat { path: path.to_owned(), found: head.format });
        }
        serde_json::from_slice(text).map_err(invalid)
    }

    /// Returns the text of the file.
    pub(crate) fn to_text(&self) -> Result<Vec<u8>, Error> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|source| Error::ManifestText { source })?;
        text.push(b'\n');
        Ok(text)
    }
}
