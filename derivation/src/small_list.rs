//! A list that nearly always has one entry.

use alloc::vec::Vec;
use core::mem;
use core::ops::{Deref, DerefMut};

/// A list that allocates nothing for one entry, and little more than needed for others: a host may
/// have a hundred thousand containers, and each has some of these lists.
#[derive(Clone, Debug)]
pub(crate) enum SmallList<T> {
    One(T),
    /// No entry, or more than one.
    Many(Vec<T>),
}

impl<T> SmallList<T> {
    /// Appends an entry.
    pub fn push(&mut self, value: T) {
        match self {
            Self::Many(all) if all.len() > 1 => {
                reserve_for_one(all);
                all.push(value);
            }
            _ => self.insert(self.len(), value),
        }
    }

    /// Inserts an entry before the one at index `place`, or at the end.
    pub fn insert(&mut self, place: usize, value: T) {
        *self = match mem::take(self) {
            Self::Many(none) if none.is_empty() => Self::One(value),
            Self::One(first) if place == 0 => Self::Many(Vec::from([value, first])),
            Self::One(first) => Self::Many(Vec::from([first, value])),
            Self::Many(mut all) => {
                reserve_for_one(&mut all);
                all.insert(place.min(all.len()), value);
                Self::Many(all)
            }
        };
    }

    /// Removes the entries that are not wanted.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&T) -> bool) {
        match self {
            Self::One(only) if is_wanted(only) => {}
            Self::One(_) => self.clear(),
            Self::Many(all) => all.retain(is_wanted),
        }
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Makes room for another entry: few more, but in proportion, so that a list of any length is
/// written in linear time.
fn reserve_for_one<T>(all: &mut Vec<T>) {
    if all.len() == all.capacity() {
        // With v1, a container has ten directories.
        all.reserve_exact(if all.len() == 4 { 6 } else { all.len() / 4 + 2 });
    }
}

impl<T> Default for SmallList<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> Deref for SmallList<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::One(only) => core::slice::from_ref(only),
            Self::Many(all) => all,
        }
    }
}

impl<T> DerefMut for SmallList<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::One(only) => core::slice::from_mut(only),
            Self::Many(all) => all,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::SmallList;

    /// Does the same to a list of either kind and compares after each step.
    #[test]
    fn it_is_a_list() {
        let (mut few, mut all) = (SmallList::default(), Vec::new());
        for (place, value) in [(0, 'a'), (0, 'b'), (2, 'c'), (1, 'd'), (4, 'e'), (0, 'f')] {
            few.insert(place, value);
            all.insert(place, value);
            assert_eq!(*few, *all);
        }
        for wanted in ["abcdef", "bdf", "d", "x"] {
            few.retain(|value| wanted.contains(*value));
            all.retain(|value| wanted.contains(*value));
            assert_eq!(*few, *all, "{wanted}");
        }
        few.push('g');
        assert_eq!(*few, ['g']);
        few.retain(|_| false);
        assert!(few.is_empty());
    }

    #[test]
    fn one_entry_takes_no_memory_of_its_own_and_ten_take_no_more_than_they_need() {
        let mut few = SmallList::default();
        few.push(0_u64);
        assert!(matches!(few, SmallList::One(0)));
        (1..10).for_each(|value| few.push(value));
        assert!(matches!(few, SmallList::Many(all) if all.capacity() == all.len()));
    }
}
