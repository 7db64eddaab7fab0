//! Finds files of a case that are in no list of its files. Another program may read all files of a
//! folder, so a file that was slipped in is rows that nobody recorded.

use std::collections::BTreeSet;

use obit_schema::tables::Table;

use super::folders::CaseFolders;
use crate::excerpt;
use crate::files::{RESERVE_NAME, partial};
use crate::handover;
use crate::journal;
use crate::layout::{self, FOLDERS, Layout};
use crate::manifest::{self, CaseState, Manifest, SUMS_NAME};
use crate::problem::Problem;
use crate::problem_log::ProblemLog;
use crate::signing::SIGNATURE_NAME;
use crate::time_stamp;

/// Files beside the folders of a case, whether it is closed or not.
const ROOT_FILES: [&str; 5] =
    [manifest::FILE_NAME, SIGNATURE_NAME, SUMS_NAME, handover::FILE_NAME, time_stamp::FILE_NAME];

/// Reports each file that neither the manifest lists nor a recorder leaves there. An open case may
/// have files that are being written, and parts and journals that are not listed yet.
pub(super) fn check(folders: &CaseFolders, manifest: &Manifest, problems: &mut ProblemLog) {
    let listed: BTreeSet<&str> = manifest.part_files().map(|part| part.file.as_str()).collect();
    let is_closed = manifest.state == CaseState::Closed;
    for folder in folders.list() {
        for name in &folder.names {
            let path = if folder.path.is_empty() { name.clone() } else { format!("{}/{name}", folder.path) };
            let is_known = match (folder.path.as_str(), is_closed) {
                ("", _) => is_of_root(name, is_closed) || (manifest.excerpt.is_some() && name == excerpt::FILE_NAME),
                (journal::FOLDER, false) => is_journal(name),
                (_, true) => is_of_table(manifest.layout(), &path) || listed.contains(path.as_str()),
                (folder, false) => {
                    is_of_table(manifest.layout(), &path) || is_part_in_writing(manifest.layout(), folder, name)
                }
            };
            if !is_known {
                problems.push(Problem::Unlisted { file: path, list: manifest::FILE_NAME });
            }
        }
    }
}

fn is_of_root(name: &str, is_closed: bool) -> bool {
    let is_folder = FOLDERS.contains(&name) || name == journal::FOLDER;
    let is_in_writing = || name == RESERVE_NAME || ROOT_FILES.iter().any(|file| partial(file) == name);
    is_folder || ROOT_FILES.contains(&name) || (!is_closed && is_in_writing())
}

fn is_journal(name: &str) -> bool {
    Table::ALL.iter().any(|table| layout::numbered(*table, name, ".arrows").is_some())
}

/// Returns true for the path of a table's own folder.
fn is_of_table(layout: Layout, path: &str) -> bool {
    layout == Layout::ByTable && Table::ALL.iter().any(|table| layout.folder(*table) == path)
}

/// Returns true for a part, and for one that has its hidden name.
fn is_part_in_writing(layout: Layout, folder: &str, name: &str) -> bool {
    let whole = name.strip_prefix('.').and_then(|name| name.strip_suffix(".partial"));
    [Some(name), whole].into_iter().flatten().any(|name| layout.part_of(&format!("{folder}/{name}")).is_some())
}
