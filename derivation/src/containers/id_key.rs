//! Container ids as keys.

use alloc::sync::Arc;
use core::cmp::Ordering;

/// A container id as the key of a tree.
///
/// Nearly all ids differ in their first bytes, which compare as one number, so a search seldom
/// compares the texts. The head does not change the result: equal ids have equal heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdKey {
    head: u64,
    /// The id, shared with all that names it.
    pub id: Arc<str>,
}

impl Ord for IdKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let texts = || if Arc::ptr_eq(&self.id, &other.id) { Ordering::Equal } else { self.id.cmp(&other.id) };
        self.head.cmp(&other.head).then_with(texts)
    }
}

impl PartialOrd for IdKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Arc<str>> for IdKey {
    fn from(id: Arc<str>) -> Self {
        let head = id.as_bytes().first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        Self { head, id }
    }
}

impl From<&str> for IdKey {
    fn from(id: &str) -> Self {
        Self::from(Arc::from(id))
    }
}
