//! Tracks: one a container, below the container around it, its pod or its engine.

use std::collections::HashSet;

use obit_schema::text::row_words::short_id;
use obit_schema::text::shortened;
use sha2::{Digest as _, Sha256};

use super::super::row::ExportRow;
use super::proto::TrackDescriptor;

/// Most tracks that are remembered as described; beyond that, descriptions are repeated, which
/// changes nothing.
const MAX_REMEMBERED: usize = 262_144;

/// Most characters of a track's name.
const MAX_NAME: usize = 120;

/// Keeps tracks of one name apart: `SIBLING_MERGE_BEHAVIOR_NONE`.
const APART: u32 = 2;

/// Describes tracks where they are first needed.
#[derive(Default)]
pub struct TrackMap {
    described: HashSet<u64>,
}

impl TrackMap {
    /// Returns the track of a row's container; puts descriptions that are missing into `new`.
    pub fn container(&mut self, row: &ExportRow<'_>, new: &mut Vec<TrackDescriptor>) -> u64 {
        let id = row.container_id().unwrap_or_default();
        let track = number(&["container", id]);
        if !self.described.contains(&track) {
            let parent = match row.parent_container_id() {
                Some(parent) if parent != id => self.other(parent, new),
                _ => self.group(row, new),
            };
            let name = row.container_name().unwrap_or_else(|| short_id(id));
            self.describe(track, name, Some(parent), new);
        }
        track
    }

    /// Returns the track of a container of which only the id is known.
    pub fn other(&mut self, id: &str, new: &mut Vec<TrackDescriptor>) -> u64 {
        let track = number(&["container", id]);
        self.describe(track, short_id(id), None, new);
        track
    }

    /// Returns the track of tasks that are in no container.
    pub fn host(&mut self, new: &mut Vec<TrackDescriptor>) -> u64 {
        let track = number(&["host"]);
        self.describe(track, "tasks of the host", None, new);
        track
    }

    /// Returns the track of a row's pod or, without a pod, of its engine.
    fn group(&mut self, row: &ExportRow<'_>, new: &mut Vec<TrackDescriptor>) -> u64 {
        let engine = row.runtime().unwrap_or("unknown engine");
        let engine_track = number(&["engine", engine]);
        self.describe(engine_track, engine, None, new);
        let Some(pod) = row.pod_name() else { return engine_track };
        let namespace = row.pod_namespace().unwrap_or_default();
        let track = number(&["pod", engine, namespace, pod]);
        self.describe(track, &format!("pod {namespace}/{pod}"), Some(engine_track), new);
        track
    }

    fn describe(&mut self, track: u64, name: &str, parent: Option<u64>, new: &mut Vec<TrackDescriptor>) {
        if self.described.len() >= MAX_REMEMBERED {
            self.described.clear();
        }
        if self.described.insert(track) {
            new.push(TrackDescriptor {
                uuid: Some(track),
                name: Some(shortened(name, MAX_NAME).into_owned()),
                parent_uuid: parent,
                sibling_merge_behavior: Some(APART),
            });
        }
    }
}

/// Returns a number that stands for these texts: the beginning of their SHA-256.
pub fn number(texts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    u64::from_le_bytes(first)
}
