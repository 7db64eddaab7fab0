//! Finds files of a case that are in no list of its files. Another program may read all files of a
//! folder, so a file that was slipped in is rows that nobody recorded.

use std::collections::BTreeSet;

use obit_schema::tables::Table;

use super::folders::CaseFolders;
use crate::excerpt;
use crate::files::{RESERVE_NAME, partial};
use crate::handover;
use crate::journal;
use crate::manifest::{self, CaseState, Manifest, SUMS_NAME};
use crate::part;
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
        if folder.is_cut {
            let why = format!("it has more than {} names", folder.names.len());
            problems.push(Problem::Damaged { file: folder.name.to_owned(), why });
        }
        for name in &folder.names {
            let is_known = match (folder.name, is_closed) {
                ("", _) => is_of_root(name, is_closed) || (manifest.excerpt.is_some() && name == excerpt::FILE_NAME),
                (journal::FOLDER, false) => is_journal(name),
                (folder, true) => listed.contains(format!("{folder}/{name}").as_str()),
                (folder, false) => is_part_in_writing(folder, name),
            };
            if !is_known {
                let file = if folder.name.is_empty() { name.clone() } else { format!("{}/{name}", folder.name) };
                problems.push(Problem::Unlisted { file, list: manifest::FILE_NAME });
            }
        }
    }
}

fn is_of_root(name: &str, is_closed: bool) -> bool {
    let is_folder = Table::ALL.iter().any(|table| table.folder() == name) || name == journal::FOLDER;
    let is_in_writing = || name == RESERVE_NAME || ROOT_FILES.iter().any(|file| partial(file) == name);
    is_folder || ROOT_FILES.contains(&name) || (!is_closed && is_in_writing())
}

fn is_journal(name: &str) -> bool {
    Table::ALL.iter().any(|table| part::numbered(*table, name, ".arrows").is_some())
}

/// Returns true for a part, and for one that has its hidden name.
fn is_part_in_writing(folder: &str, name: &str) -> bool {
    let whole = name.strip_prefix('.').and_then(|name| name.strip_suffix(".partial"));
    let tables = Table::ALL.iter().filter(|table| table.folder() == folder);
    tables
        .into_iter()
        .any(|table| [Some(name), whole].into_iter().flatten().any(|name| part::number(*table, name).is_some()))
}
