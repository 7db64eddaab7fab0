//! The exceptions of the package.

use std::error::Error as StdError;

use obit_analysis::Error;
use obit_case::Error as CaseError;
use obit_schema::text::printable;
use pyo3::PyErr;
use pyo3::exceptions::{PyException, PyValueError};

pyo3::create_exception!(obit, ObitError, PyException, "Anything that keeps obit from an answer.");
pyo3::create_exception!(obit, NotACase, ObitError, "A directory is no case, or none that this version reads.");
pyo3::create_exception!(obit, DamagedCase, ObitError, "Records or rows are missing, or cannot be read.");
pyo3::create_exception!(obit, NoContainer, ObitError, "No container of the case fits what was asked for.");
pyo3::create_exception!(obit, SeveralContainers, ObitError, "More than one container fits what was asked for.");

/// The text of an error that only a fault of this package can cause.
pub const OWN_FAULT: &str = "obit failed by a fault of its own; standard error tells where";

/// Makes the exception of an analysis that failed.
pub fn exception(error: &Error) -> PyErr {
    let text = text(error);
    match error {
        Error::Open(CaseError::NotACase { .. } | CaseError::NewerFormat { .. } | CaseError::Manifest { .. }) => {
            NotACase::new_err(text)
        }
        Error::DamagedCase { .. } | Error::Case(CaseError::Damaged { .. }) => DamagedCase::new_err(text),
        Error::NoColumn { .. } | Error::NoOrder { .. } => PyValueError::new_err(text),
        _ => ObitError::new_err(text),
    }
}

/// Returns an error with its causes, on one line whatever is in it.
pub fn text(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // A transparent error has its cause's text.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    printable(&text).into_owned()
}

/// Makes the exception of an argument that has no meaning.
pub fn bad_argument(text: &str) -> PyErr {
    PyValueError::new_err(printable(text).into_owned())
}
