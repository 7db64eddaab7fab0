//! The last files of a case: case.json in state closed, its signature, and SHA256SUMS.

use obit_schema::digest::Digest;
use sha2::{Digest as _, Sha256};

use super::head_signing::HeadSigning;
use crate::anchor_line::AnchorStatement;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::manifest::{self, CaseState, Manifest};
use crate::signing::SIGNATURE_NAME;

/// The texts of the files that close a case.
pub(super) struct ClosingFiles {
    manifest: Vec<u8>,
    closed_line: String,
    signature: Option<String>,
    sums: String,
}

impl ClosingFiles {
    /// Makes the texts from a manifest in state closed.
    pub(super) fn new(
        manifest: &Manifest,
        signing: &mut HeadSigning,
        attached: &[(&'static str, Digest)],
    ) -> Result<Self, Error> {
        debug_assert_eq!(manifest.state, CaseState::Closed);
        let text = manifest.to_text()?;
        let signature = signing.sign(|signer| signer.sign(&text));
        let mut lines: Vec<_> = manifest.part_files().map(|part| format!("{}  {}\n", part.sha256, part.file)).collect();
        lines.sort_by(|a, b| a.get(64..).cmp(&b.get(64..)));
        let manifest_sha256 = sha256(&text);
        lines.push(format!("{manifest_sha256}  {}\n", manifest::FILE_NAME));
        lines.extend(attached.iter().map(|(name, sha256)| format!("{sha256}  {name}\n")));
        if let Some(signature) = &signature {
            lines.push(format!("{}  {SIGNATURE_NAME}\n", sha256(signature.as_bytes())));
        }
        let closed_line = signing.line(AnchorStatement::Closed { sha256: manifest_sha256 }, &manifest.case_id);
        Ok(Self { manifest: text, closed_line, signature, sums: lines.concat() })
    }

    /// Writes the signature and SHA256SUMS.
    pub(super) fn write_sums(&self, root: &dyn Folder) -> Result<(), Error> {
        if let Some(signature) = &self.signature {
            files::write_whole(root, SIGNATURE_NAME, signature.as_bytes())?;
        }
        files::write_whole(root, manifest::SUMS_NAME, self.sums.as_bytes())
    }

    /// Writes case.json. It comes last: in state closed it says that all the rest is there.
    pub(super) fn write_manifest(&self, root: &dyn Folder) -> Result<(), Error> {
        files::write_whole(root, manifest::FILE_NAME, &self.manifest)
    }

    /// Bytes of the three files.
    pub(super) fn bytes(&self) -> u64 {
        let signature = self.signature.as_ref().map_or(0, String::len);
        (self.manifest.len() + signature + self.sums.len()) as u64
    }

    /// Returns the line about the closed case that an anchor gets.
    pub(super) fn closed_line(&self) -> &str {
        &self.closed_line
    }
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::from(Sha256::new_with_prefix(bytes))
}
