//! Container ids as keys.

use alloc::sync::Arc;

/// A container's id as the key of a tree. Nearly all ids differ in their first bytes, which are compared as one number: a
/// search need not look at the texts. What is found does not depend on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IdKey {
    head: u64,
    /// The id, shared with all that names it.
    pub id: Arc<str>,
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

/// The last id that was asked for: a container's directories are mostly made one after the other.
#[derive(Debug, Default)]
pub(crate) struct RecentId(Option<Arc<str>>);

impl RecentId {
    /// This id, shared if it is the last one.
    pub fn of(&mut self, id: &str) -> Arc<str> {
        if let Some(recent) = self.0.as_ref().filter(|recent| ***recent == *id) {
            return Arc::clone(recent);
        }
        let id = Arc::from(id);
        self.0 = Some(Arc::clone(&id));
        id
    }
}
