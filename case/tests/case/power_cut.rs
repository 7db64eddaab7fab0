//! What a power cut leaves of a disk: of the writes and names that were not synced, any
//! combination.
//!
//! A file is written back block by block, each as it was after any of the writes to it; its length
//! is that after any of them. A folder has any of the changes of its names since it was synced, in
//! their order.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::disk::{Change, mix};

/// Bytes that a disk writes whole or not at all: a sector.
const BLOCK: usize = 512;

/// The share of unsynced changes that survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survivors {
    /// All of them: the process was killed, not the host.
    All,
    /// None of them.
    None,
    /// Each with a chance of so many in eight.
    Some(u64),
}

/// Draws numbers from a seed.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// Draws a number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.drawn += 1;
        mix(self.seed, self.drawn) % end
    }

    fn survives(&mut self, survivors: Survivors) -> bool {
        match survivors {
            Survivors::All => true,
            Survivors::None => false,
            Survivors::Some(eighths) => self.below(8) < eighths,
        }
    }
}

/// The blocks that one write touched, as they were after it, and the file's length then.
struct BlockWrite {
    blocks: BTreeMap<usize, Vec<u8>>,
    length: usize,
}

#[derive(Default)]
struct FileImage {
    /// The contents that programs see.
    seen: Vec<u8>,
    on_disk: Vec<u8>,
    unsynced: Vec<BlockWrite>,
}

#[derive(Default)]
struct FolderImage {
    on_disk: BTreeMap<String, usize>,
    unsynced: Vec<Change>,
}

impl FileImage {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.seen.resize(self.seen.len().max(end), 0);
        self.seen[offset..end].copy_from_slice(bytes);
        self.touch(offset / BLOCK..end.div_ceil(BLOCK));
    }

    fn truncate(&mut self, length: usize) {
        self.seen.truncate(length);
        self.touch(length / BLOCK..length.div_ceil(BLOCK));
    }

    fn touch(&mut self, blocks: std::ops::Range<usize>) {
        let length = self.seen.len();
        let block = |number: usize| (number, self.seen[number * BLOCK..length.min((number + 1) * BLOCK)].to_vec());
        let blocks = blocks.map(block).collect();
        self.unsynced.push(BlockWrite { blocks, length });
    }

    /// Brings to disk what survives.
    fn settle(&mut self, dice: &mut Dice, survivors: Survivors) {
        let mut length = self.on_disk.len();
        let mut blocks: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for write in self.unsynced.drain(..) {
            for (number, bytes) in write.blocks {
                if dice.survives(survivors) {
                    blocks.insert(number, bytes);
                }
            }
            if dice.survives(survivors) {
                length = write.length;
            }
        }
        for (number, bytes) in blocks {
            let (start, end) = (number * BLOCK, number * BLOCK + bytes.len());
            self.on_disk.resize(self.on_disk.len().max(end), 0);
            self.on_disk[start..end].copy_from_slice(&bytes);
        }
        self.on_disk.resize(length, 0);
    }
}

impl FolderImage {
    /// Brings to disk what survives.
    fn settle(&mut self, dice: &mut Dice, survivors: Survivors) {
        for change in self.unsynced.drain(..) {
            if !dice.survives(survivors) {
                continue;
            }
            match change {
                Change::Name { name, node, .. } => _ = self.on_disk.insert(name, node),
                Change::Unname { name, .. } => _ = self.on_disk.remove(&name),
                Change::Rename { from, to, node, .. } => {
                    // A file whose first name never was on disk can have its second one.
                    self.on_disk.remove(&from);
                    self.on_disk.insert(to, node);
                }
                _ => {}
            }
        }
    }
}

/// Writes what is left after the first changes of a log into a directory that is not there yet.
pub fn cut(log: &[Change], dice: &mut Dice, survivors: Survivors, to: &Path) {
    let mut files: BTreeMap<usize, FileImage> = BTreeMap::new();
    let mut folders: BTreeMap<usize, FolderImage> = BTreeMap::from([(0, FolderImage::default())]);
    for change in log {
        match change {
            Change::Name { folder, node, is_folder, .. } => {
                match is_folder {
                    true => _ = folders.insert(*node, FolderImage::default()),
                    false => _ = files.insert(*node, FileImage::default()),
                }
                folders.entry(*folder).or_default().unsynced.push(change.clone());
            }
            Change::Unname { folder, .. } | Change::Rename { folder, .. } => {
                folders.entry(*folder).or_default().unsynced.push(change.clone());
            }
            Change::Write { file, offset, bytes } => files.entry(*file).or_default().write(*offset, bytes),
            Change::Truncate { file, length } => files.entry(*file).or_default().truncate(*length),
            Change::SyncFile { file, is_done: true } => {
                files.entry(*file).or_default().settle(dice, Survivors::All);
            }
            // Nobody knows what is on disk, and the kernel does not write it again.
            Change::SyncFile { file, is_done: false } => {
                files.entry(*file).or_default().settle(dice, Survivors::Some(4));
            }
            Change::SyncFolder { folder } => folders.entry(*folder).or_default().settle(dice, Survivors::All),
        }
    }
    files.values_mut().for_each(|file| file.settle(dice, survivors));
    folders.values_mut().for_each(|folder| folder.settle(dice, survivors));
    unload(&files, &folders, 0, to);
}

fn unload(files: &BTreeMap<usize, FileImage>, folders: &BTreeMap<usize, FolderImage>, folder: usize, to: &Path) {
    fs::create_dir(to).unwrap();
    for (name, node) in folders.get(&folder).into_iter().flat_map(|folder| &folder.on_disk) {
        match files.get(node) {
            Some(file) => fs::write(to.join(name), &file.on_disk).unwrap(),
            None => unload(files, folders, *node, &to.join(name)),
        }
    }
}
