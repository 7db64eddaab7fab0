//! `identify`: lines in, JSON lines out.

use crate::case::id;
use crate::program::replay_with;

#[test]
fn keys_have_a_fixed_order_and_missing_values_are_null() {
    let path = format!("/docker/{}", id('a'));
    let run = replay_with(["identify"], format!("{path}\n/system.slice/cron.service\n").as_bytes()).expect_code(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    let expected = format!(
        "{{\"path\":\"{path}\",\"runtime\":\"docker\",\"container_id\":\"{}\",\"root\":true,\"pod_uid\":null,\
         \"parent_container_id\":null}}",
        id('a')
    );
    assert_eq!(lines[0], expected);
    assert!(lines[1].contains("\"runtime\":null,\"container_id\":null,"), "{run:#?}");
}

#[test]
fn every_line_has_an_answer_whatever_is_in_it() {
    let mut input = b"\n/\n\xff\xfe\n/docker/\xc3\x28\n   \n/a\rb\n\x00\n".to_vec();
    input.extend_from_slice(&b"x".repeat(100_000));
    let run = replay_with(["identify"], &input).expect_code(0);
    assert_eq!(run.json_lines().len(), 8, "seven whole lines and one that the end of the input ends");
    assert!(run.stdout.is_ascii());
}

#[test]
fn many_lines_stream_through() {
    let input = format!("/docker/{}/inside\n", id('b')).repeat(100_000);
    let run = replay_with(["identify"], input.as_bytes()).expect_code(0);
    assert_eq!(run.stdout.lines().count(), 100_000);
}

#[test]
fn no_input_no_output() {
    assert_eq!(replay_with(["identify"], b"").expect_code(0).stdout, "");
}
