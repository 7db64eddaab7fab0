//! Checks that are fuzzed: each takes any bytes and must not fail. `make test` runs them over the
//! corpora, without a fuzzer.

pub mod argv;
pub mod case;
pub mod oci;
pub mod paths;
pub mod wire;
