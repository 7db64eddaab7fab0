//! The index of lives by container id and by where they are.
//!
//! A container id nearly always has one life. But a user who was given a subtree of a hierarchy can
//! make any number of directories there that are named like one container, and each is looked for
//! among the others. So several lives of one id are ordered by where they are: a search for those
//! that lack a directory on a hierarchy skips those that have one.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use super::id_key::IdKey;
use super::life::Life;
use super::life_id::LifeId;
use super::life_table::LifeTable;
use super::origin::Stage;
use crate::record::HierarchyId;

/// Lives by container id.
#[derive(Debug, Default)]
pub(super) struct LifeIndex {
    by_id: BTreeMap<IdKey, SameIdLives>,
}

/// The lives of one container id. One alone stands beside no order: ordering every life by where it
/// is costs a derivation 8 per cent.
#[derive(Debug)]
enum SameIdLives {
    One(LifeId),
    Many(Box<LivesByPlace>),
}

/// Lives by where they are, then in the order in which they came to have the id.
#[derive(Debug, Default)]
struct LivesByPlace {
    lives: BTreeMap<LifePlace, LifeId>,
    places: BTreeMap<LifeId, LifePlace>,
    /// Lives added so far.
    added: u64,
}

/// The place of a life among those of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LifePlace {
    location: LifeLocation,
    order: u64,
}

/// The location of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LifeLocation {
    /// The life has ended.
    Over,
    /// The life has no directory.
    Nowhere,
    /// The life has a directory on this hierarchy, and perhaps on others.
    On(HierarchyId),
}

impl LifeLocation {
    fn of(life: &Life) -> Self {
        if life.stage == Stage::Ended {
            return Self::Over;
        }
        let present = life.roots.iter().find(|root| root.is_present());
        present.map_or(Self::Nowhere, |root| Self::On(root.key.hierarchy))
    }
}

impl LifeIndex {
    /// Adds a life of the table under an id, unless it is there.
    pub fn add(&mut self, id: IdKey, life_id: LifeId, table: &mut LifeTable) {
        match self.by_id.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(SameIdLives::One(life_id));
            }
            Entry::Occupied(mut entry) => match entry.get_mut() {
                SameIdLives::One(first) if *first == life_id => {}
                SameIdLives::One(first) => {
                    let mut many = Box::<LivesByPlace>::default();
                    many.add(*first, table);
                    many.add(life_id, table);
                    entry.insert(SameIdLives::Many(many));
                }
                SameIdLives::Many(many) => many.add(life_id, table),
            },
        }
    }

    /// Moves a life that was given a directory, has lost one, or has ended, under each of its ids.
    pub fn update<'a>(&mut self, life_id: LifeId, life: &Life, ids: impl Iterator<Item = &'a Arc<str>>) {
        for id in ids {
            if let Some(SameIdLives::Many(many)) = self.by_id.get_mut(&IdKey::from(Arc::clone(id))) {
                many.update(life_id, life);
            }
        }
    }

    /// Removes a life from under its ids.
    pub fn remove<'a>(&mut self, life_id: LifeId, ids: impl Iterator<Item = &'a Arc<str>>) {
        let mut last: Option<&Arc<str>> = None;
        for id in ids {
            if last.replace(id).is_some_and(|last| Arc::ptr_eq(last, id)) {
                continue; // nearly all share one
            }
            if let Entry::Occupied(mut entry) = self.by_id.entry(IdKey::from(Arc::clone(id))) {
                let is_empty = match entry.get_mut() {
                    SameIdLives::One(only) => *only == life_id,
                    SameIdLives::Many(many) => many.remove(life_id),
                };
                if is_empty {
                    entry.remove();
                }
            }
        }
    }

    /// Returns the lives that have an id, in the order in which they came to have it.
    pub fn with_id(&self, id: &IdKey) -> Vec<LifeId> {
        match self.by_id.get(id) {
            None => Vec::new(),
            Some(SameIdLives::One(only)) => Vec::from([*only]),
            Some(SameIdLives::Many(many)) => {
                let mut found: Vec<_> = many.lives.iter().map(|(place, life_id)| (place.order, *life_id)).collect();
                found.sort_unstable_by_key(|(order, _)| *order);
                found.into_iter().map(|(_, life_id)| life_id).collect()
            }
        }
    }

    /// Gives the lives of an id that may live without a directory on this hierarchy, each with its
    /// place in the order, but not in it. All that do are among them; others only where an id has
    /// one life.
    pub fn each_not_on(&self, id: &IdKey, hierarchy: HierarchyId, mut each: impl FnMut(u64, LifeId)) {
        match self.by_id.get(id) {
            None => {}
            Some(SameIdLives::One(only)) => each(0, *only),
            Some(SameIdLives::Many(many)) => {
                let place = |location, order| LifePlace { location, order };
                let there = LifeLocation::On(hierarchy);
                let before = (Bound::Included(place(LifeLocation::Nowhere, 0)), Bound::Excluded(place(there, 0)));
                let behind = (Bound::Excluded(place(there, u64::MAX)), Bound::Unbounded);
                for range in [before, behind] {
                    many.lives.range(range).for_each(|(place, life_id)| each(place.order, *life_id));
                }
            }
        }
    }
}

impl LivesByPlace {
    fn add(&mut self, life_id: LifeId, table: &mut LifeTable) {
        let Some(life) = table.get_mut(life_id).filter(|_| !self.places.contains_key(&life_id)) else { return };
        life.is_one_of_many = true;
        let place = LifePlace { location: LifeLocation::of(life), order: self.added };
        self.added = self.added.saturating_add(1);
        self.lives.insert(place, life_id);
        self.places.insert(life_id, place);
    }

    fn update(&mut self, life_id: LifeId, life: &Life) {
        if let Some(place) = self.places.get_mut(&life_id) {
            self.lives.remove(place);
            place.location = LifeLocation::of(life);
            self.lives.insert(*place, life_id);
        }
    }

    /// Removes a life. Returns true if it was the last one.
    fn remove(&mut self, life_id: LifeId) -> bool {
        if let Some(place) = self.places.remove(&life_id) {
            self.lives.remove(&place);
        }
        self.lives.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    use super::{HierarchyId, IdKey, LifeIndex};
    use crate::containers::life::Life;
    use crate::containers::life_id::LifeId;
    use crate::containers::life_start::LifeStart;
    use crate::containers::life_table::LifeTable;
    use crate::containers::origin::{Origin, Stage};
    use crate::record::{BootNs, CgroupId, CgroupKey, Seq, Stamp, WallNs};

    fn key(hierarchy: u32, cgroup: u64) -> CgroupKey {
        CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(cgroup) }
    }

    /// Returns the lives that may lack a directory on a hierarchy, in their order.
    fn not_on(index: &LifeIndex, hierarchy: HierarchyId) -> Vec<LifeId> {
        let mut found = Vec::new();
        index.each_not_on(&IdKey::from("x"), hierarchy, |order, life_id| found.push((order, life_id)));
        found.sort_unstable();
        found.into_iter().map(|(_, life_id)| life_id).collect()
    }

    fn ids() -> [Arc<str>; 3] {
        ["w", "x", "y"].map(Arc::from)
    }

    fn begin(lives: &mut LifeTable, index: &mut LifeIndex) -> LifeId {
        let first = Stamp { seq: Seq(0), ts: WallNs(0), boot_ns: BootNs(0) };
        let life_id = lives.insert(Life::new(&LifeStart::without_loss(Origin::Made, Stage::Announced, first)));
        for id in ["w", "x", "x", "y"] {
            index.add(IdKey::from(id), life_id, lives);
        }
        life_id
    }

    #[test]
    fn however_many_are_on_a_hierarchy_none_of_them_is_looked_at_for_it() {
        let (mut lives, mut index) = (LifeTable::default(), LifeIndex::default());
        for cgroup in 0..2_000 {
            let life_id = begin(&mut lives, &mut index);
            let Some(life) = lives.get_mut(life_id) else { panic!("it has just begun") };
            life.add_root(key(0, cgroup), "/x", false);
            index.update(life_id, life, ids().iter());
            assert!(not_on(&index, HierarchyId(0)).len() <= 1, "of {cgroup}");
        }
        assert_eq!(not_on(&index, HierarchyId(1)).len(), 2_000);
        for life_id in index.with_id(&IdKey::from("x")).drain(10..) {
            let Some(life) = lives.get_mut(life_id) else { panic!("it lives") };
            life.stage = Stage::Ended;
            index.update(life_id, life, ids().iter());
        }
        assert_eq!(not_on(&index, HierarchyId(1)).len(), 10, "nor are those that have ended");
    }

    /// Does the same to a plain list, and compares what is found in it by looking at each.
    #[test]
    fn it_is_a_list_that_finds_who_is_not_there() {
        let (mut lives, mut index, mut plain) = (LifeTable::default(), LifeIndex::default(), Vec::new());
        let mut state = 1_u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for step in 0..1_600_u64 {
            // It grows to a crowd and shrinks again, and grows.
            let grows = step % 800 < 400;
            if plain.is_empty() || draw(3) < if grows { 2 } else { 0 } {
                plain.push(begin(&mut lives, &mut index));
            }
            let life_id = plain[draw(plain.len())];
            let Some(life) = lives.get_mut(life_id) else { panic!("all that are listed live") };
            match draw(6) {
                0..=2 => life.add_root(key(draw(3) as u32, step), "/x", false),
                3 => {
                    if let Some(key) = life.roots.iter().find(|root| root.is_present()).map(|root| root.key) {
                        life.mark_root_gone(key, Seq(step));
                    }
                }
                4 if draw(4) == 0 => life.stage = Stage::Ended,
                _ if grows => {}
                _ => {
                    index.remove(life_id, ids().iter());
                    lives.remove(life_id);
                    plain.retain(|have| *have != life_id);
                }
            }
            if let Some(life) = lives.get_mut(life_id) {
                index.update(life_id, life, ids().iter());
            }
            assert!(index.with_id(&IdKey::from("x")).into_iter().eq(plain.iter().copied()));
            for hierarchy in (0..4).map(HierarchyId) {
                let is_wanted = |life_id: &LifeId| {
                    let life = lives.get(*life_id);
                    life.is_some_and(|life| life.stage != Stage::Ended && !life.is_present_on(hierarchy))
                };
                let found = not_on(&index, hierarchy).into_iter().filter(is_wanted);
                assert!(found.eq(plain.iter().copied().filter(is_wanted)), "step {step}, {hierarchy:?}");
            }
        }
    }
}
