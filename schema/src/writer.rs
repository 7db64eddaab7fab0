//! Writing a case.
//!
//! Each batch goes into the journal of its table and into the open part at once; the part is sealed by rows or by age,
//! and its journal removed. At any moment the case on disk can be read: sealed parts, and the journals up to their last
//! whole batch.

mod tally;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, RecordBatch, UInt64Array};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::directory::Directory;
use crate::error::Error;
use crate::journal::{self, JournalWriter};
use crate::manifest::{self, Manifest, PartEntry, State};
use crate::origin::Origin;
use crate::part::{self, PartWriter};
use crate::tables::Table;

/// Name of the file that `sha256sum -c` reads.
pub const SUMS_NAME: &str = "SHA256SUMS";

/// When a part is sealed.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// After so many rows.
    pub part_rows: u64,
    /// After so much time between the first and the last of its rows, by the boot clock of the rows: the writer reads
    /// no clock of its own.
    pub part_age: Duration,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { part_rows: 1 << 20, part_age: Duration::from_secs(3600) }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of all files of the case.
    pub bytes: u64,
    /// The sealed parts, in the order of their sealing.
    pub parts: Vec<PartEntry>,
    /// What they hold.
    pub counts: manifest::Counts,
}

/// Writes a case.
#[derive(Debug)]
pub struct CaseWriter {
    root: Directory,
    journals: Arc<Directory>,
    tables: [TableWriter; Table::ALL.len()],
    manifest: Manifest,
    origin: Origin,
    options: WriterOptions,
}

/// One table of a case.
#[derive(Debug)]
struct TableWriter {
    table: Table,
    directory: Arc<Directory>,
    /// The number of the open or next part.
    number: u32,
    open: Option<OpenPart>,
    last_seq: Option<u64>,
    /// An earlier error left it half-written.
    stopped: bool,
}

/// The part being written, and its journal.
#[derive(Debug)]
struct OpenPart {
    part: PartWriter,
    journal: JournalWriter,
    rows: u64,
    first_boot_ns: Option<u64>,
}

impl CaseWriter {
    /// Makes the case. The path must not exist or be an empty directory; nothing is ever overwritten. `manifest` is
    /// what case.json says from the start; its state, counts and parts are kept by the writer.
    ///
    /// # Errors
    /// [`Error::Exists`] or [`Error::Io`].
    pub fn create(path: &Path, mut manifest: Manifest, options: WriterOptions) -> Result<Self, Error> {
        manifest.state = State::Open;
        manifest.parts.clear();
        manifest.counts = manifest::Counts::default();
        let root = Directory::create(path)?;
        // case.json first: a directory with anything else in it is a case that says so.
        root.write_whole(manifest::FILE_NAME, &manifest.to_text()?)?;
        let raw = Arc::new(root.make_child("raw")?);
        let derived = Arc::new(root.make_child("derived")?);
        let journals = Arc::new(root.make_child(journal::FOLDER)?);
        root.sync()?;
        let tables = Table::ALL.map(|table| TableWriter {
            table,
            directory: Arc::clone(if table.folder() == "raw" { &raw } else { &derived }),
            number: 0,
            open: None,
            last_seq: None,
            stopped: false,
        });
        let origin = Origin::of(&manifest);
        Ok(Self { root, journals, tables, manifest, origin, options })
    }

    /// Adds rows to a table, journalled; seals its part if that is due. Rows come in ascending order of `seq`.
    ///
    /// # Errors
    /// [`Error::WrongSchema`] or [`Error::Disorder`], and nothing was written; or [`Error::Io`], after which this table
    /// is no longer written.
    pub fn append(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let options = self.options;
        let root = self.root.path();
        let Some(writer) = self.tables.iter_mut().find(|writer| writer.table == table) else {
            return Ok(());
        };
        if writer.stopped {
            return Err(Error::Stopped { path: root.to_owned() });
        }
        let last_seq = writer.check(batch)?;
        if let Err(error) = writer.write(batch, &self.journals, &self.origin) {
            writer.stopped = true;
            return Err(error);
        }
        writer.last_seq = Some(last_seq);
        tally::add(&mut self.manifest.counts, table, batch);
        if writer.is_due(options, batch) { self.seal(table) } else { Ok(()) }
    }

    /// Brings what was appended to disk (`fdatasync` of the journals).
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&mut self) -> Result<(), Error> {
        self.tables.iter_mut().filter_map(|writer| writer.open.as_mut()).try_for_each(|open| open.journal.sync())
    }

    /// Seals the open part of a table, if it has rows.
    ///
    /// # Errors
    /// [`Error::Io`]; the rows are in the journal still.
    pub fn seal(&mut self, table: Table) -> Result<(), Error> {
        let root = self.root.path();
        let Some(writer) = self.tables.iter_mut().find(|writer| writer.table == table) else {
            return Ok(());
        };
        if writer.stopped {
            return Err(Error::Stopped { path: root.to_owned() });
        }
        let Some(open) = writer.open.take() else { return Ok(()) };
        match open.part.seal() {
            Ok(entry) => self.manifest.parts.push(entry),
            Err(error) => {
                writer.stopped = true;
                return Err(error);
            }
        }
        writer.number += 1;
        // In this order a crash leaves the part, the journal or both, and a reader takes the part.
        self.root.write_whole(manifest::FILE_NAME, &self.manifest.to_text()?)?;
        open.journal.remove()
    }

    /// What case.json will say. Counts and parts are up to date.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Bytes written so far: sealed parts, and journals or open parts, whichever is longer.
    pub fn bytes(&self) -> u64 {
        let sealed: u64 = self.manifest.parts.iter().map(|part| part.bytes).sum();
        let open = self.tables.iter().filter_map(|writer| writer.open.as_ref());
        sealed + open.map(|open| open.journal.bytes().max(open.part.bytes())).sum::<u64>()
    }

    /// Seals everything and marks the case closed. `update` may add to the manifest, e.g. the closing clocks.
    ///
    /// # Errors
    /// The first error; the case stays open, and what was journalled can be read.
    pub fn close(mut self, update: impl FnOnce(&mut Manifest)) -> Result<Summary, Error> {
        // All that can be sealed is, whatever fails before.
        let mut sealed = Ok(());
        for table in Table::ALL {
            let result = self.seal(table).and_then(|()| self.seal_empty(table));
            sealed = sealed.and(result);
        }
        sealed?;
        update(&mut self.manifest);
        self.manifest.state = State::Closed;
        let text = self.manifest.to_text()?;
        let sums = self.sums(&text);
        // The sums first: case.json in state closed says that all the rest is there.
        self.root.write_whole(SUMS_NAME, sums.as_bytes())?;
        self.root.write_whole(manifest::FILE_NAME, &text)?;
        for name in self.journals.names()? {
            self.journals.remove_file(&name)?;
        }
        self.root.remove_child(journal::FOLDER)?;
        self.root.sync()?;
        let files: u64 = self.manifest.parts.iter().map(|part| part.bytes).sum();
        Ok(Summary {
            bytes: files + text.len() as u64 + sums.len() as u64,
            parts: self.manifest.parts,
            counts: self.manifest.counts,
        })
    }

    /// A part without rows for a table that has none, so that a query over a closed case always finds every table.
    fn seal_empty(&mut self, table: Table) -> Result<(), Error> {
        let Some(writer) = self.tables.iter_mut().find(|writer| writer.table == table) else {
            return Ok(());
        };
        if writer.number > 0 {
            return Ok(());
        }
        let directory = Arc::clone(&writer.directory);
        let part = PartWriter::create(directory, &self.origin, table, 0, part::file_name(table, 0))?;
        self.manifest.parts.push(part.seal()?);
        writer.number = 1;
        self.manifest.counts.by_table.entry(table.name().to_owned()).or_insert(0);
        Ok(())
    }

    /// The text of SHA256SUMS: every part, then case.json with that text.
    fn sums(&self, manifest: &[u8]) -> String {
        let mut lines: Vec<_> =
            self.manifest.parts.iter().map(|part| format!("{}  {}\n", part.sha256, part.file)).collect();
        lines.sort_by(|a, b| a.get(64..).cmp(&b.get(64..)));
        let digest = Digest::from(Sha256::new_with_prefix(manifest));
        lines.push(format!("{digest}  {}\n", manifest::FILE_NAME));
        lines.concat()
    }
}

impl TableWriter {
    /// Checks schema and order of a batch; gives its last `seq`.
    fn check(&self, batch: &RecordBatch) -> Result<u64, Error> {
        let table = self.table.name();
        if batch.schema() != self.table.schema() {
            return Err(Error::WrongSchema { table });
        }
        let seqs = batch
            .column_by_name("seq")
            .and_then(|column| column.as_any().downcast_ref::<UInt64Array>())
            .ok_or(Error::WrongSchema { table })?;
        // A record has its place alone; derived rows may share the record that decided them.
        let is_raw = Table::RAW.contains(&self.table);
        let mut last = self.last_seq;
        for seq in seqs.values() {
            match last {
                Some(last) if *seq < last || (is_raw && *seq == last) => {
                    return Err(Error::Disorder { table, seq: *seq, last });
                }
                _ => last = Some(*seq),
            }
        }
        last.ok_or(Error::WrongSchema { table })
    }

    fn write(&mut self, batch: &RecordBatch, journals: &Arc<Directory>, origin: &Origin) -> Result<(), Error> {
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let name = part::file_name(self.table, self.number);
                let part = PartWriter::create(Arc::clone(&self.directory), origin, self.table, self.number, name)?;
                let journal = JournalWriter::create(Arc::clone(journals), origin, self.table, self.number)?;
                none.insert(OpenPart { part, journal, rows: 0, first_boot_ns: None })
            }
        };
        // The journal first: what is in it can be read whatever happens to the part.
        open.journal.append(batch)?;
        open.part.append(batch)?;
        open.rows += batch.num_rows() as u64;
        open.first_boot_ns = open.first_boot_ns.or_else(|| boot_ns(batch, 0));
        Ok(())
    }

    /// Whether the open part is to be sealed after that batch.
    fn is_due(&self, options: WriterOptions, batch: &RecordBatch) -> bool {
        let Some(open) = &self.open else { return false };
        let age = match (open.first_boot_ns, boot_ns(batch, batch.num_rows() - 1)) {
            (Some(first), Some(last)) => Duration::from_nanos(last.saturating_sub(first)),
            _ => Duration::ZERO,
        };
        open.rows >= options.part_rows || age >= options.part_age
    }
}

/// The boot clock of a row.
fn boot_ns(batch: &RecordBatch, row: usize) -> Option<u64> {
    let values = batch.column_by_name("boot_ns")?.as_any().downcast_ref::<UInt64Array>()?;
    values.is_valid(row).then(|| values.value(row))
}
