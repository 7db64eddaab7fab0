//! The users of derived rows besides the recorder: daemons and files that are asked, counters, live
//! output.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use obit_derivation::Row;

use super::lookup_queue::LookupQueue;
use crate::announcing::AnnouncementQueue;
use crate::pipeline::progress::Progress;
use crate::sources::daemons::DaemonQueries;

/// Passes each derived row to those who act on it.
pub struct RowRouter {
    /// Asks the daemons that may know a container.
    pub daemons: DaemonQueries,
    /// Looks up the files of a container.
    pub lookups: LookupQueue,
    /// Receives exits and removals as they happen; `None` if nobody follows the capture.
    pub followers: Option<SyncSender<Row>>,
    /// Passes on rows as they are decided, if they are announced.
    pub announcements: Option<AnnouncementQueue>,
    /// Counts rows.
    pub progress: Arc<Progress>,
}

impl RowRouter {
    /// Counts a row and asks about its container. In a later segment than the first, rows of
    /// containers that were alive at its start repeat what was counted, and carry what daemons
    /// said.
    pub fn route(&mut self, row: &Row, is_first_segment: bool) {
        let is_repeated = !is_first_segment && matches!(row, Row::Existing(_));
        if !is_repeated {
            self.progress.row(row);
            if let Some(announcements) = &self.announcements {
                announcements.push(row);
            }
        }
        if !is_repeated || !row.identity().is_named() {
            self.daemons.ask(row);
        }
        self.lookups.on_row(row);
    }

    /// Passes on an exit or a removal as soon as it is known, before its row is complete.
    pub fn preview(&mut self, end: Row) {
        if let Row::Exit(exit) = &end {
            self.daemons.ask_after_exit(exit);
            self.lookups.on_exit(exit);
        }
        if let Some(followers) = &self.followers {
            self.progress.to_print();
            // Whoever reads the live lines may be too slow for them: then the row stays counted,
            // and is in the case all the same.
            if let Err(TrySendError::Disconnected(_)) = followers.try_send(end) {
                self.progress.printed();
            }
        }
    }
}
