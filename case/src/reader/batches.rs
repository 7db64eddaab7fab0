//! The batches of a table, file after file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Fields, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::filter::Filter;
use super::part_file::PartFile;
use super::scan::{Folders, reader_options};
use super::{PartInfo, PartSource, nulls};
use crate::error::Error;
use crate::guard::guarded;
use crate::journal::JournalReader;
use obit_schema::column::with_text_views;
use obit_schema::tables::Table;

/// Rows of a batch: what a reader holds in memory of each table, a few hundred bytes a row. Values are looked at soon after they
/// were read, so a batch should fit into a processor's own cache.
const BATCH_ROWS: usize = 2048;
/// The same where each value is looked at twice, to compare and to hash it, and by turns with those of another table.
const VALUES_BATCH_ROWS: usize = 512;

/// The batches of a table, in file order. An error is about one file; the next file follows it.
pub struct TableBatches {
    folders: Arc<Folders>,
    case: PathBuf,
    table: Table,
    purpose: Purpose,
    /// Which rows of sealed parts are given; all, if there is none.
    filter: Option<Arc<Filter>>,
    parts: std::vec::IntoIter<PartInfo>,
    /// The file being read.
    file: String,
    source: Option<Source>,
    /// The columns of its batches, once they were found to be those of the table.
    checked: Option<SchemaRef>,
}

/// What the batches are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To have them as they are.
    Rows,
    /// For their values: without the columns that are null in the whole file, and with text as views.
    Values,
    /// To make records of them: as above, and without the columns that no record holds.
    Records,
}

enum Source {
    Sealed(Box<ParquetRecordBatchReader>),
    Journal(Box<JournalReader>),
}

impl TableBatches {
    pub(super) fn new(
        folders: Arc<Folders>,
        case: &Path,
        table: Table,
        parts: Vec<PartInfo>,
        purpose: Purpose,
    ) -> Self {
        let parts = parts.into_iter();
        let case = case.to_owned();
        Self { folders, case, table, purpose, filter: None, parts, file: String::new(), source: None, checked: None }
    }

    /// Gives only the rows that a filter wants, of sealed parts.
    pub(super) fn only(mut self, filter: Filter) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// The table.
    pub fn table(&self) -> Table {
        self.table
    }

    /// The file, relative to the case, that the last batch or error came from.
    pub fn file(&self) -> &str {
        &self.file
    }

    fn open(&self, part: &PartInfo) -> Result<Source, String> {
        let file = self.folders.open_file(&part.file)?;
        match part.source {
            PartSource::Sealed => {
                let reader = guarded(|| {
                    let metadata = ArrowReaderMetadata::load(&file, reader_options())?;
                    let chosen = self.filter.as_ref().map(|filter| filter.choose(&file, &metadata)).transpose()?;
                    let builder = match self.purpose {
                        Purpose::Rows => {
                            ParquetRecordBatchReaderBuilder::new_with_metadata(PartFile::new(file)?, metadata)
                        }
                        Purpose::Values | Purpose::Records => {
                            let beside: &[_] = if self.purpose == Purpose::Records { &BESIDE_RECORDS } else { &[] };
                            without(beside, PartFile::new(file)?, &metadata, self.filter.as_deref())?
                        }
                    };
                    let builder = match chosen {
                        Some((groups, rows)) => builder.with_row_groups(groups).with_row_selection(rows),
                        None => builder,
                    };
                    let rows = match self.purpose {
                        Purpose::Rows | Purpose::Records => BATCH_ROWS,
                        Purpose::Values => VALUES_BATCH_ROWS,
                    };
                    builder.with_batch_size(rows).build()
                })?;
                Ok(Source::Sealed(Box::new(reader)))
            }
            PartSource::Journal => {
                Ok(Source::Journal(Box::new(JournalReader::new(file).map_err(|error| error.to_string())?)))
            }
        }
    }

    /// The next batch of the open file; `None` at its end.
    fn read(&mut self) -> Result<Option<RecordBatch>, String> {
        match &mut self.source {
            Some(Source::Sealed(reader)) => guarded(|| reader.next().transpose()),
            Some(Source::Journal(reader)) => reader.next().map_err(|error| error.to_string()),
            None => Ok(None),
        }
    }

    fn damaged(&self, why: String) -> Error {
        Error::Damaged { path: self.case.join(&self.file), why }
    }
}

/// Columns that no record holds: they are beside it, for people and other programs. None of them is required.
const BESIDE_RECORDS: [&str; 3] = ["document", "files", "ctime"];

/// A reader of a file without these columns and those of nulls.
fn without(
    beside: &[&str],
    file: PartFile,
    metadata: &ArrowReaderMetadata,
    filter: Option<&Filter>,
) -> Result<ParquetRecordBatchReaderBuilder<PartFile>, ParquetError> {
    let fields = metadata.schema().fields().iter();
    let fields: Fields =
        fields.map(|field| field.as_ref().clone().with_data_type(with_text_views(field.data_type()))).collect();
    let mut columns = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        // Where some rows are wanted, looking through all pages of a column takes longer than reading these rows of it. A page
        // that cannot be read is named when its turn comes.
        let is_null = || filter.is_none() && nulls::is_null(&file, metadata.metadata(), index).unwrap_or(false);
        if !beside.contains(&field.name().as_str()) && !is_null() {
            columns.push(index);
        }
    }
    let schema = SchemaRef::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone()));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), reader_options().with_schema(schema))?;
    let mask = ProjectionMask::roots(metadata.parquet_schema(), columns);
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_projection(mask))
}

impl Iterator for TableBatches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.source.is_none() {
                let part = self.parts.next()?;
                self.file.clone_from(&part.file);
                match self.open(&part) {
                    Ok(source) => self.source = Some(source),
                    Err(why) => return Some(Err(self.damaged(why))),
                }
            }
            match self.read() {
                Ok(Some(batch)) if self.checked.as_ref() == Some(batch.schema_ref()) => return Some(Ok(batch)),
                Ok(Some(batch)) => match self.table.check(batch.schema_ref()) {
                    Ok(()) => {
                        self.checked = Some(batch.schema());
                        return Some(Ok(batch));
                    }
                    Err(error) => {
                        self.source = None;
                        return Some(Err(self.damaged(error.to_string())));
                    }
                },
                Ok(None) => self.source = None,
                Err(why) => {
                    self.source = None;
                    return Some(Err(self.damaged(why)));
                }
            }
        }
    }
}

impl std::fmt::Debug for TableBatches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableBatches").field("table", &self.table).field("file", &self.file).finish_non_exhaustive()
    }
}
