//! Taking up a case that was never closed, to close it: its journals become parts, and nothing is added.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::table::from_journal;
use super::{CaseWriter, WriterOptions, reserve};
use crate::chain;
use crate::counts;
use crate::directory::Directory;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::journal;
use crate::manifest::{CaseCounts, Manifest, MissingRange, PartEntry, Segment};
use crate::part;
use crate::problem::Problem;
use crate::reader::{Case, PartInfo, PartSource};
use obit_schema::digest::Digest;
use obit_schema::tables::Table;

/// Whether a path holds a case that was never closed.
pub(super) fn is_unclosed(path: &Path) -> bool {
    Case::open(path).is_ok_and(|case| !case.is_closed())
}

impl CaseWriter {
    /// Takes up a case that was never closed, in order to close it. What its journals hold is sealed at once; call
    /// [`CaseWriter::close`] next. The manifest then says from which record on something may be missing.
    ///
    /// # Errors
    /// [`Error::AlreadyClosed`], [`Error::Busy`] while a capture writes it, [`Error::NotClosable`] if it is damaged
    /// beyond a torn end, or what [`Case::open`] says. It can be tried again.
    pub fn resume(path: &Path, options: WriterOptions) -> Result<Self, Error> {
        let root = Directory::open(path)?;
        root.lock()?;
        let case = Case::open(path)?;
        let Some(manifest) = case.manifest().filter(|_| !case.is_closed()) else {
            return Err(Error::AlreadyClosed { path: path.to_owned() });
        };
        if let Some(problem) = case.problems().iter().find(|problem| !is_torn_end(problem)) {
            return Err(Error::NotClosable { path: path.to_owned(), problem: problem.clone() });
        }
        let mut manifest = manifest.clone();
        manifest.incomplete.push(shortfall(&case)?);
        count(&case, &mut manifest)?;
        if manifest.head.is_none() {
            chain::start(&mut manifest);
        }

        let root: Arc<Directory> = Arc::new(root);
        let child = |name: &str| -> Result<Arc<Directory>, Error> {
            match root.child(name) {
                // The capture was cut off before it made that folder.
                Err(Error::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                    root.make_folder(name)?;
                    Ok(Arc::new(root.child(name)?))
                }
                opened => opened.map(Arc::new),
            }
        };
        let folders = [child("raw")?, child("derived")?, child(journal::FOLDER)?];
        remove_left_overs(&root, &folders)?;
        remove_dropped(&folders, &manifest)?;
        let [raw, derived, journals] = folders.clone();
        let mut writer = Self::over(root, [raw, derived, journals], manifest, options);
        writer.saved = false;
        if let Some(dropped) = &writer.manifest.dropped {
            for table in &mut writer.tables {
                table.number = dropped.next_parts.get(table.table.name()).copied().unwrap_or(0);
            }
        }
        for table in Table::ALL {
            for part in case.parts(table) {
                writer.take_up(table, part, &folders)?;
            }
        }
        Ok(writer)
    }

    /// Adds a part of the case to those that the manifest lists, if it is not there yet.
    fn take_up(&mut self, table: Table, part: &PartInfo, folders: &[Arc<Directory>; 3]) -> Result<(), Error> {
        let [raw, derived, _] = folders;
        let Some(writer) = self.tables.iter_mut().find(|writer| writer.table == table) else {
            return Ok(());
        };
        writer.number = writer.number.max(part.number.saturating_add(1));
        writer.last_seq = part.last_seq.or(writer.last_seq);
        let is_listed = |listed: &PartEntry| listed.table == table.name() && listed.number == part.number;
        if self.manifest.parts.iter().any(is_listed) {
            return Ok(());
        }
        let mut entry = match part.source {
            PartSource::Sealed => {
                let folder = if table.folder() == "raw" { raw } else { derived };
                sealed_entry(folder, table, part)?
            }
            PartSource::Journal => {
                let folder = Arc::clone(&writer.folder);
                from_journal(self.journals.as_ref(), folder, &self.origin, table, part.number, Some(part.rows))?
            }
        };
        entry.segment = segment_of(&self.manifest, part).map(|segment| segment.number);
        chain::push(&mut self.manifest, entry);
        self.finished.push(journal::file_name(table, part.number));
        Ok(())
    }
}

/// Whether a problem is what a cut-off leaves.
fn is_torn_end(problem: &Problem) -> bool {
    matches!(problem, Problem::TornJournal { .. })
}

/// What nobody can know of a recording that was cut off: from where on something may be missing.
fn shortfall(case: &Case) -> Result<MissingRange, Error> {
    let mut last = None;
    let mut records = case.records();
    records.for_each(|record| -> Result<(), Error> {
        last = Some(record.seq.0);
        Ok(())
    })?;
    let sealed = Table::RAW.iter().flat_map(|table| case.parts(*table));
    let sealed_end = sealed.filter(|part| part.source == PartSource::Sealed).filter_map(|part| part.last_seq).max();
    let mut first_missing = last.map_or(0, |last| last.saturating_add(1));
    for problem in records.problems() {
        match problem {
            // The journals of the raw tables need not reach equally far. What was sealed has no holes.
            Problem::Hole { first_seq, .. } if sealed_end < Some(*first_seq) => {
                first_missing = first_missing.min(*first_seq);
            }
            problem if is_torn_end(problem) => {}
            problem => return Err(Error::NotClosable { path: case.path().to_owned(), problem: problem.clone() }),
        }
    }
    let torn = case.problems().iter().filter(|problem| matches!(problem, Problem::TornJournal { .. }));
    let torn: Vec<_> = torn.map(|problem| format!("; {problem}")).collect();
    let reason = format!("the capture was cut off and the case sealed afterwards{}", torn.concat());
    Ok(MissingRange { first_seq: first_missing, last_seq: None, reason })
}

/// Counts what is there: the manifest of an open case counts as of some earlier moment.
fn count(case: &Case, manifest: &mut Manifest) -> Result<(), Error> {
    manifest.counts = CaseCounts::default();
    for segment in &mut manifest.segments {
        segment.counts = CaseCounts::default();
    }
    for table in Table::ALL {
        manifest.counts.by_table.insert(table.name().to_owned(), 0);
        for part in case.parts(table) {
            let mut counts = CaseCounts::default();
            for batch in case.batches_of(table, part) {
                counts::count(&mut counts, table, &batch?);
            }
            manifest.counts.add(&counts);
            let number = segment_of(manifest, part).map(|segment| segment.number);
            if let Some(segment) = manifest.segments.iter_mut().find(|segment| Some(segment.number) == number) {
                segment.counts.add(&counts);
            }
        }
    }
    Ok(())
}

/// The segment that a part belongs to, by its first row.
fn segment_of<'a>(manifest: &'a Manifest, part: &PartInfo) -> Option<&'a Segment> {
    let first = part.first_seq.unwrap_or(0);
    manifest.segments.iter().rev().find(|segment| segment.first_seq <= first).or(manifest.segments.first())
}

/// Removes the files of segments that were dropped, as case.json says: the capture was cut off before it came to that.
fn remove_dropped(folders: &[Arc<Directory>; 3], manifest: &Manifest) -> Result<(), Error> {
    let [raw, derived, _] = folders;
    let Some(dropped) = &manifest.dropped else { return Ok(()) };
    for table in Table::ALL {
        let folder = if table.folder() == "raw" { raw } else { derived };
        for name in folder.list()? {
            if part::number(table, &name).is_some_and(|number| dropped.has(table.name(), number)) {
                folder.remove_file(&name)?;
            }
        }
    }
    Ok(())
}

/// Removes files that were being written, and the room that was kept.
fn remove_left_overs(root: &Directory, folders: &[Arc<Directory>; 3]) -> Result<(), Error> {
    for folder in folders.iter().map(Arc::as_ref).chain([root]) {
        for name in folder.list()?.iter().filter(|name| files::is_partial(name) || *name == reserve::NAME) {
            folder.remove_file(name)?;
        }
    }
    Ok(())
}

/// The entry of a sealed part that case.json does not list: the capture was cut off in between.
fn sealed_entry(folder: &Directory, table: Table, part: &PartInfo) -> Result<PartEntry, Error> {
    let name = part::file_name(table, part.number);
    let file: File = folder.open_file(&name)?;
    let digest: Digest = crate::reader::sha256(file).map_err(Error::io("read", &Folder::path(folder).join(&name)))?;
    Ok(PartEntry {
        file: part.file.clone(),
        table: table.name().to_owned(),
        number: part.number,
        rows: part.rows,
        first_seq: part.first_seq,
        last_seq: part.last_seq,
        bytes: part.bytes,
        sha256: digest.to_string(),
        previous: None,
        segment: None,
    })
}
