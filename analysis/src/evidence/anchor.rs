//! An anchor: lines about a growing case that its recorder wrote elsewhere.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use obit_case::anchor_line::{AnchorLine, AnchorStatement, LineContent};
use obit_case::chain::Chain;
use obit_case::{Case, Problem};
use obit_schema::digest::Digest;
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Bytes of an anchor that are read at most.
const MAX_ANCHOR_BYTES: u64 = 256 << 20;

/// The lines of an anchor about one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AnchorLines {
    /// Heads of the chain: a number of entries, and the digest of the last one.
    heads: Vec<(u64, String)>,
    /// Digests of the closed case's case.json.
    closed: Vec<String>,
}

impl AnchorLines {
    /// Reads the lines of a file about a case. Lines may have anything before, such as the system
    /// journal's time.
    pub(super) fn read(path: &Path, case_id: &str) -> Result<Self, Error> {
        let failed = |cause| Error::Anchor { path: path.to_owned(), cause };
        let mut bytes = Vec::new();
        File::open(path).map_err(failed)?.take(MAX_ANCHOR_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Self::parse(&String::from_utf8_lossy(&bytes), case_id))
    }

    fn parse(text: &str, case_id: &str) -> Self {
        let mut anchor = Self::default();
        for line in text.lines() {
            match LineContent::parse(line, case_id) {
                LineContent::Statement(AnchorLine { statement: AnchorStatement::Head { entries, sha256 }, .. }) => {
                    anchor.heads.push((entries, sha256.to_string()));
                }
                LineContent::Statement(AnchorLine { statement: AnchorStatement::Closed { sha256 }, .. }) => {
                    anchor.closed.push(sha256.to_string());
                }
                LineContent::Other | LineContent::Torn => {}
            }
        }
        anchor
    }

    /// Returns the number of entries that the anchor vouches for, and what does not hold.
    pub(super) fn check(&self, case: &Case, chain: &Chain) -> (u64, Vec<Problem>) {
        let mut vouched = 0;
        let mut problems = Vec::new();
        let mut add = |why: String| problems.push(Problem::Anchor { why });
        if self.heads.is_empty() && self.closed.is_empty() {
            add("it has no line about this case".to_owned());
        }
        let newest = self.heads.iter().map(|(entries, _)| *entries).max().unwrap_or(0);
        if newest > chain.parts() {
            let found = chain.parts();
            add(format!("it saw {newest} parts and the case has {found}: the end of the case was cut off"));
        }
        for (entries, sha256) in &self.heads {
            match chain.after(*entries) {
                Some(found) if found == sha256 => vouched = vouched.max(*entries),
                Some(_) => add(format!("it saw another head after {entries} parts: parts up to there were changed")),
                // Before the drops, which a later entry vouches for, or past the end, which is a
                // problem above.
                None => {}
            }
        }
        if let Some(sha256) = self.closed.last() {
            match case.manifest_bytes().map(|bytes| Digest::from(Sha256::new_with_prefix(bytes)).to_string()) {
                Some(found) if found == *sha256 => {}
                _ if !case.is_closed() => add("it saw the case closed, and it is not".to_owned()),
                _ => add("it saw another case.json when the case was closed".to_owned()),
            }
        }
        (vouched, problems)
    }

    /// Returns true if the anchor vouches for case.json.
    pub(super) fn has_manifest(&self) -> bool {
        !self.closed.is_empty()
    }
}
