//! The lives that the fold knows, each by a number that costs one step to look up.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::containers::life::Life;

/// Names a life within one fold; never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LifeId {
    slot: u32,
    /// How many lives were in the slot before.
    turn: u32,
}

/// The lives that the fold knows.
#[derive(Debug, Default)]
pub(crate) struct LifeTable {
    slots: Vec<Slot>,
    /// Slots whose life was forgotten.
    free: Vec<u32>,
    begun: u64,
}

#[derive(Debug)]
struct Slot {
    turn: u32,
    /// It is one of so many with its id that these are told where it is.
    is_in_crowd: bool,
    /// When it began, counted in lives.
    order: u64,
    life: Option<Box<Life>>,
}

impl LifeTable {
    pub fn insert(&mut self, life: Life) -> LifeId {
        let order = self.begun;
        self.begun = self.begun.saturating_add(1);
        let life = Some(Box::new(life));
        let free = self.free.pop().and_then(|number| Some((number, self.slots.get_mut(number as usize)?)));
        if let Some((number, slot)) = free {
            *slot = Slot { turn: slot.turn, is_in_crowd: false, order, life };
            return LifeId { slot: number, turn: slot.turn };
        }
        // No memory holds so many lives at once.
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot { turn: 0, is_in_crowd: false, order, life });
        LifeId { slot: number, turn: 0 }
    }

    pub fn get(&self, number: LifeId) -> Option<&Life> {
        let slot = self.slots.get(number.slot as usize).filter(|slot| slot.turn == number.turn)?;
        slot.life.as_deref()
    }

    pub fn get_mut(&mut self, number: LifeId) -> Option<&mut Life> {
        let slot = self.slots.get_mut(number.slot as usize).filter(|slot| slot.turn == number.turn)?;
        slot.life.as_deref_mut()
    }

    pub fn mark_in_crowd(&mut self, number: LifeId) {
        if let Some(slot) = self.slots.get_mut(number.slot as usize).filter(|slot| slot.turn == number.turn) {
            slot.is_in_crowd = true;
        }
    }

    pub fn is_in_crowd(&self, number: LifeId) -> bool {
        self.slots.get(number.slot as usize).is_some_and(|slot| slot.turn == number.turn && slot.is_in_crowd)
    }

    pub fn remove(&mut self, number: LifeId) -> Option<Box<Life>> {
        let slot = self.slots.get_mut(number.slot as usize).filter(|slot| slot.turn == number.turn)?;
        let life = slot.life.take()?;
        // A slot that has had all its turns stays empty.
        if let Some(turn) = slot.turn.checked_add(1) {
            slot.turn = turn;
            self.free.push(number.slot);
        }
        Some(life)
    }

    /// All, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Life> {
        self.slots.iter().filter_map(|slot| slot.life.as_deref())
    }

    /// All, in no order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Life> {
        self.slots.iter_mut().filter_map(|slot| slot.life.as_deref_mut())
    }

    /// Those that are wanted, in the order in which they began.
    pub fn in_order(&self, is_wanted: impl Fn(&Life) -> bool) -> Vec<LifeId> {
        let mut found: Vec<(u64, LifeId)> = (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.life.as_deref().is_some_and(&is_wanted))
            .map(|(number, slot)| (slot.order, LifeId { slot: number, turn: slot.turn }))
            .collect();
        found.sort_unstable_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, number)| number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::LifeTable;
    use crate::containers::life::{Life, Origin, Stage, Stamp};
    use crate::record::{BootNs, Seq, WallNs};

    fn life(seq: u64) -> Life {
        let first = Stamp { seq: Seq(seq), ts: WallNs(0), boot_ns: BootNs(0) };
        Life::new(Origin::Walked, Stage::Announced, first)
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
        let seqs = lives.in_order(|life| life.first.seq != Seq(1)).into_iter().map(|number| lives.get(number));
        assert!(seqs.map(|life| life.map(|life| life.first.seq.0)).eq([Some(3), Some(4), Some(5)]));
    }

    #[test]
    fn a_slot_that_has_had_all_its_turns_is_given_no_more() {
        let mut lives = LifeTable::default();
        let number = lives.insert(life(1));
        lives.slots[0].turn = u32::MAX;
        let last = super::LifeId { turn: u32::MAX, ..number };
        assert!(lives.remove(last).is_some());
        assert_ne!(lives.insert(life(2)).slot, last.slot);
        assert!(lives.get(last).is_none());
    }
}
