//! Compares the rules for OCI runtimes' arguments with a table of real and of contrived ones.

use obit_derivation::identity::argv::{Invocation, SEAM, Verb, is_oci_runtime, parse, recordable};
use obit_derivation::identity::{Engine, OciRuntime};
use proptest::prelude::*;

const TABLE: &str = include_str!("argv.tsv");

fn verb(name: &str) -> Option<Verb> {
    Some(match name {
        "create" => Verb::Create,
        "run" => Verb::Run,
        "restore" => Verb::Restore,
        "start" => Verb::Start,
        "kill" => Verb::Kill,
        "delete" => Verb::Delete,
        _ => return None,
    })
}

/// Splits arguments; an `␣` is a space in one of them.
fn arguments(text: &str) -> Vec<&'static str> {
    let argument = |argument: &str| if argument == "''" { String::new() } else { argument.replace('␣', " ") };
    text.split(' ').map(|text| &*argument(text).leak()).collect()
}

struct ArgvRow {
    line: usize,
    argv: Vec<&'static str>,
    expected: Option<Invocation<'static>>,
    source: &'static str,
}

fn rows() -> Vec<ArgvRow> {
    let mut rows = Vec::new();
    for (index, text) in TABLE.lines().enumerate() {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let line = index + 1;
        let columns: Vec<&str> = text.split('\t').collect();
        let [argv, oci_runtime, verb_name, id, root, bundle, engine, namespace, source] = columns[..] else {
            panic!("argv.tsv:{line}: {} columns instead of 9", columns.len());
        };
        let null = |text: &'static str| (text != "-").then_some(text);
        let argv = arguments(argv);
        let expected = null(verb_name).map(|verb_name| Invocation {
            oci_runtime: null(oci_runtime).map(|name| OciRuntime::from_name(name).expect("an OCI runtime")),
            verb: verb(verb_name).expect("a verb"),
            container_id: arguments(id)[0],
            root: null(root),
            bundle: null(bundle),
            engine: null(engine).map(|name| Engine::from_name(name).expect("an engine")),
            namespace: null(namespace),
            is_partial: argv.contains(&SEAM),
        });
        rows.push(ArgvRow { line, argv, expected, source });
    }
    rows
}

#[test]
fn every_row_of_the_table_holds() {
    let rows = rows();
    assert!(rows.len() >= 100, "only {} rows were read", rows.len());
    let mut failures = String::new();
    for ArgvRow { line, argv, expected, source } in &rows {
        let found = parse(argv);
        if found != *expected {
            failures +=
                &format!("argv.tsv:{line}: {argv:?}\n  expected {expected:?}\n  found    {found:?}\n  ({source})\n");
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn what_identifies_a_container_is_recorded_whole() {
    for ArgvRow { line, argv, expected, .. } in rows() {
        if let Some(expected) = expected {
            assert_eq!(recordable(&argv), argv, "argv.tsv:{line}");
            assert_eq!(is_oci_runtime(argv[0]), expected.oci_runtime.is_some(), "argv.tsv:{line}");
        }
    }
}

#[test]
fn secrets_are_not_recorded() {
    for (argv, kept) in [
        // exec keeps program, global options, command and id.
        ("runc --root /r exec -e PASSWORD=hunter2 web sh -c secret", "runc --root /r exec web"),
        ("runc --root=/r exec --env=PASSWORD=hunter2 -u 0:0 -t web env", "runc --root=/r exec web"),
        ("crun exec --tty --cwd / -ePASSWORD=hunter2 web env", "crun exec web"),
        ("youki -r /r exec -e PASSWORD=hunter2 web env", "youki -r /r exec web"),
        ("runsc --root=/r exec -env PASSWORD=hunter2 web env", "runsc --root=/r exec web"),
        ("runc exec --process /tmp/p.json --pid-file /x web", "runc exec web"),
        // The value of an unknown option may look like the id.
        ("runc exec --new-option hunter2 web env", "runc exec"),
        ("runc exec", "runc exec"),
        ("runc exec -e", "runc exec"),
        ("runc exec hunter/2 env", "runc exec"),
        // The command itself may be a value.
        ("runc --token hunter2 exec web env", "runc"),
        ("runc --token exec -e PASSWORD=hunter2 web", "runc"),
        ("runc --token hunter2", "runc"),
        // Commands with arguments of any kind.
        ("runsc --root /r do -force curl -u user:hunter2", "runsc --root /r do"),
        ("runc ps web -o hunter2", "runc ps"),
        ("runc hunter2", "runc"),
        ("runc --root /r hunter2 web", "runc"),
        // Other programs.
        ("curl -u user:hunter2 https://example.com", "curl"),
        ("/usr/bin/conmon --exit-command-arg hunter2", "/usr/bin/conmon"),
        ("bash -c runc", "bash"),
        ("systemd", "systemd"),
        // Harmless ones.
        ("runc --root /r state web", "runc --root /r state web"),
        ("runc init", "runc init"),
        ("runc events --stats web", "runc events --stats web"),
        // LXC's programs keep the name.
        ("lxc-start -F -n web -s lxc.environment=PASSWORD=hunter2", "lxc-start -n web"),
        ("lxc-start -P /l -d web -- /bin/sh -c hunter2", "lxc-start web"),
        ("/usr/bin/lxc-execute -n shop --name=web -- env PASSWORD=hunter2 sh", "/usr/bin/lxc-execute --name=web"),
        ("lxc-start -Fn web -s lxc.environment=PASSWORD=hunter2", "lxc-start web"),
        ("lxc-start -s hunter2 --token hunter2 -n web", "lxc-start"),
        ("lxc-start -n web … hunter2", "lxc-start"),
        ("lxc-stop -n web", "lxc-stop"),
        ("lxc-attach -n web -- hunter2", "lxc-attach"),
        // A stretch is missing.
        ("runc --root /r exec -e A … PASSWORD=hunter2 web env", "runc --root /r exec"),
        ("runc --root /r exec web … hunter2", "runc --root /r exec web"),
        ("runc --root /r --log … web sh hunter2", "runc"),
        ("runc --root /r --log … web kill hunter2", "runc"),
        ("runc --root /r --log … systemctl start hunter2", "runc"),
        ("runc --root /r --log … create hunter2", "runc"),
        ("runc --root /r --log … exec web hunter2", "runc"),
        ("runc --root /r --log … state hunter2", "runc"),
        ("runc --root /r --log … create --bundle /b hunter2 x", "runc"),
        ("runc --root … ps hunter2", "runc"),
        ("curl -u … user:hunter2", "curl"),
    ] {
        assert_eq!(recordable(&arguments(argv)), arguments(kept), "{argv}");
    }
    assert!(recordable(&[]).is_empty());
}

#[test]
fn what_ends_a_container_for_its_engine() {
    for (argv, id, ends) in [
        ("runc kill web 9", "web", true),
        ("crun delete --force web", "web", true),
        ("runc kill web 9", "shop", false),
        ("runc run web", "web", false),
        ("[lxc␣monitor]␣/var/lib/incus/containers␣web", "web", true),
        ("[lxc␣monitor]␣/var/lib/lxc␣web", "web-1", false),
    ] {
        let call = parse(&arguments(argv)).expect("a call");
        assert_eq!(call.ends_container(id), ends, "{argv}");
    }
}

#[test]
fn programs_are_known_by_their_last_component() {
    for program in ["runc", "/usr/bin/runc", "./runc", "crun", "/opt/kata/bin/containerd-shim-kata-v2", "docker-runc"] {
        assert!(is_oci_runtime(program), "{program}");
    }
    for program in
        ["", "/", "runc/", "Runc", "runc ", "containerd-shim-runc-v2", "containerd-shim-kata-v3", "conmon", "dockerd"]
    {
        assert!(!is_oci_runtime(program), "{program}");
    }
}

fn argument() -> impl Strategy<Value = String> {
    prop_oneof![
        "(runc|crun|youki|runsc|kata-runtime|containerd-shim-kata-v2|/usr/bin/runc|lxc-start|lxc-execute)",
        "(create|run|restore|start|kill|delete|exec|state|ps)",
        "(…|\\[lxc monitor\\] /var/lib/(lxc|incus/containers) [a-z]{1,5})",
        "--?(root|bundle|b|log|env|e|regex|force|id|namespace|new|pid-file|detach|f|d|name|n|s)(=[a-z/]{0,9})?",
        "-[a-zA-Zé]{1,4}",
        "(--|-|---|=|--=|-=x)",
        "(/[a-z.]{1,9}|/containerd|/runc|/moby|/buildkit|/executor|/x-containers|/userdata){1,6}",
        "[a-zA-Z0-9_+.-]{0,12}",
        "\\PC{0,20}",
    ]
}

proptest! {
    #[test]
    fn any_arguments_give_an_answer(words in prop::collection::vec(argument(), 0..10)) {
        let argv: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Some(found) = parse(&argv) {
            prop_assert_eq!(is_oci_runtime(argv[0]), found.oci_runtime.is_some());
            prop_assert!((1..=1024).contains(&found.container_id.len()));
            prop_assert!(!found.container_id.contains('/'));
            prop_assert!(argv.iter().any(|argument| argument.contains(found.container_id)));
            prop_assert!(found.container_id != SEAM && found.root != Some(SEAM) && found.bundle != Some(SEAM));
            prop_assert_eq!(found.is_partial, argv.contains(&SEAM));
        }
    }

    #[test]
    fn what_is_recorded_says_the_same(words in prop::collection::vec(argument(), 0..10)) {
        let argv: Vec<&str> = words.iter().map(String::as_str).collect();
        let kept = recordable(&argv);
        prop_assert!(kept.len() <= argv.len());
        prop_assert_eq!(kept.first(), argv.first());
        if parse(&argv).is_some() {
            prop_assert_eq!(parse(&kept), parse(&argv));
        }
        // Recording twice takes no more away.
        prop_assert_eq!(recordable(&kept), kept);
    }

    #[test]
    fn values_of_exec_options_are_never_recorded(
        runtime in "(runc|crun|youki)",
        option in "(-e|--env|--process-label|--apparmor|-c|--cwd|-u)",
        secret in "[A-Z]{8}",
        id in "[a-z]{1,8}",
    ) {
        let argv = [&*runtime, "exec", &option, &secret, &id, &secret];
        prop_assert_eq!(recordable(&argv), vec![&*runtime, "exec", &id]);
    }
}
