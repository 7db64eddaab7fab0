//! Numbers for the lives of a case, so that rows of one life find together without being kept.

use std::collections::BTreeMap;

use obit_derivation::Row;

use super::life::{self, LifeSlot};

/// Numbers the lives of a case, from 0, in the order in which their first rows come.
#[derive(Debug, Default)]
pub struct LifeNumbering {
    containers: BTreeMap<String, Vec<NumberedLife>>,
    total: u32,
}

#[derive(Debug)]
struct NumberedLife {
    slot: LifeSlot,
    number: u32,
}

impl AsMut<LifeSlot> for NumberedLife {
    fn as_mut(&mut self) -> &mut LifeSlot {
        &mut self.slot
    }
}

impl LifeNumbering {
    /// Returns the number of the life that the next row of the derivation belongs to. Lives are
    /// told apart as in [`LifeRows`](super::LifeRows).
    pub fn number(&mut self, row: &Row) -> u32 {
        let lives = self.containers.entry(row.identity().container_id.clone()).or_default();
        match life::assign(lives, row) {
            Ok(place) => lives[place].number,
            Err(slot) => {
                let number = self.total;
                lives.push(NumberedLife { slot, number });
                self.total = self.total.saturating_add(1);
                number
            }
        }
    }
}
