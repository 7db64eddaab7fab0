//! `explain`: the records of a life and the rule that made its rows.

use obit_derivation::record::{CgroupEventKind, CgroupId, CgroupKey, HierarchyId, SnapshotReason};

use crate::case::{self, Recorder, id};
use crate::program::replay;

#[test]
fn each_life_is_explained_with_its_own_records_in_order() {
    let case = case::everyday().close();
    let run = replay(["explain", case.arg(), &id('a'), "--records"]).expect_code(0);
    assert!(run.stdout.contains("life 1 of 2") && run.stdout.contains("life 2 of 2"), "{run:#?}");
    let (first, second) = run.stdout.split_once("life 2 of 2").expect("two parts");
    for part in [first, second] {
        assert!(part.contains("created: ") && part.contains("its root directory was removed"), "{part}");
        assert!(part.contains("cgroup_mkdir") && part.contains("cgroup_rmdir"), "{part}");
    }
    // The first life of `a` is records 5 to 8 (see derive's test); all records of the second come
    // later.
    let seqs = |part: &str| -> Vec<u64> {
        let (_, records) = part.split_once("  records\n").expect("a list of records");
        records.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
    };
    let (first, second) = (seqs(first), seqs(second));
    assert!(first.contains(&5) && first.contains(&8), "{first:?}");
    assert!(first.is_sorted() && second.is_sorted());
    assert!(second.iter().all(|seq| *seq > 8), "{second:?}");
}

#[test]
fn the_rule_and_the_source_of_the_identity_are_put_in_words() {
    let case = case::everyday().close();
    let run = replay(["explain", case.arg(), "eeee", "--records"]).expect_code(0);
    for part in [
        "the first walk of cgroupfs saw the directory",
        "its root directory was removed by runc[77]",
        "identified by path: the directory's path alone",
        "when it was created is not known",
        "how long it lived is not known",
        "name not known, image not known",
        "which process was its init is not known",
        "cgroupfs (start)",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in {run:#?}");
    }
    assert!(run.stdout.contains("life 1 of 1"), "found before and ended is one life: {run:#?}");
}

#[test]
fn one_life_on_two_hierarchies_is_one_life() {
    // Its creation names the directory on v1, which was made first; it ends on v2, which has
    // authority.
    let mut recorder = Recorder::new();
    let path = format!("/docker/{}", id('a'));
    let keys = [7, 0].map(|hierarchy| CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(4_000) });
    for kind in [CgroupEventKind::Mkdir, CgroupEventKind::Rmdir] {
        keys.iter().for_each(|key| _ = recorder.event_on(kind, *key, &path, &[]));
    }
    let case = recorder.close();
    let run = replay(["explain", case.arg(), &id('a')]).expect_code(0);
    assert!(run.stdout.contains("life 1 of 1"), "{run:#?}");
    let made = run.stdout.lines().filter(|line| line.contains("on v1 hierarchy 7 and v2, made by")).count();
    assert_eq!(made, 1, "two directories are one sentence: {run:#?}");
}

#[test]
fn a_container_found_missing_is_shown_as_inferred() {
    let mut recorder = Recorder::new();
    recorder.begin(&id('a'));
    recorder.lose(3);
    // The walk sees the tree without `a`.
    recorder.walk_because(SnapshotReason::Resync, &["/", "/docker"]);
    let case = recorder.close();
    let run = replay(["explain", case.arg(), "aaaa"]).expect_code(0);
    assert!(run.stdout.contains("no longer found the directory (inferred)"), "{run:#?}");
    assert!(run.stdout.contains("after gap: events were lost"), "{run:#?}");
}

#[test]
fn a_containers_own_records_explain_it_as_the_whole_log_does() {
    let mut recorder = Recorder::with_part_rows(40);
    case::everyday_into(&mut recorder);
    // A container with roots on two hierarchies, of which only one has records in its rows; a loss;
    // a container inside another.
    let path = format!("/docker/{}", id('d'));
    let keys = [7, 0].map(|hierarchy| CgroupKey {
        hierarchy: HierarchyId(hierarchy),
        cgroup: CgroupId(4_000 + u64::from(hierarchy)),
    });
    for kind in [CgroupEventKind::Mkdir, CgroupEventKind::Populated, CgroupEventKind::Empty, CgroupEventKind::Rmdir] {
        keys.iter().for_each(|key| _ = recorder.event_on(kind, *key, &path, &[]));
    }
    let outer = recorder.begin(&id('f'));
    recorder.lose(2);
    let inner = recorder.new_cgroup();
    let nested = format!("/docker/{}/docker/{}", id('f'), id('0'));
    recorder.event(CgroupEventKind::Mkdir, inner, &nested, &[]);
    recorder.event(CgroupEventKind::Rmdir, inner, &nested, &[]);
    for number in 0..50 {
        recorder.live(&format!("{number:064x}"));
    }
    recorder.end(&id('f'), outer);
    let case = recorder.close();
    // A case of another version of the rules is derived again from the whole log.
    let of_other_rules = case::copy(&case);
    let manifest = of_other_rules.path.join("case.json");
    let text = std::fs::read_to_string(&manifest).expect("case.json");
    let this = format!("\"derivation_version\": {}", obit_derivation::fold::DERIVATION_VERSION);
    assert!(text.contains(&this), "{text}");
    std::fs::write(&manifest, text.replace(&this, "\"derivation_version\": 1")).expect("case.json");
    for id in ['a', 'b', 'c', 'd', 'e', 'f', '0'].map(id) {
        let [own, whole] = [&case, &of_other_rules].map(|case| replay(["explain", case.arg(), &id]).expect_code(0));
        assert_eq!(own.stdout, whole.stdout);
    }
}

#[test]
fn a_prefix_that_fits_several_lists_them() {
    let mut recorder = Recorder::new();
    let ids = ["abcd1", "abcd2", "abce3"].map(|start| format!("{start}{}", "0".repeat(59)));
    ids.iter().for_each(|id| _ = recorder.live(id));
    let case = recorder.close();
    let run = replay(["explain", case.arg(), "abcd"]).expect_code(2);
    let lines: Vec<_> = run.stderr.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with(&ids[0]) && lines[1].starts_with(&ids[1]), "{run:#?}");
    assert!(lines[2].contains("abcd stands for several containers"), "{run:#?}");
    assert_eq!(run.stdout, "");
    let run = replay(["explain", case.arg(), "abcd2"]).expect_code(0);
    assert!(run.stdout.contains(&ids[1]) && !run.stdout.contains(&ids[0]), "{run:#?}");
}

#[test]
fn a_container_is_found_by_what_people_know_of_it() {
    let mut recorder = Recorder::new();
    let names =
        [("a", "web", "docker.io/library/nginx:1.27"), ("b", "db", "postgres:17"), ("c", "web-old", "nginx:1.27")];
    for (digit, name, image) in names {
        let id = digit.repeat(64);
        let cgroup = recorder.begin(&id);
        recorder.answer(&id, name, image);
        recorder.end(&id, cgroup);
    }
    let closed = recorder.close();
    // A case that was never closed has no recorded rows to look in.
    let open = case::copy(&closed);
    let manifest = open.path.join("case.json");
    let text = std::fs::read_to_string(&manifest).expect("case.json");
    std::fs::write(&manifest, text.replace("\"closed\"", "\"open\"")).expect("case.json");
    for case in [&closed, &open] {
        for (asked, digit) in [("web", "a"), ("db", "b"), ("postgres", "b"), ("postgres:17", "b"), ("*-old", "c")] {
            let run = replay(["explain", case.arg(), asked]).expect_code(0);
            assert!(run.stdout.starts_with(&format!("container {}\n", digit.repeat(64))), "{asked}: {run:#?}");
        }
        let run = replay(["explain", case.arg(), "nginx"]).expect_code(2);
        let told = |digit: &str, name: &str| format!("{}, name {name}, image", digit.repeat(64));
        assert!(run.stderr.contains(&told("a", "web")) && run.stderr.contains(&told("c", "web-old")), "{run:#?}");
        assert!(run.stderr.contains("ended 2009-02-13 23:31:30.") && !run.stderr.contains("postgres"), "{run:#?}");
    }
}

#[test]
fn a_chosen_id_hides_no_container_of_that_name() {
    let mut recorder = Recorder::new();
    let cgroup = recorder.begin(&id('a'));
    recorder.answer(&id('a'), "aaaaaaab", "nginx");
    recorder.end(&id('a'), cgroup);
    recorder.live(&format!("aaaaaaab{}", "0".repeat(56)));
    let case = recorder.close();
    let run = replay(["explain", case.arg(), "aaaaaaab"]).expect_code(2);
    assert_eq!(run.stderr.lines().count(), 3, "{run:#?}");
    assert!(run.stderr.contains("name aaaaaaab"), "{run:#?}");
}

#[test]
fn hostile_names_in_a_list_reach_no_terminal() {
    let mut recorder = Recorder::new();
    for digit in ['a', 'b'] {
        let cgroup = recorder.begin(&id(digit));
        recorder.answer(&id(digit), "x\u{1b}[2J\u{202e}\n1", "evil\u{9b}");
        recorder.end(&id(digit), cgroup);
    }
    let case = recorder.close();
    let run = replay(["explain", case.arg(), "x*"]).expect_code(2);
    assert!(!run.stderr.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 3, "{run:?}");
}

#[test]
fn several_cases_are_searched_and_each_host_is_named() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let cases = ["1", "2"].map(|number| {
        let host = serde_json::json!({"hostname": format!("node-{number}"), "machine_id": number});
        let mut recorder = Recorder::start(number, Default::default(), host, Vec::new());
        recorder.live(&id('a'));
        recorder.live(&id(if number == "1" { 'b' } else { 'c' }));
        let case = recorder.close();
        std::fs::rename(&case.path, folder.path().join(number)).expect("renamed");
        case
    });
    let folder = folder.path().to_str().expect("UTF-8");
    let run = replay(["explain", folder, &id('c')]).expect_code(0);
    assert!(run.stdout.contains(&id('c')), "{run:#?}");
    let run = replay(["explain", folder, &id('a')]).expect_code(2);
    assert!(run.stderr.contains("on node-1 in") && run.stderr.contains("on node-2 in"), "{run:#?}");
    drop(cases);
}

#[test]
fn an_unknown_or_too_short_id_is_refused_with_advice() {
    let case = case::everyday().close();
    replay(["explain", case.arg(), "ffff"]).expect_code(2).expect_one_error(&["ffff", "derive"]);
    replay(["explain", case.arg(), "aaa"]).expect_code(2).expect_one_error(&["aaa", "4 characters"]);
    // Every id begins with the empty prefix.
    replay(["explain", case.arg(), ""]).expect_code(2);
}

/// Records that sentences of a story name, in brackets at the end of lines.
fn named_records(story: &str) -> Vec<u64> {
    let brackets = story.lines().filter_map(|line| line.strip_suffix(']')?.rsplit_once(" ["));
    brackets.flat_map(|(_, numbers)| numbers.split(", ")).filter_map(|number| number.parse().ok()).collect()
}

#[test]
fn a_story_is_short_and_each_record_that_it_names_is_in_the_log() {
    let case = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cases/docker-hybrid/case");
    let run = replay(["explain", case, "6b01a849852c"]).expect_code(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    // Two lives in some twenty lines each, though docker made ten directories for each of them.
    assert!(lines.len() <= 45, "{run:#?}");
    assert_eq!(run.stdout.matches("on v1 hierarchies 1 to 9 and v2").count(), 2, "{run:#?}");
    // The two kills, with the signal that each was told to send.
    assert!(
        run.stdout.contains("kill 6b01a849852c… 15 (command ") && run.stdout.contains("kill 6b01a849852c… 9 (command ")
    );
    // A long command line is printed once, whatever lines name it.
    let commands: Vec<&str> = lines.iter().copied().filter(|line| line.contains("--root /var/run/docker")).collect();
    assert_eq!(commands.len(), commands.iter().collect::<std::collections::BTreeSet<_>>().len(), "{commands:#?}");
    assert!(commands.iter().all(|line| line.starts_with("command ")), "{commands:#?}");
    let records = named_records(&run.stdout);
    assert!(records.len() > 20, "{records:?}");
    let with_records = replay(["explain", case, "6b01a849852c", "--records"]).expect_code(0).stdout;
    for seq in [136, 190, 191, 220] {
        assert!(records.contains(&seq), "record {seq} is not named: {run:#?}");
        assert!(with_records.contains(&format!("\n    {seq:>8}  2026-11-30 ")), "{with_records}");
    }
}

#[test]
fn a_filter_chooses_the_lives_that_are_told() {
    let case = case::everyday().close();
    let a = id('a');
    let removals = replay(["derive", case.arg(), "--container", &a, "--format", "jsonl"]).expect_code(0).json_lines();
    let [_, second] = &removals[..] else { panic!("two lives: {removals:#?}") };
    let at = second["ts"].as_str().expect("a time");
    let asked = ["explain", case.arg(), &a, "--since", at, "--until", at];
    let run = replay(asked).expect_code(0);
    assert!(run.stdout.contains("life 1 of 1"), "{run:#?}");
    assert_eq!(run.stderr, "the filters leave out 1 life of this container\n");
    let run = replay([&asked[..], &["--format", "json"]].concat()).expect_code(0);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((&report["lives_filtered_out"], &report["lives_left_out"]), (&1.into(), &0.into()));
    let rows = report["lives"][0]["rows"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["event"] == "container_remove" && row["seq"] == second["seq"]), "{report:#}");

    let run = replay(["explain", case.arg(), &a, "--limit", "1"]).expect_code(0);
    assert!(run.stdout.contains("life 1 of 2") && run.stdout.contains("and 1 more lives"), "{run:#?}");
    let none = replay(["explain", case.arg(), &a, "--cause", "oom_killed"]).expect_code(2);
    none.expect_one_error(&["none of 2 lives"]);
}

#[test]
fn a_filter_tells_containers_of_one_name_apart() {
    let mut recorder = Recorder::new();
    for (digit, image) in [('a', "nginx:1"), ('b', "redis:7")] {
        let cgroup = recorder.begin(&id(digit));
        recorder.answer(&id(digit), "web", image);
        recorder.end(&id(digit), cgroup);
    }
    let case = recorder.close();
    replay(["explain", case.arg(), "web"]).expect_code(2);
    let run = replay(["explain", case.arg(), "web", "--image", "redis"]).expect_code(0);
    assert!(run.stdout.contains(&id('b')) && !run.stdout.contains(&id('a')), "{run:#?}");
    let none = replay(["explain", case.arg(), "web", "--image", "postgres"]).expect_code(2);
    none.expect_one_error(&["that the filters leave", "web"]);
}
