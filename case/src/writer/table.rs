//! One table of a case: its open part, and the journal of that.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Array, RecordBatch, UInt64Array, new_null_array};

use super::WriterOptions;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::journal::{self, JournalReader, JournalWriter};
use crate::manifest::PartEntry;
use crate::origin::FileOrigin;
use crate::part::{self, PartWriter};
use obit_schema::tables::Table;

/// One table of a case.
#[derive(Debug)]
pub(super) struct TableWriter {
    pub(super) table: Table,
    pub(super) folder: Arc<dyn Folder>,
    /// The number of the open or next part.
    pub(super) number: u32,
    pub(super) open: Option<OpenPart>,
    pub(super) last_seq: Option<u64>,
}

/// The part being written, and its journal.
#[derive(Debug)]
pub(super) struct OpenPart {
    /// `None` once an error left it half-written: it is made again from its journal when it is sealed.
    pub(super) part: Option<PartWriter>,
    pub(super) journal: JournalWriter,
    pub(super) rows: u64,
    pub(super) first_boot_ns: Option<u64>,
    pub(super) last_boot_ns: Option<u64>,
}

impl OpenPart {
    /// Bytes of the part or of its journal, whichever is longer.
    pub(super) fn bytes(&self) -> u64 {
        self.journal.bytes().max(self.part.as_ref().map_or(0, PartWriter::bytes))
    }
}

impl TableWriter {
    /// Checks schema and order of a batch; gives its last `seq`.
    pub(super) fn check(&self, batch: &RecordBatch) -> Result<u64, Error> {
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

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        journals: &Arc<dyn Folder>,
        origin: &FileOrigin,
    ) -> Result<(), Error> {
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let journal = JournalWriter::create(Arc::clone(journals), origin, self.table, self.number)?;
                // Without a part it is made from the journal when it is sealed.
                let name = part::file_name(self.table, self.number);
                let part = PartWriter::create(Arc::clone(&self.folder), origin, self.table, self.number, name).ok();
                none.insert(OpenPart { part, journal, rows: 0, first_boot_ns: None, last_boot_ns: None })
            }
        };
        // The journal first: what is in it can be read whatever happens to the part.
        open.journal.append(batch)?;
        if open.part.as_mut().is_some_and(|part| part.append(batch).is_err()) {
            open.part = None;
        }
        open.rows += batch.num_rows() as u64;
        open.first_boot_ns = open.first_boot_ns.or_else(|| boot_ns(batch, 0));
        open.last_boot_ns = boot_ns(batch, batch.num_rows() - 1).or(open.last_boot_ns);
        Ok(())
    }

    /// Seals the open part, if there is one. Gives its entry and the name of its journal.
    pub(super) fn seal(
        &mut self,
        journals: &Arc<dyn Folder>,
        origin: &FileOrigin,
    ) -> Result<Option<(PartEntry, String)>, Error> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let entry = match open.part.take() {
            Some(part) => part.seal()?,
            None => {
                open.journal.repair()?;
                let (folder, table) = (Arc::clone(&self.folder), self.table);
                from_journal(journals.as_ref(), folder, origin, table, self.number, Some(open.rows))?
            }
        };
        self.open = None;
        let journal = journal::file_name(self.table, self.number);
        self.number = self.number.saturating_add(1);
        Ok(Some((entry, journal)))
    }

    /// Whether the open part is to be sealed.
    pub(super) fn is_due(&self, options: &WriterOptions) -> bool {
        let Some(open) = &self.open else { return false };
        let age = match (open.first_boot_ns, open.last_boot_ns) {
            (Some(first), Some(last)) => Duration::from_nanos(last.saturating_sub(first)),
            _ => Duration::ZERO,
        };
        open.rows > 0 && (open.rows >= options.part_rows || age >= options.part_age)
    }
}

/// Makes a part of what its journal holds, which must be so many rows if that is known.
pub(super) fn from_journal(
    journals: &dyn Folder,
    folder: Arc<dyn Folder>,
    origin: &FileOrigin,
    table: Table,
    number: u32,
    rows: Option<u64>,
) -> Result<PartEntry, Error> {
    let name = journal::file_name(table, number);
    let path = journals.path().join(&name);
    let (stream, length) = journals.read_file(&name)?;
    let mut journal = JournalReader::from_stream(stream, length);
    let part_name = part::file_name(table, number);
    // Left of an attempt that failed, or of a capture that was cut off.
    let _ = folder.remove_file(&files::partial(&part_name));
    let mut part = PartWriter::create(folder, origin, table, number, part_name)?;
    while let Some(batch) = journal.next().map_err(Error::io("read", &path))? {
        part.append(&in_our_columns(table, &batch)?)?;
    }
    if rows.is_some_and(|rows| rows != part.rows()) {
        let why = format!("{} rows can be read of {}", part.rows(), rows.unwrap_or_default());
        return Err(Error::Damaged { path, why });
    }
    part.seal()
}

/// A batch of an older build, or of a journal with its own metadata, with the columns that this build writes.
fn in_our_columns(table: Table, batch: &RecordBatch) -> Result<RecordBatch, Error> {
    let schema = table.schema();
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), batch.num_rows()),
    });
    let columns = columns.collect();
    RecordBatch::try_new(Arc::clone(&schema), columns)
        .map_err(|source| obit_schema::Error::Encode { table: table.name(), source }.into())
}

/// The boot clock of a row.
fn boot_ns(batch: &RecordBatch, row: usize) -> Option<u64> {
    let values = batch.column_by_name("boot_ns")?.as_any().downcast_ref::<UInt64Array>()?;
    values.is_valid(row).then(|| values.value(row))
}
