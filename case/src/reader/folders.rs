//! The folders of a case and the files of its tables, by their names.

use std::collections::BTreeSet;
use std::fs::File;

use obit_schema::tables::Table;

use crate::directory::Directory;
use crate::error::Error;
use crate::journal;
use crate::manifest::Manifest;
use crate::part;

/// The folders of a case. A missing folder reads as an empty one.
#[derive(Debug)]
pub(super) struct CaseFolders {
    raw: Option<Directory>,
    derived: Option<Directory>,
    journals: Option<Directory>,
}

impl CaseFolders {
    /// Opens the folders that are there.
    pub(super) fn open(root: &Directory) -> Self {
        let child = |name| root.child(name).ok();
        Self { raw: child("raw"), derived: child("derived"), journals: child(journal::FOLDER) }
    }

    fn named(&self, name: &str) -> Option<&Directory> {
        match name {
            "raw" => self.raw.as_ref(),
            "derived" => self.derived.as_ref(),
            journal::FOLDER => self.journals.as_ref(),
            _ => None,
        }
    }

    /// Lists every file below raw and derived that has the name of a part, relative to the case.
    pub(super) fn parts(&self) -> impl Iterator<Item = String> + '_ {
        Table::ALL.into_iter().flat_map(|table| {
            let files = TableFiles::find(self, table);
            files.sealed.into_iter().map(move |number| part::path_in_case(table, number))
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

/// The numbers of a table's files.
#[derive(Debug)]
pub(super) struct TableFiles {
    pub(super) table: Table,
    pub(super) sealed: BTreeSet<u32>,
    pub(super) journals: BTreeSet<u32>,
}

impl TableFiles {
    /// Finds the files of a table by their names.
    pub(super) fn find(folders: &CaseFolders, table: Table) -> Self {
        let numbers = |folder: &str, suffix: &str| {
            let names = folders.named(folder).and_then(|folder| folder.list().ok()).unwrap_or_default();
            names.iter().filter_map(|name| part::numbered(table, name, suffix)).collect()
        };
        Self { table, sealed: numbers(table.folder(), ".parquet"), journals: numbers(journal::FOLDER, ".arrows") }
    }

    /// Returns how many files there are.
    pub(super) fn count(&self) -> usize {
        self.sealed.len() + self.journals.len()
    }

    /// Leaves out the files that the recorder dropped. A recorder that was cut off before it could
    /// remove them leaves them behind; they are no part of the case.
    pub(super) fn remove_dropped(&mut self, manifest: &Manifest, listed: &BTreeSet<u32>) {
        let Some(dropped) = &manifest.dropped else { return };
        let is_left = |number: &u32| listed.contains(number) || !dropped.has(self.table.name(), *number);
        self.sealed.retain(is_left);
        self.journals.retain(is_left);
    }
}
