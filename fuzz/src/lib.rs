//! What is fuzzed: for each target a function that takes any bytes and must not fail. `make test` runs the same functions
//! over the corpora, without a fuzzer.

pub mod argv;
pub mod case;
pub mod oci;
pub mod paths;
pub mod wire;
