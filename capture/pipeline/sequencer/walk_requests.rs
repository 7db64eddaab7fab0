//! Requests for walks of cgroupfs.

use std::sync::mpsc::Sender;

use obit_derivation::record::SnapshotReason;

/// Requests walks from the walker.
#[derive(Debug)]
pub struct WalkRequests {
    walker: Sender<SnapshotReason>,
    /// A walk after losses has been requested and has not begun.
    resync_is_pending: bool,
}

impl WalkRequests {
    /// Returns the requests to this walker.
    pub fn new(walker: Sender<SnapshotReason>) -> Self {
        Self { walker, resync_is_pending: false }
    }

    /// Requests the walk that a segment begins with. It shows what a pending walk after losses
    /// would show.
    pub fn request_start(&mut self) {
        self.resync_is_pending = false;
        // Without its walker a session ends soon.
        let _ = self.walker.send(SnapshotReason::Start);
    }

    /// Requests a walk after losses, unless one is pending.
    pub fn request_resync(&mut self) {
        self.resync_is_pending = self.resync_is_pending || self.walker.send(SnapshotReason::Resync).is_ok();
    }

    /// Notes that a walk has begun: what is lost from now on needs another one.
    pub fn on_begin(&mut self, reason: SnapshotReason) {
        if reason == SnapshotReason::Resync {
            self.resync_is_pending = false;
        }
    }
}
