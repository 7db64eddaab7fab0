//! The folders of a case that is being written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use obit_schema::tables::Table;

use crate::directory::Directory;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::journal;
use crate::layout::{self, FOLDERS, Layout};
use crate::manifest::DropTotals;

/// The folders of a case that is being written.
#[derive(Clone, Debug)]
pub(super) struct WriterFolders {
    root: Arc<dyn Folder>,
    layout: Layout,
    /// Each folder that holds parts, by its path within the case.
    parts: BTreeMap<String, Arc<dyn Folder>>,
    journals: Arc<dyn Folder>,
}

impl WriterFolders {
    /// Makes the folders in `root`, which has none of them.
    pub(super) fn make(root: Arc<dyn Folder>, layout: Layout) -> Result<Self, Error> {
        let make = |parent: &Arc<dyn Folder>, name: &str| parent.make_folder(name);
        let parts = part_folders(&root, layout, make, |folder| folder)?;
        let journals = root.make_folder(journal::FOLDER)?;
        Ok(Self { root, layout, parts, journals })
    }

    /// Opens the folders of a case that was cut off, and makes those that it had not made yet.
    pub(super) fn open(root: Directory, layout: Layout) -> Result<Self, Error> {
        let parts = part_folders(&root, layout, open_or_make, |folder| Arc::new(folder))?;
        let journals = Arc::new(open_or_make(&root, journal::FOLDER)?);
        Ok(Self { root: Arc::new(root), layout, parts, journals })
    }

    /// Returns the folder of the case itself.
    pub(super) fn root(&self) -> &Arc<dyn Folder> {
        &self.root
    }

    /// Returns the layout of the case.
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the folder of a table's sealed parts.
    pub(super) fn parts(&self, table: Table) -> &Arc<dyn Folder> {
        // Both ways to make this value give each table a folder.
        self.parts.get(&self.layout.folder(table)).unwrap_or(&self.root)
    }

    /// Returns the folder of the journals.
    pub(super) fn journals(&self) -> &Arc<dyn Folder> {
        &self.journals
    }

    /// Brings the names of all parts to disk.
    pub(super) fn sync_parts(&self) -> Result<(), Error> {
        self.parts.values().try_for_each(|folder| folder.sync())
    }

    /// Brings the names of parts of these tables to disk.
    pub(super) fn sync_parts_of(&self, tables: &BTreeSet<Table>) -> Result<(), Error> {
        let folders: BTreeSet<_> = tables.iter().map(|table| self.layout.folder(*table)).collect();
        folders.iter().filter_map(|folder| self.parts.get(folder)).try_for_each(|folder| folder.sync())
    }

    /// Removes files that were not complete when the capture was cut off, and its reserve.
    pub(super) fn remove_unfinished(&self) -> Result<(), Error> {
        for folder in self.parts.values().chain([&self.journals, &self.root]) {
            for name in folder.names()?.iter().filter(|name| files::is_partial(name) || *name == files::RESERVE_NAME) {
                folder.remove_file(name)?;
            }
        }
        Ok(())
    }

    /// Removes the parts that case.json calls dropped and that the capture did not come to remove.
    pub(super) fn remove_dropped(&self, dropped: &DropTotals) -> Result<(), Error> {
        for table in Table::ALL {
            let folder = self.parts(table);
            for name in folder.names()? {
                let is_gone = |number| dropped.has(table.name(), number) && !dropped.keeps(table.name(), number);
                if layout::part_number(table, &name).is_some_and(is_gone) {
                    folder.remove_file(&name)?;
                }
            }
        }
        Ok(())
    }

    /// Removes the journals: their rows are in parts by now, and a closed case may not have files
    /// that it does not list.
    pub(super) fn remove_journals(&self) -> Result<(), Error> {
        self.journals.names()?.iter().try_for_each(|name| self.journals.remove_file(name))?;
        // A power cut may not bring one back beside the case.json that calls the case closed.
        self.journals.sync()
    }

    /// Removes the folder of the journals. An empty folder is no harm.
    pub(super) fn remove_journal_folder(&self) {
        let _ = self.root.remove_folder(journal::FOLDER);
        let _ = self.root.sync();
    }
}

/// Returns each folder that holds parts, by its path within the case.
fn part_folders<F>(
    root: &F,
    layout: Layout,
    child: impl Fn(&F, &str) -> Result<F, Error>,
    share: impl Fn(F) -> Arc<dyn Folder>,
) -> Result<BTreeMap<String, Arc<dyn Folder>>, Error> {
    let mut parts = BTreeMap::new();
    for name in FOLDERS {
        let folder = child(root, name)?;
        match layout {
            Layout::Shared => _ = parts.insert(name.to_owned(), share(folder)),
            Layout::ByTable => {
                for table in Table::ALL.into_iter().filter(|table| table.folder() == name) {
                    parts.insert(layout.folder(table), share(child(&folder, table.name())?));
                }
                // A power cut takes the parts of a folder that has no name on disk.
                share(folder).sync()?;
            }
        }
    }
    Ok(parts)
}

/// Opens a folder in another one, or makes it.
fn open_or_make(parent: &Directory, name: &str) -> Result<Directory, Error> {
    match parent.child(name) {
        Err(Error::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
            parent.make_folder(name)?;
            parent.child(name)
        }
        opened => opened,
    }
}
