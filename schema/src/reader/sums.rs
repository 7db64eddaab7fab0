//! Comparing a case with its SHA256SUMS.

use std::fs::File;
use std::io::{self, Read as _};

use sha2::{Digest as _, Sha256};

use super::scan::Folders;
use crate::digest::Digest;
use crate::directory::Directory;
use crate::manifest;
use crate::problem::Problem;
use crate::writer::SUMS_NAME;

/// Longest SHA256SUMS that is read.
const MAX_BYTES: u64 = 64 << 20;

/// Problems of the files listed, and of the list.
pub(super) fn check(root: &Directory, folders: &Folders) -> Vec<Problem> {
    let text = match read_list(root) {
        Ok(text) => text,
        Err(why) => {
            return vec![Problem::Damaged { file: SUMS_NAME.to_owned(), why }];
        }
    };
    let mut problems = Vec::new();
    for line in text.lines() {
        let Some((sum, file)) = line.split_once("  ").and_then(|(sum, file)| Some((sum.parse::<Digest>().ok()?, file)))
        else {
            let why = "a line is no checksum and file".to_owned();
            problems.push(Problem::Damaged { file: SUMS_NAME.to_owned(), why });
            break;
        };
        let opened = match file {
            manifest::FILE_NAME => root.open_file(file).map_err(|error| error.to_string()),
            _ => folders.open_file(file),
        };
        match opened.and_then(|file| sha256(file).map_err(|error| error.to_string())) {
            Ok(found) if found == sum => {}
            Ok(_) => problems.push(Problem::Changed { file: file.to_owned() }),
            Err(why) => problems.push(Problem::Damaged { file: file.to_owned(), why }),
        }
    }
    problems
}

fn read_list(root: &Directory) -> Result<String, String> {
    let file = root.open_file(SUMS_NAME).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn sha256(mut file: File) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::from(hash)),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
