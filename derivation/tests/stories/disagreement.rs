//! Tests where daemons and files contradict the kernel, or each other, about a container's end.

use obit_derivation::Row;
use obit_derivation::ending::reports::TOLERANCE_NS;
use obit_derivation::record::*;
use obit_derivation::row::{ContainerRemove, Disagreement, DisagreementKind, ReportSource, ReportedValue};

use crate::kit::{self, A as ID, INIT, Log, ROOT, SIGKILLED, docker};

const SECOND: u64 = 1_000_000_000;
/// Time that a row waits for reports about its container, in nanoseconds.
const GRACE_NS: u64 = 5 * SECOND;
const DOCKER: Source = Source::Docker;

/// Records at chosen moments.
struct Story {
    log: Log,
}

impl Story {
    /// A container that begins at second 10 and is entered.
    fn new() -> Self {
        let mut story = Self { log: Log::with_grace(GRACE_NS) };
        story.directory(10 * SECOND, CgroupEventKind::Mkdir);
        story.directory(10 * SECOND, CgroupEventKind::Populated);
        story.tell(10 * SECOND, Body::Exec(ProcessExec { cpu: 0, target: INIT, parent_comm: "runc" }));
        story
    }

    fn tell(&mut self, at: u64, body: Body<'_>) -> Seq {
        self.log.tell_at(BootNs(at), body)
    }

    fn directory(&mut self, at: u64, kind: CgroupEventKind) -> Seq {
        let usage = Usage { oom_kills: Some(0), ..Usage::default() };
        self.directory_with(at, kind, usage)
    }

    fn directory_with(&mut self, at: u64, kind: CgroupEventKind, usage: Usage) -> Seq {
        let path = docker(ID);
        let event = kit::event(kind, ROOT, CgroupId(1), &path);
        self.tell(at, Body::Cgroup(CgroupEvent { usage, ..event }))
    }

    fn exit(&mut self, at: u64, status: ExitStatus) -> Seq {
        self.tell(
            at,
            Body::Exit(TaskExit {
                cpu: 0,
                target: INIT,
                status,
                oom_victim: false,
                rebooted: None,
                parent_comm: "shim",
            }),
        )
    }

    fn says(&mut self, at: u64, answer: RuntimeAnswer<'_>) -> Seq {
        self.tell(at, Body::Runtime(answer))
    }

    /// Ends the log. Returns the rows of all disagreements, and those of ends.
    fn end(self) -> (Vec<Disagreement>, Vec<ContainerRemove>) {
        let (mut found, mut ends) = (Vec::new(), Vec::new());
        for row in self.log.end() {
            match row {
                Row::Disagreement(row) => found.push(row),
                Row::Remove(row) => ends.push(row),
                _ => {}
            }
        }
        (found, ends)
    }
}

fn wall(at: u64) -> WallNs {
    kit::wall(BootNs(at))
}

fn answer(source: Source) -> RuntimeAnswer<'static> {
    RuntimeAnswer { container_id: Some(ID.into()), ..RuntimeAnswer::unanswered(source, Outcome::Ok) }
}

fn event(source: Source, word: &'static str) -> RuntimeAnswer<'static> {
    RuntimeAnswer { event: Some(word.into()), ..answer(source) }
}

fn value(by: ReportSource, value: &str) -> ReportedValue {
    ReportedValue { by, value: Some(value.into()), at: None }
}

fn at(by: ReportSource, value: Option<&str>, at: u64) -> ReportedValue {
    ReportedValue { by, value: value.map(Into::into), at: Some(wall(at)) }
}

#[test]
fn sources_that_agree_make_no_row() {
    let mut story = Story::new();
    story.exit(20 * SECOND, SIGKILLED);
    let die = RuntimeAnswer { exit_code: Some(137), finished_at: Some(wall(20 * SECOND + 5)), ..event(DOCKER, "die") };
    story.says(20 * SECOND + 6, die);
    story.directory(21 * SECOND, CgroupEventKind::Rmdir);
    let inspected = RuntimeAnswer {
        exit_code: Some(137),
        oom_killed: Some(false),
        finished_at: Some(wall(20 * SECOND + TOLERANCE_NS)),
        running: Some(false),
        ..answer(DOCKER)
    };
    story.says(23 * SECOND, inspected);
    let (found, ends) = story.end();
    assert_eq!((found, ends.len()), (vec![], 1));
}

#[test]
fn each_value_that_differs_has_a_row_with_both_and_their_records() {
    let mut story = Story::new();
    let exit = story.exit(20 * SECOND, ExitStatus::Exited(0));
    let late = wall(20 * SECOND + TOLERANCE_NS + 1);
    let die = story
        .says(21 * SECOND, RuntimeAnswer { exit_code: Some(137), finished_at: Some(late), ..event(DOCKER, "die") });
    // A source that repeats itself is no second difference.
    story.says(21 * SECOND, RuntimeAnswer { exit_code: Some(137), finished_at: Some(late), ..event(DOCKER, "die") });
    let removed = story.directory(22 * SECOND, CgroupEventKind::Rmdir);
    let inspected = story.says(
        24 * SECOND,
        RuntimeAnswer {
            exit_code: Some(137),
            oom_killed: Some(true),
            finished_at: Some(wall(20 * SECOND)),
            running: Some(false),
            ..answer(DOCKER)
        },
    );
    let (found, ends) = story.end();
    let told: Vec<_> = found
        .iter()
        .map(|row| (row.aspect, row.said.clone(), row.other.clone(), row.difference_ns, row.evidence_seqs.clone()))
        .collect();
    let (by_event, by_answer) = (ReportSource::event(DOCKER), ReportSource::answer(DOCKER));
    let expected = [
        (DisagreementKind::ExitCode, value(ReportSource::KERNEL, "0"), value(by_event, "137"), None, vec![exit, die]),
        (
            DisagreementKind::ExitCode,
            value(ReportSource::KERNEL, "0"),
            value(by_answer, "137"),
            None,
            vec![exit, inspected],
        ),
        (
            DisagreementKind::OomKilled,
            value(ReportSource::KERNEL, "false"),
            value(by_answer, "true"),
            None,
            vec![exit, inspected],
        ),
        (
            DisagreementKind::Time,
            at(ReportSource::KERNEL, None, 20 * SECOND),
            at(by_event, None, 20 * SECOND + TOLERANCE_NS + 1),
            Some(1_000_000_001),
            vec![exit, die],
        ),
    ];
    assert_eq!(told, expected);
    for row in &found {
        assert_eq!((row.seq, row.ts, row.boot_ns), (removed, ends[0].ts, ends[0].boot_ns));
        assert_eq!((&row.identity, &row.place), (&ends[0].identity, &ends[0].place));
    }
}

#[test]
fn without_the_kernel_s_word_the_first_that_spoke_is_contradicted() {
    let mut story = Story::new();
    let die = RuntimeAnswer { exit_code: Some(1), finished_at: Some(wall(20 * SECOND)), ..event(DOCKER, "die") };
    story.says(20 * SECOND, die);
    story.directory(21 * SECOND, CgroupEventKind::Rmdir);
    let task = RuntimeAnswer {
        exit_code: Some(2),
        finished_at: Some(wall(20 * SECOND)),
        ..event(Source::Containerd, "/tasks/exit")
    };
    story.says(21 * SECOND, task);
    let (found, _) = story.end();
    let [row] = &found[..] else { panic!("{found:?}") };
    assert_eq!(row.said, value(ReportSource::event(DOCKER), "1"));
    assert_eq!(row.other, value(ReportSource::event(Source::Containerd), "2"));
}

#[test]
fn a_container_that_is_gone_may_be_said_to_run_for_a_moment_and_no_longer() {
    for (said_at, is_contradicted) in [(20 * SECOND + TOLERANCE_NS, false), (20 * SECOND + TOLERANCE_NS + 1, true)] {
        let mut story = Story::new();
        story.says(11 * SECOND, RuntimeAnswer { running: Some(true), ..answer(DOCKER) });
        story.exit(20 * SECOND, ExitStatus::Exited(0));
        let removed = story.directory(20 * SECOND, CgroupEventKind::Rmdir);
        let said = story.says(said_at, RuntimeAnswer { running: Some(true), ..answer(DOCKER) });
        let (found, _) = story.end();
        assert_eq!(found.len(), usize::from(is_contradicted), "{found:?}");
        for row in found {
            assert_eq!(
                (row.aspect, row.said),
                (DisagreementKind::Existence, at(ReportSource::KERNEL, Some("gone"), 20 * SECOND))
            );
            assert_eq!(row.other, at(ReportSource::answer(DOCKER), Some("running"), said_at));
            assert_eq!(row.evidence_seqs, [removed, said]);
        }
    }
}

/// The state that a runtime should have removed.
#[test]
fn a_state_that_is_kept_of_what_is_gone_contradicts_that() {
    let mut story = Story::new();
    story.says(11 * SECOND, answer(Source::OciState));
    story.directory(20 * SECOND, CgroupEventKind::Rmdir);
    story.says(22 * SECOND, answer(Source::OciState));
    let (found, _) = story.end();
    let [row] = &found[..] else { panic!("{found:?}") };
    assert_eq!(row.other, at(ReportSource::answer(Source::OciState), Some("kept"), 22 * SECOND));
}

#[test]
fn what_runs_after_a_restart_is_another_life() {
    let mut story = Story::new();
    story.exit(20 * SECOND, ExitStatus::Exited(0));
    story.directory(20 * SECOND, CgroupEventKind::Rmdir);
    // The new directory's event is still on its way.
    let restarted = RuntimeAnswer { running: Some(true), started_at: Some(wall(21 * SECOND)), ..answer(DOCKER) };
    story.says(22 * SECOND, restarted);
    assert_eq!(story.end().0, []);
}

#[test]
fn each_life_of_an_id_has_its_own_statements() {
    let mut story = Story::new();
    story.exit(20 * SECOND, ExitStatus::Exited(3));
    story.directory(20 * SECOND, CgroupEventKind::Rmdir);
    story.directory(21 * SECOND, CgroupEventKind::Mkdir);
    // The event of the first death comes when the second life has begun.
    let die = RuntimeAnswer { exit_code: Some(3), finished_at: Some(wall(20 * SECOND)), ..event(DOCKER, "die") };
    story.says(21 * SECOND, die);
    story.exit(22 * SECOND, ExitStatus::Exited(4));
    let die = RuntimeAnswer { exit_code: Some(4), finished_at: Some(wall(22 * SECOND)), ..event(DOCKER, "die") };
    story.says(22 * SECOND, die);
    story.directory(22 * SECOND, CgroupEventKind::Rmdir);
    let (found, ends) = story.end();
    assert_eq!((found, ends.len()), (vec![], 2));
}

#[test]
fn who_is_said_to_have_died_and_has_processes_at_the_end_of_the_log_is_told() {
    let lie = || RuntimeAnswer { exit_code: Some(0), finished_at: Some(wall(20 * SECOND)), ..event(DOCKER, "die") };
    type Tell = fn(&mut Story);
    let stories: [(&str, Tell, bool); 5] = [
        ("the daemon is wrong", |_| {}, true),
        ("its last task left", |story| _ = story.directory(20 * SECOND, CgroupEventKind::Empty), false),
        ("its init ended", |story| _ = story.exit(20 * SECOND, ExitStatus::Exited(0)), false),
        ("it ended", |story| _ = story.directory(20 * SECOND, CgroupEventKind::Rmdir), false),
        ("it had no processes", |story| *story = bare(), false),
    ];
    for (what, tell, is_contradicted) in stories {
        let mut story = Story::new();
        tell(&mut story);
        story.says(20 * SECOND, lie());
        let stop = story.tell(22 * SECOND, Body::CaptureStop);
        let (found, _) = story.end();
        assert_eq!(found.len(), usize::from(is_contradicted), "{what}");
        for row in found {
            assert_eq!((row.aspect, row.seq), (DisagreementKind::Existence, stop));
            assert_eq!(row.said, at(ReportSource::KERNEL, Some("there"), 10 * SECOND));
            assert_eq!(row.other, at(ReportSource::event(DOCKER), Some("ended"), 20 * SECOND));
        }
    }
    // Shortly before the log's end it may still be on its way out.
    let mut story = Story::new();
    story.says(20 * SECOND, lie());
    story.tell(20 * SECOND + TOLERANCE_NS, Body::CaptureStop);
    assert_eq!(story.end().0, []);
}

/// A container that nothing ever entered.
fn bare() -> Story {
    let mut story = Story { log: Log::with_grace(GRACE_NS) };
    story.directory(10 * SECOND, CgroupEventKind::Mkdir);
    story
}

#[test]
fn times_are_not_compared_over_a_setting_of_the_clock() {
    for is_set in [false, true] {
        let mut story = Story::new();
        if is_set {
            let reading = ClockReading { reason: Some(ClockReason::Set), ..ClockReading::default() };
            story.tell(15 * SECOND, Body::Clock(reading));
        }
        story.exit(20 * SECOND, ExitStatus::Exited(0));
        let die = RuntimeAnswer { exit_code: Some(0), finished_at: Some(wall(3_600 * SECOND)), ..event(DOCKER, "die") };
        story.says(20 * SECOND, die);
        story.directory(20 * SECOND, CgroupEventKind::Rmdir);
        let aspects: Vec<_> = story.end().0.iter().map(|row| row.aspect).collect();
        assert_eq!(aspects, if is_set { vec![] } else { vec![DisagreementKind::Time] });
    }
}

#[test]
fn an_event_of_the_oom_killer_is_contradicted_only_where_the_kernel_counts_no_kill() {
    for (kills, is_contradicted) in [(Some(0), true), (Some(1), false), (None, false)] {
        let mut story = Story::new();
        story.says(15 * SECOND, RuntimeAnswer { oom_killed: Some(true), ..event(DOCKER, "oom") });
        story.exit(20 * SECOND, ExitStatus::Exited(0));
        let usage = Usage { oom_kills: kills, ..Usage::default() };
        story.directory_with(20 * SECOND, CgroupEventKind::Rmdir, usage);
        let found = story.end().0;
        assert_eq!(found.len(), usize::from(is_contradicted), "{kills:?}: {found:?}");
    }
}

#[test]
fn what_is_said_of_one_life_is_bounded_and_the_first_and_the_last_count() {
    let mut story = Story::new();
    story.exit(20 * SECOND, ExitStatus::Exited(0));
    for code in 1..=1_000 {
        story.says(20 * SECOND, RuntimeAnswer { exit_code: Some(code), ..event(DOCKER, "die") });
    }
    story.directory(20 * SECOND, CgroupEventKind::Rmdir);
    let codes: Vec<_> = story.end().0.into_iter().filter_map(|row| row.other.value).collect();
    assert!(codes.len() <= 16, "{}", codes.len());
    assert_eq!((codes.first().map(String::as_str), codes.last().map(String::as_str)), (Some("1"), Some("1000")));
}
