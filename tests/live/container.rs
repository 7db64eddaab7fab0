//! obit-capture records the host's containers from inside a container that has exactly what
//! packaging/kubernetes/daemonset.yaml gives it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use obit_test_engines::{CgroupView, Oci, OciRuntime, Stage, require_root};
use serde_json::{Value, json};

use crate::support::capture::Capture;
use crate::support::replay;

/// Privileges of the manifest, as far as a runtime without Kubernetes can grant them.
struct ManifestGrants {
    /// Names with `CAP_`.
    capabilities: Vec<String>,
    arguments: Vec<String>,
    /// Mount point and source of each volume, and true if it can be written.
    mounts: Vec<(String, String, bool)>,
}

/// Reads the few lines of the manifest that matter; `make test-manifests` checks its form as a
/// whole.
fn granted() -> ManifestGrants {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/kubernetes/daemonset.yaml");
    let text = fs::read_to_string(&manifest).expect("the manifest");
    for needed in ["hostPID: true", "privileged: false", "readOnlyRootFilesystem: true", "drop: [\"ALL\"]"] {
        assert!(text.contains(needed), "the manifest says {needed}");
    }
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let value =
        |line: &str, key: &str| line.trim_start_matches("- ").strip_prefix(key).map(|rest| rest.trim().to_owned());
    let add = lines.iter().find_map(|line| value(line, "add:")).expect("capabilities");
    let capabilities =
        add.trim_matches(['[', ']']).split(',').map(|name| format!("CAP_{}", name.trim().trim_matches('"'))).collect();

    let from = lines.iter().position(|line| *line == "args:").expect("arguments") + 1;
    let arguments = lines[from..].iter().map_while(|line| line.strip_prefix("- ")).map(str::to_owned).collect();

    let mut sources = BTreeMap::new();
    let mut mounts = Vec::new();
    let mut name = String::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(found) = value(line, "name:") {
            name = found;
        } else if let Some(path) = value(line, "mountPath:") {
            mounts.push((name.clone(), path, lines.get(at + 1) == Some(&"readOnly: true")));
        } else if let Some(path) = value(line, "path:") {
            sources.insert(name.clone(), path);
        }
    }
    // A Secret has no path on the host: the tests stand for it with a file of their own.
    let source = |name: &String| sources.get(name).cloned().unwrap_or_default();
    let mounts = mounts.into_iter().map(|(name, at, read_only)| (at, source(&name), !read_only)).collect();
    ManifestGrants { capabilities, arguments, mounts }
}

/// Makes a root file system with the program under test and the libraries of this build; the image
/// has the static program.
fn make_root(root: &Path) {
    for directory in ["proc", "sys", "dev", "host/run", "host/var/lib/containers", "cases", "anchor"] {
        fs::create_dir_all(root.join(directory)).expect("a directory of the container");
    }
    let program = env!("CARGO_BIN_EXE_obit-capture");
    let wanted = Command::new("ldd").arg(program).output().expect("cannot run ldd");
    let wanted = String::from_utf8(wanted.stdout).expect("paths");
    let libraries = wanted.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
    for library in libraries {
        let place = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(place.parent().expect("a directory")).expect("a directory of a library");
        fs::copy(library, place).expect("copying a library");
    }
    fs::copy(program, root.join("obit-capture")).expect("copying the program");
    fs::set_permissions(root.join("obit-capture"), fs::Permissions::from_mode(0o755)).expect("making it executable");
}

/// Writes config.json of the OCI runtime specification, 1.0.
fn config(granted: &ManifestGrants, arguments: &[String]) -> Value {
    let mut mounts = vec![
        json!({ "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] }),
        json!({ "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"] }),
        json!({ "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"] }),
    ];
    mounts.extend(granted.mounts.iter().map(|(at, from, can_write)| {
        let access = if *can_write { "rw" } else { "ro" };
        json!({ "destination": at, "type": "bind", "source": from, "options": ["rbind", access, "rslave"] })
    }));
    let command = [&["/obit-capture".to_owned()], arguments].concat();
    let sets = ["bounding", "effective", "permitted"];
    let capabilities: BTreeMap<_, _> = sets.iter().map(|set| (*set, granted.capabilities.clone())).collect();
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": command,
            "env": ["PATH=/"],
            "cwd": "/",
            "capabilities": capabilities,
            "noNewPrivileges": true
        },
        "root": { "path": "rootfs", "readonly": true },
        "mounts": mounts,
        "linux": {
            "cgroupsPath": "/obit-live-recorder",
            "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
            // hostPID: no pid namespace. The recorder needs no network, so it gets a network
            // namespace.
            "namespaces": [{ "type": "mount" }, { "type": "ipc" }, { "type": "uts" }, { "type": "network" }, { "type": "cgroup" }],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        }
    })
}

/// Writes a bundle and returns the command that runs it.
fn recorder(stage: &Stage, granted: &ManifestGrants, name: &str, arguments: &[String]) -> (Command, PathBuf) {
    let bundle = stage.directory().join(name);
    make_root(&bundle.join("rootfs"));
    let text = serde_json::to_string_pretty(&config(granted, arguments)).expect("JSON");
    fs::write(bundle.join("config.json"), text).expect("config.json");
    let mut command = stage.command("runc");
    command
        .arg("--root")
        .arg(stage.directory().join("recorder-state"))
        .args(["run", "--bundle"])
        .arg(&bundle)
        .arg(name);
    (command, bundle)
}

#[test]
fn the_privileges_of_the_manifest_are_enough_to_record_the_hosts_containers() {
    let Some(_live) = require_root(&["runc", "ldd", "ssh-keygen"]) else {
        return;
    };
    let stage = Stage::new(CgroupView::Host);
    let (cases, anchor, key) =
        (stage.directory().join("cases"), stage.directory().join("anchor"), stage.directory().join("key"));
    fs::create_dir(&cases).expect("a place for cases");
    fs::create_dir(&anchor).expect("a place for the anchor");
    stage.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key.display().to_string()]);
    let mut granted = granted();
    assert!(!granted.capabilities.contains(&"CAP_SYS_ADMIN".to_owned()), "that would be everything");
    for (at, from, can_write) in &mut granted.mounts {
        let place = match at.as_str() {
            "/cases" => Some(&cases),
            "/anchor" => Some(&anchor),
            "/key/signing_key" => Some(&key),
            _ => None,
        };
        assert_eq!(*can_write, at == "/cases" || at == "/anchor", "only the case and its anchor are written");
        *from = place.map_or_else(|| from.clone(), |place| place.display().to_string());
        assert!(!from.is_empty(), "nothing to mount at {at}");
    }
    // As in a Pod. CAP_SYS_RESOURCE depends on the kernel's release.
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("the release");
    if ["5.8.", "5.9.", "5.10."].iter().any(|old| release.starts_with(old)) {
        granted.capabilities.push("CAP_SYS_RESOURCE".to_owned());
    }
    assert_eq!(granted.arguments[0], "run");
    // The tests wait for the line that announces the recording.
    let arguments: Vec<_> = granted.arguments.iter().filter(|word| *word != "--quiet").cloned().collect();

    let (mut check, _) =
        recorder(&stage, &granted, "obit-live-check", &["check", "--output", "/cases"].map(str::to_owned));
    let check = check.output().expect("cannot run runc");
    let text = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success(), "{text}{}", String::from_utf8_lossy(&check.stderr));
    assert!(text.contains("loads and attaches"), "{text}");

    let runc = Oci::start(&stage, OciRuntime::Runc);
    runc.start_container("obit-live-before", None);
    let (command, _) = recorder(&stage, &granted, "obit-live-recorder", &arguments);
    let capture = Capture::start_command(command, &cases);
    for number in 0..3 {
        runc.run_short(&format!("obit-live-{number}"), None);
    }
    runc.remove("obit-live-before");
    stage.cgroups.own("obit-live-recorder");
    capture.stop();

    let made: Vec<_> = fs::read_dir(&cases).expect("the cases").map(|entry| entry.expect("an entry").path()).collect();
    let [case] = made.as_slice() else { panic!("one start makes one case: {made:?}") };
    let removed = replay::derived_rows(case, "container_remove");
    for id in ["obit-live-0", "obit-live-1", "obit-live-2", "obit-live-before"] {
        let rows: Vec<_> = removed.iter().filter(|row| row["container_id"] == id).collect();
        assert_eq!(rows.len(), 1, "{id}: {removed:?}");
        // The recorder's reads of the host name the container, not only its directory.
        assert_ne!(rows[0]["identified_by"], "path", "{id}");
        assert!(rows[0]["memory_peak_bytes"].is_u64(), "{id}: usage values are read");
    }
    let existing = replay::derived_rows(case, "existing_container");
    assert!(existing.iter().any(|row| row["container_id"] == "obit-live-before"), "found by the walk: {existing:?}");
    let public = fs::read_to_string(key.with_extension("pub")).expect("the public key");
    let signers = stage.directory().join("signers");
    fs::write(&signers, format!("recorder {public}")).expect("the signers");
    let [case, signers, heads] = [case, &signers, &anchor.join("heads")].map(|path| path.display().to_string());
    let options = ["--signers", &signers, "--anchor", &heads, "--require", "closed,signed,anchored"];
    let verified = replay::replay(&[&["verify", case.as_str()], &options[..]].concat());
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn without_cap_bpf_it_names_what_is_missing_and_makes_no_case() {
    let Some(_live) = require_root(&["runc", "ldd"]) else {
        return;
    };
    let stage = Stage::new(CgroupView::Host);
    let mut granted = granted();
    granted.capabilities.retain(|capability| capability != "CAP_BPF");
    granted.mounts.retain(|(_, from, can_write)| !can_write && !from.is_empty());
    let (mut run, _) =
        recorder(&stage, &granted, "obit-live-refused", &["run", "--output", "/cases/x"].map(str::to_owned));
    let run = run.output().expect("cannot run runc");
    let text = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{text}");
    assert!(text.contains("CAP_BPF"), "{text}");
}
