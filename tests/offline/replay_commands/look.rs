//! The look of output: widths, colours, and the pager.

use crate::case::{Recorder, id};
use crate::program::replay;
use crate::terminal::{Terminal, golden, replay_on, without_color};

const ALL_ON: &[(&str, &str)] = &[];

fn widest(text: &str) -> usize {
    without_color(text).lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn tables_are_as_wide_as_the_terminal_and_keep_the_name() {
    let case = golden("docker-hybrid");
    let in_pipe = replay(["derive", &case]).expect_code(0).stdout;
    assert!(in_pipe.contains("containerd-shim[6635] (docker_event)"), "uncut in a pipe: {in_pipe}");
    assert!(widest(&in_pipe) > 120 && !in_pipe.contains('…'), "{in_pipe}");
    for columns in [80, 120, 230] {
        let text = replay_on(&Terminal { columns, environment: ALL_ON }, &["derive", &case]);
        assert!(widest(&text) <= usize::from(columns), "{columns}: {text}");
        let plain = without_color(&text);
        assert!(plain.contains("NAME") && plain.contains("restart") && plain.contains("runtime KILL"), "{plain}");
        assert!(plain.contains("KILLED") && plain.contains("ORDERE"), "{plain}");
        // Six lines: the header and five rows, then the count.
        assert_eq!(plain.lines().count(), 7, "{plain}");
    }
    let text = replay_on(&Terminal { columns: 80, environment: &[("COLUMNS", "200")] }, &["derive", &case]);
    assert!(widest(&text) > 80, "COLUMNS counts: {text}");
}

#[test]
fn both_values_of_a_disagreement_are_whole_on_any_terminal() {
    let case = golden("v2-systemd-guest");
    let rows = replay(["derive", &case, "--event", "disagreement"]).expect_code(0).stdout;
    assert!(rows.contains("kernel: 2026-") && rows.contains("containerd_event: 2026-"), "{rows}");
    let narrow =
        replay_on(&Terminal { columns: 80, environment: ALL_ON }, &["derive", &case, "--event", "disagreement"]);
    for value in rows.split_whitespace().filter(|word| word.ends_with(':')) {
        assert!(narrow.contains(value), "{value} is cut: {narrow}");
    }
}

#[test]
fn colors_are_for_terminals_whose_user_wants_them() {
    let case = golden("docker-hybrid");
    let has_color = |text: &str| text.contains('\u{1b}');
    let on = |environment, arguments: &[&str]| replay_on(&Terminal { columns: 120, environment }, arguments);
    for command in [&["derive", case.as_str()][..], &["explain", &case, "6b01a849852c"]] {
        assert!(has_color(&on(ALL_ON, command)), "{command:?}");
        assert!(!has_color(&on(&[("NO_COLOR", "1")], command)), "{command:?}");
        assert!(!has_color(&on(&[("TERM", "dumb")], command)), "{command:?}");
        assert!(!has_color(&replay(command).expect_code(0).stdout), "a pipe gets none: {command:?}");
        let with = |color: &'static str| [command, &["--color", color]].concat();
        assert!(!has_color(&on(ALL_ON, &with("never"))), "{command:?}");
        assert!(has_color(&replay(with("always")).expect_code(0).stdout), "{command:?}");
        assert_eq!(without_color(&on(ALL_ON, command)), on(&[("NO_COLOR", "1")], command));
    }
}

#[test]
fn a_terminal_gets_long_text_through_the_pager_and_nothing_else_does() {
    let case = golden("docker-hybrid");
    let pager = [("OBIT_PAGER", "sed 's/^/paged: /'"), ("NO_COLOR", "1")];
    let terminal = Terminal { columns: 120, environment: &pager };
    for command in [&["derive", case.as_str()][..], &["explain", &case, "6b01a849852c"]] {
        let text = replay_on(&terminal, command);
        let plain = replay_on(&terminal, &[command, &["--no-pager"]].concat());
        let paged: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("paged: ")).collect();
        assert!(paged.len() > 5, "{text}");
        assert!(paged.iter().all(|line| plain.contains(line)), "{text}");
        assert!(!plain.contains("paged: "), "{plain}");
    }
    let json = replay_on(&terminal, &["explain", &case, "6b01a849852c", "--format", "json"]);
    assert!(json.starts_with('{'), "machines need no pager: {json}");
    // A pager that cannot be started, or that ends at once, is no failure.
    for broken in ["/nonexistent/pager", "true"] {
        replay_on(&Terminal { columns: 120, environment: &[("OBIT_PAGER", broken)] }, &["derive", &case]);
    }
}

#[test]
fn a_locale_without_utf_8_changes_no_byte() {
    let case = golden("docker-hybrid");
    let mut command = crate::program::command(["explain", &case, "6b01a849852c"]);
    let output = command.env("LC_ALL", "C").output().expect("obit-replay runs");
    assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), replay(["explain", &case, "6b01a849852c"]).stdout);
}

#[test]
fn a_hostile_name_steers_no_terminal_and_stays_on_its_line() {
    let mut recorder = Recorder::new();
    let cgroup = recorder.begin(&id('a'));
    let hostile = "x\u{1b}[2J\u{202e}y\n  ended   by nobody [1]\u{9b}31m";
    recorder.answer(&id('a'), hostile, hostile);
    recorder.end(&id('a'), cgroup);
    let case = recorder.close();
    for columns in [80, 230] {
        for command in [&["derive", case.arg()][..], &["explain", case.arg(), "aaaa"]] {
            let text = without_color(&replay_on(&Terminal { columns, environment: ALL_ON }, command));
            assert!(!text.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{text:?}");
            assert!(!text.lines().any(|line| line.starts_with("  ended   by nobody")), "{text}");
        }
    }
}
