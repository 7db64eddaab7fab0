//! The arena of lives: each is found by an id in one step.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::life::Life;
use super::life_id::LifeId;

/// A generational arena of lives.
#[derive(Debug, Default)]
pub(super) struct LifeTable {
    slots: Vec<Slot>,
    /// Slots whose life was removed.
    free: Vec<u32>,
    /// Lives inserted so far.
    begun: u64,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    /// The life's place in the order of beginning.
    order: u64,
    life: Option<Box<Life>>,
}

impl LifeTable {
    /// Inserts a life that begins now.
    pub fn insert(&mut self, life: Life) -> LifeId {
        let order = self.begun;
        self.begun = self.begun.saturating_add(1);
        let life = Some(Box::new(life));
        let free = self.free.pop().and_then(|number| Some((number, self.slots.get_mut(number as usize)?)));
        if let Some((number, slot)) = free {
            *slot = Slot { generation: slot.generation, order, life };
            return LifeId { slot: number, generation: slot.generation };
        }
        // No memory holds so many lives at once.
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot { generation: 0, order, life });
        LifeId { slot: number, generation: 0 }
    }

    /// Returns the life with this id, if it was not removed.
    pub fn get(&self, life_id: LifeId) -> Option<&Life> {
        let slot = self.slots.get(life_id.slot as usize).filter(|slot| slot.generation == life_id.generation)?;
        slot.life.as_deref()
    }

    /// Returns the life with this id for changing, if it was not removed.
    pub fn get_mut(&mut self, life_id: LifeId) -> Option<&mut Life> {
        let slot = self.slots.get_mut(life_id.slot as usize).filter(|slot| slot.generation == life_id.generation)?;
        slot.life.as_deref_mut()
    }

    /// Removes a life; its id then names none.
    pub fn remove(&mut self, life_id: LifeId) -> Option<Box<Life>> {
        let slot = self.slots.get_mut(life_id.slot as usize).filter(|slot| slot.generation == life_id.generation)?;
        let life = slot.life.take()?;
        // A slot that has had all its generations stays empty.
        if let Some(generation) = slot.generation.checked_add(1) {
            slot.generation = generation;
            self.free.push(life_id.slot);
        }
        Some(life)
    }

    /// Iterates over all lives, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Life> {
        self.slots.iter().filter_map(|slot| slot.life.as_deref())
    }

    /// Iterates over all lives for changing, in no order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Life> {
        self.slots.iter_mut().filter_map(|slot| slot.life.as_deref_mut())
    }

    /// Selects lives, in the order in which they began.
    pub fn select(&self, is_wanted: impl Fn(&Life) -> bool) -> Vec<LifeId> {
        let mut found: Vec<(u64, LifeId)> = (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.life.as_deref().is_some_and(&is_wanted))
            .map(|(number, slot)| (slot.order, LifeId { slot: number, generation: slot.generation }))
            .collect();
        found.sort_unstable_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, life_id)| life_id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::LifeTable;
    use crate::containers::life::Life;
    use crate::containers::life_start::LifeStart;
    use crate::containers::origin::{Origin, Stage};
    use crate::record::{BootNs, Seq, Stamp, WallNs};

    fn life(seq: u64) -> Life {
        let first = Stamp { seq: Seq(seq), ts: WallNs(0), boot_ns: BootNs(0) };
        Life::new(&LifeStart::without_loss(Origin::Walked, Stage::Announced, first))
    }

    #[test]
    fn a_number_is_of_one_life_even_when_its_slot_is_given_again() {
        let mut lives = LifeTable::default();
        let first = lives.insert(life(1));
        assert!(lives.remove(first).is_some());
        let second = lives.insert(life(2));
        assert_eq!(second.slot, first.slot, "memory does not grow with lives that are over");
        assert!(lives.get(first).is_none() && lives.get_mut(first).is_none() && lives.remove(first).is_none());
        assert_eq!(lives.get(second).map(|life| life.first.seq), Some(Seq(2)));
    }

    #[test]
    fn order_is_that_of_beginning_whatever_the_slots() {
        let mut lives = LifeTable::default();
        let numbers: [_; 4] = core::array::from_fn(|number| lives.insert(life(number as u64)));
        lives.remove(numbers[0]);
        lives.remove(numbers[2]);
        lives.insert(life(4));
        lives.insert(life(5));
        let seqs = lives.select(|life| life.first.seq != Seq(1)).into_iter().map(|number| lives.get(number));
        assert!(seqs.map(|life| life.map(|life| life.first.seq.0)).eq([Some(3), Some(4), Some(5)]));
    }

    #[test]
    fn a_slot_that_has_had_all_its_turns_is_given_no_more() {
        let mut lives = LifeTable::default();
        let number = lives.insert(life(1));
        lives.slots[0].generation = u32::MAX;
        let last = super::LifeId { generation: u32::MAX, ..number };
        assert!(lives.remove(last).is_some());
        assert_ne!(lives.insert(life(2)).slot, last.slot);
        assert!(lives.get(last).is_none());
    }
}
