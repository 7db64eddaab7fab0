use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;
use rustix::fs::{CWD, FileType, Mode};

const DOCKER_ID: &str = "9f08f8689cd30642405f76ea48c23e4f9800bb51003e40752d812f0fc512bdc5";
const PODMAN_ID: &str = "73f5d78edd6b0d1080e62acf1c8b847100a8f8a61800b003f1d7a5ccb20d54bc";

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/oci/host")
}

/// A host of one bundle at `/b`, whose config.json is `text`.
fn read_text(text: &[u8]) -> RuntimeRecord {
    let host = tempfile::tempdir().unwrap();
    fs::create_dir(host.path().join("b")).unwrap();
    fs::write(host.path().join("b/config.json"), text).unwrap();
    read(host.path(), "/b", Some("c1"))
}

fn facts<'a>(answer: &'a RuntimeAnswer<'static>) -> (Outcome, Option<&'a str>, Option<&'a str>) {
    (answer.outcome, answer.runtime.as_deref(), answer.cgroup_path.as_deref())
}

#[test]
fn bundles_of_real_engines() {
    let docker = format!("/run/containerd/io.containerd.runtime.v2.task/moby/{DOCKER_ID}");
    let RuntimeRecord { answer, details } = read(&fixtures(), &docker, Some(DOCKER_ID));
    assert_eq!(facts(&answer), (Outcome::Ok, Some("docker"), Some(format!("/docker/{DOCKER_ID}").as_str())));
    assert_eq!(answer.container_name, None, "docker's bundle has no name, and a hostname is none");
    assert_eq!(details.request, format!("{docker}/config.json"));

    let shop = "/run/containerd/io.containerd.runtime.v2.task/shop/web-1";
    let RuntimeRecord { answer, .. } = read(&fixtures(), shop, Some("web-1"));
    assert_eq!(facts(&answer), (Outcome::Ok, Some("containerd"), Some("/shop/web-1")));
    assert_eq!(answer.container_id.as_deref(), Some("web-1"));

    let podman = format!("/var/lib/containers/storage/overlay-containers/{PODMAN_ID}/userdata");
    let RuntimeRecord { answer, .. } = read(&fixtures(), &podman, Some(PODMAN_ID));
    let cgroup_path = format!("/libpod_parent/libpod-{PODMAN_ID}");
    assert_eq!(facts(&answer), (Outcome::Ok, Some("podman"), Some(cgroup_path.as_str())));
    assert!(answer.labels.contains(&("io.container.manager".into(), "libpod".into())), "{answer:?}");

    let RuntimeRecord { answer, .. } = read(&fixtures(), "/srv/bundle/", Some("sample-runc-1"));
    assert_eq!(facts(&answer), (Outcome::Ok, None, Some("/obit-sample/runc-1")), "nothing shows an engine");
    assert_eq!(answer.container_name.as_deref(), Some("web"));
}

#[test]
fn no_secret_is_kept() {
    for bundle in [
        format!("/run/containerd/io.containerd.runtime.v2.task/moby/{DOCKER_ID}"),
        format!("/var/lib/containers/storage/overlay-containers/{PODMAN_ID}/userdata"),
        "/srv/bundle".to_owned(),
    ] {
        let text = fs::read_to_string(fixtures().join(bundle.trim_start_matches('/')).join("config.json")).unwrap();
        assert!(text.contains("hunter2") && text.contains("sleep"), "the fixture has something to leak");
        let RuntimeRecord { answer, details } = read(&fixtures(), &bundle, None);
        let kept = format!("{answer:?} {details:?}");
        for secret in ["hunter2", "sleep", "com.example.secret", "token", "libnetwork-setkey", "\"options\"", "\"env\""]
        {
            assert!(!kept.contains(secret), "{bundle} leaks {secret}: {kept}");
        }
        assert!(kept.contains("cgroupsPath"), "the document is there");
    }
}

#[test]
fn the_document_says_who_could_have_written_the_file() {
    let RuntimeRecord { details, .. } = read_text(br#"{"linux":{"cgroupsPath":"/a"}}"#);
    let document: serde_json::Value = serde_json::from_str(&details.document.unwrap()).unwrap();
    assert_eq!(document["obit.file"]["uid"], rustix::process::geteuid().as_raw());
    assert_eq!(document["obit.file"]["bytes"], 30);
    let mode = document["obit.file"]["mode"].as_str().unwrap();
    assert!(mode.len() == 4 && mode.starts_with("06"), "octal, and the owner may read and write: {mode}");
}

#[test]
fn hostile_text_is_invalid_and_says_nothing() {
    let deep = [b"{\"mounts\":".to_vec(), b"[".repeat(100_000)].concat();
    for text in [
        b"".as_slice(),
        b"[]",
        b"null",
        b"{",
        b"{\"linux\":7}",
        b"{\"annotations\":{\"a\":1}}",
        b"{\"linux\":{\"cgroupsPath\":\"\xff\"}}",
        &deep,
    ] {
        let RuntimeRecord { answer, details } = read_text(text);
        assert_eq!(facts(&answer), (Outcome::Invalid, None, None), "{:?}", &text[..text.len().min(40)]);
        assert_eq!((details.document, answer.labels.len()), (None, 0));
    }
    // Nothing is said, yet it is a configuration; Go writes null for what is empty.
    let RuntimeRecord { answer, .. } = read_text(br#"{"linux":null,"annotations":null,"mounts":null,"process":null}"#);
    assert_eq!(facts(&answer), (Outcome::Ok, None, None));
}

#[test]
fn sizes_are_bounded() {
    let long = "a".repeat(PATH_BYTES + 1);
    let RuntimeRecord { answer, .. } = read_text(format!(r#"{{"linux":{{"cgroupsPath":"{long}"}}}}"#).as_bytes());
    assert_eq!(facts(&answer), (Outcome::Ok, None, None), "a path that cannot be one is not cut to another");

    let mounts = vec![r#"{"destination":"/d","type":"bind","source":"/s"}"#; 2_000].join(",");
    let RuntimeRecord { answer, details } = read_text(format!(r#"{{"mounts":[{mounts}]}}"#).as_bytes());
    assert_eq!(answer.outcome, Outcome::Ok);
    let document: serde_json::Value = serde_json::from_str(&details.document.unwrap()).unwrap();
    assert!(document["bytes"].as_u64().unwrap() > 64 << 10, "{document}");

    // One byte over the limit is refused, however well it parses.
    let text = |size: usize| format!("{{\"hostname\":\"{}\"}}", "h".repeat(size - 15)).into_bytes();
    assert_eq!(text(CONFIG_BYTES).len(), CONFIG_BYTES);
    assert_eq!(read_text(&text(CONFIG_BYTES)).answer.outcome, Outcome::Ok);
    assert_eq!(read_text(&text(CONFIG_BYTES + 1)).answer.outcome, Outcome::Invalid);
}

#[test]
fn only_a_regular_file_below_the_root_is_read() {
    let host = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("config.json"), b"{}").unwrap();
    for name in ["link", "fifo", "directory", "empty", "real"] {
        fs::create_dir(host.path().join(name)).unwrap();
    }
    symlink(outside.path().join("config.json"), host.path().join("link/config.json")).unwrap();
    rustix::fs::mknodat(CWD, host.path().join("fifo/config.json"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    fs::create_dir(host.path().join("directory/config.json")).unwrap();
    fs::write(host.path().join("real/config.json"), b"{}").unwrap();
    // Directories on the way may be links, as /var/run is, but an absolute one starts at the host's
    // root.
    symlink("/real", host.path().join("inside")).unwrap();
    symlink(outside.path(), host.path().join("outside")).unwrap();

    let outcome = |bundle: &str| read(host.path(), bundle, None).answer.outcome;
    assert_eq!(outcome("/real"), Outcome::Ok);
    assert_eq!(outcome("/inside"), Outcome::Ok);
    assert_eq!(outcome("/outside"), Outcome::NotFound);
    for bundle in ["/link", "/fifo", "/directory"] {
        assert_eq!(outcome(bundle), Outcome::Invalid, "{bundle}");
    }
    for bundle in ["/empty", "/absent"] {
        assert_eq!(outcome(bundle), Outcome::NotFound, "{bundle}");
    }
    for bundle in ["", "real", "/real/../real", "/a\0b", &"/real".repeat(1_000)] {
        assert_eq!(outcome(bundle), Outcome::Invalid, "{bundle:?}");
    }
}
