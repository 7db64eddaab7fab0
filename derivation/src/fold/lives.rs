//! The lives that the fold knows, each by a number that costs one step to look up.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::incarnation::Incarnation;

/// Names a life within one fold; never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IncarnationNo {
    slot: u32,
    /// How many lives were in the slot before.
    turn: u32,
}

/// The lives that the fold knows.
#[derive(Debug, Default)]
pub(super) struct Lives {
    slots: Vec<Slot>,
    /// Slots whose life was forgotten.
    free: Vec<u32>,
    begun: u64,
}

#[derive(Debug)]
struct Slot {
    turn: u32,
    /// When it began, counted in lives.
    order: u64,
    life: Option<Box<Incarnation>>,
}

impl Lives {
    pub fn insert(&mut self, life: Incarnation) -> IncarnationNo {
        let order = self.begun;
        self.begun = self.begun.saturating_add(1);
        let life = Some(Box::new(life));
        let free = self.free.pop().and_then(|number| Some((number, self.slots.get_mut(number as usize)?)));
        if let Some((number, slot)) = free {
            *slot = Slot { turn: slot.turn, order, life };
            return IncarnationNo { slot: number, turn: slot.turn };
        }
        // No memory holds so many lives at once.
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot { turn: 0, order, life });
        IncarnationNo { slot: number, turn: 0 }
    }

    pub fn get(&self, number: IncarnationNo) -> Option<&Incarnation> {
        let slot = self.slots.get(number.slot as usize).filter(|slot| slot.turn == number.turn)?;
        slot.life.as_deref()
    }

    pub fn get_mut(&mut self, number: IncarnationNo) -> Option<&mut Incarnation> {
        let slot = self.slots.get_mut(number.slot as usize).filter(|slot| slot.turn == number.turn)?;
        slot.life.as_deref_mut()
    }

    pub fn remove(&mut self, number: IncarnationNo) -> Option<Box<Incarnation>> {
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
    pub fn iter(&self) -> impl Iterator<Item = &Incarnation> {
        self.slots.iter().filter_map(|slot| slot.life.as_deref())
    }

    /// All, in no order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Incarnation> {
        self.slots.iter_mut().filter_map(|slot| slot.life.as_deref_mut())
    }

    /// Those that are wanted, in the order in which they began.
    pub fn in_order(&self, is_wanted: impl Fn(&Incarnation) -> bool) -> Vec<IncarnationNo> {
        let mut found: Vec<(u64, IncarnationNo)> = (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.life.as_deref().is_some_and(&is_wanted))
            .map(|(number, slot)| (slot.order, IncarnationNo { slot: number, turn: slot.turn }))
            .collect();
        found.sort_unstable_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, number)| number).collect()
    }
}
