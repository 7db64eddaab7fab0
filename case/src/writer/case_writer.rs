//! The writer of a case.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use sha2::{Digest as _, Sha256};

use super::reserve::Reserve;
use super::resume;
use super::table::TableWriter;
use crate::chain;
use crate::counts;
use crate::directory::Directory;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::journal;
use crate::manifest::{self, CaseState, Manifest, MissingRange, PartEntry};
use crate::origin::FileOrigin;
use crate::part::{self, PartWriter};
use crate::signing::{SIGNATURE_NAME, Signer};
use obit_schema::digest::Digest;
use obit_schema::tables::Table;

/// How old the rows of derived tables may get before they are brought to disk, by their boot clock. They follow from
/// records, which are brought there first: those that a power cut takes can be derived again.
const DERIVED_AGE: Duration = Duration::from_secs(2);
/// Bytes of such rows, as written to one journal, that do not wait for that: until then they are in memory too.
const DERIVED_BYTES: usize = 256 << 10;

/// When a part is sealed, and how.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// After so many rows.
    pub part_rows: u64,
    /// After so much time between the first and the last of its rows, by the boot clock of the rows: the writer reads
    /// no clock of its own.
    pub part_age: Duration,
    /// Bytes that are kept free for case.json, should the disk be full; see [`CaseWriter::note_missing`] and
    /// [`CaseWriter::drop_oldest`].
    pub reserve_bytes: usize,
    /// Who signs each head and case.json.
    pub signer: Option<Arc<Signer>>,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { part_rows: 1 << 20, part_age: Duration::from_secs(3600), reserve_bytes: 0, signer: None }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseSummary {
    /// Bytes of all files of the case.
    pub bytes: u64,
    /// The sealed parts, in the order of their sealing.
    pub parts: Vec<PartEntry>,
    /// What they hold.
    pub counts: manifest::CaseCounts,
    /// The digest of case.json.
    pub manifest_sha256: String,
}

/// Writes a case.
#[derive(Debug)]
pub struct CaseWriter {
    pub(super) root: Arc<dyn Folder>,
    pub(super) raw: Arc<dyn Folder>,
    pub(super) derived: Arc<dyn Folder>,
    pub(super) journals: Arc<dyn Folder>,
    pub(super) tables: [TableWriter; Table::ALL.len()],
    pub(super) manifest: Manifest,
    pub(super) origin: FileOrigin,
    pub(super) options: WriterOptions,
    pub(super) reserve: Reserve,
    /// The newest row when derived tables were brought to disk last, by its boot clock.
    pub(super) derived_synced_boot_ns: u64,
    /// Journals whose rows are in sealed parts, to be removed once case.json names these.
    pub(super) finished: Vec<String>,
    /// Parts of segments that were dropped, to be removed once case.json says so.
    pub(super) doomed: Vec<PartEntry>,
    /// Whether case.json on disk says what it should.
    pub(super) saved: bool,
    /// Bytes of case.json, the last time that it was written.
    pub(super) manifest_bytes: u64,
    pub(super) closed: bool,
}

impl CaseWriter {
    /// Makes the case. The path must not exist or be an empty directory; nothing is ever overwritten. `manifest` is
    /// what case.json says from the start; its state, counts and parts are kept by the writer.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Unclosed`], [`Error::Busy`] or [`Error::Io`].
    pub fn create(path: &Path, manifest: Manifest, options: WriterOptions) -> Result<Self, Error> {
        let root = match Directory::create(path) {
            Err(Error::Exists { path }) if resume::is_unclosed(&path) => return Err(Error::Unclosed { path }),
            made => made?,
        };
        root.lock()?;
        Self::create_in(Arc::new(root), manifest, options)
    }

    /// Makes the case in an empty folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_in(root: Arc<dyn Folder>, mut manifest: Manifest, options: WriterOptions) -> Result<Self, Error> {
        manifest.state = CaseState::Open;
        manifest.parts.clear();
        manifest.drops.clear();
        manifest.dropped = None;
        manifest.counts = manifest::CaseCounts::default();
        manifest.head = None;
        chain::start(&mut manifest);
        let folders = |root: &Arc<dyn Folder>| Ok::<_, Error>((root.make_folder("raw")?, root.make_folder("derived")?));
        // case.json first: a directory with anything else in it is a case that says so.
        files::write_whole(root.as_ref(), manifest::FILE_NAME, &manifest.to_text()?)?;
        let (raw, derived) = folders(&root)?;
        let journals = root.make_folder(journal::FOLDER)?;
        let reserve = Reserve::make(root.as_ref(), options.reserve_bytes)?;
        root.sync()?;
        let mut writer = Self::over(root, [raw, derived, journals], manifest, options);
        writer.reserve = reserve;
        writer.sign_head()?;
        writer.save()?;
        Ok(writer)
    }

    pub(super) fn over(
        root: Arc<dyn Folder>,
        folders: [Arc<dyn Folder>; 3],
        manifest: Manifest,
        options: WriterOptions,
    ) -> Self {
        let [raw, derived, journals] = folders;
        let tables = Table::ALL.map(|table| TableWriter {
            table,
            folder: Arc::clone(if table.folder() == "raw" { &raw } else { &derived }),
            number: 0,
            open: None,
            last_seq: None,
        });
        let origin = FileOrigin::of(&manifest);
        let (finished, doomed, saved, closed) = (Vec::new(), Vec::new(), true, false);
        let (reserve, derived_synced_boot_ns, manifest_bytes) = (Reserve::default(), 0, 0);
        Self {
            root,
            raw,
            derived,
            journals,
            tables,
            manifest,
            origin,
            options,
            reserve,
            derived_synced_boot_ns,
            finished,
            doomed,
            saved,
            manifest_bytes,
            closed,
        }
    }

    /// As [`CaseWriter::append_unsealed`], and seals the part if that is due. A part that could not be sealed is tried
    /// again by [`CaseWriter::sync`], which then tells the error.
    ///
    /// # Errors
    /// [`Error::WrongSchema`], [`Error::Disorder`], [`Error::Stopped`] or [`Error::Io`]; nothing was added.
    pub fn append(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        self.append_unsealed(table, batch)?;
        // Its rows are in the journal whether or not this works.
        let _ = self.seal_due();
        Ok(())
    }

    /// Adds rows to a table, journalled. Rows come in ascending order of `seq`.
    ///
    /// For records of several tables that come together: a sealed part is final, so whatever comes before its last record
    /// has to be in the other tables' journals before [`CaseWriter::seal_due`]. Whoever is killed in between would leave a
    /// later record without the earlier ones.
    ///
    /// # Errors
    /// [`Error::WrongSchema`], [`Error::Disorder`], [`Error::Stopped`] or [`Error::Io`]; nothing was added.
    pub fn append_unsealed(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.closed {
            return Err(Error::Stopped { path: self.root.path().to_owned() });
        }
        let Some(writer) = self.tables.iter_mut().find(|writer| writer.table == table) else {
            return Ok(());
        };
        let last_seq = writer.check(batch)?;
        writer.write(batch, &self.journals, &self.origin)?;
        writer.last_seq = Some(last_seq);
        counts::count(&mut self.manifest.counts, table, batch);
        if let Some(segment) = self.manifest.segments.last_mut() {
            counts::count(&mut segment.counts, table, batch);
        }
        Ok(())
    }

    /// Seals the parts that are due by rows or by age.
    ///
    /// # Errors
    /// The first of [`Error::Io`]; the rows are in the journals still, and [`CaseWriter::sync`] tries again.
    pub fn seal_due(&mut self) -> Result<(), Error> {
        let due = self.tables.iter().filter(|writer| writer.is_due(&self.options)).map(|writer| writer.table);
        let due: Vec<_> = due.collect();
        let mut result = Ok(());
        for table in due {
            let sealed = self.seal(table);
            result = result.and(sealed);
        }
        result
    }

    /// Brings the records that were appended to disk (`fdatasync` of the journals), and does what could not be done before.
    /// Rows that are derived from records follow within seconds.
    ///
    /// # Errors
    /// The first of [`Error::Io`]; all that can be brought to disk is, whatever fails before.
    pub fn sync(&mut self) -> Result<(), Error> {
        let synced = self.sync_journals();
        let sealed = self.seal_due();
        let saved = self.save();
        synced.and(sealed).and(saved)
    }

    fn sync_journals(&mut self) -> Result<(), Error> {
        let open = self.tables.iter().filter_map(|writer| writer.open.as_ref());
        let newest = open.filter_map(|open| open.last_boot_ns).max().unwrap_or(0);
        let is_due = Duration::from_nanos(newest.saturating_sub(self.derived_synced_boot_ns)) >= DERIVED_AGE;
        let mut result = Ok(());
        // Records first: a row is not on disk before what it follows from.
        for writer in &mut self.tables {
            let Some(open) = &mut writer.open else { continue };
            if is_due || Table::RAW.contains(&writer.table) || open.journal.unsynced_bytes() >= DERIVED_BYTES {
                result = result.and(open.journal.sync());
            }
        }
        if is_due && result.is_ok() {
            self.derived_synced_boot_ns = newest;
        }
        result
    }

    /// Seals the open part of a table, if it has rows.
    ///
    /// # Errors
    /// [`Error::Io`]; the rows are in the journal still.
    pub fn seal(&mut self, table: Table) -> Result<(), Error> {
        let Some(writer) = self.tables.iter_mut().find(|writer| writer.table == table) else {
            return Ok(());
        };
        if let Some((mut entry, journal)) = writer.seal(&self.journals, &self.origin)? {
            entry.segment = self.manifest.segments.last().map(|segment| segment.number);
            chain::push(&mut self.manifest, entry);
            self.finished.push(journal);
            self.saved = false;
        }
        self.save()
    }

    /// Brings case.json to what it should say, then removes the journals that it makes superfluous. In this order a crash
    /// leaves the part, the journal or both, and a reader takes the part.
    pub(super) fn save(&mut self) -> Result<(), Error> {
        if !self.saved {
            // The names of new parts first.
            self.raw.sync()?;
            self.derived.sync()?;
            self.sign_head()?;
            let text = self.manifest.to_text()?;
            self.manifest_bytes = text.len() as u64;
            files::write_whole(self.root.as_ref(), manifest::FILE_NAME, &text)?;
            self.saved = true;
        }
        // One that cannot be removed costs space and nothing else.
        self.finished.retain(|journal| self.journals.remove_file(journal).is_err());
        self.remove_doomed();
        Ok(())
    }

    fn sign_head(&mut self) -> Result<(), Error> {
        let (Some(signer), Some(head)) = (&self.options.signer, &mut self.manifest.head) else {
            return Ok(());
        };
        if head.signature.is_none() {
            let line = chain::head_line(&self.manifest.case_id, head.parts, &head.sha256);
            head.signature = Some(signer.sign(line.as_bytes())?);
            self.manifest.signed_head = None;
            self.saved = false;
        }
        Ok(())
    }

    /// What case.json will say. Counts and parts are up to date.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The head of the chain that is on disk, as an anchor gets it; `None` while it is not on disk yet.
    pub fn head_line(&self) -> Option<String> {
        let head = self.manifest.head.as_ref().filter(|_| self.saved)?;
        Some(chain::head_line(&self.manifest.case_id, head.parts, &head.sha256))
    }

    /// Bytes written so far: sealed parts, and journals or open parts, whichever is longer.
    pub fn bytes(&self) -> u64 {
        let sealed: u64 = self.manifest.parts.iter().map(|part| part.bytes).sum();
        sealed + self.open_bytes()
    }

    /// Bytes of case.json, the last time that it was written.
    pub fn manifest_bytes(&self) -> u64 {
        self.manifest_bytes
    }

    /// Records that part of the recording is missing, and frees the room that was kept for that. It is on disk after the
    /// next [`CaseWriter::sync`] or [`CaseWriter::close`] that works.
    pub fn note_missing(&mut self, shortfall: MissingRange) {
        self.reserve.free(self.root.as_ref());
        self.manifest.incomplete.push(shortfall);
        self.saved = false;
    }

    /// Adds to the manifest; on disk after the next [`CaseWriter::sync`] or [`CaseWriter::close`] that works.
    pub fn amend(&mut self, update: impl FnOnce(&mut Manifest)) {
        update(&mut self.manifest);
        self.saved = false;
    }

    /// Seals everything and marks the case closed. `update` may add to the manifest, e.g. the closing clocks.
    ///
    /// # Errors
    /// The first error; the case stays open, and what was journalled can be read. It may be tried again.
    pub fn close(&mut self, update: impl FnOnce(&mut Manifest)) -> Result<CaseSummary, Error> {
        if self.closed {
            return Err(Error::Stopped { path: self.root.path().to_owned() });
        }
        // All that can be sealed is, whatever fails before.
        let mut sealed = Ok(());
        for table in Table::ALL {
            let result = self.seal(table).and_then(|()| self.seal_empty(table));
            sealed = sealed.and(result);
        }
        sealed?;
        self.save()?;
        self.expect_no_doomed()?;
        update(&mut self.manifest);
        let (text, signature, sums) = self.last_words()?;
        // case.json last: in state closed it says that all the rest is there.
        if let Some(signature) = &signature {
            files::write_whole(self.root.as_ref(), SIGNATURE_NAME, signature.as_bytes())?;
        }
        files::write_whole(self.root.as_ref(), manifest::SUMS_NAME, sums.as_bytes())?;
        self.reserve.free(self.root.as_ref());
        files::write_whole(self.root.as_ref(), manifest::FILE_NAME, &text)?;
        self.manifest.state = CaseState::Closed;
        (self.saved, self.closed) = (true, true);
        // What is left of the journals is no part of a closed case.
        for name in self.journals.names().unwrap_or_default() {
            let _ = self.journals.remove_file(&name);
        }
        let _ = self.root.remove_folder(journal::FOLDER);
        let _ = self.root.sync();
        let parts: u64 = self.manifest.parts.iter().map(|part| part.bytes).sum();
        let signature = signature.map_or(0, |text| text.len());
        Ok(CaseSummary {
            bytes: parts + (text.len() + signature + sums.len()) as u64,
            parts: self.manifest.parts.clone(),
            counts: self.manifest.counts.clone(),
            manifest_sha256: sha256(&text),
        })
    }

    /// The texts of case.json in state closed, its signature, and SHA256SUMS.
    fn last_words(&self) -> Result<(Vec<u8>, Option<String>, String), Error> {
        let text = Manifest { state: CaseState::Closed, ..self.manifest.clone() }.to_text()?;
        let signature = self.options.signer.as_ref().map(|signer| signer.sign(&text)).transpose()?;
        let mut lines: Vec<_> =
            self.manifest.parts.iter().map(|part| format!("{}  {}\n", part.sha256, part.file)).collect();
        lines.sort_by(|a, b| a.get(64..).cmp(&b.get(64..)));
        lines.push(format!("{}  {}\n", sha256(&text), manifest::FILE_NAME));
        if let Some(signature) = &signature {
            lines.push(format!("{}  {SIGNATURE_NAME}\n", sha256(signature.as_bytes())));
        }
        Ok((text, signature, lines.concat()))
    }

    /// A part without rows for a table that has none, so that a query over a closed case always finds every table.
    fn seal_empty(&mut self, table: Table) -> Result<(), Error> {
        let Some(writer) = self.tables.iter_mut().find(|writer| writer.table == table) else {
            return Ok(());
        };
        if self.manifest.parts.iter().any(|part| part.table == table.name()) {
            return Ok(());
        }
        let (folder, number) = (Arc::clone(&writer.folder), writer.number);
        let part = PartWriter::create(folder, &self.origin, table, number, part::file_name(table, number))?;
        let mut entry = part.seal()?;
        entry.segment = self.manifest.segments.last().map(|segment| segment.number);
        writer.number = writer.number.saturating_add(1);
        self.manifest.counts.by_table.entry(table.name().to_owned()).or_insert(0);
        chain::push(&mut self.manifest, entry);
        self.saved = false;
        Ok(())
    }
}

fn sha256(bytes: &[u8]) -> String {
    Digest::from(Sha256::new_with_prefix(bytes)).to_string()
}
