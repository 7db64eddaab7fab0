//! What is fuzzed: for each target a function that takes any bytes and must not fail. `make test` runs the same functions
//! over the corpora, without a fuzzer: capture/corpora.rs and schema/tests/case/corpora.rs.

#![allow(dead_code, unused_imports)]

// The capture is a program, no library: its files are taken in as they are, where they find each other by `crate::`.
#[path = "../../capture/host/mod.rs"]
mod host;
#[path = "../../capture/oci/mod.rs"]
mod oci_files;
#[path = "../../capture/snapshot/mod.rs"]
mod snapshot;
#[path = "../../capture/wire/mod.rs"]
mod wire_format;

pub mod argv;
pub mod case;
pub mod paths;

/// Records of the ring buffer.
pub mod wire {
    use crate::wire_format::decode;

    include!("wire.rs");
}

/// `config.json` and `state.json` of an OCI runtime.
pub mod oci {
    use crate::host::hierarchies::{CgroupMode, Hierarchies};
    use crate::oci_files::OciFiles;

    include!("oci.rs");
}
