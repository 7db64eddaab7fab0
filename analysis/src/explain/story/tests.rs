//! Stories of rows that know little, and of rows that know much.

use std::collections::BTreeMap;

use obit_derivation::record::{Seq, SignalOrigin};
use obit_derivation::row::{
    Cause, ContainerCreate, ContainerExit, ContainerRemove, Death, Disagreement, DisagreementKind, ExistingContainer,
    Identity, Killer, LimitScope, Place, ReportSource, ReportedValue, Step,
};
use obit_derivation::{Row, WallNs};

use super::super::life;
use super::{ContainerStory, StoryPart, statement_seqs};

/// Tells the story of rows, without records. Returns each section's sentences and the headline.
fn told(rows: Vec<Row>) -> (Vec<(StoryPart, Vec<String>)>, String) {
    let mut lives = Vec::new();
    rows.into_iter().for_each(|row| life::add(&mut lives, row));
    let story = ContainerStory::tell("web", &lives, &BTreeMap::new());
    let life = story.lives.into_iter().next().expect("a life");
    let sections = life
        .sections
        .into_iter()
        .map(|section| (section.part, section.sentences.into_iter().map(|sentence| sentence.text).collect()));
    (sections.collect(), life.headline)
}

fn section(sections: &[(StoryPart, Vec<String>)], part: StoryPart) -> String {
    sections.iter().find(|(of, _)| *of == part).map(|(_, sentences)| sentences.join("\n")).unwrap_or_default()
}

#[test]
fn a_row_that_knows_nothing_says_so_and_no_more() {
    let (sections, headline) = told(vec![Row::Remove(ContainerRemove::default())]);
    assert_eq!(headline, "why it ended is not known; how long it lived is not known");
    let identity = section(&sections, StoryPart::Identity);
    assert!(identity.starts_with("a container of an unknown engine; name not known, image not known"), "{identity}");
    let life = section(&sections, StoryPart::Life);
    assert!(life.contains("when it was created is not known"), "{life}");
    assert!(life.contains("which process was its init is not known"), "{life}");
    assert_eq!(section(&sections, StoryPart::Order), "", "nobody is named");
    let end = section(&sections, StoryPart::End);
    assert!(end.starts_with("how its init ended is not known: that was not seen (unknown: no record tells)"), "{end}");
    assert!(end.contains("it was not seen being removed"), "{end}");
    assert!(end.ends_with("what it used is not known"), "{end}");
    assert_eq!(section(&sections, StoryPart::Others), "no daemon and no file reported an exit code");
}

#[test]
fn a_life_that_goes_on_has_no_end() {
    let row = ExistingContainer {
        seq: Seq(4),
        ts: WallNs(0),
        boot_ns: Default::default(),
        identity: Identity::default(),
        place: Place::default(),
        first_seen_seq: Seq(3),
        created_at: None,
        evidence_seqs: vec![Seq(3)],
    };
    let (sections, headline) = told(vec![Row::Existing(row)]);
    assert_eq!(headline, "its end is not in this case");
    assert_eq!(section(&sections, StoryPart::End), "no record tells of its end");
    assert_eq!(section(&sections, StoryPart::Others), "");
}

#[test]
fn a_creation_in_a_segment_that_is_gone_was_seen_all_the_same() {
    let exit = ContainerExit { created_seq: Some(Seq(7)), created_at: Some(WallNs(0)), ..ContainerExit::default() };
    let (sections, _) = told(vec![Row::Exit(exit)]);
    let life = section(&sections, StoryPart::Life);
    assert!(life.contains("created 1970-01-01 00:00:00.000 UTC") && !life.contains("not seen"), "{life}");
}

#[test]
fn a_kill_names_who_sent_it_and_who_did_not() {
    let death = Death {
        cause: Cause::OomKilled,
        exit_signal: Some(9),
        signal_origin: Some(SignalOrigin::Kernel),
        init_comm: Some("java".to_owned()),
        oom_limit_scope: Some(LimitScope::Ancestor),
        oom_limit_cgroup_path: Some("/kubepods".to_owned()),
        signals: vec!["SIGKILL from the kernel".to_owned()],
        signals_total: Some(4),
        reported_exit_code: Some(137),
        reported_by: Some(ReportSource::KERNEL),
        ..Death::default()
    };
    let (sections, headline) =
        told(vec![Row::Exit(ContainerExit { death: death.clone(), ..ContainerExit::default() })]);
    assert!(headline.starts_with("killed by the OOM killer (SIGKILL)"), "{headline}");
    let end = section(&sections, StoryPart::End);
    assert!(end.starts_with("its init java was ended by SIGKILL (oom_killed: the OOM killer chose its init)"), "{end}");
    assert!(end.contains("the signal has no author, its origin: kernel"), "{end}");
    assert!(end.contains("signals to its init: SIGKILL from the kernel; and 3 more in between"), "{end}");
    assert!(end.contains("memory limit that was reached: a cgroup's above the container, /kubepods"), "{end}");
    assert_eq!(section(&sections, StoryPart::Others), "kernel reported exit code 137");

    let killer = Killer { task: Default::default(), loginuid: Some(1000), container_id: Some("other".to_owned()) };
    let killed = Death { killed_by: Some(killer), signal_origin: None, ..death };
    let (sections, _) = told(vec![Row::Exit(ContainerExit { death: killed, ..ContainerExit::default() })]);
    let end = section(&sections, StoryPart::End);
    assert!(end.contains("killed by [0] uid 0, logged in as uid 1000, in container other"), "{end}");
    assert!(!end.contains("no author"), "{end}");
}

#[test]
fn steps_of_an_order_have_their_times_and_a_contradiction_both_its_sides() {
    let steps = vec![
        Step { at: WallNs(1), what: "bash[7]".to_owned() },
        Step { at: WallNs(2), what: format!("runc --root {} kill web 9", "r".repeat(60)) },
    ];
    let death = Death { requested_by: steps, ..Death::default() };
    let said = ReportedValue { by: ReportSource::KERNEL, value: Some("0".to_owned()), at: None };
    let other = ReportedValue { value: Some("1".to_owned()), ..said.clone() };
    let disagreement = Disagreement {
        seq: Seq(9),
        ts: WallNs(9),
        boot_ns: Default::default(),
        identity: Identity::default(),
        place: Place::default(),
        aspect: DisagreementKind::ExitCode,
        said,
        other,
        difference_ns: None,
        evidence_seqs: Vec::new(),
    };
    let exit = ContainerExit { death, place: Some(Place::default()), ..ContainerExit::default() };
    let (sections, _) = told(vec![Row::Exit(exit), Row::Disagreement(disagreement)]);
    assert_eq!(section(&sections, StoryPart::Order), "bash[7]\nrunc … kill web 9 (command 1)");
    let others = section(&sections, StoryPart::Others);
    assert!(others.ends_with("the code that its init ended with: kernel says 0, but kernel says 1"), "{others}");
}

#[test]
fn statements_belong_to_the_life_of_their_time_if_it_is_one() {
    let row = |seq: u64, created: u64| {
        Row::Exit(ContainerExit { seq: Seq(seq), created_seq: Some(Seq(created)), ..ContainerExit::default() })
    };
    let begin =
        |seq: u64| Row::Create(ContainerCreate { seq: Seq(seq), created_seq: Seq(seq), ..ContainerCreate::default() });
    let lives_of = |rows: Vec<Row>| {
        let mut lives = Vec::new();
        rows.into_iter().for_each(|row| life::add(&mut lives, row));
        lives
    };
    let one_after_the_other = lives_of(vec![begin(10), row(20, 10), begin(30), row(40, 30)]);
    assert_eq!(statement_seqs(&one_after_the_other, 0), 10..30);
    assert_eq!(statement_seqs(&one_after_the_other, 1), 30..u64::MAX);
    let at_one_time = lives_of(vec![begin(10), begin(15), row(20, 10), row(40, 15)]);
    assert_eq!([statement_seqs(&at_one_time, 0), statement_seqs(&at_one_time, 1)], [0..0, 0..0]);
}
