//! The native part of the Python package `obit`: cases, and their rows as Arrow streams.
//!
//! Thin on purpose: every answer is `obit_analysis`' own. Documents cross the border as JSON, rows
//! as Arrow arrays without a copy; `python/obit/` makes classes with documentation of both.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod case;
mod errors;
mod filter;
mod interrupt;
mod readers;
mod stream;

/// The module `obit._obit`.
#[pyo3::pymodule]
mod _obit {
    #[pymodule_export]
    use super::case::NativeCase;
    #[pymodule_export]
    use super::case::derive_all;
    #[pymodule_export]
    use super::case::open;
    #[pymodule_export]
    use super::case::open_each;
    #[pymodule_export]
    use super::errors::{DamagedCase, NoContainer, NotACase, ObitError, SeveralContainers};
    #[pymodule_export]
    use super::stream::Stream;

    /// The version of the package.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
