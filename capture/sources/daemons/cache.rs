//! Answers that are good for a while.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A bounded number of them by their question.
#[derive(Debug)]
pub struct TimedCache<K, V> {
    entries: Mutex<BTreeMap<K, (Instant, V)>>,
    good_for: Duration,
    most: usize,
}

impl<K: Ord, V: Clone> TimedCache<K, V> {
    /// An empty one.
    pub const fn new(good_for: Duration, most: usize) -> Self {
        Self { entries: Mutex::new(BTreeMap::new()), good_for, most }
    }

    /// The answer, if it is known and still good.
    pub fn get(&self, key: &K) -> Option<V> {
        let entries = self.entries.lock().ok()?;
        let (known_since, answer) = entries.get(key)?;
        (known_since.elapsed() < self.good_for).then(|| answer.clone())
    }

    /// Keeps an answer. If there are too many, all others are forgotten: asking again costs little.
    pub fn put(&self, key: K, answer: V) {
        let Ok(mut entries) = self.entries.lock() else { return };
        if entries.len() >= self.most {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_bounded_in_number_and_age() {
        let cache = TimedCache::new(Duration::MAX, 3);
        for number in 0..10 {
            cache.put(number, "answer");
        }
        assert_eq!(cache.get(&9), Some("answer"));
        assert!(cache.entries.lock().unwrap().len() <= 3);
        let stale = TimedCache::new(Duration::ZERO, 3);
        stale.put(1, "answer");
        assert_eq!(stale.get(&1), None);
    }
}
