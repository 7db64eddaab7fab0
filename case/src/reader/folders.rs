//! The folders of a case and the files of its tables, by their names.

use std::collections::BTreeSet;
use std::fs::File;

use obit_schema::tables::Table;

use crate::directory::{Directory, NameList};
use crate::error::Error;
use crate::journal;
use crate::manifest::Manifest;
use crate::part;

/// A folder of a case with its names. A folder that cannot be opened has none.
#[derive(Debug)]
pub(super) struct ListedFolder {
    /// Name of the folder; empty for the case itself.
    pub(super) name: &'static str,
    /// Names in it, sorted.
    pub(super) names: Vec<String>,
    /// True if there are more names.
    pub(super) is_cut: bool,
    /// The folder; `None` for the case itself.
    directory: Option<Directory>,
}

impl ListedFolder {
    fn new(name: &'static str, directory: Option<Directory>, listed: Result<NameList, Error>) -> Self {
        let NameList { names, is_cut } = listed.unwrap_or_default();
        Self { name, names, is_cut, directory }
    }
}

/// The folders of a case, each listed once. A missing folder reads as an empty one.
#[derive(Debug)]
pub(super) struct CaseFolders {
    folders: Vec<ListedFolder>,
}

impl CaseFolders {
    /// Opens and lists the folders that are there.
    pub(super) fn open(root: &Directory) -> Self {
        let child = |name| {
            let directory = root.child(name).ok()?;
            let listed = directory.list_all();
            Some(ListedFolder::new(name, Some(directory), listed))
        };
        let folders = ["raw", "derived", journal::FOLDER].into_iter().filter_map(child);
        Self { folders: folders.chain([ListedFolder::new("", None, root.list_all())]).collect() }
    }

    /// Returns the folders, and the case itself.
    pub(super) fn list(&self) -> &[ListedFolder] {
        &self.folders
    }

    fn named(&self, name: &str) -> Option<&ListedFolder> {
        self.folders.iter().find(|folder| folder.name == name && folder.directory.is_some())
    }

    /// Returns true if there is a file of that path within the case.
    pub(super) fn has(&self, file: &str) -> bool {
        let (folder, name) = file.split_once('/').unwrap_or(("", file));
        let names = self.folders.iter().filter(|listed| listed.name == folder).map(|listed| &listed.names);
        names.into_iter().any(|names| names.binary_search_by(|other| other.as_str().cmp(name)).is_ok())
    }

    /// Opens a file by its path within the case.
    pub(super) fn open_file(&self, file: &str) -> Result<File, String> {
        let (folder, name) = file.split_once('/').ok_or("it is in no folder of a case")?;
        if name.contains('/') {
            return Err("it is in no folder of a case".to_owned());
        }
        let folder = self.named(folder).and_then(|folder| folder.directory.as_ref()).ok_or("its folder is missing")?;
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
            let names = folders.named(folder).map(|folder| folder.names.as_slice()).unwrap_or_default();
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
