//! Which files of a case can be read: names, footers, journals.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;

use super::bounds;
use super::problem_log::ProblemLog;
use super::{PartInfo, PartSource};
use crate::directory::Directory;
use crate::error::Error;
use crate::guard::guarded;
use crate::journal::{self, JournalReader};
use crate::manifest::Manifest;
use crate::origin::FileOrigin;
use crate::part;
use crate::problem::Problem;
use obit_schema::tables::Table;

/// Most missing parts that are named for each gap in the numbering.
const MAX_NAMED: u32 = 16;

/// The folders of a case; one that is not there holds nothing.
#[derive(Debug)]
pub(super) struct Folders {
    raw: Option<Directory>,
    derived: Option<Directory>,
    journals: Option<Directory>,
}

impl Folders {
    pub(super) fn open(root: &Directory) -> Self {
        let child = |name| root.child(name).ok();
        Self { raw: child("raw"), derived: child("derived"), journals: child(journal::FOLDER) }
    }

    /// The folder of that name.
    pub(super) fn named(&self, name: &str) -> Option<&Directory> {
        match name {
            "raw" => self.raw.as_ref(),
            "derived" => self.derived.as_ref(),
            journal::FOLDER => self.journals.as_ref(),
            _ => None,
        }
    }

    /// Every file below raw and derived that has the name of a part, relative to the case.
    pub(super) fn parts(&self) -> impl Iterator<Item = String> + '_ {
        Table::ALL.into_iter().flat_map(|table| {
            let files = TableFiles::find(self, table);
            files.sealed.into_iter().map(move |number| format!("{}/{}", table.folder(), part::file_name(table, number)))
        })
    }

    /// Opens a file by its path within the case.
    pub(super) fn open_file(&self, file: &str) -> Result<File, String> {
        let (folder, name) = file.split_once('/').ok_or("it is in no folder of a case")?;
        if name.contains('/') {
            return Err("it is in no folder of a case".to_owned());
        }
        let folder = self.named(folder).ok_or("its folder is missing")?;
        folder.open_file(name).map_err(|error| match error {
            Error::Io { cause, .. } => cause.to_string(),
            other => other.to_string(),
        })
    }
}

/// The files of one table, by number.
#[derive(Debug)]
pub(super) struct TableFiles {
    table: Table,
    sealed: BTreeSet<u32>,
    journals: BTreeSet<u32>,
}

impl TableFiles {
    pub(super) fn find(folders: &Folders, table: Table) -> Self {
        let numbers = |folder: &str, suffix: &str| {
            let names = folders.named(folder).and_then(|folder| folder.list().ok()).unwrap_or_default();
            names.iter().filter_map(|name| part::numbered(table, name, suffix)).collect()
        };
        Self { table, sealed: numbers(table.folder(), ".parquet"), journals: numbers(journal::FOLDER, ".arrows") }
    }

    pub(super) fn count(&self) -> usize {
        self.sealed.len() + self.journals.len()
    }
}

/// The search of a case for what can be read.
pub(super) struct Scan<'a> {
    pub(super) folders: &'a Folders,
    /// Whether case.json says that the case is complete: its journals are left-overs then.
    pub(super) closed: bool,
    /// The case that files must belong to; without a case.json, that of the first file.
    pub(super) case_id: Option<String>,
    pub(super) problems: &'a mut ProblemLog,
}

impl Scan<'_> {
    /// The readable files of a table, in order.
    pub(super) fn table(&mut self, mut files: TableFiles, manifest: Option<&Manifest>) -> Vec<PartInfo> {
        let table = files.table;
        let listed = manifest.map(|manifest| manifest.parts.as_slice()).unwrap_or_default();
        let listed: BTreeSet<u32> =
            listed.iter().filter(|part| part.table == table.name()).map(|part| part.number).collect();
        // What the recorder dropped is no part of the case, even if it was cut off before it could remove the file.
        let dropped = manifest.and_then(|manifest| manifest.dropped.as_ref());
        let is_left = |number: &u32| {
            listed.contains(number) || !dropped.is_some_and(|dropped| dropped.has(table.name(), *number))
        };
        files.sealed.retain(is_left);
        files.journals.retain(is_left);
        let first = dropped.and_then(|dropped| dropped.next_parts.get(table.name()).copied()).unwrap_or(0);
        let mut readable = BTreeMap::new();
        for number in &files.sealed {
            let file = format!("{}/{}", table.folder(), part::file_name(table, *number));
            if let Some(info) = self.sealed(table, *number, &file) {
                readable.insert(*number, info);
            }
        }
        for number in &files.journals {
            // A part and its journal together: the capture ended between sealing the one and removing the other.
            if self.closed || readable.contains_key(number) {
                continue;
            }
            let file = format!("{}/{}", journal::FOLDER, journal::file_name(table, *number));
            if let Some(info) = self.journal(table, *number, &file) {
                readable.insert(*number, info);
            }
        }
        let mut there: BTreeSet<u32> = files.sealed;
        if !self.closed {
            there.extend(&files.journals);
        }
        self.missing(table, first, &there, &listed);
        readable.into_values().collect()
    }

    /// Names the parts that are not there.
    fn missing(&mut self, table: Table, first: u32, there: &BTreeSet<u32>, listed: &BTreeSet<u32>) {
        let known: BTreeSet<u32> = there.union(listed).copied().collect();
        let mut next = first;
        for number in known {
            let gap = number.saturating_sub(next);
            for missing in next..number.min(next.saturating_add(MAX_NAMED)) {
                let others = if missing - next == MAX_NAMED - 1 { gap - MAX_NAMED } else { 0 };
                self.problems.push_many(missing_part(table, missing), others.into());
            }
            if !there.contains(&number) {
                self.problems.push(missing_part(table, number));
            }
            next = number.saturating_add(1);
        }
    }

    fn sealed(&mut self, table: Table, number: u32, file: &str) -> Option<PartInfo> {
        let (bytes, metadata) = match self.footer(file) {
            Ok(read) => read,
            Err(why) => {
                self.problems.push(Problem::Damaged { file: file.to_owned(), why });
                return None;
            }
        };
        let pairs = metadata.metadata().file_metadata().key_value_metadata();
        let value = |key: &str| {
            let pair = pairs.into_iter().flatten().find(|pair| pair.key == key)?;
            pair.value.as_deref()
        };
        let checked = FileOrigin::find(table, value).and_then(|origin| {
            table.check(metadata.schema()).map_err(|error| error.to_string())?;
            Ok(origin)
        });
        if !self.belongs(file, checked) {
            return None;
        }
        let (rows, ends) = footer_facts(metadata.metadata());
        Some(PartInfo {
            number,
            file: file.to_owned(),
            rows,
            bytes,
            first_seq: ends.map(|ends| ends.0),
            last_seq: ends.map(|ends| ends.1),
            source: PartSource::Sealed,
        })
    }

    /// Size and footer of a Parquet file.
    fn footer(&self, file: &str) -> Result<(u64, ArrowReaderMetadata), String> {
        let file = self.folders.open_file(file)?;
        let bytes = file.metadata().map_err(|error| error.to_string())?.len();
        if bytes == 0 {
            return Err("it is empty".to_owned());
        }
        bounds::check_footer(&file)?;
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, reader_options()))?;
        guarded(|| bounds::check_pages(&file, metadata.metadata()))?;
        Ok((bytes, metadata))
    }

    /// Reads a journal through: its rows are only known from its batches.
    fn journal(&mut self, table: Table, number: u32, file: &str) -> Option<PartInfo> {
        let opened = self.folders.open_file(file).and_then(|opened| {
            let bytes = opened.metadata().map_err(|error| error.to_string())?.len();
            Ok((bytes, JournalReader::new(opened).map_err(|error| error.to_string())?))
        });
        let (bytes, mut reader) = match opened {
            Ok(opened) => opened,
            Err(why) => {
                self.problems.push(Problem::Damaged { file: file.to_owned(), why });
                return None;
            }
        };
        let (mut rows, mut first_seq, mut last_seq) = (0_u64, None, None);
        let failure = loop {
            match reader.next() {
                Ok(Some(batch)) => {
                    rows += batch.num_rows() as u64;
                    if let Some((first, last)) = part::seq_ends(&batch) {
                        first_seq = first_seq.or(Some(first));
                        last_seq = Some(last);
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        if let Some(schema) = reader.schema() {
            let value = |key: &str| schema.metadata().get(key).map(String::as_str);
            let checked = FileOrigin::find(table, value).and_then(|origin| {
                table.check(&schema).map_err(|error| error.to_string())?;
                Ok(origin)
            });
            if !self.belongs(file, checked) {
                return None;
            }
        }
        if let Some(why) = failure {
            self.problems.push(Problem::Damaged { file: file.to_owned(), why });
        } else if reader.torn() {
            self.problems.push(Problem::TornJournal { file: file.to_owned(), rows });
        }
        (rows > 0).then(|| PartInfo {
            number,
            file: file.to_owned(),
            rows,
            bytes,
            first_seq,
            last_seq,
            source: PartSource::Journal,
        })
    }

    /// Whether a file with that origin is one of this case; names the problem where there is one.
    fn belongs(&mut self, file: &str, origin: Result<FileOrigin, String>) -> bool {
        let origin = match origin {
            Ok(origin) => origin,
            Err(why) => {
                self.problems.push(Problem::Foreign { file: file.to_owned(), why });
                return false;
            }
        };
        let case_id = self.case_id.get_or_insert_with(|| origin.case_id.clone());
        if *case_id != origin.case_id {
            let why = format!("it is of case {}", origin.case_id);
            self.problems.push(Problem::Foreign { file: file.to_owned(), why });
            return false;
        }
        if origin.schema_version > obit_schema::SCHEMA_VERSION {
            let found = origin.schema_version;
            self.problems.push(Problem::NewerSchema { file: file.to_owned(), found });
        }
        true
    }
}

/// Types are taken from Parquet's own schema, never from the Arrow schema that a file may carry beside it.
pub(super) fn reader_options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

fn missing_part(table: Table, number: u32) -> Problem {
    Problem::MissingPart { file: format!("{}/{}", table.folder(), part::file_name(table, number)) }
}

/// Rows, and the smallest and largest `seq` by the statistics.
fn footer_facts(metadata: &ParquetMetaData) -> (u64, Option<(u64, u64)>) {
    let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
    let columns = metadata.file_metadata().schema_descr().columns();
    let seq = columns.iter().position(|column| column.path().string() == "seq");
    let ends = seq.and_then(|seq| {
        let groups = metadata.row_groups().iter();
        groups
            .filter_map(|group| unsigned_range(group.columns().get(seq)?.statistics()?))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    });
    (rows, ends)
}

/// The range of 64-bit values that statistics tell. Those of unsigned values are kept in the signed type of the same width.
pub(super) fn unsigned_range(statistics: &Statistics) -> Option<(u64, u64)> {
    let Statistics::Int64(range) = statistics else {
        return None;
    };
    Some((range.min_opt()?.cast_unsigned(), range.max_opt()?.cast_unsigned()))
}
