//! The footer of a Parquet file of a case.

use std::fs::File;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::bounds;
use super::budget::ReadCost;
use crate::guard::guarded;

/// Reads the footer of a file and checks that it asks for no more than [`bounds`] allow. Returns
/// beside it the work that reading the file takes.
pub(super) fn read(file: &File) -> Result<(ArrowReaderMetadata, ReadCost), String> {
    bounds::check_footer(file)?;
    let metadata = guarded(|| ArrowReaderMetadata::load(file, options()))?;
    let cost = guarded(|| bounds::check_pages(file, metadata.metadata()))?;
    Ok((metadata, cost))
}

/// Returns options that take types from Parquet's own schema, never from the Arrow schema that a
/// file may carry beside it.
pub(super) fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

/// Returns the number of rows.
pub(super) fn rows(metadata: &ParquetMetaData) -> u64 {
    u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default()
}

/// Returns the least and the greatest `seq` by the statistics.
pub(super) fn seq_range(metadata: &ParquetMetaData) -> Option<(u64, u64)> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let seq = columns.iter().position(|column| column.path().string() == "seq")?;
    let groups = metadata.row_groups().iter();
    groups
        .filter_map(|group| unsigned_range(group.columns().get(seq)?.statistics()?))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Returns the greatest `ts` by the statistics, if those of all row groups tell.
pub(super) fn last_ts(metadata: &ParquetMetaData) -> Option<i64> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let ts = columns.iter().position(|column| column.path().string() == "ts")?;
    let last_of = |group: &RowGroupMetaData| match group.columns().get(ts)?.statistics()? {
        Statistics::Int64(range) => range.max_opt().copied(),
        _ => None,
    };
    let all: Option<Vec<i64>> = metadata.row_groups().iter().map(last_of).collect();
    all?.into_iter().max()
}

/// Returns the range of a column of unsigned 64-bit values by its statistics, which store them in
/// the signed type of the same width.
pub(super) fn unsigned_range(statistics: &Statistics) -> Option<(u64, u64)> {
    let Statistics::Int64(range) = statistics else {
        return None;
    };
    Some((range.min_opt()?.cast_unsigned(), range.max_opt()?.cast_unsigned()))
}
