//! The folders of a case and the files of its tables, by their names.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;

use obit_schema::tables::Table;

use crate::directory::{Directory, MAX_NAMES, NameList};
use crate::error::Error;
use crate::journal;
use crate::layout::{self, FOLDERS, Layout};
use crate::manifest::Manifest;
use crate::problem::Problem;

/// A folder of a case with its names. A folder that cannot be opened has none.
#[derive(Debug)]
pub(super) struct ListedFolder {
    /// Path of the folder within the case; empty for the case itself.
    pub(super) path: String,
    /// Names in it, sorted.
    pub(super) names: Vec<String>,
    /// True if there are more names.
    pub(super) is_cut: bool,
    /// The folder; `None` for the case itself.
    directory: Option<Directory>,
}

/// The folders of a case, each listed once. A missing folder reads as an empty one.
#[derive(Debug)]
pub(super) struct CaseFolders {
    layout: Layout,
    folders: Vec<ListedFolder>,
    /// Folders that are there and cannot be opened, with the reason: a link, say.
    unopened: Vec<(String, String)>,
}

impl CaseFolders {
    /// Opens and lists the folders that are there, up to a number of names that no case has.
    pub(super) fn open(root: &Directory, layout: Layout) -> Self {
        let mut folders = Self { layout, folders: Vec::new(), unopened: Vec::new() };
        let mut room = MAX_NAMES;
        for name in FOLDERS {
            let Some(directory) = folders.child(root, "", name) else { continue };
            if layout == Layout::ByTable {
                for table in Table::ALL.into_iter().filter(|table| table.folder() == name) {
                    if let Some(of_table) = folders.child(&directory, name, table.name()) {
                        folders.add(layout.folder(table), Some(of_table), root, &mut room);
                    }
                }
            }
            folders.add(name.to_owned(), Some(directory), root, &mut room);
        }
        if let Some(directory) = folders.child(root, "", journal::FOLDER) {
            folders.add(journal::FOLDER.to_owned(), Some(directory), root, &mut room);
        }
        folders.add(String::new(), None, root, &mut room);
        folders
    }

    /// Opens the folders of a case that does not say its layout: takes the one in which more files
    /// have their place.
    pub(super) fn guess(root: &Directory) -> Self {
        let [shared, by_table] = Layout::ALL.map(|layout| Self::open(root, layout));
        if shared.count() > by_table.count() { shared } else { by_table }
    }

    /// Opens a folder in another one, whose path within the case is `parent`.
    fn child(&mut self, directory: &Directory, parent: &str, name: &str) -> Option<Directory> {
        let cause = match directory.child(name) {
            Ok(child) => return Some(child),
            Err(Error::Io { cause, .. }) if cause.kind() == ErrorKind::NotFound => return None,
            Err(Error::Io { cause, .. }) => cause.to_string(),
            Err(other) => other.to_string(),
        };
        let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
        self.unopened.push((path, format!("it cannot be opened as a folder: {cause}")));
        None
    }

    /// Lists a folder, or the case itself, and takes its names from the room that is left.
    fn add(&mut self, path: String, directory: Option<Directory>, root: &Directory, room: &mut usize) {
        let listed = directory.as_ref().unwrap_or(root).list_up_to(*room);
        let NameList { names, is_cut } = listed.unwrap_or_default();
        *room = room.saturating_sub(names.len());
        self.folders.push(ListedFolder { path, names, is_cut, directory });
    }

    /// Returns the layout that the folders were opened by.
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the folders, and the case itself.
    pub(super) fn list(&self) -> &[ListedFolder] {
        &self.folders
    }

    /// Returns a problem for each folder that cannot be opened or is not read to its end.
    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        let unopened =
            self.unopened.iter().map(|(file, why)| Problem::Damaged { file: file.clone(), why: why.clone() });
        let cut = self.folders.iter().filter(|folder| folder.is_cut).map(|folder| {
            let why = format!("the case has more than {MAX_NAMES} names; the rest are not looked at");
            Problem::Damaged { file: folder.path.clone(), why }
        });
        unopened.chain(cut)
    }

    fn named(&self, path: &str) -> Option<&ListedFolder> {
        self.folders.iter().find(|folder| folder.path == path && folder.directory.is_some())
    }

    /// Returns true if there is a file of that path within the case.
    pub(super) fn has(&self, file: &str) -> bool {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let names = self.folders.iter().filter(|listed| listed.path == folder).map(|listed| &listed.names);
        names.into_iter().any(|names| names.binary_search_by(|other| other.as_str().cmp(name)).is_ok())
    }

    /// Opens a file by its path within the case.
    pub(super) fn open_file(&self, file: &str) -> Result<File, String> {
        let (folder, name) = file.rsplit_once('/').ok_or("it is in no folder of a case")?;
        let folder = self.named(folder).and_then(|folder| folder.directory.as_ref()).ok_or("its folder is missing")?;
        folder.open_file(name).map_err(|error| match error {
            Error::Io { cause, .. } => cause.to_string(),
            other => other.to_string(),
        })
    }

    /// Returns how many files of tables there are.
    pub(super) fn count(&self) -> usize {
        Table::ALL.into_iter().map(|table| TableFiles::find(self, table).count()).sum()
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
            names.iter().filter_map(|name| layout::numbered(table, name, suffix)).collect()
        };
        let sealed = numbers(&folders.layout.folder(table), ".parquet");
        Self { table, sealed, journals: numbers(journal::FOLDER, ".arrows") }
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
