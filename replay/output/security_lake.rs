//! OCSF events as Amazon Security Lake wants those of a source of one's own: Parquet, in a folder
//! for each day.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{RecordBatch, UInt32Array};
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::SchemaRef;
use arrow_select::take::take_record_batch;
use chrono::DateTime;
use obit_analysis::export::ocsf_schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::destination::NewFile;

/// Events that are turned into columns at a time.
const BATCH_EVENTS: usize = 8_192;
/// Events of a row group.
const ROW_GROUP_EVENTS: usize = 65_536;
/// Size at which another file is begun, in bytes: Security Lake wants no more than 256 MB.
const MAX_FILE_BYTES: usize = 128 << 20;
/// Most days whose files are open at a time.
const MAX_OPEN_DAYS: usize = 8;

/// Where events belong in a lake: `REGION/ACCOUNT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakePartition {
    region: String,
    account: String,
}

impl LakePartition {
    /// Reads a region of AWS and the twelve digits of an account, with a slash between them.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = "give a region and an account of twelve digits, like eu-central-1/123456789012";
        let (region, account) = text.split_once('/').ok_or(wrong)?;
        let is_region = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_right = !region.is_empty()
            && region.bytes().all(is_region)
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit());
        if is_right { Ok(Self { region: region.to_owned(), account: account.to_owned() }) } else { Err(wrong) }
    }
}

/// Takes events as lines of JSON, and writes them into files below a new directory.
pub struct SecurityLakeWriter {
    directory: PathBuf,
    partition: LakePartition,
    /// Part of the names of files, so that those of several exports fit into one lake.
    export_name: String,
    schema: SchemaRef,
    decoder: Decoder,
    /// Open files by day, since 1970.
    open: BTreeMap<i64, ArrowWriter<NewFile>>,
    files: u64,
}

impl SecurityLakeWriter {
    /// Makes the directory, which must not exist.
    pub fn create(directory: PathBuf, partition: LakePartition, export_name: String) -> anyhow::Result<Self> {
        let made = fs::create_dir(&directory);
        made.with_context(|| format!("cannot make the directory {} (it must be new)", directory.display()))?;
        let schema: SchemaRef = Arc::new(ocsf_schema());
        // A member that the schema lacks is an error, not silence.
        let builder = ReaderBuilder::new(Arc::clone(&schema)).with_batch_size(BATCH_EVENTS).with_strict_mode(true);
        let decoder = builder.build_decoder().context("cannot read events as columns")?;
        Ok(Self { directory, partition, export_name, schema, decoder, open: BTreeMap::new(), files: 0 })
    }

    /// Writes what is left, and closes all files.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.write_events()?;
        while let Some((_, writer)) = self.open.pop_first() {
            close(writer)?;
        }
        Ok(())
    }

    /// Writes the events that are read, by day and in the order of time.
    fn write_events(&mut self) -> anyhow::Result<()> {
        let Some(batch) = self.decoder.flush().context("cannot read events as columns")? else { return Ok(()) };
        let times = batch.column_by_name("time").context("events have a time")?.as_primitive::<Int64Type>().values();
        let mut order: Vec<u32> = (0..).take(batch.num_rows()).collect();
        let time = |row: &u32| times.get(*row as usize).copied().unwrap_or_default();
        order.sort_by_key(time);
        for rows in order.chunk_by(|a, b| day(time(a)) == day(time(b))) {
            let Some(day) = rows.first().map(|row| day(time(row))) else { continue };
            let of_day = take_record_batch(&batch, &UInt32Array::from(rows.to_vec())).context("cannot sort events")?;
            self.write_day(day, &of_day)?;
        }
        Ok(())
    }

    fn write_day(&mut self, day: i64, events: &RecordBatch) -> anyhow::Result<()> {
        let mut writer = match self.open.remove(&day) {
            Some(writer) => writer,
            None => self.begin_file(day)?,
        };
        writer.write(events).context("cannot write events as Parquet")?;
        if writer.in_progress_rows() >= ROW_GROUP_EVENTS {
            writer.flush().context("cannot write events as Parquet")?;
        }
        if writer.bytes_written() >= MAX_FILE_BYTES {
            return close(writer);
        }
        self.open.insert(day, writer);
        if self.open.len() > MAX_OPEN_DAYS
            && let Some((_, oldest)) = self.open.pop_first()
        {
            close(oldest)?;
        }
        Ok(())
    }

    fn begin_file(&mut self, day: i64) -> anyhow::Result<ArrowWriter<NewFile>> {
        let date =
            DateTime::from_timestamp_secs(day.saturating_mul(DAY_MS / 1_000)).context("a time is out of range")?;
        let LakePartition { region, account } = &self.partition;
        let folder = format!("region={region}/accountId={account}/eventDay={}", date.format("%Y%m%d"));
        let folder = self.directory.join(folder);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make the directory {}", folder.display()))?;
        let path = folder.join(format!("obit-{}-{:06}.parquet", self.export_name, self.files));
        self.files += 1;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let file = NewFile::create(&path)?;
        ArrowWriter::try_new(file, Arc::clone(&self.schema), Some(properties)).context("cannot begin a Parquet file")
    }
}

impl Write for SecurityLakeWriter {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let read = self.decoder.decode(lines).map_err(io::Error::other)?;
        if read < lines.len() {
            self.write_events().map_err(|error| io::Error::other(format!("{error:#}")))?;
        }
        // Nothing was read if as many events as fit were there before.
        if read == 0 && !lines.is_empty() { self.write(lines) } else { Ok(read) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Returns the day of a time in milliseconds, both since 1970 in UTC.
fn day(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

fn close(writer: ArrowWriter<NewFile>) -> anyhow::Result<()> {
    let file = writer.into_inner().context("cannot write the footer of a Parquet file")?;
    file.finish().map_err(|error| anyhow!(error)).context("cannot write a Parquet file (check the disk's free space)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_a_region_and_an_account() {
        assert!(LakePartition::parse("eu-central-1/123456789012").is_ok());
        for wrong in ["", "eu-central-1", "eu-central-1/12345", "../x/123456789012", "EU/123456789012", "/123456789012"]
        {
            assert!(LakePartition::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_day_has_a_folder_and_days_before_1970_too() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("lake");
        let partition = LakePartition::parse("eu-central-1/123456789012").unwrap();
        let mut writer = SecurityLakeWriter::create(directory.clone(), partition, "x".to_owned()).unwrap();
        let times = [-1, 0, DAY_MS - 1, DAY_MS];
        for round in 0..BATCH_EVENTS {
            writeln!(writer, "{{\"time\":{}}}", times[round % times.len()]).unwrap();
        }
        writeln!(writer, "{{\"time\":0}}").unwrap();
        writer.finish().unwrap();
        let folder = directory.join("region=eu-central-1/accountId=123456789012");
        let mut days: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        days.sort();
        assert_eq!(days, ["eventDay=19691231", "eventDay=19700101", "eventDay=19700102"]);
        assert!(writer_refuses_unknown_members(&scratch.path().join("other")));
    }

    fn writer_refuses_unknown_members(directory: &std::path::Path) -> bool {
        let partition = LakePartition::parse("eu-central-1/123456789012").unwrap();
        let mut writer = SecurityLakeWriter::create(directory.to_owned(), partition, "x".to_owned()).unwrap();
        writeln!(writer, "{{\"time\":1,\"unheard_of\":1}}").and_then(|()| writer.flush()).is_err()
            || writer.finish().is_err()
    }
}
