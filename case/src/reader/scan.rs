//! Finds the readable files of a case: by their names, footers and journals.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use arrow_schema::Schema;
use obit_schema::tables::Table;

use super::budget::{ReadBudget, ReadCost};
use super::folders::{CaseFolders, TableFiles};
use super::footer;
use super::part_info::{PartInfo, PartSource};
use crate::journal::{self, JournalReader};
use crate::manifest::Manifest;
use crate::origin::FileOrigin;
use crate::part;
use crate::problem::Problem;
use crate::problem_log::ProblemLog;

/// Most missing parts that are named for each gap in the numbering.
const MAX_NAMED: u32 = 16;

/// A search of a case for what can be read.
pub(super) struct CaseScan<'a> {
    pub(super) folders: &'a CaseFolders,
    /// True if case.json calls the case complete: its journals are left-overs then.
    pub(super) is_closed: bool,
    /// The case that files must belong to; without a case.json, that of the first file.
    pub(super) case_id: Option<String>,
    pub(super) problems: &'a mut ProblemLog,
    /// The work that the files found so far ask for.
    pub(super) budget: ReadBudget,
}

impl CaseScan<'_> {
    /// Returns the readable files of a table, in order.
    pub(super) fn table(&mut self, mut files: TableFiles, manifest: Option<&Manifest>) -> Vec<PartInfo> {
        let table = files.table;
        let listed = manifest.iter().flat_map(|manifest| &manifest.parts);
        let listed: BTreeSet<u32> = listed.filter(|part| part.table == table.name()).map(|part| part.number).collect();
        if let Some(manifest) = manifest {
            files.remove_dropped(manifest, &listed);
        }
        if self.is_closed {
            files.journals.clear();
        }
        let mut readable = BTreeMap::new();
        for number in &files.sealed {
            if let Some(info) = self.sealed(table, *number) {
                readable.insert(*number, info);
            }
        }
        for number in &files.journals {
            // A part beside its journal: the capture ended between sealing the one and removing the
            // other.
            if !readable.contains_key(number)
                && let Some(info) = self.journal(table, *number)
            {
                readable.insert(*number, info);
            }
        }
        let dropped = manifest.and_then(|manifest| manifest.dropped.as_ref());
        let first = dropped.and_then(|dropped| dropped.next_parts.get(table.name()).copied()).unwrap_or(0);
        let there = files.sealed.union(&files.journals).copied().collect();
        self.report_missing(table, first, &there, &listed);
        readable.into_values().collect()
    }

    /// Returns the parts that were kept of dropped segments, in the order of the list. An entry
    /// that contradicts its place is passed over here; the check of the chain reports it.
    pub(super) fn kept(&mut self, manifest: &Manifest) -> Vec<(Table, PartInfo)> {
        let Some(dropped) = &manifest.dropped else { return Vec::new() };
        let listed: BTreeSet<&str> = manifest.parts.iter().map(|part| part.file.as_str()).collect();
        let (mut seen, mut kept) = (BTreeSet::new(), Vec::new());
        for part in &dropped.kept {
            let Some(table) = Table::DERIVED.into_iter().find(|table| table.name() == part.table) else { continue };
            let is_in_place = part.file == self.path(table, part.number);
            let is_dropped = dropped.has(&part.table, part.number) && !listed.contains(part.file.as_str());
            if !is_in_place || !is_dropped || !seen.insert(part.file.as_str()) {
                continue;
            }
            if !self.folders.has(&part.file) {
                self.problems.push(Problem::MissingPart { file: part.file.clone() });
            } else if let Some(info) = self.sealed(table, part.number) {
                kept.push((table, info));
            }
        }
        kept
    }

    /// Reports the parts from `first` on that are listed, or that the numbering asks for, and are
    /// not there.
    fn report_missing(&mut self, table: Table, first: u32, there: &BTreeSet<u32>, listed: &BTreeSet<u32>) {
        let layout = self.folders.layout();
        let missing_part = |number| Problem::MissingPart { file: layout.part_path(table, number) };
        let known: BTreeSet<u32> = there.union(listed).copied().collect();
        let mut next = first;
        for number in known {
            let gap = number.saturating_sub(next);
            for missing in next..number.min(next.saturating_add(MAX_NAMED)) {
                let others = if missing - next == MAX_NAMED - 1 { gap - MAX_NAMED } else { 0 };
                self.problems.push_many(missing_part(missing), others.into());
            }
            if !there.contains(&number) {
                self.problems.push(missing_part(number));
            }
            next = number.saturating_add(1);
        }
    }

    /// Reads the footer of a sealed part.
    fn sealed(&mut self, table: Table, number: u32) -> Option<PartInfo> {
        let file = self.path(table, number);
        let read = self.open(&file).and_then(|(opened, bytes)| match bytes {
            0 => Err("it is empty".to_owned()),
            _ => Ok((bytes, footer::read(&opened)?)),
        });
        let read = read.and_then(|(bytes, (metadata, cost))| {
            self.budget.take(bytes, cost)?;
            Ok((bytes, metadata))
        });
        let (bytes, metadata) = self.or_damaged(&file, read)?;
        let pairs = metadata.metadata().file_metadata().key_value_metadata();
        let value = |key: &str| {
            let pair = pairs.into_iter().flatten().find(|pair| pair.key == key)?;
            pair.value.as_deref()
        };
        if !self.belongs(&file, origin(table, metadata.schema(), value)) {
            return None;
        }
        let metadata = metadata.metadata();
        let (first_seq, last_seq) = footer::seq_range(metadata).unzip();
        let (rows, last_ts) = (footer::rows(metadata), footer::last_ts(metadata));
        Some(PartInfo { number, file, rows, bytes, first_seq, last_seq, last_ts, source: PartSource::Sealed })
    }

    /// Reads a journal to its end: only its batches tell its rows.
    fn journal(&mut self, table: Table, number: u32) -> Option<PartInfo> {
        let file = format!("{}/{}", journal::FOLDER, journal::file_name(table, number));
        let opened = self
            .open(&file)
            .and_then(|(opened, bytes)| Ok((bytes, JournalReader::new(opened).map_err(|error| error.to_string())?)));
        let (bytes, mut reader) = self.or_damaged(&file, opened)?;
        let (mut rows, mut first_seq, mut last_seq) = (0_u64, None, None);
        let mut budget = self.budget;
        let failure = loop {
            match reader.next() {
                Ok(Some(batch)) => {
                    rows += batch.num_rows() as u64;
                    if let Some((first, last)) = part::seq_ends(&batch) {
                        first_seq = first_seq.or(Some(first));
                        last_seq = Some(last);
                    }
                    budget = self.budget;
                    let cost = ReadCost { rows, unfolded_bytes: reader.unfolded_bytes(), ..ReadCost::default() };
                    if let Err(why) = budget.take(bytes, cost) {
                        self.problems.push(Problem::Damaged { file, why });
                        return None;
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        if let Some(schema) = reader.schema() {
            let value = |key: &str| schema.metadata().get(key).map(String::as_str);
            if !self.belongs(&file, origin(table, &schema, value)) {
                return None;
            }
        }
        self.budget = budget;
        if let Some(why) = failure {
            self.problems.push(Problem::Damaged { file: file.clone(), why });
        } else if reader.is_torn() {
            self.problems.push(Problem::TornJournal { file: file.clone(), rows });
        }
        let source = PartSource::Journal;
        let info = PartInfo { number, file, rows, bytes, first_seq, last_seq, last_ts: None, source };
        (rows > 0).then_some(info)
    }

    /// Returns the path of a part within the case.
    fn path(&self, table: Table, number: u32) -> String {
        self.folders.layout().part_path(table, number)
    }

    /// Opens a file. Returns its size beside it.
    fn open(&self, file: &str) -> Result<(File, u64), String> {
        let file = self.folders.open_file(file)?;
        let bytes = file.metadata().map_err(|error| error.to_string())?.len();
        Ok((file, bytes))
    }

    /// Reports a file that cannot be read as damaged.
    fn or_damaged<T>(&mut self, file: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|why| self.problems.push(Problem::Damaged { file: file.to_owned(), why })).ok()
    }

    /// Returns true if a file of that origin is one of this case; reports it where there is a
    /// problem.
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

/// Returns the origin that a file's key-value pairs state, if its columns are those of the table.
fn origin<'a>(table: Table, schema: &Schema, value: impl Fn(&str) -> Option<&'a str>) -> Result<FileOrigin, String> {
    let origin = FileOrigin::find(table, value)?;
    table.check(schema).map_err(|error| error.to_string())?;
    Ok(origin)
}
