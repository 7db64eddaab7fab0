//! A case that is long enough to be read on several threads, if there are processors for them.

use std::fs;
use std::process::Command;

use crate::case::{RecordedCase, Recorder};
use crate::program::{Run, command, replay};

/// More records and rows than one thread reads alone.
fn long() -> RecordedCase {
    let mut recorder = Recorder::with_part_rows(4_000);
    for number in 0..5_000 {
        let id = format!("{number:064x}");
        let cgroup = recorder.begin(&id);
        recorder.end(&id, cgroup);
    }
    recorder.close()
}

/// Runs the program on a single processor, the first that this process may use.
fn on_one(arguments: &[&str]) -> Run {
    let status = fs::read_to_string("/proc/self/status").expect("proc(5)");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list");
    let first = allowed.trim().split([',', '-']).next().expect("a processor");
    let program = command(arguments);
    let output = Command::new("taskset").args(["-c", first]).arg(program.get_program()).args(arguments).output();
    let output = output.expect("taskset of util-linux");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run { code: output.status.code().expect("not killed"), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[track_caller]
fn expect_the_same(case: &RecordedCase, code: i32) {
    for arguments in [&["verify", case.arg()][..], &["derive", case.arg(), "--format", "jsonl"]] {
        let (here, there) = (on_one(arguments), replay(arguments));
        assert_eq!((here.code, &here.stderr), (there.code, &there.stderr), "{arguments:?}");
        assert!(here.stdout == there.stdout && !here.stdout.is_empty(), "{arguments:?}");
        there.expect_code(code);
    }
}

#[test]
fn one_processor_and_several_say_the_same() {
    let case = long();
    expect_the_same(&case, 0);
    let part = case.path.join("raw/events/events-000001.parquet");
    let mut bytes = fs::read(&part).expect("a part");
    // In the pages, so that only reading them finds it.
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    fs::write(&part, bytes).expect("writable");
    expect_the_same(&case, 2);
}
