//! The time that a case covers, and the gaps in it, by the case's own records.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use obit_case::Case;
use obit_derivation::record::{Body, SnapshotReason};

use super::life::{Life, Presence, Span};

/// Time that a case covers.
pub struct Coverage {
    /// From the attaching of the probes to the end of the first walk.
    pub begin: Span,
    /// From the beginning of the last walk to the detaching of the probes.
    pub end: Span,
    /// Stretches in which events were lost, up to the end of the walk that followed.
    pub gaps: Vec<Span>,
    /// Walks that followed on losses.
    walks: Vec<Span>,
}

impl Coverage {
    /// Reads the records of a case.
    pub fn read(case: &Path) -> Self {
        let case = Case::open_lenient(case).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        let mut records = case.records();
        let mut times: Vec<(u64, SystemTime)> = Vec::new();
        let (mut begin, mut end, mut last) = (None, None, UNIX_EPOCH);
        let (mut gaps, mut open, mut is_walked): (Vec<Span>, Option<Span>, bool) = (Vec::new(), None, false);
        let mut walks: Vec<Span> = Vec::new();
        while records.advance() {
            let mut scratch = Vec::new();
            let Ok(record) = records.current(&mut scratch) else { continue };
            let now = UNIX_EPOCH + Duration::from_nanos(u64::try_from(record.ts.0).expect("after 1970"));
            // Answers and walks have the time when they were read, not their place among the events.
            if matches!(record.body, Body::Cgroup(_) | Body::Exit(_) | Body::Signal(_) | Body::CaptureStart) {
                times.push((record.seq.0, now));
            }
            last = now;
            match record.body {
                Body::CaptureStart => begin = Some(Span { from: now, to: now }),
                Body::SnapshotBegin(SnapshotReason::Stop) => end = Some(Span { from: now, to: now }),
                Body::CaptureStop => end = end.map(|span| Span { to: now, ..span }),
                Body::SnapshotEnd(SnapshotReason::Start) => begin = begin.map(|span| Span { to: now, ..span }),
                Body::SnapshotBegin(SnapshotReason::Resync) => {
                    is_walked = true;
                    walks.push(Span { from: now, to: now });
                }
                Body::SnapshotEnd(SnapshotReason::Resync) => {
                    if let Some(walk) = walks.last_mut() {
                        walk.to = now;
                    }
                    if is_walked {
                        gaps.extend(open.take().map(|gap| Span { to: now, ..gap }));
                    }
                }
                Body::Lost(loss) => {
                    let since = times.partition_point(|(seq, _)| *seq <= loss.since.0).checked_sub(1);
                    let from = since.map_or(UNIX_EPOCH, |at| times[at].1);
                    let from = open.map_or(from, |gap: Span| gap.from.min(from));
                    open = Some(Span { from, to: now });
                    // A walk that began before the loss does not make up for it.
                    is_walked = false;
                }
                _ => {}
            }
        }
        gaps.extend(open.map(|gap| Span { to: last, ..gap }));
        let begin = begin.expect("a record of the capture's start");
        Self { begin, end: end.unwrap_or(Span { from: last, to: last }), gaps, walks }
    }

    /// Returns true if events were lost in a stretch of time.
    pub fn has_gap_in(&self, span: Span) -> bool {
        self.gaps.iter().any(|gap| gap.meets(span))
    }

    /// Returns true if events were lost before the end of a stretch of time.
    pub fn has_gap_before(&self, span: Span) -> bool {
        self.gaps.iter().any(|gap| gap.from <= span.to)
    }

    /// Returns true if a life began before everything was seen.
    pub fn began_before(&self, life: &Life) -> bool {
        life.created.from <= self.begin.to
    }

    /// Returns true if a life began while the first walk looked: it may have missed it.
    pub fn is_at_begin(&self, life: &Life) -> bool {
        self.begin.meets(life.created)
    }

    /// Returns how many rows of a table this case must have of a life whose moment is `span`.
    pub fn presence(&self, table: &str, life: &Life, span: Span, in_full: Presence) -> Presence {
        let is_before = life.created.to < self.begin.from && life.removed.from > self.begin.to;
        if table == "existing_container" {
            let may_be = life.created.from <= self.begin.to && life.removed.to >= self.begin.from;
            return match in_full {
                Presence::Never => Presence::Never,
                _ if is_before && in_full == Presence::Must => Presence::Must,
                _ if may_be => Presence::May,
                _ => Presence::Never,
            };
        }
        // What ended before, and still has its directory, may be told as ended.
        if table == "container_exit" && span.from < self.begin.to && life.removed.to >= self.begin.from {
            return Presence::May;
        }
        if in_full == Presence::Never || span.to < self.begin.from || span.from > self.end.to {
            return Presence::Never;
        }
        // In a directory that was there before, only what the runtime does at its creation tells it.
        let is_hidden = life.scene.story.shares_directory() && self.has_gap_in(life.created);
        // A walk may read the runtimes' states before a container has one, and its directory after.
        let is_hidden = is_hidden || self.walks.iter().any(|walk| walk.meets(life.created));
        let is_hidden =
            is_hidden || table == "container_exit" && life.scene.story.leaves_others() && self.has_gap_in(life.ended);
        let is_inside = span.from > self.begin.to && span.to < self.end.from;
        // Once its creation is known, a walk after a gap finds that it is gone.
        let is_known = is_before
            || life.created.from > self.begin.to && !self.has_gap_in(life.created)
            || table != "container_create" && !self.is_at_begin(life) && !self.has_gap_in(span);
        if is_inside && is_known && !is_hidden { in_full } else { Presence::May }
    }
}
