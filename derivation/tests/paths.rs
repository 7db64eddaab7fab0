//! Compares the path rules with a table of paths that runtimes make, and that they do not make.

use obit_derivation::identity::Engine;
use obit_derivation::identity::path::{PathClass, PathIdentity, identify, names_container};
use proptest::prelude::*;

const TABLE: &str = include_str!("paths.tsv");

struct PathRow<'a> {
    line: usize,
    path: &'a str,
    expected: PathIdentity<'a>,
    source: &'a str,
}

/// Reads the table's rows; a malformed one is an error of the table, not of the rules.
fn rows() -> Vec<PathRow<'static>> {
    let mut rows = Vec::new();
    for (index, text) in TABLE.lines().enumerate() {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let line = index + 1;
        let columns: Vec<&str> = text.split('\t').collect();
        let [path, runtime, container_id, class, pod_uid, parent, source] = columns[..] else {
            panic!("paths.tsv:{line}: {} columns instead of 7", columns.len());
        };
        let null = |text: &'static str| (text != "-").then_some(text);
        let class = match class {
            "root" => PathClass::Root,
            "inside" => PathClass::Inside,
            "helper" => PathClass::Helper,
            "pod" => PathClass::Pod,
            "other" => PathClass::Other,
            _ => panic!("paths.tsv:{line}: no class {class:?}"),
        };
        let runtime = null(runtime)
            .map(|name| Engine::from_name(name).unwrap_or_else(|| panic!("paths.tsv:{line}: no runtime {name:?}")));
        let expected = PathIdentity {
            runtime,
            container_id: null(container_id).map(Into::into),
            root: class == PathClass::Root,
            pod_uid: null(pod_uid).map(Into::into),
            parent_container_id: null(parent).map(Into::into),
            class,
        };
        rows.push(PathRow { line, path, expected, source });
    }
    rows
}

#[test]
fn every_row_of_the_table_holds() {
    let rows = rows();
    assert!(rows.len() >= 300, "only {} rows were read", rows.len());
    let mut failures = String::new();
    for PathRow { line, path, expected, source } in &rows {
        let found = identify(path);
        if found != *expected {
            failures +=
                &format!("paths.tsv:{line}: {path}\n  expected {expected:?}\n  found    {found:?}\n  ({source})\n");
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn the_table_has_every_runtime_but_incus() {
    let rows = rows();
    for runtime in Engine::ALL {
        let known = rows.iter().any(|row| row.expected.runtime == Some(*runtime));
        // Incus runs LXC's library, and a path does not tell the two apart. `unknown` is Tracee's word.
        assert_eq!(known, !matches!(runtime, Engine::Incus | Engine::Unknown), "{runtime}");
    }
}

#[test]
fn no_path_is_in_the_table_twice() {
    let mut paths: Vec<&str> = rows().iter().map(|row| row.path).collect();
    paths.sort_unstable();
    let twice: Vec<_> = paths.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn a_root_is_named_by_its_own_id() {
    for PathRow { line, path, expected, .. } in rows() {
        // Names that systemd escaped, libvirt's `<name>.libvirt-lxc` and nspawn's services belong
        // to no runtime that argv tells.
        let by_machine = matches!(expected.runtime, Some(Engine::SystemdNspawn | Engine::LibvirtLxc | Engine::Rkt));
        if expected.root && !by_machine {
            let id = expected.container_id.as_deref().unwrap_or_default();
            assert!(names_container(path, id), "paths.tsv:{line}: {path} does not name {id}");
        }
    }
}

#[test]
fn a_directory_is_named_by_no_other_id_and_helpers_by_none() {
    let id = "4a5f7c9e21d34b60";
    for (path, named) in [
        ("/shop/4a5f7c9e21d34b60", true),
        ("/shop/4a5f7c9e21d34b60/", true),
        ("4a5f7c9e21d34b60", true),
        ("/system.slice/runc-4a5f7c9e21d34b60.scope", true),
        ("/system.slice/4a5f7c9e21d34b60.scope", true),
        ("/system.slice/my-own-prefix-4a5f7c9e21d34b60.scope", true),
        ("/libpod_parent/libpod-4a5f7c9e21d34b60", true),
        ("/system.slice:docker:4a5f7c9e21d34b60", true),
        ("/:docker:4a5f7c9e21d34b60", true),
        ("/default/kata_4a5f7c9e21d34b60", true),
        ("/lxc.payload.4a5f7c9e21d34b60", true),
        ("/x/crio-4a5f7c9e21d34b60", true),
        // A child of the container, and its parents.
        ("/shop/4a5f7c9e21d34b60/init.scope", false),
        ("/system.slice/runc-4a5f7c9e21d34b60.scope/container", false),
        ("/shop", false),
        ("/", false),
        ("", false),
        // Others.
        ("/shop/4a5f7c9e21d34b601", false),
        ("/shop/04a5f7c9e21d34b60", false),
        ("/system.slice/libpod-conmon-4a5f7c9e21d34b60.scope", false),
        ("/system.slice/crio-conmon-4a5f7c9e21d34b60.scope", false),
        ("/kubepods.slice/crio-4a5f7c9e21d34b60", false),
        ("/system.slice/-4a5f7c9e21d34b60.scope", false),
        ("/docker:4a5f7c9e21d34b60", false),
        ("/system.slice/4a5f7c9e21d34b60.service", false),
        ("/system.slice/4a5f7c9e21d34b60-abc.service", false),
    ] {
        assert_eq!(names_container(path, id), named, "{path}");
        assert!(!names_container(path, ""), "{path} with no id");
    }
}

/// Components that mean something, so that random paths reach the rules.
fn component() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9a-f]{63,65}",
        "(docker|crio|cri-containerd|libpod|libpod-payload|libpod-conmon|nerdctl|kata_|runc)-[0-9a-f]{64}(\\.scope)?",
        "(docker|lxc|lxc.payload|garden|good|bad|mesos|nomad|share|ecs|kubelet|kubepods|libpod_parent|buildkit|default)",
        "(system|user|machine|nomad|share|kubepods|user-1000|machine-x)\\.slice",
        "(user@1000|ssh|container@web|systemd-nspawn@a\\\\x2db)\\.service",
        "(payload|nomad|supervisor)",
        "kubepods(-burstable)?-pod[0-9a-f]{8}(_[0-9a-f]{4}){3}_[0-9a-f]{12}\\.slice",
        "pod[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\\.[a-z]{1,3}(\\.scope)?)?",
        "(lxc\\.payload\\.|lxc\\.monitor\\.|bpm-|machine-|runc-)[a-z\\\\.é-]{0,9}(\\.scope)?",
        "[a-z.]{0,6}:[a-z-]{0,8}:[0-9a-z]{0,64}",
        "\\PC{0,70}",
    ]
}

/// Components that mean something only where a manager of units made them.
fn unit_component() -> impl Strategy<Value = String> {
    prop_oneof![
        "(docker|crio|cri-containerd|libpod|nerdctl|runc|isulad)-[0-9a-f]{64}\\.scope",
        "(machine|runc|crun|singularity-oci)-[a-z]{1,5}\\.scope",
        "(system|machine|machine-x|kubepods|customers)\\.slice",
        "kubepods(-burstable)?-pod[0-9a-f]{8}(_[0-9a-f]{4}){3}_[0-9a-f]{12}\\.slice",
        "(container@web|systemd-nspawn@web|docker)\\.service",
        "(payload|supervisor|x)",
    ]
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::collection::vec(component(), 0..8).prop_map(|components| format!("/{}", components.join("/"))),
        1 => any::<String>(),
    ]
}

proptest! {
    #[test]
    fn any_text_gives_an_answer_that_holds_together(path in path()) {
        let found = identify(&path);
        prop_assert_eq!(found.root, found.class == PathClass::Root);
        prop_assert_eq!(found.class == PathClass::Inside && found.container_id.is_none(), false);
        prop_assert!(found.container_id.is_some() || found.runtime.is_none());
        prop_assert!(found.container_id.is_some() || found.parent_container_id.is_none());
        prop_assert!(found.container_id.as_deref() != Some(""));
        if let Some(uid) = &found.pod_uid {
            prop_assert!(matches!(uid.len(), 32 | 36) && !uid.contains('_'));
        }
    }

    #[test]
    fn the_id_of_a_root_stands_in_the_last_component(path in path()) {
        let found = identify(&path);
        if let (true, Some(id)) = (found.root, &found.container_id) {
            let last = path.rsplit('/').find(|component| !component.is_empty()).unwrap_or_default();
            // Either as it is or, where systemd made the name, without its escapes.
            prop_assert!(last.contains(&**id) || last.replace("\\x2d", "-").contains(&**id), "{} not in {}", id, last);
        }
    }

    #[test]
    fn no_scope_of_a_delegated_subtree_is_a_container(
        manager in "(session-3\\.scope|user@1000\\.service/(app|system|machine)\\.slice/(foo|container@a)\\.service)",
        below in prop::collection::vec(unit_component(), 0..6),
    ) {
        let path = format!("/user.slice/user-1000.slice/{manager}/{}", below.join("/"));
        let found = identify(&path);
        prop_assert_eq!((found.container_id, found.pod_uid), (None, None), "{}", path);
    }

    #[test]
    fn slashes_at_the_ends_change_nothing(path in path()) {
        let found = identify(&path);
        let trimmed = path.trim_matches('/');
        prop_assert_eq!(&identify(trimmed), &found);
        let slashes = format!("//{trimmed}/");
        prop_assert_eq!(&identify(&slashes), &found);
    }

    #[test]
    fn what_is_below_a_container_belongs_to_it_or_to_one_inside(path in path(), below in "[a-z]{1,6}") {
        let found = identify(&path);
        // `pod` components and names that choose an id have rules of their own; a plain word below
        // a root is inside it.
        let longer = format!("{path}/{below}");
        let inner = identify(&longer);
        if found.root && inner.class == PathClass::Inside {
            prop_assert_eq!(inner.container_id, found.container_id);
            prop_assert_eq!(inner.parent_container_id, found.parent_container_id);
        }
    }

    #[test]
    fn names_container_never_panics_and_needs_the_id(path in path(), id in "[a-zé0-9.-]{0,12}") {
        if names_container(&path, &id) {
            prop_assert!(!id.is_empty() && path.contains(&id));
        }
    }
}
