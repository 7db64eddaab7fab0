//! The batches of a table, file after file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Fields, Schema, SchemaRef};
use obit_schema::column::with_text_views;
use obit_schema::tables::Table;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::budget::TextBudget;
use super::filter::RowMatch;
use super::folders::CaseFolders;
use super::part_file::PartFile;
use super::part_info::{PartInfo, PartSource};
use super::{footer, levels, nulls};
use crate::error::Error;
use crate::guard::guarded;
use crate::journal::JournalReader;
use crate::part::ROW_GROUP_ROWS;

/// Rows of a batch: a reader holds a few hundred bytes a row in memory of each table. Values are
/// used soon after they were read, so a batch should fit into a processor's own cache.
const BATCH_ROWS: usize = 2048;
/// Rows of a batch whose values are used twice, compared and hashed, in turn with another table's.
const VALUES_BATCH_ROWS: usize = 512;

/// Columns that no record holds: they are for people and other programs. None of them is required.
const NOT_IN_RECORDS: [&str; 3] = ["document", "files", "ctime"];

/// Columns of sealed parts that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Projection {
    /// All columns, as they are stored.
    All,
    /// Columns that are not null in the whole file, with text as views.
    NonNull,
    /// [`Projection::NonNull`] without the columns that no record holds.
    Records,
}

impl Projection {
    fn batch_rows(self) -> usize {
        match self {
            Self::All | Self::Records => BATCH_ROWS,
            Self::NonNull => VALUES_BATCH_ROWS,
        }
    }

    fn left_out(self) -> &'static [&'static str] {
        match self {
            Self::All | Self::NonNull => &[],
            Self::Records => &NOT_IN_RECORDS,
        }
    }
}

/// The batches of a table, in file order. An error is about one file; the next file follows it.
pub struct TableBatches {
    folders: Arc<CaseFolders>,
    case: PathBuf,
    table: Table,
    projection: Projection,
    /// The rows of sealed parts to return; `None`: all.
    filter: Option<Arc<RowMatch>>,
    parts: std::vec::IntoIter<PartInfo>,
    /// Path of the open file, or of the last one, relative to the case.
    file: String,
    reader: Option<PartReader>,
    /// Schema of a batch that was found to have the table's columns.
    checked: Option<SchemaRef>,
    /// The texts that the open file may still unfold to.
    texts: TextBudget,
}

/// An open file of a table.
enum PartReader {
    Sealed(Box<ParquetRecordBatchReader>),
    Journal(Box<JournalReader>),
}

impl TableBatches {
    /// Returns the batches of these parts.
    pub(super) fn new(
        folders: Arc<CaseFolders>,
        case: &Path,
        table: Table,
        parts: Vec<PartInfo>,
        projection: Projection,
    ) -> Self {
        let (case, parts, file) = (case.to_owned(), parts.into_iter(), String::new());
        let texts = TextBudget::default();
        Self { folders, case, table, projection, filter: None, parts, file, reader: None, checked: None, texts }
    }

    /// Leaves out the rows of sealed parts that a filter does not match.
    pub(super) fn with_filter(mut self, filter: RowMatch) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Returns the table.
    pub fn table(&self) -> Table {
        self.table
    }

    /// Returns the path, relative to the case, of the file that the last batch or error came from.
    pub fn file(&self) -> &str {
        &self.file
    }

    fn open(&self, part: &PartInfo) -> Result<PartReader, String> {
        let file = self.folders.open_file(&part.file)?;
        Ok(match part.source {
            PartSource::Sealed => PartReader::Sealed(Box::new(guarded(|| self.open_sealed(file))?)),
            PartSource::Journal => {
                PartReader::Journal(Box::new(JournalReader::new(file).map_err(|error| error.to_string())?))
            }
        })
    }

    fn open_sealed(&self, file: File) -> Result<ParquetRecordBatchReader, ParquetError> {
        let metadata = ArrowReaderMetadata::load(&file, footer::options())?;
        let most = self.projection.batch_rows();
        let whole = Arc::new(PartFile::new(file.try_clone()?)?);
        // Views name a value of a dictionary; other texts are copies of it, row by row.
        let batch_rows = match self.projection {
            Projection::All => levels::batch_rows(&whole, metadata.metadata(), most, |_| true)?,
            Projection::NonNull | Projection::Records => most,
        };
        let choose = |filter: &Arc<RowMatch>| {
            let names: Vec<_> = filter.columns().collect();
            let batch_rows =
                levels::batch_rows(&whole, metadata.metadata(), ROW_GROUP_ROWS, |name| names.contains(&name))?;
            filter.choose(&file, &metadata, batch_rows)
        };
        let chosen = self.filter.as_ref().map(choose).transpose()?;
        let file = PartFile::new(file)?;
        let builder = match self.projection {
            Projection::All => ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata),
            Projection::NonNull | Projection::Records => self.projected(file, &metadata)?,
        };
        let builder = match chosen {
            Some((groups, rows)) => builder.with_row_groups(groups).with_row_selection(rows),
            None => builder,
        };
        builder.with_batch_size(batch_rows).build()
    }

    /// Returns a reader of the columns that the projection leaves, with text as views.
    fn projected(
        &self,
        file: PartFile,
        metadata: &ArrowReaderMetadata,
    ) -> Result<ParquetRecordBatchReaderBuilder<PartFile>, ParquetError> {
        let fields = metadata.schema().fields().iter();
        let fields: Fields =
            fields.map(|field| field.as_ref().clone().with_data_type(with_text_views(field.data_type()))).collect();
        let mut columns = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            // With a filter, looking through all pages of a column takes longer than reading the
            // few rows. A page that cannot be read is reported when its turn comes.
            let is_null =
                || self.filter.is_none() && nulls::is_null(&file, metadata.metadata(), index).unwrap_or(false);
            if !self.projection.left_out().contains(&field.name().as_str()) && !is_null() {
                columns.push(index);
            }
        }
        let schema = SchemaRef::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone()));
        let options = footer::options().with_schema(schema);
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)?;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), columns);
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_projection(mask))
    }

    /// Reads the next batch of the open file; `None` at its end.
    fn read(&mut self) -> Result<Option<RecordBatch>, String> {
        let batch = match &mut self.reader {
            Some(PartReader::Sealed(reader)) => guarded(|| reader.next().transpose())?,
            Some(PartReader::Journal(reader)) => reader.next().map_err(|error| error.to_string())?,
            None => None,
        };
        if let Some(batch) = &batch
            && self.checked.as_ref() != Some(batch.schema_ref())
        {
            self.table.check(batch.schema_ref()).map_err(|error| error.to_string())?;
            self.checked = Some(batch.schema());
        }
        if let (Some(batch), Some(PartReader::Sealed(_))) = (&batch, &self.reader) {
            self.texts.take(batch.columns().iter().map(text_bytes).sum())?;
        }
        Ok(batch)
    }

    fn damaged(&self, why: String) -> Error {
        Error::Damaged { path: self.case.join(&self.file), why }
    }
}

impl Iterator for TableBatches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.reader.is_none() {
                let part = self.parts.next()?;
                self.file.clone_from(&part.file);
                self.texts = TextBudget::of(part.bytes);
                match self.open(&part) {
                    Ok(reader) => self.reader = Some(reader),
                    Err(why) => return Some(Err(self.damaged(why))),
                }
            }
            match self.read() {
                Ok(Some(batch)) => return Some(Ok(batch)),
                Ok(None) => self.reader = None,
                Err(why) => {
                    self.reader = None;
                    return Some(Err(self.damaged(why)));
                }
            }
        }
    }
}

/// Returns the bytes of a column's texts, each as long as it is.
fn text_bytes(column: &ArrayRef) -> u64 {
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value_data().len() as u64,
        // The low half of a view's first word is the length.
        DataType::Utf8View => column.as_string_view().views().iter().map(|view| u64::from(*view as u32)).sum(),
        DataType::List(_) => text_bytes(column.as_list::<i32>().values()),
        DataType::Struct(_) => column.as_struct().columns().iter().map(text_bytes).sum(),
        DataType::Map(_, _) => column.as_map().entries().columns().iter().map(text_bytes).sum(),
        _ => 0,
    }
}

impl std::fmt::Debug for TableBatches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableBatches").field("table", &self.table).field("file", &self.file).finish_non_exhaustive()
    }
}
