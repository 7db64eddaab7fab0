//! Recordings whose power is cut at any moment, while calls to the disk fail now and then: whatever
//! combination of unsynced writes and names survives, the case opens, verifies and closes, has all
//! that a sync promised, and knows every head that its anchor has.
//!
//! `OBIT_POWER_CUTS` sets the number of cuts, `OBIT_POWER_FIRST` the first recording.

use std::fs;
use std::path::Path;

use arrow_array::RecordBatch;
use obit_analysis::evidence::{AnchorSource, LineTrust, ProofRequest, examine};
use obit_analysis::verify::{Verdict, VerifyOptions, verify};
use obit_case::manifest::{CaseCounts, ClockPair, Manifest, MissingRange, Segment};
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, Error, FORMAT, FormatVersion, Problem};
use obit_derivation::fold::DERIVATION_VERSION;
use obit_derivation::record::{
    Actor, Body, BootNs, CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, ClockReading, Directory, HierarchyId,
    Outcome, Record, RuntimeAnswer, Seq, SnapshotReason, Source, Usage, WallNs,
};
use obit_derivation::{Fold, Row};
use obit_schema::Table;
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RowsBuilder, RuntimeBuilder};
use tempfile::TempDir;

use crate::disk::{Disk, Plan};
use crate::kit;
use crate::power_cut::{Dice, Survivors, cut};

/// Cuts of `make test`, which take it less than half a minute.
const CUTS: u64 = 300;
/// Cuts of one recording.
const CUTS_OF_ONE: u64 = 20;
/// Tries of a step that fails, as the recorder makes them until it gives up.
const TRIES: usize = 3;

/// A moment of a recording: how many changes to the disk it comes after.
type Moment = usize;

/// A recording, whose disk can be cut off at any moment afterwards.
struct Recording {
    disk: Disk,
    /// Moment from which on there is a case.
    made: Moment,
    /// The number of records that a sync promised, from that moment on.
    promises: Vec<(Moment, u64)>,
    /// The first record that is left by a drop, from the moment on at which it began.
    drops: Vec<(Moment, u64)>,
    /// The lines of the anchor, and when it got them.
    anchor: Vec<(Moment, String)>,
}

/// Rows of one delivery to the recorder.
#[derive(Default)]
struct Delivery {
    events: EventsBuilder,
    cgroupfs: CgroupfsBuilder,
    runtime: RuntimeBuilder,
    rows: RowsBuilder,
}

impl Delivery {
    /// Takes the batches, those of records first.
    fn take(&mut self) -> Vec<(Table, RecordBatch)> {
        let mut batches = vec![
            (Table::Events, self.events.finish().unwrap()),
            (Table::Cgroupfs, self.cgroupfs.finish().unwrap()),
            (Table::Runtime, self.runtime.finish().unwrap()),
        ];
        batches.extend(self.rows.finish().unwrap());
        batches.retain(|(_, batch)| batch.num_rows() > 0);
        batches
    }
}

/// What happens on the recorded host.
struct HostStory {
    dice: Dice,
    fold: Fold,
    delivery: Delivery,
    next_seq: u64,
    /// Numbers of the containers that run.
    alive: Vec<u64>,
}

fn at(seq: u64) -> ClockPair {
    ClockPair { ts: WallNs(1_700_000_000_000_000_000 + seq as i64), boot_ns: BootNs(seq * 300_000_000) }
}

impl HostStory {
    fn record(&mut self, body: Body<'_>) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let ClockPair { ts, boot_ns } = at(seq);
        let record = Record { seq: Seq(seq), ts, boot_ns, body };
        match &record.body {
            Body::Directory(_) => {
                let details = DirectoryDetails { outcome: Outcome::Ok, ctime: None, files: Vec::new() };
                self.delivery.cgroupfs.append(&record, &details).unwrap();
            }
            Body::Runtime(_) => {
                let details = RuntimeDetails { request: "config.json".to_owned(), latency_ns: 1, document: None };
                self.delivery.runtime.append(&record, &details).unwrap();
            }
            _ => self.delivery.events.append(&record).unwrap(),
        }
        let mut rows: Vec<Row> = Vec::new();
        self.fold.apply(&record, &mut rows);
        rows.iter().for_each(|row| self.delivery.rows.append(row));
    }

    fn event(&mut self, kind: CgroupEventKind, container: u64) {
        let path = format!("/docker/{container:064x}");
        self.record(Body::Cgroup(CgroupEvent {
            kind,
            cpu: 0,
            key: CgroupKey { hierarchy: HierarchyId::V2, cgroup: CgroupId(100 + container) },
            parent: None,
            level: 2,
            path: &path,
            path_truncated: false,
            actor: Actor { pid: 77, tid: 77, ppid: 76, comm: "runc", argv: &["runc"], ..Actor::default() },
            usage: Usage::default(),
        }));
    }

    /// Has something happen.
    fn go_on(&mut self) {
        match self.dice.below(6) {
            0 | 1 => {
                let container = self.next_seq;
                self.alive.push(container);
                self.event(CgroupEventKind::Mkdir, container);
                self.event(CgroupEventKind::Populated, container);
            }
            2 | 3 if !self.alive.is_empty() => {
                let container = self.alive.swap_remove(self.dice.below(self.alive.len() as u64) as usize);
                self.event(CgroupEventKind::Empty, container);
                self.event(CgroupEventKind::Rmdir, container);
            }
            4 => {
                let container = self.alive.last().copied().unwrap_or(7);
                self.record(Body::Runtime(RuntimeAnswer {
                    container_id: Some(format!("{container:064x}").into()),
                    ..RuntimeAnswer::unanswered(Source::Docker, Outcome::NotFound)
                }));
            }
            5 => self.record(Body::Directory(Directory {
                reason: SnapshotReason::Mkdir,
                key: CgroupKey { hierarchy: HierarchyId::V2, cgroup: CgroupId(9_000_000 + self.next_seq) },
                parent: None,
                parent_uid: None,
                path: format!("/plain-{}", self.next_seq).into(),
                populated: Some(true),
                pids: vec![1],
            })),
            _ => self.record(Body::Clock(ClockReading::default())),
        }
    }
}

fn manifest(is_cut: bool) -> Manifest {
    let first = Segment { number: 0, first_seq: 0, began: at(0), counts: CaseCounts::default() };
    let segments = if is_cut { vec![first] } else { Vec::new() };
    Manifest { derivation_version: DERIVATION_VERSION, segments, ..kit::manifest() }
}

/// Tries a step until it succeeds, or for so long that the recorder gives up.
fn again<T>(mut step: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    (1..TRIES).find_map(|_| step().ok()).map_or_else(step, Ok)
}

impl Recording {
    /// Records as the recorder does. Everything about it is drawn from the seed.
    fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let plan = match dice.below(3) {
            0 => Plan::Sometimes(seed, 40 + dice.below(200)),
            _ => Plan::Never,
        };
        let disk = Disk::new(plan);
        let mut recording =
            Self { disk, made: Moment::MAX, promises: Vec::new(), drops: Vec::new(), anchor: Vec::new() };
        // A step that fails for good ends the recording: what was promised stays.
        let _ = recording.record(&mut dice, seed);
        recording
    }

    fn record(&mut self, dice: &mut Dice, seed: u64) -> Result<(), Error> {
        let part_rows = [1, 2, 3, 5, 8, 1 << 20][dice.below(6) as usize];
        let is_cut = dice.below(3) == 0;
        let options = WriterOptions { part_rows, reserve_bytes: 4096, ..WriterOptions::default() };
        let mut manifest = manifest(is_cut);
        // A recorder of this build writes the newest format alone; both lay their files out here.
        manifest.format = [FORMAT, FORMAT, FormatVersion { major: 1, minor: 4 }][dice.below(3) as usize];
        let mut writer = CaseWriter::create_in(self.disk.root(), manifest, options)?;
        self.made = self.disk.changes();
        let mut host = HostStory {
            dice: Dice::new(!seed),
            fold: Fold::new(),
            delivery: Delivery::default(),
            next_seq: 0,
            alive: Vec::new(),
        };
        host.record(Body::CaptureStart);
        for _ in 0..4 + dice.below(12) {
            (0..=dice.below(4)).for_each(|_| host.go_on());
            if is_cut && dice.below(4) == 0 {
                self.cut(&mut writer, &mut host, dice)?;
            }
            if let Err(error) = self.write(&mut writer, &mut host, dice) {
                return self.give_up(&mut writer, error);
            }
        }
        if dice.below(4) > 0 {
            host.record(Body::CaptureStop);
            let mut rows: Vec<Row> = Vec::new();
            host.fold.finish(&mut rows);
            rows.iter().for_each(|row| host.delivery.rows.append(row));
            if let Err(error) = self.write(&mut writer, &mut host, dice) {
                return self.give_up(&mut writer, error);
            }
            again(|| writer.close(|_| {}))?;
            self.anchor(&writer);
        }
        Ok(())
    }

    /// Writes what was delivered, to the files or to the disk.
    fn write(&mut self, writer: &mut CaseWriter, host: &mut HostStory, dice: &mut Dice) -> Result<(), Error> {
        for (table, batch) in host.delivery.take() {
            again(|| writer.append_unsealed(table, &batch))?;
        }
        if dice.below(2) == 0 {
            again(|| writer.seal_due())?;
        } else {
            again(|| writer.sync())?;
            self.promises.push((self.disk.changes(), host.next_seq));
        }
        self.anchor(writer);
        Ok(())
    }

    /// Ends a segment, and drops those before it now and then.
    fn cut(&mut self, writer: &mut CaseWriter, host: &mut HostStory, dice: &mut Dice) -> Result<(), Error> {
        let mut rows: Vec<Row> = Vec::new();
        host.fold.finish(&mut rows);
        rows.iter().for_each(|row| host.delivery.rows.append(row));
        let first = host.next_seq;
        let current = writer.manifest().segments[0].first_seq;
        if writer.manifest().segments.len() == 1 && current < first && dice.below(4) == 0 {
            // As on a disk without room for what was delivered, or for sealing.
            host.delivery.take();
            self.drops.push((self.disk.changes(), first));
            again(|| match writer.manifest().segments[0].first_seq < first {
                true => writer.drop_current(first, at(first)).map(drop),
                false => writer.sync(),
            })?;
        } else {
            for (table, batch) in host.delivery.take() {
                again(|| writer.append_unsealed(table, &batch))?;
            }
            again(|| writer.cut(first, at(first)))?;
        }
        // Containers that are alive are carried over by another part of the recorder.
        host.alive.clear();
        host.record(Body::SegmentBegin);
        while writer.manifest().segments.len() > 1 + dice.below(3) as usize {
            let left = writer.manifest().segments[1].first_seq;
            self.drops.push((self.disk.changes(), left));
            // A try that failed may have dropped it, and case.json not say so yet.
            again(|| match writer.manifest().segments[0].first_seq < left {
                true => writer.drop_oldest(at(first)).map(drop),
                false => writer.sync(),
            })?;
        }
        Ok(())
    }

    /// Says what is missing, and closes, as far as the disk takes it.
    fn give_up(&mut self, writer: &mut CaseWriter, error: Error) -> Result<(), Error> {
        let first_seq = self.promises.last().map_or(0, |(_, promised)| *promised);
        let range = MissingRange { first_seq, last_seq: None, reason: error.to_string() };
        again(|| writer.note_missing(range.clone()))?;
        again(|| writer.close(|_| {}))?;
        self.anchor(writer);
        Ok(())
    }

    /// Hands the head over to the anchor, which is on another disk.
    fn anchor(&mut self, writer: &CaseWriter) {
        self.anchor.extend(writer.head_line().map(|line| (self.disk.changes(), line)));
    }

    /// Returns the newest value at a moment.
    fn newest(values: &[(Moment, u64)], at: Moment) -> u64 {
        values.iter().take_while(|(moment, _)| *moment <= at).last().map_or(0, |(_, value)| *value)
    }

    /// Cuts the power at a moment, and expects of the case what the recorder promised until then.
    fn assert_cut(&self, at: Moment, dice: &mut Dice, survivors: Survivors, what: &str) {
        let scratch = scratch();
        let path = scratch.path().join("case");
        cut(&self.disk.log()[..at], dice, survivors, &path);
        if !path.join("case.json").exists() {
            assert!(at < self.made, "{what}: there is no case");
            return;
        }
        let anchor = scratch.path().join("anchor");
        let lines = self.anchor.iter().take_while(|(moment, _)| *moment <= at).map(|(_, line)| line.as_str());
        let lines: String = lines.collect();
        fs::write(&anchor, &lines).unwrap();
        let anchor = Some(anchor.as_path()).filter(|_| !lines.is_empty());
        let before = assert_verifies(&path, anchor, what);

        let (from, promised) = (Self::newest(&self.drops, at), Self::newest(&self.promises, at));
        let missing: Vec<_> = (from..promised).filter(|seq| before.binary_search(seq).is_err()).collect();
        assert!(missing.is_empty(), "{what}: promised up to {promised}, and missing: {missing:?}");

        match CaseWriter::resume(&path, WriterOptions::default()) {
            Err(Error::AlreadyClosed { .. }) => {}
            resumed => {
                let mut writer = resumed.unwrap_or_else(|error| panic!("{what}: it cannot be closed: {error}"));
                writer.close(|_| {}).unwrap_or_else(|error| panic!("{what}: it cannot be closed: {error}"));
            }
        }
        let case = Case::open(&path).unwrap();
        assert!(case.is_closed(), "{what}");
        assert_eq!(case.check_sums(), [], "{what}");
        assert_eq!(assert_verifies(&path, anchor, what), before, "{what}: the same records");
    }
}

/// Asserts that the case is what a recorder that was cut off leaves. Returns its records' places.
fn assert_verifies(path: &Path, anchor: Option<&Path>, what: &str) -> Vec<u64> {
    let case = Case::open(path).unwrap_or_else(|error| panic!("{what}: {error}"));
    let verification = verify(&case, &VerifyOptions::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
    // The anchor may lack the newest heads, and never has one that the disk lacks.
    let anchor = anchor.map(|path| AnchorSource { path, trust: LineTrust::All });
    let evidence = examine(&case, &ProofRequest { anchor, ..ProofRequest::default() });
    let problems = evidence.unwrap_or_else(|error| panic!("{what}: {error}")).problems;
    let anchored: Vec<_> = problems.iter().filter(|problem| matches!(problem, Problem::Anchor { .. })).collect();
    assert!(anchored.is_empty(), "{what}: the anchor knows more than the disk: {anchored:?}");
    let verdict = verification.verdict;
    let is_whole = matches!(verdict, Verdict::Same | Verdict::SameAsFarAsWritten { .. });
    assert!(is_whole, "{what}: {verdict:?}: {:?}", verification.problems);
    kit::read_from(&case).0
}

/// Returns a directory in memory, if there is such a place: a real disk would be synced again and
/// again.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

#[test]
fn a_power_cut_leaves_a_case_that_opens_verifies_and_closes() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, cuts) = (number("OBIT_POWER_FIRST").unwrap_or(0), number("OBIT_POWER_CUTS").unwrap_or(CUTS));
    for seed in first..first + cuts.div_ceil(CUTS_OF_ONE) {
        let recording = Recording::of(seed);
        let mut dice = Dice::new(seed ^ 0x6f62_6974);
        for number in 0..CUTS_OF_ONE {
            let at = dice.below(recording.disk.changes() as u64 + 1) as Moment;
            let survivors = match number % 8 {
                0 => Survivors::All,
                1 => Survivors::None,
                number => Survivors::Some(number),
            };
            let what = format!("recording {seed}, cut {number} after {at} changes, {survivors:?}");
            recording.assert_cut(at, &mut dice, survivors, &what);
        }
    }
}
