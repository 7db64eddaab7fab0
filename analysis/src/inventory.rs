//! Inventory of a moment: the containers that were there, since when, and who each of them was.
//!
//! Follows the rows of the derivation, in their order, and keeps the lives that are under way and
//! those that were there at the moment.

use std::collections::BTreeMap;

use obit_case::{Case, Problem};
use obit_derivation::row::Identity;
use obit_derivation::{Profile, Row, WallNs};

use crate::derive::derive_rows;
use crate::error::Error;
use crate::filter::IdentityFilter;
use crate::life_key::LifeKey;

/// A moment in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// By the wall clock of the recording host, as the rows' `ts`.
    Time(WallNs),
    /// By the place of a record in the log.
    Record(u64),
}

/// A change in a life, by both orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LifeChange {
    ts: WallNs,
    seq: u64,
}

impl LifeChange {
    fn of(row: &Row) -> Self {
        let seq = match row {
            Row::Create(row) => row.created_seq,
            other => other.seq(),
        };
        Self { ts: row.ts(), seq: seq.0 }
    }

    fn is_by(self, moment: Moment) -> bool {
        match moment {
            Moment::Time(ts) => self.ts <= ts,
            Moment::Record(seq) => self.seq <= seq,
        }
    }
}

/// The source of the time since which a container is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinceSource {
    /// The capture saw the creation.
    Seen,
    /// A walk found the container after events were lost: it was created by then.
    Inferred,
    /// The container's runtime reports the creation.
    Reported,
}

/// A container that was there at the moment.
#[derive(Clone, Debug, PartialEq)]
pub struct PresentContainer {
    /// Who it was, by all that the case tells of this life.
    pub identity: Identity,
    /// Time of its creation and the source of that; `None` if it was there before the capture, and
    /// no runtime tells.
    pub since: Option<(WallNs, SinceSource)>,
    /// Time of its exit, if it had exited by the moment and only its directory was there.
    pub exited_at: Option<WallNs>,
}

/// The containers that were there at a moment.
#[derive(Debug)]
pub struct MomentInventory {
    /// The containers, those that are there the longest first.
    pub containers: Vec<PresentContainer>,
    /// The problems that reading the case met.
    pub problems: Vec<Problem>,
}

/// A life under way.
#[derive(Debug)]
struct OpenLife {
    key: LifeKey,
    identity: Identity,
    /// `None` if it began before the capture.
    began: Option<LifeChange>,
    since: Option<(WallNs, SinceSource)>,
    exited: Option<LifeChange>,
}

/// Lists the containers that were there at a moment and that a filter leaves.
///
/// # Errors
/// The records cannot be read.
pub fn take(case: &Case, moment: Moment, filter: &IdentityFilter) -> Result<MomentInventory, Error> {
    let second_segment = case.manifest().and_then(|manifest| Some(manifest.segments.get(1)?.first_seq));
    let mut taker = InventoryTaker { moment, second_segment, lives: BTreeMap::new(), present: Vec::new() };
    let mut rows = derive_rows(case, Profile::Strict)?;
    for row in rows.by_ref() {
        taker.add(&row?);
    }
    let mut containers = taker.finish();
    containers.retain(|container| filter.matches(&container.identity));
    containers.sort_by_key(|container| container.since.map(|(ts, _)| ts));
    Ok(MomentInventory { containers, problems: rows.problems().to_vec() })
}

/// Follows lives and keeps those that are there at the moment.
#[derive(Debug)]
struct InventoryTaker {
    moment: Moment,
    /// First record of the second segment: what a later walk finds first was not there before.
    second_segment: Option<u64>,
    /// The lives under way, by the container's id.
    lives: BTreeMap<String, Vec<OpenLife>>,
    present: Vec<PresentContainer>,
}

impl InventoryTaker {
    fn add(&mut self, row: &Row) {
        let key = LifeKey::of(row);
        let change = LifeChange::of(row);
        let lives = self.lives.entry(key.container_id.clone()).or_default();
        let place = key.find(lives.iter().map(|life| &life.key));
        match row {
            Row::Create(created) => {
                let source = if created.inferred { SinceSource::Inferred } else { SinceSource::Seen };
                let since = Some((created.ts, source));
                let identity = created.identity.clone();
                // A directory that stayed is the new life's from here on.
                let is_before = |life: &mut OpenLife| life.exited.is_some() && life.key.directory == key.directory;
                let before: Vec<_> = lives.extract_if(.., is_before).collect();
                lives.push(OpenLife { key, identity, began: Some(change), since, exited: None });
                before.into_iter().for_each(|life| self.end(life, change));
            }
            // A walk at the head of a later segment finds again what lives on.
            Row::Existing(existing) => match place.and_then(|place| lives.get_mut(place)) {
                Some(life) => life.identity = existing.identity.clone(),
                None => {
                    let is_later = self.second_segment.is_some_and(|first| first <= change.seq);
                    let since = existing.created_at.map(|ts| (ts, SinceSource::Reported));
                    let identity = existing.identity.clone();
                    lives.push(OpenLife { key, identity, began: is_later.then_some(change), since, exited: None });
                }
            },
            Row::Exit(exit) => match place.and_then(|place| lives.get_mut(place)) {
                Some(life) => {
                    life.identity = exit.identity.clone();
                    life.exited = Some(change);
                }
                // A container without a directory has no row of its beginning.
                None => {
                    let began = exit.created_at.map(|ts| LifeChange { ts, seq: change.seq });
                    let since = exit.created_at.map(|ts| (ts, SinceSource::Reported));
                    let life = OpenLife { key, identity: exit.identity.clone(), began, since, exited: Some(change) };
                    if began.is_some() {
                        self.end(life, change);
                    }
                }
            },
            Row::Remove(removal) => {
                if let Some(place) = place {
                    let life = lives.remove(place);
                    let is_empty = lives.is_empty();
                    self.end(OpenLife { identity: removal.identity.clone(), ..life }, change);
                    if is_empty {
                        self.lives.remove(&key.container_id);
                    }
                }
            }
            Row::Disagreement(_) => {}
        }
    }

    /// Ends a life: what stood for it is gone.
    fn end(&mut self, life: OpenLife, gone: LifeChange) {
        if !gone.is_by(self.moment) {
            self.keep(life);
        }
    }

    /// Keeps a life if it had begun by the moment.
    fn keep(&mut self, life: OpenLife) {
        if life.began.is_none_or(|began| began.is_by(self.moment)) {
            let exited_at = life.exited.filter(|exited| exited.is_by(self.moment)).map(|exited| exited.ts);
            self.present.push(PresentContainer { identity: life.identity, since: life.since, exited_at });
        }
    }

    fn finish(mut self) -> Vec<PresentContainer> {
        for life in std::mem::take(&mut self.lives).into_values().flatten() {
            self.keep(life);
        }
        self.present
    }
}
