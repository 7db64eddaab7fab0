//! case.json of a case that is being written: the manifest in memory, and whether the disk has it.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use obit_schema::tables::Table;

use super::folders::WriterFolders;
use super::head_signing::HeadSigning;
use crate::anchor_line::AnchorStatement;
use crate::chain;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::manifest::{self, CaseState, ChainHead, Manifest, PartEntry};

/// The manifest of a case that is being written. Each change is on disk after the next
/// [`ManifestStore::save`] that succeeds.
#[derive(Debug)]
pub(super) struct ManifestStore {
    manifest: Manifest,
    signing: HeadSigning,
    /// True if case.json on disk says what `manifest` does, but for counts of open parts.
    is_saved: bool,
    /// Bytes of case.json when it was last written.
    bytes: u64,
    /// Tables with parts whose names are not known to be on disk.
    unnamed: BTreeSet<Table>,
    /// The signed line about the newest head that was signed, for an anchor.
    signed_line: Option<SignedLine>,
}

/// A signed line about a head.
#[derive(Debug)]
struct SignedLine {
    head_sha256: String,
    line: String,
}

impl ManifestStore {
    /// Takes a manifest that is not on disk yet.
    pub(super) fn new(manifest: Manifest, signing: HeadSigning) -> Self {
        Self { manifest, signing, is_saved: false, bytes: 0, unnamed: BTreeSet::new(), signed_line: None }
    }

    /// Returns the manifest.
    pub(super) fn get(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns what signs heads and case.json.
    pub(super) fn signing(&mut self) -> &mut HeadSigning {
        &mut self.signing
    }

    /// Bytes of case.json when it was last written.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes the manifest.
    pub(super) fn amend<T>(&mut self, update: impl FnOnce(&mut Manifest) -> T) -> T {
        self.is_saved = false;
        update(&mut self.manifest)
    }

    /// Counts rows that were journalled. That alone is no reason to save.
    pub(super) fn count_rows(&mut self, table: Table, batch: &RecordBatch) {
        self.manifest.counts.count_rows(table, batch);
        if let Some(segment) = self.manifest.segments.last_mut() {
            segment.counts.count_rows(table, batch);
        }
    }

    /// Adds a sealed part of the current segment to the chain.
    pub(super) fn push_part(&mut self, table: Table, mut entry: PartEntry) {
        entry.segment = self.manifest.segments.last().map(|segment| segment.number);
        self.adopt_part(table, entry);
    }

    /// Adds a sealed part of any segment to the chain.
    pub(super) fn adopt_part(&mut self, table: Table, entry: PartEntry) {
        self.unnamed.insert(table);
        self.amend(|manifest| chain::push(manifest, entry));
    }

    /// Writes case.json if it does not say what it should.
    pub(super) fn save(&mut self, folders: &WriterFolders) -> Result<(), Error> {
        if self.is_saved {
            return Ok(());
        }
        // The names of new parts first: what case.json lists is there.
        folders.sync_parts_of(&self.unnamed)?;
        self.unnamed.clear();
        self.sign_head();
        self.write(folders.root().as_ref())
    }

    /// Writes case.json as it is, before there are folders for parts.
    pub(super) fn write(&mut self, root: &dyn Folder) -> Result<(), Error> {
        let text = self.manifest.to_text()?;
        self.bytes = text.len() as u64;
        files::write_whole(root, manifest::FILE_NAME, &text)?;
        self.is_saved = true;
        Ok(())
    }

    /// Signs the head of the chain unless it is signed or there is no key.
    pub(super) fn sign_head(&mut self) {
        let case_id = &self.manifest.case_id;
        let Some(head) = self.manifest.head.as_mut().filter(|head| head.signature.is_none()) else { return };
        let line = chain::head_line(case_id, head.parts, &head.sha256);
        let Some(signature) = self.signing.sign(|signer| signer.sign(line.as_bytes())) else { return };
        head.signature = Some(signature);
        if let Some(statement) = statement(head) {
            let line = self.signing.line(statement, case_id);
            self.signed_line = Some(SignedLine { head_sha256: head.sha256.clone(), line });
        }
        self.manifest.signed_head = None;
        self.is_saved = false;
    }

    /// Returns the line about the head that is on disk; `None` while a newer one is not.
    pub(super) fn head_line(&self) -> Option<String> {
        let head = self.manifest.head.as_ref().filter(|_| self.is_saved)?;
        match self.signed_line.as_ref().filter(|signed| signed.head_sha256 == head.sha256) {
            Some(signed) => Some(signed.line.clone()),
            None => Some(statement(head)?.unsigned_line(&self.manifest.case_id)),
        }
    }

    /// Returns the manifest in state closed. With a key its head is signed as the final one.
    pub(super) fn closed(&mut self) -> Manifest {
        let mut manifest = Manifest { state: CaseState::Closed, ..self.manifest.clone() };
        if let Some(head) = &mut manifest.head {
            let line = chain::final_line(&manifest.case_id, head.parts, &head.sha256);
            if let Some(signature) = self.signing.sign(|signer| signer.sign(line.as_bytes())) {
                (head.signature, head.final_signature) = (None, Some(signature));
            }
        }
        manifest
    }

    /// Takes the manifest that was written when the case was closed.
    pub(super) fn set_closed(&mut self, closed: Manifest) {
        (self.manifest, self.is_saved) = (closed, true);
    }
}

/// Returns what an anchor is told about a head.
fn statement(head: &ChainHead) -> Option<AnchorStatement> {
    Some(AnchorStatement::Head { entries: head.parts, sha256: head.sha256.parse().ok()? })
}
