//! A forger: may do anything to a case and its anchor but sign with the recorder's key.

use std::fs;
use std::path::{Path, PathBuf};

use obit_case::FormatVersion;
use obit_case::chain::{self, Chain, ChainLink};
use obit_case::layout::Layout;
use obit_case::manifest::{CaseState, ChainHead, Manifest, PartEntry};
use obit_schema::Table;
use sha2::{Digest as _, Sha256};

use crate::case::RecordedCase;

/// A case in the hands of a forger.
pub struct Forger {
    pub case: RecordedCase,
    /// The contents of case.json; on disk after [`Forger::write`].
    pub manifest: Manifest,
    /// The genuine contents.
    genuine: Manifest,
    /// Lines of the anchor.
    pub lines: Vec<String>,
}

impl Forger {
    pub fn of(case: RecordedCase, lines: Vec<String>) -> Self {
        let text = fs::read(case.path.join("case.json")).expect("case.json");
        let manifest: Manifest = serde_json::from_slice(&text).expect("case.json");
        Self { case, genuine: manifest.clone(), manifest, lines }
    }

    pub fn path(&self) -> &Path {
        &self.case.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.case.path.join(name)
    }

    /// The genuine head.
    pub fn genuine_head(&self) -> ChainHead {
        self.genuine.head.clone().expect("a head")
    }

    pub fn manifest_text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(&self.manifest).expect("text");
        text.push(b'\n');
        text
    }

    /// Writes case.json and, in a closed case, sums to match.
    pub fn write(&self) {
        fs::write(self.file("case.json"), self.manifest_text()).expect("written");
        match self.manifest.state {
            CaseState::Closed => self.write_sums(),
            CaseState::Open => drop(fs::remove_file(self.file("SHA256SUMS"))),
        }
    }

    pub fn write_sums(&self) {
        let mut files: Vec<String> = self.manifest.part_files().map(|part| part.file.clone()).collect();
        files.extend(["case.json", "case.json.sig"].map(ToOwned::to_owned));
        let there = files.iter().filter(|file| self.file(file).exists());
        let line = |file: &String| format!("{}  {file}\n", sha256(&fs::read(self.file(file)).expect("a file")));
        fs::write(self.file("SHA256SUMS"), there.map(line).collect::<String>()).expect("written");
    }

    /// Changes a byte in the middle of a file. Of a part it is the last byte, without which nobody
    /// reads it: the middle may be of a column that no row has.
    pub fn flip(&self, file: &str) {
        let mut bytes = fs::read(self.file(file)).expect("a file");
        let place = if file.ends_with(".parquet") { bytes.len() - 1 } else { bytes.len() / 2 };
        bytes[place] ^= 1;
        fs::write(self.file(file), bytes).expect("written");
    }

    /// Removes the signature of case.json.
    pub fn strip_manifest_signature(&self) {
        drop(fs::remove_file(self.file("case.json.sig")));
    }

    /// Removes all signatures.
    pub fn strip(&mut self) {
        self.strip_manifest_signature();
        self.manifest.signed_head = None;
        if let Some(head) = &mut self.manifest.head {
            (head.signature, head.final_signature) = (None, None);
        }
    }

    /// Says that the case was never closed, and removes what only a closed one has.
    pub fn reopen(&mut self) {
        self.manifest.state = CaseState::Open;
        self.manifest.ended_at = None;
        self.strip_manifest_signature();
    }

    /// Says that the case was closed, as `obit-replay close` without a key does.
    pub fn close(&mut self) {
        self.manifest.state = CaseState::Closed;
        for name in [".reserve", "case.json.sig"] {
            drop(fs::remove_file(self.file(name)));
        }
        drop(fs::remove_dir_all(self.file("journal")));
    }

    /// Removes the journals.
    pub fn remove_journals(&self) {
        for entry in fs::read_dir(self.file("journal")).expect("journals") {
            fs::remove_file(entry.expect("a name").path()).expect("removed");
        }
    }

    /// Copies the journals of another case, which this one must not have.
    pub fn copy_journals(&self, other: &RecordedCase) {
        copy_folder(&other.path.join("journal"), &self.file("journal"));
    }

    /// Follows the entries anew: each gets the digest of the one before, and the head that of the
    /// last. The genuine head, with its signature, stays as the newest signed one if `keep` says.
    pub fn chain_anew(&mut self, keep: GenuineHead) {
        let links = Chain::follow(&self.manifest).expect("a chain").links().to_vec();
        let dropped = self.manifest.dropped.as_ref();
        let (mut entries, mut previous) =
            dropped.map_or((0, chain::START.to_owned()), |dropped| (dropped.entries, dropped.sha256.clone()));
        for link in links {
            match link {
                ChainLink::Part(index) => {
                    let part = &mut self.manifest.parts[index];
                    part.previous = Some(previous);
                    previous =
                        chain::entry_digest(&self.manifest.case_id, part.previous.as_deref().expect("set"), part);
                }
                ChainLink::Drop(index) => {
                    let drop = &mut self.manifest.drops[index];
                    (drop.entry, drop.previous) = (entries, previous);
                    previous = chain::drop_digest(&self.manifest.case_id, &drop.previous, drop);
                }
            }
            entries += 1;
        }
        let head = ChainHead { parts: entries, sha256: previous, signature: None, final_signature: None };
        self.manifest.head = Some(head);
        self.manifest.signed_head = match keep {
            GenuineHead::Gone => None,
            GenuineHead::Kept => Some(self.genuine_head()),
        };
    }

    /// Lays the parts out as in a case of this format, and lists them there.
    pub fn lay_out(&mut self, format: FormatVersion) {
        let from = self.manifest.layout();
        self.manifest.format = format;
        for part in &mut self.manifest.parts {
            let file = Layout::of(format).part_path(Table::from_name(&part.table).expect("a table"), part.number);
            fs::rename(self.case.path.join(&part.file), self.case.path.join(&file)).expect("moved");
            part.file = file;
        }
        for folder in Table::ALL.map(|table| from.folder(table)) {
            fs::remove_dir(self.file(&folder)).expect("an empty folder");
        }
    }

    /// Removes the last parts that were sealed, and their entries.
    pub fn cut_off(&mut self, parts: usize) {
        for part in self.manifest.parts.split_off(self.manifest.parts.len() - parts) {
            // An entry that was there twice has one file.
            drop(fs::remove_file(self.file(&part.file)));
        }
    }

    /// Removes a part and its entry.
    pub fn remove_part(&mut self, file: &str) {
        fs::remove_file(self.file(file)).expect("removed");
        self.manifest.parts.retain(|part| part.file != file);
    }

    /// Puts a part of another case in the place of one of this case, and lists it.
    pub fn replace_part(&mut self, file: &str, other: &Self) {
        let from = other.manifest.parts.iter().find(|part| part.file == file).expect("a part").clone();
        fs::copy(other.file(file), self.file(file)).expect("copied");
        let part = self.manifest.parts.iter_mut().find(|part| part.file == file).expect("a part");
        *part = PartEntry { previous: part.previous.clone(), segment: part.segment, ..from };
    }

    /// Replaces all tables by those of another case of the same id; case.json lists them.
    pub fn replace_all(&mut self, other: &Self) {
        for folder in ["raw", "derived", "journal"] {
            drop(fs::remove_dir_all(self.file(folder)));
            if other.file(folder).exists() {
                copy_folder(&other.file(folder), &self.file(folder));
            }
        }
        self.manifest.format = other.manifest.format;
        self.manifest.parts.clone_from(&other.manifest.parts);
        self.manifest.counts = other.manifest.counts.clone();
        self.manifest.head.clone_from(&other.manifest.head);
    }

    /// Adds parts of another case with the numbers after those of this one, and entries for them.
    pub fn extend(&mut self, other: &Self) {
        for part in &other.manifest.parts {
            let table = Table::from_name(&part.table).expect("a table");
            let number = self.manifest.parts.iter().filter(|ours| ours.table == part.table).map(|ours| ours.number + 1);
            let number = number.max().unwrap_or(0);
            let file = self.manifest.layout().part_path(table, number);
            fs::copy(other.file(&part.file), self.file(&file)).expect("copied");
            let segment = self.manifest.segments.last().map(|segment| segment.number);
            self.manifest.parts.push(PartEntry { file, number, previous: None, segment, ..part.clone() });
        }
    }

    /// Removes the oldest segment, with all that somebody without the key can write about it: an
    /// entry that says that the recorder dropped it.
    pub fn drop_segment(&mut self) {
        let manifest = &mut self.manifest;
        let gone = manifest.segments.remove(0);
        let (parts, left): (Vec<_>, Vec<_>) =
            manifest.parts.iter().cloned().partition(|part| part.segment == Some(gone.number));
        let links = Chain::follow(manifest).expect("a chain").links().to_vec();
        let base = manifest.dropped.as_ref().map_or(0, |dropped| dropped.entries);
        let is_gone = |link: &ChainLink| match link {
            ChainLink::Part(index) => manifest.parts[*index].segment == Some(gone.number),
            ChainLink::Drop(_) => false,
        };
        let entries = base + links.iter().rposition(is_gone).map_or(0, |last| last as u64 + 1);
        let last = parts.last().expect("a part");
        let sha256 = chain::entry_digest(&manifest.case_id, last.previous.as_deref().expect("chained"), last);
        let mut drop = manifest.drops.last().expect("a dropping before").clone();
        let last_seq = manifest.segments[0].first_seq - 1;
        (drop.segment, drop.first_seq, drop.last_seq) = (gone.number, gone.first_seq, last_seq);
        (drop.entries, drop.sha256, drop.bytes) = (entries, sha256, parts.iter().map(|part| part.bytes).sum());
        drop.entry = manifest.head.as_ref().expect("a head").parts;
        let dropped = manifest.dropped.as_mut().expect("a dropping before");
        (dropped.segments, dropped.last_seq) = (gone.number + 1, last_seq);
        (dropped.entries, dropped.sha256) = (drop.entries, drop.sha256.clone());
        for part in &parts {
            dropped.next_parts.insert(part.table.clone(), part.number + 1);
        }
        drop.parts.clone_from(&parts);
        manifest.parts = left;
        manifest.drops.retain(|earlier| earlier.entry >= entries);
        manifest.drops.push(drop);
        for part in &parts {
            fs::remove_file(self.case.path.join(&part.file)).expect("removed");
        }
    }

    /// Adds an unsigned line about the head as it is now, and one that the case is closed.
    pub fn tell_anchor(&mut self) {
        let lines = super::originals::closing_lines(&self.case, None);
        self.lines.extend(lines);
    }
}

/// What becomes of the genuine head.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum GenuineHead {
    Gone,
    /// The genuine head, with its signature, stands as `signed_head`.
    Kept,
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    obit_schema::digest::Digest::from(Sha256::new_with_prefix(bytes)).to_string()
}
