//! The command line: help, version, bad usage.

use crate::case;
use crate::program::replay;

#[test]
fn help_has_examples_and_exit_codes() {
    for arguments in [
        &["--help"][..],
        &["derive", "--help"],
        &["verify", "--help"],
        &["diff", "--help"],
        &["explain", "--help"],
        &["info", "--help"],
        &["identify", "--help"],
    ] {
        let run = replay(arguments).expect_code(0);
        assert!(run.stdout.contains("Examples:") && run.stdout.contains("Exit codes:"), "{run:#?}");
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn version_names_the_commit() {
    let run = replay(["--version"]).expect_code(0);
    assert!(run.stdout.starts_with(concat!("obit-replay ", env!("CARGO_PKG_VERSION"))), "{run:#?}");
    assert!(run.stdout.contains("git commit "), "{run:#?}");
}

#[test]
fn bad_usage_is_one_line_and_code_2() {
    for (arguments, cause) in [
        (&[][..], "One of derive, verify"),
        (&["exhume"], "exhume"),
        (&["derive"], "CASE"),
        (&["derive", "c", "--format", "xml"], "xml"),
        (&["derive", "c", "--event", "container_stop"], "container_stop"),
        (&["verify", "c", "--shw", "1"], "--shw"),
        (&["diff", "only-one"], "<B>"),
        (&["explain", "c"], "CASE"),
    ] {
        let run = replay(arguments).expect_code(2);
        run.expect_one_error(&[cause, "--help"]);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_path_without_a_case_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let empty = directory.path().to_str().expect("UTF-8");
    let file = directory.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    let whole = case::everyday().close();
    for path in [empty, file.to_str().expect("UTF-8"), "/nonexistent/case"] {
        for command in ["derive", "verify", "info"] {
            let run = replay([command, path]).expect_code(2);
            run.expect_one_error(&["obit-replay: ", path]);
            assert_eq!(run.stdout, "");
        }
        replay(["explain", path, "abcd"]).expect_code(2).expect_one_error(&[path]);
        replay(["diff", path, whole.arg()]).expect_code(2).expect_one_error(&[path]);
        replay(["diff", whole.arg(), path]).expect_code(2).expect_one_error(&[path]);
    }
}

#[test]
fn a_path_in_an_error_steers_no_terminal() {
    let run = replay(["derive", "/no\u{1b}[2J\u{202e}case\nhere"]).expect_code(2);
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    assert!(!run.stderr.trim_end().chars().any(char::is_control) && !run.stderr.contains('\u{202e}'), "{run:#?}");
}

#[test]
fn man_pages_and_completions_are_written() {
    let directory = tempfile::tempdir().expect("a directory");
    replay(["reference", directory.path().to_str().expect("UTF-8")]).expect_code(0);
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).expect(name);
    for command in ["", "-derive", "-explain", "-schema"] {
        assert!(read(&format!("man1/obit-replay{command}.1")).contains(".SH SYNOPSIS"));
    }
    for name in ["bash/obit-replay.bash", "zsh/_obit-replay", "fish/obit-replay.fish"] {
        assert!(read(name).contains("no-pager"), "{name}");
    }
}
