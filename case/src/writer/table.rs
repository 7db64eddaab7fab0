//! The writer of one table: its open part, and the journal of that part.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Array, RecordBatch, UInt64Array};
use obit_schema::leaf::SaltSeed;
use obit_schema::tables::Table;

use super::folders::WriterFolders;
use super::options::WriterOptions;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::journal::{self, JournalReader, JournalWriter};
use crate::layout::{self, Layout};
use crate::manifest::PartEntry;
use crate::origin::FileOrigin;
use crate::part::PartWriter;
use crate::reader::{self, Case, PartInfo, PartSource};
use crate::record_tree::RecordTree;

/// The writer of one table.
#[derive(Debug)]
pub(super) struct TableWriter {
    table: Table,
    layout: Layout,
    parts: Arc<dyn Folder>,
    journals: Arc<dyn Folder>,
    origin: FileOrigin,
    /// Secret that the salts of the records' commitments are made from.
    seed: Option<SaltSeed>,
    /// The number of the open part, or of the next one.
    number: u32,
    open: Option<OpenPart>,
    last_seq: Option<u64>,
}

/// A part that was sealed, and the journal that it makes superfluous.
pub(super) struct SealedPart {
    pub(super) entry: PartEntry,
    pub(super) journal: String,
}

/// The part that is being written, and its journal.
#[derive(Debug)]
struct OpenPart {
    /// `None` once an error left it half-written: sealing makes it again from the journal.
    part: Option<PartWriter>,
    journal: JournalWriter,
    rows: u64,
    first_boot_ns: Option<u64>,
    last_boot_ns: Option<u64>,
}

impl TableWriter {
    /// Returns the writer of a table that has no parts yet.
    pub(super) fn new(table: Table, folders: &WriterFolders, origin: &FileOrigin, seed: Option<&SaltSeed>) -> Self {
        let (parts, journals) = (Arc::clone(folders.parts(table)), Arc::clone(folders.journals()));
        let (layout, origin, seed) = (folders.layout(), origin.clone(), seed.cloned());
        Self { table, layout, parts, journals, origin, seed, number: 0, open: None, last_seq: None }
    }

    /// Adds rows to the journal and the open part: all of them, or after an error none.
    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let last_seq = self.check(batch)?;
        self.write(batch)?;
        self.last_seq = Some(last_seq);
        Ok(())
    }

    /// Checks rows that [`Self::write`] gets later. Rows that follow come after them.
    pub(super) fn accept(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.last_seq = Some(self.check(batch)?);
        Ok(())
    }

    /// Adds rows that were checked: all of them, or after an error none.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let journal = JournalWriter::create(Arc::clone(&self.journals), &self.origin, self.table, self.number)?;
                // A part that cannot be created is made from the journal when it is sealed.
                let name = layout::file_name(self.table, self.number);
                let parts = Arc::clone(&self.parts);
                let part =
                    PartWriter::create(parts, &self.origin, self.seed.as_ref(), self.table, self.number, name).ok();
                none.insert(OpenPart { part, journal, rows: 0, first_boot_ns: None, last_boot_ns: None })
            }
        };
        open.append(batch)
    }

    /// Checks the columns and the order of a batch. Returns its last `seq`.
    fn check(&self, batch: &RecordBatch) -> Result<u64, Error> {
        let table = self.table.name();
        if batch.schema() != self.table.schema() {
            return Err(Error::WrongSchema { table });
        }
        let seqs = batch
            .column_by_name("seq")
            .and_then(|column| column.as_any().downcast_ref::<UInt64Array>())
            .ok_or(Error::WrongSchema { table })?;
        // Each record has a seq of its own; derived rows may share that of the record that decided
        // them.
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

    /// Brings the open part's journal to disk.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.open.as_mut().map_or(Ok(()), |open| open.journal.sync())
    }

    /// Seals the open part, if there is one.
    pub(super) fn seal(&mut self) -> Result<Option<SealedPart>, Error> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let entry = match open.part.take() {
            Some(part) => part.seal(self.layout)?,
            None => {
                open.journal.repair()?;
                let rows = open.rows;
                self.part_from_journal(self.number, rows)?
            }
        };
        self.open = None;
        let journal = journal::file_name(self.table, self.number);
        self.number = self.number.saturating_add(1);
        Ok(Some(SealedPart { entry, journal }))
    }

    /// Gives up the open part, if there is one. Returns its number, which no later part has.
    pub(super) fn discard(&mut self) -> Option<u32> {
        self.open.take()?;
        let number = self.number;
        self.number = self.number.saturating_add(1);
        Some(number)
    }

    /// Writes and seals a part without rows.
    pub(super) fn seal_empty(&mut self) -> Result<PartEntry, Error> {
        let name = layout::file_name(self.table, self.number);
        let parts = Arc::clone(&self.parts);
        let entry = PartWriter::create(parts, &self.origin, self.seed.as_ref(), self.table, self.number, name)?
            .seal(self.layout)?;
        self.number = self.number.saturating_add(1);
        Ok(entry)
    }

    /// Continues the numbering of parts at `number`.
    pub(super) fn start_at(&mut self, number: u32) {
        self.number = number;
    }

    /// Continues the numbering and the order after a part that is in the case already.
    pub(super) fn skip_past(&mut self, part: &PartInfo) {
        self.number = self.number.max(part.number.saturating_add(1));
        self.last_seq = part.last_seq.or(self.last_seq);
    }

    /// Returns the entry of a part that case.json does not list; seals it if it is a journal still.
    pub(super) fn adopt_part(&self, case: &Case, part: &PartInfo) -> Result<PartEntry, Error> {
        match part.source {
            PartSource::Sealed => self.sealed_entry(case, part),
            PartSource::Journal => self.part_from_journal(part.number, part.rows),
        }
    }

    fn sealed_entry(&self, case: &Case, part: &PartInfo) -> Result<PartEntry, Error> {
        let name = layout::file_name(self.table, part.number);
        let (file, _) = self.parts.read_file(&name)?;
        let digest = reader::sha256(file).map_err(Error::io("read", &self.parts.path().join(&name)))?;
        let mut tree = RecordTree::new(self.table, self.seed.as_ref());
        if let Some(tree) = &mut tree {
            for batch in case.batches_of(self.table, part) {
                tree.append(&batch?)?;
            }
        }
        Ok(PartEntry {
            file: part.file.clone(),
            table: self.table.name().to_owned(),
            number: part.number,
            rows: part.rows,
            first_seq: part.first_seq,
            last_seq: part.last_seq,
            bytes: part.bytes,
            sha256: digest.to_string(),
            root: tree.map(|tree| tree.root().to_string()),
            previous: None,
            segment: None,
        })
    }

    /// Makes a part from its journal, which must hold this many rows.
    fn part_from_journal(&self, number: u32, rows: u64) -> Result<PartEntry, Error> {
        let name = journal::file_name(self.table, number);
        let path = self.journals.path().join(&name);
        let (stream, length) = self.journals.read_file(&name)?;
        let mut journal = JournalReader::from_stream(stream, length);
        let part_name = layout::file_name(self.table, number);
        // An attempt that failed, or a capture that was cut off, may have left one.
        let _ = self.parts.remove_file(&files::partial(&part_name));
        let mut part = PartWriter::create(
            Arc::clone(&self.parts),
            &self.origin,
            self.seed.as_ref(),
            self.table,
            number,
            part_name,
        )?;
        while let Some(batch) = journal.next().map_err(Error::io("read", &path))? {
            part.append(&self.table.conform(&batch)?)?;
        }
        if part.rows() != rows {
            let why = format!("{} rows can be read of {rows}", part.rows());
            return Err(Error::Damaged { path, why });
        }
        part.seal(self.layout)
    }

    /// Returns true if a part is open.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Returns true if the open part is to be sealed by rows or by age.
    pub(super) fn is_due(&self, options: &WriterOptions) -> bool {
        self.open.as_ref().is_some_and(|open| options.is_due(open.rows, open.age()))
    }

    /// Bytes of the open part or of its journal, whichever is longer.
    pub(super) fn open_bytes(&self) -> u64 {
        let bytes = |open: &OpenPart| open.journal.bytes().max(open.part.as_ref().map_or(0, PartWriter::bytes));
        self.open.as_ref().map_or(0, bytes)
    }

    /// Bytes of the journal that are not known to be on disk.
    pub(super) fn unsynced_bytes(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.journal.unsynced_bytes())
    }

    /// Boot clock of the newest row of the open part, in ns.
    pub(super) fn newest_boot_ns(&self) -> Option<u64> {
        self.open.as_ref()?.last_boot_ns
    }
}

impl OpenPart {
    fn append(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        // The journal first: its rows can be read whatever happens to the part.
        self.journal.append(batch)?;
        if self.part.as_mut().is_some_and(|part| part.append(batch).is_err()) {
            self.part = None;
        }
        self.rows += batch.num_rows() as u64;
        self.first_boot_ns = self.first_boot_ns.or_else(|| boot_ns(batch, 0));
        self.last_boot_ns = boot_ns(batch, batch.num_rows() - 1).or(self.last_boot_ns);
        Ok(())
    }

    /// Time between the first and the last row, by the rows' boot clock.
    fn age(&self) -> Duration {
        match (self.first_boot_ns, self.last_boot_ns) {
            (Some(first), Some(last)) => Duration::from_nanos(last.saturating_sub(first)),
            _ => Duration::ZERO,
        }
    }
}

/// Returns the boot clock of a row, in ns.
fn boot_ns(batch: &RecordBatch, row: usize) -> Option<u64> {
    let values = batch.column_by_name("boot_ns")?.as_any().downcast_ref::<UInt64Array>()?;
    values.is_valid(row).then(|| values.value(row))
}
