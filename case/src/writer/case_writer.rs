//! The writer of a case: appends, syncs, seals, cuts, drops and closes.

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use obit_schema::digest::Digest;
use obit_schema::tables::Table;
use sha2::{Digest as _, Sha256};

use super::closing::ClosingFiles;
use super::folders::WriterFolders;
use super::head_signing::HeadSigning;
use super::manifest_store::ManifestStore;
use super::open_tables::OpenTables;
use super::options::{CaseSummary, WriterOptions};
use super::removals::FileRemovals;
use super::reserve::DiskReserve;
use super::{resume, segments};
use crate::chain;
use crate::counts::CaseCounts;
use crate::directory::Directory;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::journal;
use crate::manifest::{CaseState, ClockPair, Manifest, MissingRange};
use crate::origin::FileOrigin;
use crate::reader::{Case, PartInfo};

/// Bytes that a small part takes beyond its rows: the footer with the statistics of each column,
/// and the head of its journal.
const PART_OVERHEAD_BYTES: u64 = 24 << 10;

/// Derived rows of dropped segments have this part of the case at most. A share, not a number of
/// bytes: on a disk with less room than the case may take, its segments have less, too.
const KEPT_SHARE: u64 = 8;

/// Writes a case.
#[derive(Debug)]
pub struct CaseWriter {
    folders: WriterFolders,
    tables: OpenTables,
    manifest: ManifestStore,
    removals: FileRemovals,
    reserve: DiskReserve,
    options: WriterOptions,
    /// Files beside case.json that SHA256SUMS lists.
    attached: Vec<(&'static str, Digest)>,
    is_closed: bool,
}

impl CaseWriter {
    /// Makes the case. The path must not exist or be an empty directory; nothing is ever
    /// overwritten. `manifest` is the first content of case.json; the writer keeps its state,
    /// counts and parts.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Unclosed`], [`Error::Busy`], [`Error::Sign`] or [`Error::Io`].
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
    /// [`Error::Io`] or [`Error::Sign`].
    pub fn create_in(root: Arc<dyn Folder>, mut manifest: Manifest, options: WriterOptions) -> Result<Self, Error> {
        manifest.state = CaseState::Open;
        manifest.parts.clear();
        manifest.drops.clear();
        manifest.dropped = None;
        manifest.counts = CaseCounts::default();
        manifest.head = None;
        chain::start(&mut manifest);
        let mut manifest = ManifestStore::new(manifest, HeadSigning::new(options.signer.clone()));
        // case.json first: a directory that holds anything else is a case that says so.
        manifest.write(root.as_ref())?;
        let folders = WriterFolders::make(root, manifest.get().layout())?;
        let mut writer = Self::new(folders, manifest, options);
        writer.reserve.take()?;
        writer.folders.root().sync()?;
        writer.manifest.sign_head();
        // A key that fails at once is a mistake that can still be mended.
        if let Some(error) = writer.take_signing_failure() {
            return Err(error);
        }
        writer.save()?;
        Ok(writer)
    }

    /// Opens a case that was never closed, in order to close it. Seals what its journals hold at
    /// once; call [`CaseWriter::close`] next. The manifest then says from which record on something
    /// may be missing.
    ///
    /// # Errors
    /// [`Error::AlreadyClosed`], [`Error::Busy`] while a capture writes it, [`Error::NotClosable`]
    /// if it is damaged beyond a torn end, or an error of [`Case::open`]. It can be tried again.
    pub fn resume(path: &Path, options: WriterOptions) -> Result<Self, Error> {
        let root = Directory::open(path)?;
        root.lock()?;
        // Of a recorder that was killed, all may be in memory still; a part that is sealed below
        // must not outlive the journals of other tables.
        root.sync_file_system()?;
        let case = Case::open(path)?;
        let mut manifest = resume::unclosed_manifest(&case)?;
        if manifest.head.is_none() {
            chain::start(&mut manifest);
        }
        let folders = WriterFolders::open(root, manifest.layout())?;
        folders.remove_unfinished()?;
        let dropped = manifest.dropped.clone();
        if let Some(dropped) = &dropped {
            folders.remove_dropped(dropped)?;
        }
        let manifest = ManifestStore::new(manifest, HeadSigning::new(options.signer.clone()));
        let mut writer = Self::new(folders, manifest, options);
        for table in Table::ALL {
            if let Some(number) = dropped.as_ref().and_then(|dropped| dropped.next_parts.get(table.name())) {
                writer.tables.writer(table).start_at(*number);
            }
            for part in case.parts(table) {
                writer.adopt_part(&case, table, part)?;
            }
        }
        Ok(writer)
    }

    fn new(folders: WriterFolders, manifest: ManifestStore, options: WriterOptions) -> Self {
        let tables = OpenTables::new(folders.clone(), FileOrigin::of(manifest.get()), manifest.get().salt_seed());
        let reserve = DiskReserve::new(Arc::clone(folders.root()), options.reserve_bytes);
        Self {
            folders,
            tables,
            manifest,
            removals: FileRemovals::default(),
            reserve,
            options,
            attached: Vec::new(),
            is_closed: false,
        }
    }

    /// Adds a part of the case to those that the manifest lists, unless it is there.
    fn adopt_part(&mut self, case: &Case, table: Table, part: &PartInfo) -> Result<(), Error> {
        let writer = self.tables.writer(table);
        writer.skip_past(part);
        let listed = &self.manifest.get().parts;
        if listed.iter().any(|listed| listed.table == table.name() && listed.number == part.number) {
            return Ok(());
        }
        let mut entry = writer.adopt_part(case, part)?;
        entry.segment = resume::segment_number(self.manifest.get(), part);
        self.manifest.adopt_part(table, entry);
        self.removals.add_journal(journal::file_name(table, part.number));
        Ok(())
    }

    /// Adds rows to a table and seals its part if that is due. [`CaseWriter::sync`] tries again to
    /// seal a part that could not be sealed, and returns the error.
    ///
    /// # Errors
    /// [`Error::WrongSchema`], [`Error::Disorder`], [`Error::Stopped`] or [`Error::Io`]; nothing
    /// was added.
    pub fn append(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        self.append_unsealed(table, batch)?;
        // The rows are in the journal whether or not this succeeds.
        let _ = self.seal_due();
        Ok(())
    }

    /// Adds rows to a table, journalled. Rows come in ascending order of `seq`.
    ///
    /// Use this for records of several tables that come together, and [`CaseWriter::seal_due`]
    /// after the last of them: a sealed part is final, so the records before its last one must be
    /// in the journals of the other tables first. A kill in between would leave a later record
    /// without earlier ones.
    ///
    /// # Errors
    /// [`Error::WrongSchema`], [`Error::Disorder`], [`Error::Stopped`] or [`Error::Io`]; nothing
    /// was added.
    pub fn append_unsealed(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.check_open()?;
        self.tables.append(table, batch)?;
        self.manifest.count_rows(table, batch);
        Ok(())
    }

    /// Seals the parts that are due by rows or by age.
    ///
    /// # Errors
    /// The first [`Error::Io`]; the rows are still in the journals, and [`CaseWriter::sync`] tries
    /// again.
    pub fn seal_due(&mut self) -> Result<(), Error> {
        let due = self.tables.due(&self.options);
        due.into_iter().map(|table| self.seal(table)).fold(Ok(()), Result::and)
    }

    /// Brings the appended records to disk (`fdatasync` of the journals), and does what could not
    /// be done before. Rows that are derived from records follow within seconds.
    ///
    /// # Errors
    /// The first [`Error::Io`]; after it the rest is tried all the same.
    pub fn sync(&mut self) -> Result<(), Error> {
        let synced = self.tables.sync();
        // case.json may have to say that records are missing before a part is sealed after them.
        let saved = self.save();
        let sealed = if saved.is_ok() { self.seal_due() } else { Ok(()) };
        synced.and(saved).and(sealed)
    }

    /// Brings the appended records to disk, then seals the open parts, however small.
    ///
    /// # Errors
    /// The first [`Error::Io`]; the rows are still in the journals.
    pub fn seal_open(&mut self) -> Result<(), Error> {
        self.sync()?;
        Table::ALL.into_iter().try_for_each(|table| self.seal(table))
    }

    /// Seals the open part of a table, if it has rows.
    ///
    /// # Errors
    /// [`Error::Io`]; the rows are still in the journal.
    pub fn seal(&mut self, table: Table) -> Result<(), Error> {
        if let Some(sealed) = self.tables.seal(table)? {
            self.manifest.push_part(table, sealed.entry);
            self.removals.add_journal(sealed.journal);
        }
        self.save()
    }

    /// Saves case.json, then removes the files that it makes superfluous. In this order a crash
    /// leaves the part, the journal or both, and a reader takes the part.
    fn save(&mut self) -> Result<(), Error> {
        self.manifest.save(&self.folders)?;
        self.removals.run(&self.folders);
        self.reserve.grow(self.manifest.bytes());
        Ok(())
    }

    /// Saves case.json; on a full disk, into the room that is kept for it.
    fn save_on_any_disk(&mut self) -> Result<(), Error> {
        match self.save() {
            Err(error) if error.is_disk_full() && self.reserve.free() => self.save(),
            saved => saved,
        }
    }

    /// Returns the manifest with the counts and parts of this moment.
    pub fn manifest(&self) -> &Manifest {
        self.manifest.get()
    }

    /// Returns why the key failed, once. What was written from then on is unsigned.
    pub fn take_signing_failure(&mut self) -> Option<Error> {
        self.manifest.signing().take_failure()
    }

    /// Returns the line about the chain's head that is on disk, as an anchor gets it: signed if
    /// there is a key. `None` while a newer head is not on disk.
    pub fn head_line(&self) -> Option<String> {
        self.manifest.head_line()
    }

    /// Bytes written so far: sealed parts, and journals or open parts, whichever is longer.
    pub fn bytes(&self) -> u64 {
        self.sealed_bytes() + self.tables.open_bytes()
    }

    /// Bytes of all files of the case when they are most: an open part is there twice while it is
    /// sealed.
    pub fn bytes_at_most(&self) -> u64 {
        let sealed = self.sealed_bytes() + self.removals.part_bytes();
        sealed + 2 * self.tables.open_bytes() + self.tables.open_parts() * PART_OVERHEAD_BYTES
    }

    /// Bytes of the current segment: sealed parts, and journals or open parts, whichever is longer.
    pub fn segment_bytes(&self) -> u64 {
        let manifest = self.manifest.get();
        let number = manifest.segments.last().map(|segment| segment.number);
        let sealed = manifest.parts.iter().filter(|part| part.segment == number).map(|part| part.bytes);
        sealed.sum::<u64>() + self.tables.open_bytes()
    }

    fn sealed_bytes(&self) -> u64 {
        self.manifest.get().part_files().map(|part| part.bytes).sum()
    }

    /// Bytes of case.json when it was last written.
    pub fn manifest_bytes(&self) -> u64 {
        self.manifest.bytes()
    }

    /// Says in case.json that part of the recording is missing, on a full disk in the room that is
    /// kept for that. Call it before anything is sealed that comes after the missing part: a sealed
    /// part is final. Frees the room that is left of the reserve, for closing.
    ///
    /// # Errors
    /// [`Error::Io`]: case.json does not say so. The next [`CaseWriter::sync`] tries again.
    pub fn note_missing(&mut self, range: MissingRange) -> Result<(), Error> {
        self.manifest.amend(|manifest| manifest.incomplete.push(range));
        self.save_on_any_disk()?;
        self.reserve.free();
        Ok(())
    }

    /// Changes the manifest. The change is on disk after the next [`CaseWriter::sync`] or
    /// [`CaseWriter::close`] that succeeds.
    pub fn amend(&mut self, update: impl FnOnce(&mut Manifest)) {
        self.manifest.amend(update);
    }

    /// Ends the current segment, seals its open parts, and begins the next segment with this
    /// record. Does nothing in a case whose manifest had no first segment from the start.
    ///
    /// # Errors
    /// [`Error::Io`]; it can be tried again, with the same record.
    pub fn cut(&mut self, first_seq: u64, began: ClockPair) -> Result<(), Error> {
        let Some(last) = self.manifest.get().segments.last() else { return Ok(()) };
        if last.first_seq < first_seq {
            for table in Table::ALL {
                self.seal(table)?;
            }
            self.manifest.amend(|manifest| segments::begin(manifest, first_seq, began));
        }
        self.save()
    }

    /// Drops the oldest segment, unless it is the current one. Of its derived rows and those kept
    /// before, the newest stay that have room in an eighth of the case; none if only the current
    /// segment is left. Returns true if there was one to drop. On a full disk it uses the reserve
    /// to say so, and then keeps a reserve again in the room that the segment leaves.
    ///
    /// # Errors
    /// [`Error::Io`]: case.json could not be written, or files of a segment that was dropped before
    /// could not be removed. The next [`CaseWriter::sync`] tries both again.
    pub fn drop_oldest(&mut self, dropped_at: ClockPair) -> Result<bool, Error> {
        // The segments that stay must be there. On a full disk that may fail, and only this drop
        // makes room.
        let _ = self.tables.sync();
        // An earlier drop must be on disk, and its files gone.
        self.save_on_any_disk()?;
        self.removals.check_parts_gone(&self.folders)?;
        if self.manifest.get().segments.len() < 2 {
            return Ok(false);
        }
        // With the current segment alone the room is short, and no later dropping could free that
        // of the rows.
        let is_only_one_left = self.manifest.get().segments.len() == 2;
        let max_kept = if is_only_one_left { 0 } else { self.bytes() / KEPT_SHARE };
        let gone = self.manifest.amend(|manifest| segments::drop_oldest(manifest, dropped_at, max_kept));
        self.removals.add_parts(gone.unwrap_or_default());
        self.save_on_any_disk()?;
        // case.json may be longer the next time.
        self.reserve.renew(self.manifest.bytes());
        Ok(true)
    }

    /// Ends the current segment and drops it at once, with its open parts, for a disk that has room
    /// for nothing but that; the next segment begins with this record. What was never written of
    /// the segment counts as dropped with it. Returns false if it does not begin before that
    /// record, or is not the only one: then [`CaseWriter::drop_oldest`] makes room.
    ///
    /// # Errors
    /// [`Error::Io`]: case.json could not be written. The next [`CaseWriter::sync`] tries again.
    pub fn drop_current(&mut self, first_seq: u64, began: ClockPair) -> Result<bool, Error> {
        self.check_open()?;
        let [current] = self.manifest.get().segments.as_slice() else { return Ok(false) };
        if current.first_seq >= first_seq {
            return Ok(false);
        }
        let discarded = self.tables.discard();
        let gone = self.manifest.amend(|manifest| {
            segments::begin(manifest, first_seq, began);
            let gone = segments::drop_oldest(manifest, began, 0);
            if let Some(totals) = &mut manifest.dropped {
                totals.skip_parts(&discarded);
            }
            gone
        });
        discarded.into_iter().for_each(|(table, number)| self.removals.add_open_part(table, number));
        self.removals.add_parts(gone.unwrap_or_default());
        self.save_on_any_disk()?;
        self.reserve.renew(self.manifest.bytes());
        Ok(true)
    }

    /// Seals the open parts, and an empty part of each table that has none. After it the chain has
    /// its last head.
    ///
    /// # Errors
    /// The first error; what can be sealed is sealed. It may be tried again.
    pub fn seal_all(&mut self) -> Result<(), Error> {
        self.check_open()?;
        let sealed = Table::ALL.map(|table| self.seal(table).and_then(|()| self.seal_empty(table)));
        sealed.into_iter().collect::<Result<(), Error>>()?;
        self.save()
    }

    /// Writes a file beside case.json, which SHA256SUMS will list.
    ///
    /// # Errors
    /// [`Error::Stopped`] or [`Error::Io`].
    pub fn attach(&mut self, name: &'static str, bytes: &[u8]) -> Result<(), Error> {
        self.check_open()?;
        files::write_whole(self.folders.root().as_ref(), name, bytes)?;
        self.attached.push((name, Sha256::new_with_prefix(bytes).into()));
        Ok(())
    }

    /// Seals everything and marks the case as closed. `update` may change the manifest, e.g. add
    /// the closing clocks.
    ///
    /// # Errors
    /// The first error; the case stays open, and its journals can be read. It may be tried again.
    pub fn close(&mut self, update: impl FnOnce(&mut Manifest)) -> Result<CaseSummary, Error> {
        self.seal_all()?;
        self.removals.check_parts_gone(&self.folders)?;
        self.manifest.amend(update);
        let manifest = self.manifest.closed();
        let files = ClosingFiles::new(&manifest, self.manifest.signing(), &self.attached)?;
        let root = Arc::clone(self.folders.root());
        files.write_sums(root.as_ref())?;
        self.folders.remove_journals()?;
        // Nor may parts come back that were dropped.
        self.folders.sync_parts()?;
        // On disk before case.json says that it is closed: then what it does not list is a problem.
        self.reserve.free();
        root.sync()?;
        files.write_manifest(root.as_ref())?;
        self.is_closed = true;
        self.folders.remove_journal_folder();
        let summary = CaseSummary {
            bytes: self.sealed_bytes() + files.bytes(),
            parts: manifest.parts.clone(),
            counts: manifest.counts.clone(),
            closed_line: files.closed_line().to_owned(),
        };
        self.manifest.set_closed(manifest);
        Ok(summary)
    }

    /// Seals a part without rows in a table that has no part: a query over a closed case then finds
    /// every table.
    fn seal_empty(&mut self, table: Table) -> Result<(), Error> {
        if self.manifest.get().parts.iter().any(|part| part.table == table.name()) {
            return Ok(());
        }
        let entry = self.tables.seal_empty(table)?;
        self.manifest.amend(|manifest| {
            manifest.counts.by_table.entry(table.name().to_owned()).or_insert(0);
        });
        self.manifest.push_part(table, entry);
        Ok(())
    }

    fn check_open(&self) -> Result<(), Error> {
        match self.is_closed {
            true => Err(Error::Stopped { path: self.folders.root().path().to_owned() }),
            false => Ok(()),
        }
    }
}
