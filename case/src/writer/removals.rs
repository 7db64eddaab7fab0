//! Files that a case no longer needs: removed once case.json on disk says so.

use std::io;

use obit_schema::tables::Table;

use super::folders::WriterFolders;
use crate::error::Error;
use crate::files;
use crate::journal;
use crate::layout;
use crate::manifest::PartEntry;

/// Files to remove after the next save of case.json.
#[derive(Debug, Default)]
pub(super) struct FileRemovals {
    /// Names of journals whose rows are in sealed parts.
    journals: Vec<String>,
    /// Names of parts that were being written.
    partials: Vec<(Table, String)>,
    /// Parts of segments that were dropped.
    parts: Vec<PartEntry>,
}

impl FileRemovals {
    /// Adds the journal of a part that was sealed.
    pub(super) fn add_journal(&mut self, name: String) {
        self.journals.push(name);
    }

    /// Adds the files of an open part that was given up.
    pub(super) fn add_open_part(&mut self, table: Table, number: u32) {
        self.journals.push(journal::file_name(table, number));
        self.partials.push((table, files::partial(&layout::file_name(table, number))));
    }

    /// Adds the parts of a segment that was dropped.
    pub(super) fn add_parts(&mut self, parts: Vec<PartEntry>) {
        self.parts.extend(parts);
    }

    /// Bytes of the parts that are still there.
    pub(super) fn part_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// Removes what can be removed, and keeps the rest for the next call.
    pub(super) fn run(&mut self, folders: &WriterFolders) {
        // A journal that stays costs space and nothing else.
        self.journals.retain(|journal| folders.journals().remove_file(journal).is_err());
        self.partials
            .retain(|(table, name)| folders.parts(*table).remove_file(name).is_err_and(|error| !is_gone(&error)));
        self.parts.retain(|part| {
            let Some(table) = Table::ALL.into_iter().find(|table| table.name() == part.table) else { return false };
            match folders.parts(table).remove_file(&layout::file_name(table, part.number)) {
                Ok(()) => false,
                Err(error) => !is_gone(&error),
            }
        });
    }

    /// Fails while a part of a dropped segment is still there: it may not be among the files of a
    /// closed case.
    pub(super) fn check_parts_gone(&self, folders: &WriterFolders) -> Result<(), Error> {
        match self.parts.first() {
            None => Ok(()),
            Some(part) => {
                let cause = io::Error::other("it is of a segment that was dropped, and could not be removed");
                Err(Error::Io { action: "remove", path: folders.root().path().join(&part.file), cause })
            }
        }
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Io { cause, .. } if cause.kind() == io::ErrorKind::NotFound)
}
