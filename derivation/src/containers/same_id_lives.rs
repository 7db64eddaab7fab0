//! The lives that have one container id.
//!
//! Nearly always one or two. But whoever was given a subtree of a hierarchy can make any number of directories there that are
//! called like one container, and each is looked for among the others: so a crowd is kept by where its members are.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::ops::Bound;

use crate::containers::life::{Life, Stage};
use crate::containers::life_table::{LifeId, LifeTable};
use crate::containers::small_list::SmallList;
use crate::record::HierarchyId;

/// ClaimHistory are a crowd.
const MAX_FEW: usize = 32;

/// The lives that have one container id, in the order in which they came to have it.
#[derive(Debug)]
pub(crate) enum SameIdLives {
    SmallList(SmallList<LifeId>),
    LifeIndex(Box<LifeIndex>),
}

#[derive(Debug, Default)]
pub(crate) struct LifeIndex {
    in_order: BTreeMap<u64, LifeId>,
    places: BTreeMap<LifeId, Place>,
    by_whereabouts: BTreeMap<Place, LifeId>,
    /// How many came.
    came: u64,
}

/// Of one of a crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    whereabouts: Location,
    order: u64,
}

/// Where a life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Location {
    /// It has ended.
    Over,
    /// It has no directory.
    Nowhere,
    /// It has a directory on this hierarchy, and perhaps on others.
    On(HierarchyId),
}

impl Location {
    fn of(life: &Life) -> Self {
        if life.stage == Stage::Ended {
            return Self::Over;
        }
        let present = life.roots.iter().find(|root| root.is_present());
        present.map_or(Self::Nowhere, |root| Self::On(root.key.hierarchy))
    }
}

impl Default for SameIdLives {
    fn default() -> Self {
        Self::SmallList(SmallList::default())
    }
}

impl SameIdLives {
    /// Adds a life at the end, if it is not there.
    pub fn add(&mut self, number: LifeId, lives: &mut LifeTable) {
        match self {
            Self::SmallList(few) if few.contains(&number) => {}
            Self::SmallList(few) if few.len() < MAX_FEW => few.push(number),
            Self::SmallList(few) => {
                let mut crowd = Box::<LifeIndex>::default();
                few.iter().chain([&number]).for_each(|&number| crowd.add(number, lives));
                *self = Self::LifeIndex(crowd);
            }
            Self::LifeIndex(crowd) if crowd.places.contains_key(&number) => {}
            Self::LifeIndex(crowd) => crowd.add(number, lives),
        }
    }

    pub fn remove(&mut self, number: LifeId) {
        match self {
            Self::SmallList(few) => few.retain(|have| *have != number),
            Self::LifeIndex(crowd) => {
                if let Some(place) = crowd.places.remove(&number) {
                    crowd.by_whereabouts.remove(&place);
                    crowd.in_order.remove(&place.order);
                }
            }
        }
    }

    /// Takes note that a life has lost a directory, was given one, or is over. Of one of a few, nothing is noted.
    pub fn moved(&mut self, number: LifeId, life: &Life) {
        if let Self::LifeIndex(crowd) = self
            && let Some(place) = crowd.places.get_mut(&number)
        {
            crowd.by_whereabouts.remove(place);
            place.whereabouts = Location::of(life);
            crowd.by_whereabouts.insert(*place, number);
        }
    }

    /// The only one, as nearly always.
    pub fn only(&self) -> Option<LifeId> {
        match self {
            Self::SmallList(few) if few.len() == 1 => few.first().copied(),
            _ => None,
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::SmallList(few) => few.is_empty(),
            Self::LifeIndex(crowd) => crowd.in_order.is_empty(),
        }
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = LifeId> {
        let (few, crowd): (&[_], _) = match self {
            Self::SmallList(few) => (few, None),
            Self::LifeIndex(crowd) => (&[], Some(crowd)),
        };
        few.iter().chain(crowd.into_iter().flat_map(|crowd| crowd.in_order.values())).copied()
    }

    /// Gives those that may live without a directory on this hierarchy, each with its place in the order, but not in it. All of
    /// these are among them; of others no more than a few.
    pub fn each_not_on(&self, hierarchy: HierarchyId, mut each: impl FnMut(u64, LifeId)) {
        match self {
            Self::SmallList(few) => (0..).zip(few.iter()).for_each(|(order, number)| each(order, *number)),
            Self::LifeIndex(crowd) => {
                let place = |whereabouts, order| Place { whereabouts, order };
                let there = Location::On(hierarchy);
                let before = (Bound::Included(place(Location::Nowhere, 0)), Bound::Excluded(place(there, 0)));
                let behind = (Bound::Excluded(place(there, u64::MAX)), Bound::Unbounded);
                for range in [before, behind] {
                    crowd.by_whereabouts.range(range).for_each(|(place, number)| each(place.order, *number));
                }
            }
        }
    }
}

impl LifeIndex {
    fn add(&mut self, number: LifeId, lives: &mut LifeTable) {
        let Some(life) = lives.get(number) else { return };
        let place = Place { whereabouts: Location::of(life), order: self.came };
        self.came = self.came.saturating_add(1);
        self.in_order.insert(place.order, number);
        self.places.insert(number, place);
        self.by_whereabouts.insert(place, number);
        lives.mark_in_crowd(number);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{HierarchyId, MAX_FEW, SameIdLives};
    use crate::containers::life::{Life, Origin, Stage, Stamp};
    use crate::containers::life_table::{LifeId, LifeTable};
    use crate::record::{BootNs, CgroupId, CgroupKey, Seq, WallNs};

    fn key(hierarchy: u32, cgroup: u64) -> CgroupKey {
        CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(cgroup) }
    }

    /// Those that may not be there, in their order.
    fn not_on(namesakes: &SameIdLives, hierarchy: HierarchyId) -> Vec<LifeId> {
        let mut found = Vec::new();
        namesakes.each_not_on(hierarchy, |order, number| found.push((order, number)));
        found.sort_unstable();
        found.into_iter().map(|(_, number)| number).collect()
    }

    fn begin(lives: &mut LifeTable) -> LifeId {
        let first = Stamp { seq: Seq(0), ts: WallNs(0), boot_ns: BootNs(0) };
        lives.insert(Life::new(Origin::Made, Stage::Announced, first))
    }

    #[test]
    fn however_many_are_on_a_hierarchy_none_of_them_is_looked_at_for_it() {
        let (mut lives, mut namesakes) = (LifeTable::default(), SameIdLives::default());
        for cgroup in 0..2_000 {
            let number = begin(&mut lives);
            namesakes.add(number, &mut lives);
            let Some(life) = lives.get_mut(number) else { panic!("it has just begun") };
            life.add_root(key(0, cgroup), "/x");
            namesakes.moved(number, life);
            assert!(not_on(&namesakes, HierarchyId(0)).len() <= MAX_FEW, "of {cgroup}");
        }
        assert_eq!(not_on(&namesakes, HierarchyId(1)).len(), 2_000);
        let all: Vec<_> = namesakes.iter().collect();
        for &number in &all[10..] {
            let Some(life) = lives.get_mut(number) else { panic!("it lives") };
            life.stage = Stage::Ended;
            namesakes.moved(number, life);
        }
        assert_eq!(not_on(&namesakes, HierarchyId(1)).len(), 10, "nor are those that have ended");
    }

    /// Does the same to a plain list, and compares what is found in it by looking at each.
    #[test]
    fn it_is_a_list_that_finds_who_is_not_there() {
        let (mut lives, mut namesakes, mut plain) = (LifeTable::default(), SameIdLives::default(), Vec::new());
        let mut state = 1_u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for step in 0..1_600_u64 {
            // It grows to a crowd and shrinks again, and grows.
            let grows = step % 800 < 400;
            if plain.is_empty() || draw(3) < if grows { 2 } else { 0 } {
                let number = begin(&mut lives);
                namesakes.add(number, &mut lives);
                namesakes.add(number, &mut lives);
                plain.push(number);
            }
            let number = plain[draw(plain.len())];
            let Some(life) = lives.get_mut(number) else { panic!("all that are listed live") };
            match draw(6) {
                0..=2 => life.add_root(key(draw(3) as u32, step), "/x"),
                3 => {
                    if let Some(key) = life.roots.iter().find(|root| root.is_present()).map(|root| root.key) {
                        life.ends_with(key, Seq(step));
                    }
                }
                4 if draw(4) == 0 => life.stage = Stage::Ended,
                _ if grows => {}
                _ => {
                    lives.remove(number);
                    namesakes.remove(number);
                    plain.retain(|have| *have != number);
                }
            }
            if let Some(life) = lives.get(number) {
                namesakes.moved(number, life);
            }
            assert!(namesakes.iter().eq(plain.iter().copied()));
            assert_eq!(namesakes.is_empty(), plain.is_empty());
            for hierarchy in (0..4).map(HierarchyId) {
                let is_wanted = |number: &LifeId| {
                    let life = lives.get(*number);
                    life.is_some_and(|life| life.stage != Stage::Ended && !life.is_present_on(hierarchy))
                };
                let found = not_on(&namesakes, hierarchy).into_iter().filter(is_wanted);
                assert!(found.eq(plain.iter().copied().filter(is_wanted)), "step {step}, {hierarchy:?}");
            }
        }
    }
}
