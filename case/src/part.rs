//! Writes parts: a part is one Parquet file of a table. It gets its name once it is complete.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest as _, Sha256};

use crate::directory::Directory;
use crate::error::Error;
use crate::files::{Folder, OutputFile, partial};
use crate::layout::Layout;
use crate::manifest::PartEntry;
use crate::origin::FileOrigin;
use crate::record_tree::RecordTree;
use obit_schema::digest::Digest;
use obit_schema::leaf::SaltSeed;
use obit_schema::tables::Table;

/// Effort of the compressor. A capture compresses beside the workload that it watches; higher
/// levels take several times the time for a tenth of the bytes.
const ZSTD_LEVEL: i32 = 3;

/// Most rows of a row group. A writer holds one in memory, and a reader may skip one by its
/// statistics.
pub const ROW_GROUP_ROWS: usize = 128 << 10;

/// Writes a table to one Parquet file outside a case. The path must not exist; the file gets its
/// name once it is complete.
///
/// # Errors
/// [`Error::Io`], or the first error of `batches`.
pub fn write_file(
    path: &Path,
    table: Table,
    origin: &FileOrigin,
    batches: impl IntoIterator<Item = Result<RecordBatch, Error>>,
) -> Result<(), Error> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| Error::Io {
        action: "create",
        path: path.to_owned(),
        cause: io::Error::other("the file's name is not UTF-8 text"),
    })?;
    let folder: Arc<dyn Folder> = Arc::new(Directory::open(parent)?);
    let mut part = PartWriter::create(Arc::clone(&folder), origin, None, table, 0, name.to_owned())?;
    for batch in batches {
        part.append(&batch?)?;
    }
    // The entry is for a part of a case.
    part.seal(Layout::ByTable)?;
    folder.sync()
}

/// Writes one part, under a hidden name until it is sealed.
#[derive(Debug)]
pub(crate) struct PartWriter {
    folder: Arc<dyn Folder>,
    table: Table,
    number: u32,
    name: String,
    /// `None` once the part is sealed.
    writer: Option<ArrowWriter<HashingFile>>,
    /// `None` for a part that gets no root.
    tree: Option<RecordTree>,
    rows: u64,
    first_seq: Option<u64>,
    last_seq: Option<u64>,
}

impl PartWriter {
    /// Begins a part, under a hidden name. With a seed, its entry gets the root of the tree over
    /// its records.
    pub(crate) fn create(
        folder: Arc<dyn Folder>,
        origin: &FileOrigin,
        seed: Option<&SaltSeed>,
        table: Table,
        number: u32,
        name: String,
    ) -> Result<Self, Error> {
        let path = folder.path().join(&name);
        let file = HashingFile { file: folder.create_file(&partial(&name))?, hash: Sha256::new(), bytes: 0 };
        // Parquet's own schema has all types; Arrow's beside it would only take bytes.
        let options = ArrowWriterOptions::new()
            .with_properties(properties(origin, table).map_err(|error| write_error(&path, error))?)
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, table.schema(), options)
            .map_err(|error| write_error(&path, error))?;
        let (writer, tree) = (Some(writer), RecordTree::new(table, seed));
        Ok(Self { folder, table, number, name, writer, tree, rows: 0, first_seq: None, last_seq: None })
    }

    /// Adds rows, in order of `seq`.
    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let path = self.folder.path().join(&self.name);
        let Some(writer) = &mut self.writer else {
            return Err(Error::Stopped { path });
        };
        writer.write(batch).map_err(|error| write_error(&path, error))?;
        if let Some(tree) = &mut self.tree {
            tree.append(batch)?;
        }
        self.rows += batch.num_rows() as u64;
        if let Some((first, last)) = seq_ends(batch) {
            self.first_seq = self.first_seq.or(Some(first));
            self.last_seq = Some(last);
        }
        Ok(())
    }

    /// Completes the part, brings it to disk and gives it its name. The name is on disk once the
    /// folder is synced. Returns the part's entry in a case of this layout.
    pub(crate) fn seal(mut self, layout: Layout) -> Result<PartEntry, Error> {
        let path = self.folder.path().join(&self.name);
        let Some(mut writer) = self.writer.take() else {
            return Err(Error::Stopped { path });
        };
        let sealed = (|| {
            // `into_inner` would flush too, but hide which error there was.
            writer.finish().map_err(|error| write_error(&path, error))?;
            writer.inner_mut().file.sync().map_err(Error::io("sync", &path))?;
            self.folder.rename(&partial(&self.name), &self.name)
        })();
        if let Err(error) = sealed {
            let _ = self.folder.remove_file(&partial(&self.name));
            return Err(error);
        }
        let file = writer.inner();
        Ok(PartEntry {
            file: layout.part_path(self.table, self.number),
            table: self.table.name().to_owned(),
            number: self.number,
            rows: self.rows,
            first_seq: self.first_seq,
            last_seq: self.last_seq,
            bytes: file.bytes,
            sha256: Digest::from(file.hash.clone()).to_string(),
            root: self.tree.take().map(|tree| tree.root().to_string()),
            previous: None,
            segment: None,
        })
    }

    /// Returns the number of rows added so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the bytes written to the file so far, without those still in memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.writer.as_ref().map_or(0, |writer| writer.inner().bytes)
    }
}

impl Drop for PartWriter {
    /// Removes the file of a part that was not sealed; its rows are in the journal.
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            let _ = self.folder.remove_file(&partial(&self.name));
        }
    }
}

/// Returns the first and the last `seq` of a batch; `None` without rows.
pub(crate) fn seq_ends(batch: &RecordBatch) -> Option<(u64, u64)> {
    let seqs = batch.column_by_name("seq")?.as_any().downcast_ref::<UInt64Array>()?;
    let last = seqs.len().checked_sub(1)?;
    Some((seqs.value(0), seqs.value(last)))
}

fn properties(origin: &FileOrigin, table: Table) -> Result<WriterProperties, ParquetError> {
    let mut pairs: Vec<_> = origin.pairs(table).into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    pairs.sort_by(|a, b| a.key.cmp(&b.key));
    let seq = table.columns().iter().position(|column| column.name == "seq");
    let sorting = seq
        .and_then(|index| i32::try_from(index).ok())
        .map(|column_idx| vec![SortingColumn { column_idx, descending: false, nulls_first: false }]);
    let mut properties = WriterProperties::builder()
        .set_created_by(created_by(origin))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_key_value_metadata(Some(pairs))
        .set_sorting_columns(sorting);
    for name in table.delta_columns() {
        let column = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    if table == Table::Events {
        // Statistics alone would not find an old directory's events: ids grow, and each group has
        // old ones.
        let column = ColumnPath::from("cgroup_id");
        properties = properties
            .set_column_bloom_filter_enabled(column.clone(), true)
            .set_column_bloom_filter_max_ndv(column, ROW_GROUP_ROWS as u64);
    }
    if table.has_container_id() {
        let column = ColumnPath::from("container_id");
        // Sized for a full row group; the library folds it to what its values need.
        properties = properties
            .set_column_bloom_filter_enabled(column.clone(), true)
            .set_column_bloom_filter_max_ndv(column, ROW_GROUP_ROWS as u64);
    }
    Ok(properties.build())
}

/// Returns the writer's name as Parquet wants it (parquet.thrift, `created_by`): some readers trust
/// no statistics of a writer whose version they cannot parse.
fn created_by(origin: &FileOrigin) -> String {
    let (version, commit) = origin.build.split_once(' ').unwrap_or((&origin.build, "unknown"));
    format!("obit version {version} (build {commit})")
}

/// Makes an [`Error::Io`], with the operating system's error where there is one below.
fn write_error(path: &Path, error: ParquetError) -> Error {
    let cause = match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    };
    Error::Io { action: "write", path: path.to_owned(), cause }
}

/// A file that is hashed as it is written.
#[derive(Debug)]
struct HashingFile {
    file: Box<dyn OutputFile>,
    hash: Sha256,
    bytes: u64,
}

impl Write for HashingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hash.update(buffer.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
