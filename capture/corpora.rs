//! What a fuzzer found interesting, run again without one: see fuzz/.

use std::fs;
use std::path::Path;

/// Gives each file of a corpus to a check.
fn replay(corpus: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        check(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 0, "{} is empty", folder.display());
}

mod wire {
    use crate::wire::decode;

    include!("../fuzz/src/wire.rs");

    #[test]
    fn records_of_the_ring_buffer() {
        super::replay("wire", check);
    }
}

mod oci {
    use crate::host::hierarchies::{CgroupMode, Hierarchies};
    use crate::oci::OciFiles;

    include!("../fuzz/src/oci.rs");

    #[test]
    fn files_of_oci_runtimes() {
        super::replay("oci", check);
    }
}
