//! The rows of each golden case are those of the containers that were started.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use obit_derivation::fold::DERIVATION_VERSION;
use serde_json::Value;

use super::case::{EVENTS, Golden, Life, LifeBegin, LifeEnd};
use crate::program::replay;

/// Part of a row that a life determines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ExpectedRow {
    runtime: Option<String>,
    container_id: String,
    inferred: Option<bool>,
    after_gap: Option<bool>,
    end: Option<ExpectedEnd>,
}

/// Part of a row of an end that a life determines: all sources have reported by then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ExpectedEnd {
    name: Option<String>,
    namespace: Option<String>,
    never_started: Option<bool>,
    cause: Option<String>,
}

impl ExpectedRow {
    /// Returns the row of an event that a life asks for, if it asks for one.
    fn of_life(event: &str, life: &Life) -> Option<Self> {
        let (inferred, after_gap) = match (event, life.began, life.ended) {
            ("existing_container", LifeBegin::Before, _) => (None, None),
            // No event was lost before the capture saw this beginning.
            ("container_create", LifeBegin::Seen, _) => (Some(false), Some(false)),
            ("container_create", LifeBegin::Inferred, _) => (Some(true), Some(life.gap)),
            // What nothing ever ran in has not exited. An exit is inferred where its cause is unknown.
            ("container_exit", _, LifeEnd::Exited | LifeEnd::Seen | LifeEnd::Inferred)
                if life.cause.as_deref() != Some("never_started") =>
            {
                (Some(life.cause.as_deref() == Some("unknown")), Some(life.gap))
            }
            ("container_remove", _, LifeEnd::Seen) => (Some(false), Some(life.gap)),
            ("container_remove", _, LifeEnd::Inferred) => (Some(true), Some(life.gap)),
            _ => return None,
        };
        let end = is_end(event).then(|| ExpectedEnd {
            name: life.name.clone(),
            namespace: life.namespace.clone(),
            never_started: life.never_started,
            cause: life.cause.clone(),
        });
        let (runtime, container_id) = (Some(life.runtime.clone()), life.container_id.clone());
        Some(Self { runtime, container_id, inferred, after_gap, end })
    }

    fn of_row(event: &str, row: &Value) -> Self {
        let text = |field: &str| row[field].as_str().map(str::to_owned);
        Self {
            runtime: text("runtime"),
            container_id: text("container_id").expect("never null"),
            inferred: row["inferred"].as_bool(),
            after_gap: row["after_gap"].as_bool(),
            end: is_end(event).then(|| ExpectedEnd {
                name: text("container_name"),
                namespace: text("containerd_namespace"),
                never_started: row["never_started"].as_bool(),
                cause: text("cause"),
            }),
        }
    }
}

fn is_end(event: &str) -> bool {
    matches!(event, "container_exit" | "container_remove")
}

fn counted(rows: impl Iterator<Item = ExpectedRow>) -> BTreeMap<ExpectedRow, usize> {
    let mut counted = BTreeMap::new();
    rows.for_each(|row| *counted.entry(row).or_default() += 1);
    counted
}

#[test]
fn every_life_has_its_rows_and_nothing_else_has() {
    for case in Golden::all() {
        for event in EVENTS {
            if event == "disagreement" && [EMULATED, SECOND_LOOK].contains(&case.name.as_str()) {
                continue;
            }
            let wanted = counted(case.lives.iter().filter_map(|life| ExpectedRow::of_life(event, life)));
            let found = counted(case.derived(event).iter().map(|row| ExpectedRow::of_row(event, row)));
            assert_eq!(found, wanted, "{} {event}: found, and expected", case.name);
        }
    }
}

/// On an emulated machine the reports of daemons come seconds late, which is a disagreement of its
/// own.
const EMULATED: &str = "v2-systemd-guest";

#[test]
fn daemons_of_a_slow_machine_are_late_and_disagree_about_nothing_else() {
    let case = Golden::all().into_iter().find(|case| case.name == EMULATED).expect("the case");
    for row in case.derived("disagreement") {
        assert!(["existence", "time"].iter().any(|aspect| row["aspect"] == *aspect), "{row}");
        assert_eq!(row["source"], "kernel", "{row}");
        assert!(row["other_value_at"].as_str() > row["value_at"].as_str(), "said later: {row}");
        assert!(case.lives.iter().any(|life| row["container_id"] == *life.container_id), "{row}");
    }
}

/// Its story makes a daemon report another exit code than the program's.
const SECOND_LOOK: &str = "second-look";

#[test]
fn a_daemon_whose_shim_was_killed_disagrees_about_the_exit_code_and_nothing_else_does() {
    let case = Golden::all().into_iter().find(|case| case.name == SECOND_LOOK).expect("the case");
    let [row] = &case.derived("disagreement")[..] else { panic!("one row: {:?}", case.derived("disagreement")) };
    assert_eq!(row["container_id"], "disputed", "{row}");
    // The program exits with 3. containerd reports of a shim that it finds dead what SIGKILL is for a
    // shell.
    assert_eq!((&row["aspect"], &row["value"], &row["other_value"]), (&"exit_code".into(), &"3".into(), &"137".into()));
    assert_eq!((&row["source"], &row["other_source"]), (&"kernel".into(), &"containerd_event".into()));
}

#[test]
fn each_end_belongs_to_one_beginning() {
    for case in Golden::all() {
        let begun: Vec<_> = case.derived("container_create").iter().map(|row| row["created_seq"].clone()).collect();
        let mut ended: Vec<_> = case.derived("container_remove").iter().map(|row| row["created_seq"].clone()).collect();
        ended.retain(|seq| !seq.is_null());
        for (index, seq) in ended.iter().enumerate() {
            assert!(begun.contains(seq), "{}: {seq} ended and never began", case.name);
            assert!(!ended[..index].contains(seq), "{}: {seq} ended twice", case.name);
        }
        let is_removed = |life: &&Life| !matches!(life.ended, LifeEnd::Not | LifeEnd::Exited);
        let seen = case.lives.iter().filter(|life| life.began == LifeBegin::Seen).filter(is_removed).count();
        assert_eq!(ended.len(), seen, "{}: ends of what was seen beginning", case.name);
    }
}

#[test]
fn a_name_that_is_known_early_is_the_right_one() {
    for case in Golden::all() {
        for row in ["existing_container", "container_create"].iter().flat_map(|event| case.derived(event)) {
            let may_be = |column: &str, of: fn(&Life) -> &Option<String>| {
                let lives = case.lives.iter().filter(|life| row["container_id"] == *life.container_id);
                row[column].is_null() || lives.into_iter().any(|life| row[column].as_str() == of(life).as_deref())
            };
            assert!(may_be("container_name", |life| &life.name), "{}: {row}", case.name);
            assert!(may_be("containerd_namespace", |life| &life.namespace), "{}: {row}", case.name);
        }
    }
}

#[test]
fn a_restarted_container_has_two_lives_one_after_the_other() {
    let case = Golden::all().into_iter().find(|case| case.name == "docker-hybrid").expect("the case");
    let mut rows = case.derived("container_remove");
    rows.retain(|row| case.lives.iter().filter(|life| row["container_id"] == *life.container_id).count() == 2);
    let seqs: Vec<_> = rows
        .iter()
        .map(|row| (row["created_seq"].as_u64().expect("seen"), row["rmdir_seq"].as_u64().expect("seen")))
        .collect();
    let [(begun, ended), (begun_again, ended_again)] = seqs[..] else {
        panic!("two ends of one container: {rows:?}");
    };
    assert!(begun < ended && ended < begun_again && begun_again < ended_again, "{seqs:?}");
}

/// Returns the digests of the derived rows that `verify` prints: one for each table and one for the
/// case.
fn digests(case: &Golden, stdout: &str) -> String {
    let mut digests = String::new();
    let mut about = "";
    for line in stdout.lines() {
        if let Some((name, "same" | "different")) = line.split_once(": ")
            && !line.starts_with(' ')
        {
            about = name;
        }
        let words: Vec<_> = line.split_whitespace().collect();
        if let [side, .., digest] = words[..]
            && side == "derived"
            && digest.len() == 64
        {
            writeln!(digests, "{digest}  {about}").expect("to a String");
        }
    }
    assert_eq!(digests.lines().count(), EVENTS.len() + 1, "{}: a digest is missing in\n{stdout}", case.name);
    digests
}

#[test]
fn a_change_of_any_value_shows_in_the_digest() {
    let blessing = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    for case in Golden::all() {
        let run = replay(["verify", &case.arg()]);
        let found = digests(&case, &run.stdout);
        let path = case.directory.join("digest.txt");
        if blessing {
            fs::write(&path, &found).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let stored = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            found,
            stored,
            "{}: the derived rows have changed: look at them with `obit-replay verify {}`, and if that is meant, run \
             BLESS=1 cargo test --test offline golden",
            case.name,
            case.arg()
        );
    }
}

#[test]
fn the_recorded_rows_are_the_derived_ones() {
    for case in Golden::all() {
        let run = replay(["verify", &case.arg()]);
        // Rows recorded by another version of the rules may differ; `verify` reports that.
        if run.code == 2 && case.manifest()["derivation_version"] != DERIVATION_VERSION {
            assert!(run.stdout.contains("the rows were recorded by version"), "{}: {run:#?}", case.name);
            continue;
        }
        let run = run.expect_code(0);
        let verdict = run.stdout.lines().last().expect("a verdict");
        let same = if case.is_closed() { "same:" } else { "same as far as it was written" };
        assert!(verdict.starts_with(same), "{}: {verdict}", case.name);
        assert_eq!(run.stderr.contains("never closed"), !case.is_closed(), "{}: {run:#?}", case.name);
    }
}
