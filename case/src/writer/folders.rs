//! The folders of a case that is being written.

use std::io;
use std::sync::Arc;

use obit_schema::tables::Table;

use crate::directory::Directory;
use crate::error::Error;
use crate::files::{self, Folder};
use crate::journal;
use crate::manifest::DropTotals;
use crate::part;

/// The folders of a case that is being written.
#[derive(Clone, Debug)]
pub(super) struct WriterFolders {
    root: Arc<dyn Folder>,
    raw: Arc<dyn Folder>,
    derived: Arc<dyn Folder>,
    journals: Arc<dyn Folder>,
}

impl WriterFolders {
    /// Makes the folders in `root`, which has none of them.
    pub(super) fn make(root: Arc<dyn Folder>) -> Result<Self, Error> {
        let raw = root.make_folder("raw")?;
        let derived = root.make_folder("derived")?;
        let journals = root.make_folder(journal::FOLDER)?;
        Ok(Self { root, raw, derived, journals })
    }

    /// Opens the folders of a case that was cut off, and makes those that it had not made yet.
    pub(super) fn open(root: Directory) -> Result<Self, Error> {
        let open = |name: &str| -> Result<Arc<dyn Folder>, Error> {
            match root.child(name) {
                Err(Error::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => root.make_folder(name),
                opened => Ok(Arc::new(opened?)),
            }
        };
        let (raw, derived, journals) = (open("raw")?, open("derived")?, open(journal::FOLDER)?);
        Ok(Self { root: Arc::new(root), raw, derived, journals })
    }

    /// Returns the folder of the case itself.
    pub(super) fn root(&self) -> &Arc<dyn Folder> {
        &self.root
    }

    /// Returns the folder of a table's sealed parts.
    pub(super) fn parts(&self, table: Table) -> &Arc<dyn Folder> {
        if table.folder() == "raw" { &self.raw } else { &self.derived }
    }

    /// Returns the folder of the journals.
    pub(super) fn journals(&self) -> &Arc<dyn Folder> {
        &self.journals
    }

    /// Brings the names of new parts to disk.
    pub(super) fn sync_parts(&self) -> Result<(), Error> {
        self.raw.sync()?;
        self.derived.sync()
    }

    /// Removes files that were not complete when the capture was cut off, and its reserve.
    pub(super) fn remove_unfinished(&self) -> Result<(), Error> {
        for folder in [&self.raw, &self.derived, &self.journals, &self.root] {
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
                if part::number(table, &name).is_some_and(is_gone) {
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
