//! The engine that called an OCI runtime, by the directories that it gave it.

use crate::identity::engine::{Engine, OciRuntime};
use crate::identity::path::{components, is_buildah_id, split_last};

/// The engine and the namespace that directories show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CallingEngine<'a> {
    pub(super) engine: Option<Engine>,
    pub(super) namespace: Option<&'a str>,
    /// True if an engine shows for which [`Engine`] has no value.
    pub(super) is_other: bool,
}

impl<'a> CallingEngine<'a> {
    fn of_engine(engine: Engine) -> Self {
        Self { engine: Some(engine), ..Self::default() }
    }

    /// Tells the engine from a namespace of containerd.
    fn of_namespace(namespace: &'a str) -> Self {
        let engine = match namespace {
            // Containers and managed plugins of dockerd.
            "moby" | "plugins.moby" => Engine::Docker,
            "buildkit" => Engine::Buildkit,
            // guardian's own (guardiancmd/command_linux.go)
            "garden" => Engine::Garden,
            _ if is_namespace(namespace) => Engine::Containerd,
            _ => return Self::default(),
        };
        Self { engine: Some(engine), namespace: Some(namespace), is_other: false }
    }
}

/// Reads the engine and the namespace. The state directory counts before the bundle: a stranger
/// cannot choose it freely, because the container's state must be found there again. The id counts
/// last, since anybody can give it.
pub(super) fn read_caller<'a>(
    container_id: &str,
    root: Option<&'a str>,
    bundle: Option<&'a str>,
    log: Option<&'a str>,
    namespace: Option<&'a str>,
) -> CallingEngine<'a> {
    let known = |caller: CallingEngine<'a>| (caller.engine.is_some() || caller.is_other).then_some(caller);
    let of_conmon = |log: &str| log.ends_with("/userdata/oci-log").then(|| CallingEngine::of_engine(Engine::Podman));
    namespace
        .and_then(|namespace| known(CallingEngine::of_namespace(namespace)))
        .or_else(|| known(read_root(root?)))
        .or_else(|| of_conmon(log?))
        .or_else(|| known(read_bundle(bundle?)))
        .or_else(|| known(read_bundle(log?)))
        .or_else(|| is_of_buildah(container_id, bundle).then(|| CallingEngine::of_engine(Engine::Buildah)))
        .unwrap_or_default()
}

/// Returns the engine of a runtime that somebody calls by hand: the runtime itself. gVisor and kata
/// are no engines and count as containerd's.
pub(super) fn engine_of_runtime_alone(runtime: OciRuntime) -> Engine {
    match runtime {
        OciRuntime::Runc => Engine::Runc,
        OciRuntime::Crun => Engine::Crun,
        OciRuntime::Youki => Engine::Youki,
        OciRuntime::Runsc | OciRuntime::Kata => Engine::Containerd,
    }
}

/// Returns true for a step of a build: its bundle is a temporary directory, whose name is in the id
/// (buildah run_linux.go, Builder.Run). Commands after `create` have no bundle.
fn is_of_buildah(container_id: &str, bundle: Option<&str>) -> bool {
    let is_bundle_of_id = |bundle| container_id.strip_prefix("buildah-") == Some(split_last(bundle).1);
    is_buildah_id(container_id) && bundle.is_none_or(is_bundle_of_id)
}

/// Reads `--root`.
fn read_root(root: &str) -> CallingEngine<'_> {
    let (above, last) = split_last(root);
    let (above, parent) = split_last(above);
    let (_, grandparent) = split_last(above);
    match (grandparent, parent, last) {
        // dockerd: <exec-root>/runtime-<runtime>/moby
        (_, parent, namespace) if parent.starts_with("runtime-") => CallingEngine::of_namespace(namespace),
        (_, "docker", last) if last.starts_with("runtime-") => CallingEngine::of_engine(Engine::Docker),
        // containerd's shims: /run/containerd/<runtime>/<namespace>
        ("containerd", _, namespace) => CallingEngine::of_namespace(namespace),
        (_, _, namespace @ ("moby" | "plugins.moby")) => CallingEngine::of_namespace(namespace),
        // bpm: /var/vcap/sys/run/bpm-runc (src/bpm/config/bpm_config.go)
        (_, _, "bpm-runc") => CallingEngine::of_engine(Engine::Bpm),
        _ if has_component(root, "crio") => CallingEngine::of_engine(Engine::Crio),
        // iSulad: docs/design/detailed/Runtime/runc_design_append.md
        _ if has_component(root, "isulad") => CallingEngine { is_other: true, ..CallingEngine::default() },
        // singularity: internal/pkg/runtime/launcher/oci/oci_linux.go
        _ if has_component(root, "singularity-oci") => CallingEngine::of_engine(Engine::Singularity),
        _ => CallingEngine::default(),
    }
}

/// Reads `--bundle`, or a `--log` beside it.
fn read_bundle(bundle: &str) -> CallingEngine<'_> {
    let mut before = ("", "");
    let mut in_buildkit = false;
    for component in components(bundle) {
        match before.1 {
            // <containerd's state>/io.containerd.runtime.v2.task/<namespace>/<id>
            "io.containerd.runtime.v2.task" | "io.containerd.runtime.v1.linux" => {
                return CallingEngine::of_namespace(component);
            }
            // guardian: /var/vcap/data/garden/depot/<handle>, /var/run/gdn/depot/<handle>
            "garden" | "gdn" if component == "depot" => return CallingEngine::of_engine(Engine::Garden),
            // bpm: /var/vcap/data/bpm/bundles/<job>/<process>
            "bpm" if component == "bundles" => return CallingEngine::of_engine(Engine::Bpm),
            _ => {}
        }
        // BuildKit: …/buildkit/executor/<id> in dockerd,
        // …/buildkit/runc-<snapshotter>/executor/<id> in buildkitd
        if in_buildkit && component == "executor" {
            return CallingEngine::of_engine(Engine::Buildkit);
        }
        in_buildkit |= component == "buildkit";
        // containers/storage: …/<driver>-containers/<id>/userdata
        if component == "userdata" && before.0.ends_with("-containers") {
            return CallingEngine::of_engine(storage_user(bundle));
        }
        before = (before.1, component);
    }
    if has_component(bundle, "crio") {
        CallingEngine::of_engine(Engine::Crio)
    } else {
        CallingEngine { is_other: has_component(bundle, "isulad"), ..CallingEngine::default() }
    }
}

/// Tells CRI-O from podman by the storage's directory. CRI-O keeps its bundles in the run
/// directory, podman in the graph directory; rootless storage is podman's alone.
fn storage_user(bundle: &str) -> Engine {
    let run = bundle.strip_prefix("/var").unwrap_or(bundle);
    if run.starts_with("/run/") && !run.starts_with("/run/user/") { Engine::Crio } else { Engine::Podman }
}

/// Returns true if one component of a path has this name.
fn has_component(path: &str, name: &str) -> bool {
    components(path).any(|component| component == name)
}

/// Tests a text against containerd's grammar of namespaces (`pkg/identifiers`): letters and digits,
/// joined by single `.`, `_` or `-`.
fn is_namespace(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let are_joined = bytes.iter().zip(bytes.iter().skip(1)).all(|(byte, next)| match byte {
        b'.' | b'_' | b'-' => next.is_ascii_alphanumeric(),
        _ => byte.is_ascii_alphanumeric(),
    });
    bytes.len() <= 76 && is_plain(bytes.first()) && is_plain(bytes.last()) && are_joined
}
