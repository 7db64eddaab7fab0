//! What a container used in cgroups of its own that it removed before.

use alloc::borrow::Cow;

use super::Fold;
use crate::containers::directory::beside;
use crate::record::{CgroupEvent, CgroupKey, HierarchyId, Seq, Usage};

impl Fold {
    /// What a directory counted, with those below it that are gone.
    pub(super) fn with_below<'e>(&self, event: &'e CgroupEvent<'_>) -> Cow<'e, Usage> {
        let below = self.used_below.get(&event.key);
        below.map_or(Cow::Borrowed(&event.usage), |below| Cow::Owned(below.added_to(&event.usage)))
    }

    /// The same of a directory that is removed: it is handed on to the one above, if that is a container's.
    pub(super) fn take_with_below<'e>(&mut self, seq: Seq, event: &'e CgroupEvent<'_>) -> Cow<'e, Usage> {
        let usage = self.with_below(event);
        let gone = self.used_below.remove(&event.key);
        if event.key.hierarchy == HierarchyId::V2
            && let Some(above) = event.parent.map(|parent| beside(event.key, parent))
            // Of directories that are not roots the walk is yet to tell.
            && (self.carrying || self.directories.contains_key(&above))
        {
            let made = self.directories.get(&event.key).map(|known| known.since);
            let told = gone.map(|gone| gone.told).unwrap_or_default();
            let below = self.used_below.entry(above).or_default();
            below.add(&usage);
            below.told_by(told.into_iter().chain(made).chain([seq]));
        }
        usage
    }

    /// Forgets what was kept for a directory that is gone without a word of what it used.
    pub(super) fn forget_below(&mut self, key: CgroupKey) {
        self.used_below.remove(&key);
    }
}
