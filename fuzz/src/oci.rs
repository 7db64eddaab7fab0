//! `config.json` and `state.json` of an OCI runtime.

use obit_capture::host::hierarchies::{CgroupMode, Hierarchies};
use obit_capture::sources::answer::RuntimeRecord;
use obit_capture::sources::oci_files::OciFiles;

/// Reads a bundle and a state directory whose files are these bytes, as a capture does.
pub fn check(bytes: &[u8]) {
    // In memory, if the host has such a directory; each thread has one for all its runs.
    thread_local! {
        static PLACE: tempfile::TempDir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory");
    }
    PLACE.with(|place| {
        let bundle = place.path().join("id");
        std::fs::create_dir_all(&bundle).expect("a directory");
        for name in ["config.json", "state.json"] {
            std::fs::write(bundle.join(name), bytes).expect("a file");
        }
        let none = Hierarchies { mode: CgroupMode::V2, mounted: Vec::new(), unmounted: Vec::new() };
        let files = OciFiles::new("/", none);
        let (path, root) = (bundle.to_str().expect("UTF-8"), place.path().to_str().expect("UTF-8"));
        for RuntimeRecord { answer, details } in [files.bundle(path, Some("id")), files.state(root, "id")] {
            // The recorded document has no secrets: neither environment nor arguments.
            if let Some(document) = details.document {
                let document: serde_json::Value = serde_json::from_str(&document).expect("what is recorded is JSON");
                assert!(document.pointer("/process/env").is_none(), "an environment was recorded");
                assert!(document.pointer("/process/args").is_none(), "arguments were recorded");
            }
            assert!(answer.labels.len() <= 1 << 16, "labels without bound");
        }
    });
}
