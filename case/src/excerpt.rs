//! excerpt.json: the proof that the records of an excerpt stand in the case that it was taken from.
//!
//! It holds the chain of that case, and for each part that records come from the place of each of
//! them and the hashes that lead from their leaves to the part's root. For each text group of a
//! record it has either the salt, with which the commitment follows from the text, or the
//! commitment, if the text is left out.

use std::collections::BTreeMap;

use obit_schema::digest::Digest;
use obit_schema::leaf::Salt;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::layout::Layout;
use crate::manifest::{BuildInfo, CaseState, ChainHead, DropEntry, DropTotals, Manifest, PartEntry};
use crate::version::FormatVersion;

/// Name of the file.
pub const FILE_NAME: &str = "excerpt.json";

/// Longest excerpt.json that is read, in bytes. A record takes some hundred.
pub const MAX_BYTES: u64 = 256 << 20;

/// The contents of excerpt.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExcerptProof {
    /// The chain of the whole case.
    pub parent: ParentChain,
    /// The parts that records were taken from and that have a root.
    pub parts: Vec<PartProof>,
}

/// The chain of a case, as its case.json has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParentChain {
    /// Version of the case's layout.
    pub format: FormatVersion,
    /// Unique name of the case.
    pub case_id: String,
    /// State of the case.
    pub state: CaseState,
    /// Digest of its case.json; `None` if it was not closed. An anchor may have a line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_json_sha256: Option<Digest>,
    /// The sealed parts.
    pub parts: Vec<PartEntry>,
    /// Totals of the segments that the recorder dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<DropTotals>,
    /// Dropped segments whose entries are still needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<DropEntry>,
    /// End of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<ChainHead>,
    /// Newest head that was signed, if the last one is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_head: Option<ChainHead>,
}

impl ParentChain {
    /// Takes the chain out of a case's manifest, and nothing else: no secret, no fact of the host.
    /// `case_json_sha256` is the digest of a closed case's case.json.
    pub fn of(manifest: &Manifest, case_json_sha256: Option<Digest>) -> Self {
        let Manifest { format, case_id, state, parts, dropped, drops, head, signed_head, .. } = manifest;
        Self {
            format: *format,
            case_id: case_id.clone(),
            state: *state,
            case_json_sha256,
            parts: parts.clone(),
            dropped: dropped.clone(),
            drops: drops.clone(),
            head: head.clone(),
            signed_head: signed_head.clone(),
        }
    }

    /// Returns the layout of the case's tables, which names of its parts follow.
    pub fn layout(&self) -> Layout {
        Layout::of(self.format)
    }

    /// Returns a manifest with this chain, for [`crate::chain::Chain::follow`].
    pub fn to_manifest(&self) -> Manifest {
        let Self { format, case_id, state, case_json_sha256: _, parts, dropped, drops, head, signed_head } =
            self.clone();
        let manifest = Manifest::new(case_id, BuildInfo::default());
        Manifest { format, state, parts, dropped, drops, head, signed_head, ..manifest }
    }
}

/// The proof for the records of one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartProof {
    /// Path of the part in the whole case.
    pub file: String,
    /// The records in the excerpt, in order.
    pub records: Vec<RecordProof>,
    /// Roots of the subtrees without such records, see [`crate::merkle::root_of`].
    pub nodes: Vec<Digest>,
}

/// The place of a record, and what its leaf needs besides its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordProof {
    /// Place in the total order.
    pub seq: u64,
    /// Number of the row in its part, counted from 0.
    pub row: u64,
    /// The text groups that the record has, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, TextProof>,
}

/// The proof for one text group of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextProof {
    /// The text is in the excerpt: the salt of the commitment.
    Salt(Salt),
    /// The text is left out: the commitment to it.
    Commitment(Digest),
}

impl ExcerptProof {
    /// Returns the text of the file.
    ///
    /// # Errors
    /// [`Error::ManifestText`].
    pub fn to_text(&self) -> Result<Vec<u8>, Error> {
        let mut text = serde_json::to_vec(self).map_err(|source| Error::ManifestText { source })?;
        text.push(b'\n');
        Ok(text)
    }

    /// Parses the text of the file.
    ///
    /// # Errors
    /// The reason why it is none.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }
}
