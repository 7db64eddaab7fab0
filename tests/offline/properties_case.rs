//! The files of a case decide nothing: the same records in other part sizes, in other batches,
//! sealed or torn off, give the same rows.
//!
//! The records are those of the golden cases (fixtures/cases), whole, or with some left out and in
//! any order: also logs that no host could have made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use obit_analysis::derive::{derive_matching, derive_rows_since};
use obit_analysis::filter::{IdentityFilter, RowFilter};
use obit_case::manifest::{BuildInfo, Manifest};
use obit_case::writer::WriterOptions;
use obit_case::{Case, CaseWriter};
use obit_derivation::fold::DERIVATION_VERSION;
use obit_derivation::record::{Body, BootNs, Carried, CgroupEventKind, Record, Seq};
use obit_derivation::{Fold, Profile, Row};
use obit_schema::Table;
use obit_schema::decode::RawView;
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::digest::{Digest, TableDigest};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RowsBuilder, RuntimeBuilder};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Records of a case, and the place of each, in order.
struct CaseRecords {
    name: String,
    views: Vec<RawView>,
    places: Vec<(usize, usize)>,
    /// Time that the derivation waits for metadata.
    grace_ns: u64,
}

/// Details of a raw record that the derivation does not read.
enum RecordDetails {
    None,
    Directory(DirectoryDetails),
    Runtime(RuntimeDetails),
}

/// Sizes of the files of a case.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Rows after which a part is sealed.
    part_rows: u64,
    /// Records that the writer gets at a time.
    batch: usize,
    end: End,
}

/// End of the recording of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    /// By SIGKILL: journals are on disk, parts are not sealed.
    Killed,
}

impl CaseRecords {
    /// Returns the logs of all golden cases.
    fn all() -> &'static [Self] {
        static LOGS: OnceLock<Vec<CaseRecords>> = OnceLock::new();
        LOGS.get_or_init(|| {
            let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
            let entries = fs::read_dir(&fixtures).unwrap_or_else(|error| panic!("{}: {error}", fixtures.display()));
            let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path().join("case")).collect();
            paths.retain(|path| path.is_dir());
            paths.sort();
            assert!(!paths.is_empty(), "no case in {}", fixtures.display());
            paths.iter().map(|path| Self::read(path)).collect()
        })
    }

    fn read(path: &Path) -> Self {
        let case = Case::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut views = Vec::new();
        let mut places = Vec::new();
        for table in Table::RAW {
            for batch in case.batches(table) {
                let view = RawView::new(table, &batch.expect("a batch")).expect("a raw table");
                let rows = (0..view.len()).map(|row| (view.seq(row).expect("a record"), (views.len(), row)));
                places.extend(rows.collect::<Vec<_>>());
                views.push(view);
            }
        }
        places.sort_unstable();
        let grace_ns = case.manifest().expect("case.json").grace_ns;
        let places = places.into_iter().map(|(_, place)| place).collect();
        Self { name: path.display().to_string(), views, places, grace_ns }
    }

    /// Picks every record once, in order.
    fn whole(&self) -> Vec<usize> {
        (0..self.places.len()).collect()
    }

    /// Gives the picked records to `each`, numbered anew.
    fn each(&self, picks: &[usize], mut each: impl FnMut(&Record<'_>, &RecordDetails)) {
        for (seq, pick) in (0..).zip(picks) {
            let (view, row) = self.places[*pick];
            let view = &self.views[view];
            let mut argv = Vec::new();
            let mut record = view.get(row, &mut argv).expect("a record");
            record.seq = Seq(seq);
            // The record that another one is named for would be a different one now; the derivation
            // does not read it.
            if let Body::Lost(loss) = &mut record.body {
                loss.since = Seq(seq.saturating_sub(1));
            }
            let details = match view {
                RawView::Events(_) => RecordDetails::None,
                RawView::Cgroupfs(view) => RecordDetails::Directory(view.details(row).expect("known")),
                RawView::Runtime(view) => RecordDetails::Runtime(view.details(row).expect("known")),
            };
            each(&record, &details);
        }
    }

    /// Derives the rows without any file.
    fn derive(&self, picks: &[usize]) -> Vec<Row> {
        let (mut fold, mut rows) = (Fold::with_grace(self.grace_ns), Vec::new());
        self.each(picks, |record, _| fold.apply(record, &mut rows));
        fold.finish(&mut rows);
        rows
    }

    /// Derives the rows of a recording that is cut before this pick; carries records over as a
    /// capture does.
    fn derive_cut(&self, cut: usize) -> Vec<Row> {
        let (mut fold, mut rows) = (Fold::with_grace(self.grace_ns), Vec::new());
        let picks = self.whole();
        let mut seq = 0;
        let mut about_all = BTreeMap::new();
        self.each(&picks[..cut], |record, _| {
            fold.apply(record, &mut rows);
            if let Body::Lost(loss) = &record.body {
                about_all.insert(loss.kind, record.seq);
            }
            seq += 1;
        });
        let needed: BTreeSet<Seq> = fold.named_records().chain(about_all.into_values()).collect();
        let mut apply = |record: Record<'_>| {
            fold.apply(&Record { seq: Seq(seq), ..record }, &mut rows);
            seq += 1;
        };
        self.each(&picks[cut - 1..cut], |record, _| apply(Record { body: Body::SegmentBegin, ..record.clone() }));
        self.each(&picks[..cut], |record, _| {
            if needed.contains(&record.seq) {
                let carried = Carried { from: record.seq, body: record.body.clone() };
                apply(Record { body: Body::Carried(Box::new(carried)), ..record.clone() });
            }
        });
        let mut index = 0;
        self.each(&picks, |record, _| {
            if index >= cut {
                apply(record.clone());
            }
            index += 1;
        });
        fold.finish(&mut rows);
        rows
    }

    /// Writes the records and their rows as a capture does.
    fn write(&self, picks: &[usize], shape: Shape, path: &Path) {
        let mut manifest = Manifest::new("1b4e28ba-2fa1-11d2-883f-0016d3cca427".to_owned(), BuildInfo::default());
        manifest.derivation_version = DERIVATION_VERSION;
        manifest.grace_ns = self.grace_ns;
        let options = WriterOptions { part_rows: shape.part_rows, ..WriterOptions::default() };
        let mut writer = CaseWriter::create(path, manifest, options).expect("a new case");
        let mut gathered = Gathered::default();
        let (mut fold, mut rows) = (Fold::with_grace(self.grace_ns), Vec::new());
        let mut waiting = 0;
        self.each(picks, |record, details| {
            match details {
                RecordDetails::None => gathered.events.append(record),
                RecordDetails::Directory(details) => gathered.cgroupfs.append(record, details),
                RecordDetails::Runtime(details) => gathered.runtime.append(record, details),
            }
            .expect("a record of that table");
            fold.apply(record, &mut rows);
            rows.drain(..).for_each(|row| gathered.derived.append(&row));
            waiting += 1;
            if waiting == shape.batch {
                waiting = 0;
                gathered.write(&mut writer);
            }
        });
        fold.finish(&mut rows);
        rows.drain(..).for_each(|row| gathered.derived.append(&row));
        gathered.write(&mut writer);
        match shape.end {
            End::Closed => drop(writer.close(|_| {}).expect("closed")),
            End::Killed => writer.sync().expect("on disk"),
        }
    }
}

/// Rows before they go to the writer.
#[derive(Default)]
struct Gathered {
    events: EventsBuilder,
    cgroupfs: CgroupfsBuilder,
    runtime: RuntimeBuilder,
    derived: RowsBuilder,
}

impl Gathered {
    fn write(&mut self, writer: &mut CaseWriter) {
        let batches = [
            (Table::Events, self.events.finish().expect("a batch")),
            (Table::Cgroupfs, self.cgroupfs.finish().expect("a batch")),
            (Table::Runtime, self.runtime.finish().expect("a batch")),
        ];
        for (table, batch) in batches.into_iter().chain(self.derived.finish().expect("batches")) {
            writer.append(table, &batch).expect("a case that can be written");
        }
    }
}

/// Digests of the three derived tables.
fn digests(rows: &[Row]) -> Vec<(Table, u64, Digest)> {
    let mut builder = RowsBuilder::new();
    rows.iter().for_each(|row| builder.append(row));
    let batches = builder.finish().expect("batches");
    let digest = |table| {
        let mut digest = TableDigest::new(table);
        for (_, batch) in batches.iter().filter(|(of, _)| *of == table) {
            digest.update(batch).expect("a table of this version");
        }
        (table, digest.rows(), digest.finish())
    };
    Table::DERIVED.map(digest).to_vec()
}

/// Returns the digests of the derived rows of a case on disk, and of its recorded ones.
fn digests_of_case(path: &Path) -> [Vec<(Table, u64, Digest)>; 2] {
    let case = Case::open(path).expect("a case");
    assert_eq!(case.problems(), [], "{}", path.display());
    let (mut fold, mut rows) = (Fold::with_grace(case.manifest().expect("case.json").grace_ns), Vec::new());
    let mut records = case.records();
    records
        .for_each(|record| -> Result<(), obit_case::Error> {
            fold.apply(record, &mut rows);
            Ok(())
        })
        .expect("records");
    assert_eq!(records.problems(), [], "{}", path.display());
    fold.finish(&mut rows);
    let recorded = Table::DERIVED.map(|table| {
        let mut digest = TableDigest::new(table);
        for batch in case.batches(table) {
            digest.update(&batch.expect("a batch")).expect("a table of this version");
        }
        (table, digest.rows(), digest.finish())
    });
    [digests(&rows), recorded.to_vec()]
}

/// Returns a path for a case that is removed afterwards.
struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    fn case(&self) -> PathBuf {
        self.directory.path().join("case")
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    (select(vec![1, 7, 1000]), select(vec![9, 64, 4096]), select(vec![End::Closed, End::Killed]))
        .prop_map(|(part_rows, batch, end)| Shape { part_rows, batch, end })
}

#[test]
fn the_golden_logs_have_records_of_every_table_and_rows_of_every_event() {
    let logs = CaseRecords::all();
    for log in logs {
        for kind in ["events", "cgroupfs", "runtime"] {
            let has = |view: &RawView| match view {
                RawView::Events(_) => kind == "events",
                RawView::Cgroupfs(_) => kind == "cgroupfs",
                RawView::Runtime(_) => kind == "runtime",
            };
            assert!(log.views.iter().any(|view| has(view) && !view.is_empty()), "{}: no record of {kind}", log.name);
        }
    }
    let rows: Vec<_> = logs.iter().flat_map(|log| log.derive(&log.whole())).collect();
    for (table, count, _) in digests(&rows) {
        // No source of these recordings contradicts the kernel; the derivation's own tests have
        // records that do.
        let may_be_none = table == Table::Disagreement;
        assert!(may_be_none || count > 3, "{table}: {count} rows would show little");
    }
}

#[test]
fn one_row_a_part_is_one_file_a_row_and_the_same_case() {
    // Each file waits for the disk: the smallest log is enough.
    let log = CaseRecords::all().iter().min_by_key(|log| log.places.len()).expect("a log");
    let scratch = Scratch::new();
    let picks = log.whole();
    log.write(&picks, Shape { part_rows: 1, batch: 1, end: End::Closed }, &scratch.case());
    let case = Case::open(&scratch.case()).expect("a case");
    let parts: usize = Table::RAW.iter().map(|table| case.parts(*table).len()).sum();
    assert_eq!(parts, picks.len(), "{}", log.name);
    let [derived, recorded] = digests_of_case(&scratch.case());
    assert_eq!(derived, digests(&log.derive(&picks)), "{}", log.name);
    assert_eq!(derived, recorded, "{}", log.name);
}

#[test]
fn the_program_verifies_every_shape() {
    let shapes = [
        Shape { part_rows: 7, batch: 3, end: End::Closed },
        Shape { part_rows: 7, batch: 3, end: End::Killed },
        Shape { part_rows: 1000, batch: 4096, end: End::Closed },
        Shape { part_rows: 1000, batch: 64, end: End::Killed },
    ];
    // The next case in the next shape: the tests above read, this one runs the program.
    for (log, shape) in CaseRecords::all().iter().zip(shapes.iter().cycle()) {
        let scratch = Scratch::new();
        log.write(&log.whole(), *shape, &scratch.case());
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_obit-replay"))
            .arg("verify")
            .arg(scratch.case())
            .output()
            .expect("obit-replay starts");
        assert!(run.status.success(), "{} {shape:?}: {run:?}", log.name);
    }
}

proptest! {
    // Each case writes files and waits for the disk.
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// A recorded log gives the same rows however it is cut, and however its recording ended.
    #[test]
    fn files_decide_nothing(which in any::<Index>(), shape in shape()) {
        let log = which.get(CaseRecords::all());
        let scratch = Scratch::new();
        let picks = log.whole();
        log.write(&picks, shape, &scratch.case());
        let [derived, recorded] = digests_of_case(&scratch.case());
        prop_assert_eq!(&derived, &digests(&log.derive(&picks)));
        prop_assert_eq!(derived, recorded);
    }

    /// A log with missing and misplaced records gives the same rows however it is cut.
    #[test]
    fn files_decide_nothing_of_a_log_that_cannot_be(
        which in any::<Index>(),
        keep in 1..100_u32,
        swaps in proptest::collection::vec((any::<Index>(), any::<Index>()), 0..12),
        seed in any::<u64>(),
        shape in shape(),
    ) {
        let log = which.get(CaseRecords::all());
        let picks = torn(log, keep, &swaps, seed);
        let scratch = Scratch::new();
        log.write(&picks, shape, &scratch.case());
        let [derived, recorded] = digests_of_case(&scratch.case());
        prop_assert_eq!(&derived, &digests(&log.derive(&picks)));
        prop_assert_eq!(derived, recorded);
    }

    /// A filter commutes with the derivation: what is derived through it is what it leaves of the
    /// rows of the whole log, row by row and in columns.
    #[test]
    fn a_filter_chooses_among_the_rows_of_the_whole(
        which in any::<Index>(),
        keep in 50..100_u32,
        seed in any::<u64>(),
        shape in shape(),
        rows in proptest::collection::vec(any::<Index>(), 3),
        fields in any::<u16>(),
    ) {
        let log = which.get(CaseRecords::all());
        let picks = torn(log, keep, &[], seed);
        let scratch = Scratch::new();
        log.write(&picks, shape, &scratch.case());
        let whole = log.derive(&picks);
        prop_assume!(!whole.is_empty());
        let filter = filter_of(&[0, 1, 2].map(|place| rows[place].get(&whole)), fields);
        let left: Vec<Row> = whole.iter().filter(|row| filter.matches(row)).cloned().collect();
        let case = Case::open(&scratch.case()).expect("a case");
        let derived = derive_rows_since(&case, Profile::Strict, filter.since).expect("rules");
        let derived: Vec<Row> = derived.matching(|row| filter.matches(row)).collect::<Result<_, _>>().expect("records");
        prop_assert_eq!(&derived, &left, "{:?}", filter);
        let mut in_columns: BTreeMap<Table, TableDigest> =
            Table::DERIVED.into_iter().map(|table| (table, TableDigest::new(table))).collect();
        for batch in derive_matching(&case, Profile::Strict, &Table::DERIVED, filter.clone()).expect("rules") {
            let (table, batch) = batch.expect("records");
            in_columns.get_mut(&table).expect("a derived table").update(&batch).expect("a table of this version");
        }
        let in_columns = Table::DERIVED.map(|table| {
            let digest = in_columns.remove(&table).expect("a derived table");
            (table, digest.rows(), digest.finish())
        });
        prop_assert_eq!(in_columns.to_vec(), digests(&left), "{:?}", filter);
    }
}

/// Returns a filter of what some rows have. The bits say which fields it has.
fn filter_of([first, second, third]: &[&Row; 3], fields: u16) -> RowFilter {
    fn values<T>(is_wanted: bool, values: [Option<T>; 2]) -> Vec<T> {
        if is_wanted { values.into_iter().flatten().collect() } else { Vec::new() }
    }
    fn pattern<T: std::str::FromStr<Err = std::convert::Infallible>>(text: &str) -> T {
        let Ok(pattern) = text.parse();
        pattern
    }
    let has = |bit: u16| fields & (1 << bit) != 0;
    let (a, b) = (first.identity(), second.identity());
    let death = |row: &Row| row.death().cloned();
    let (mut since, mut until) = (second.ts(), third.ts());
    if since > until {
        std::mem::swap(&mut since, &mut until);
    }
    RowFilter {
        identity: IdentityFilter {
            containers: values(
                has(0),
                [&a.container_id, &b.container_id].map(|id| Some(pattern(&id[..id.len().min(6)]))),
            ),
            names: values(has(1), [&a.container_name, &b.container_name].map(|name| name.as_deref().map(pattern))),
            pods: values(has(2), [&a.pod_name, &b.pod_name].map(|pod| pod.as_deref().map(pattern))),
            namespaces: values(
                has(3),
                [&a.pod_namespace, &b.containerd_namespace].map(|one| one.as_deref().map(pattern)),
            ),
            images: values(has(4), [&a.image_name, &b.image_name].map(|image| image.as_deref().map(pattern))),
            runtimes: values(has(5), [a.runtime, b.runtime]),
        },
        causes: values(has(6), [death(first), death(second)].map(|death| death.map(|death| death.cause))),
        exit_codes: values(has(7), [death(first), death(second)].map(|death| death.and_then(|death| death.exit_code))),
        killers: values(has(8), [death(first), death(second)].map(|death| Some(pattern(&death?.killed_by?.task.comm)))),
        since: has(9).then_some(since),
        until: has(10).then_some(until),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// A row of a removal comes from that of a directory, by when the one that it names is gone,
    /// whatever is left of a real log.
    #[test]
    fn an_end_is_a_removed_directory(
        which in any::<Index>(),
        keep in 1..100_u32,
        swaps in proptest::collection::vec((any::<Index>(), any::<Index>()), 0..12),
        seed in any::<u64>(),
    ) {
        let log = which.get(CaseRecords::all());
        let picks = torn(log, keep, &swaps, seed);
        let mut removed = Vec::new();
        log.each(&picks, |record, _| {
            if let Body::Cgroup(event) = &record.body
                && event.kind == CgroupEventKind::Rmdir
            {
                removed.push((record.seq, event.key));
            }
        });
        for row in log.derive(&picks) {
            let Row::Remove(row) = row else { continue };
            let Some(seq) = row.rmdir_seq else {
                prop_assert!(row.inferred, "{:?}", row);
                continue;
            };
            prop_assert!(removed.iter().any(|(of, _)| *of == seq), "{:?} removed nothing: {:?}", seq, row);
            let is_gone = removed.iter().any(|(of, key)| *key == row.place.key && *of <= seq);
            prop_assert!(is_gone, "{:?} is not gone: {:?}", row.place, row);
        }
    }
}

/// Returns the exits and the removals, without the places of records.
fn ends(rows: Vec<Row>) -> Vec<Row> {
    let without_places = |row| match row {
        Row::Exit(mut row) => {
            (row.seq, row.created_seq) = (Seq(0), row.created_seq.map(|_| Seq(0)));
            row.evidence_seqs.clear();
            row.death.cause_evidence_seqs.clear();
            Some(Row::Exit(row))
        }
        Row::Remove(mut row) => {
            (row.seq, row.created_seq, row.rmdir_seq) =
                (Seq(0), row.created_seq.map(|_| Seq(0)), row.rmdir_seq.map(|_| Seq(0)));
            row.evidence_seqs.clear();
            row.death.cause_evidence_seqs.clear();
            Some(Row::Remove(row))
        }
        _ => None,
    };
    rows.into_iter().filter_map(without_places).collect()
}

/// Returns the boot-clock time of an end.
fn end_boot_ns(row: &Row) -> BootNs {
    match row {
        Row::Exit(row) => row.boot_ns,
        Row::Remove(row) => row.boot_ns,
        row => panic!("no end: {row:?}"),
    }
}

#[test]
fn a_cut_anywhere_costs_no_container_its_name_times_or_cause() {
    for log in CaseRecords::all() {
        let whole = ends(log.derive(&log.whole()));
        // A recorder does not cut while it walks cgroupfs.
        let (mut walking, mut cuts, mut moments) = (false, Vec::new(), Vec::new());
        log.each(&log.whole(), |record, _| {
            // Single records lie before the one that came last.
            moments.push(moments.last().copied().max(Some(record.boot_ns)).unwrap_or_default());
            match &record.body {
                Body::SnapshotBegin(_) => walking = true,
                Body::SnapshotEnd(_) => walking = false,
                _ if !walking && record.seq.0 > 0 => cuts.push(usize::try_from(record.seq.0).expect("a place")),
                _ => {}
            }
        });
        let step = (cuts.len() / 1000).max(1);
        for cut in cuts.into_iter().step_by(step) {
            let rows = ends(log.derive_cut(cut));
            assert_eq!(rows.len(), whole.len(), "{}, cut at {cut}: {rows:?}", log.name);
            for (row, expected) in rows.iter().zip(&whole) {
                // An answer that comes after a container's end and after a cut does not join its
                // row any more.
                let ended = end_boot_ns(expected);
                let is_held = ended <= moments[cut - 1] && moments[cut - 1].0 <= ended.0.saturating_add(log.grace_ns);
                if !is_held {
                    assert_eq!(row, expected, "{}, cut at {cut}", log.name);
                }
            }
        }
    }
}

/// Picks about `keep` in a hundred of a log's records, and swaps some of them.
fn torn(log: &CaseRecords, keep: u32, swaps: &[(Index, Index)], seed: u64) -> Vec<usize> {
    let mut state = seed | 1;
    let mut picks = log.whole();
    picks.retain(|_| {
        // Marsaglia's xorshift: the seed alone decides which records go, so proptest can show them
        // again.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % 100 < u64::from(keep)
    });
    if !picks.is_empty() {
        for (one, other) in swaps {
            let (one, other) = (one.index(picks.len()), other.index(picks.len()));
            picks.swap(one, other);
        }
    }
    picks
}
