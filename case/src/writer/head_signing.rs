//! The signing of what a writer says of its case. A key that fails ends no recording: the case goes
//! on unsigned, and the failure is kept for whoever tells of it.

use std::sync::Arc;

use crate::anchor_line::AnchorStatement;
use crate::error::Error;
use crate::signing::CaseSigner;

/// The holder of the key, until it fails.
#[derive(Debug, Default)]
pub(super) struct HeadSigning {
    signer: Option<Arc<dyn CaseSigner>>,
    failure: Option<Error>,
}

impl HeadSigning {
    pub(super) fn new(signer: Option<Arc<dyn CaseSigner>>) -> Self {
        Self { signer, failure: None }
    }

    /// Signs, unless there is no key or it has failed. A failure is the last use of the key.
    pub(super) fn sign<T>(&mut self, sign: impl FnOnce(&dyn CaseSigner) -> Result<T, Error>) -> Option<T> {
        match sign(self.signer.as_deref()?) {
            Ok(signed) => Some(signed),
            Err(error) => {
                (self.signer, self.failure) = (None, Some(error));
                None
            }
        }
    }

    /// Returns the line that an anchor gets, signed if possible.
    pub(super) fn line(&mut self, statement: AnchorStatement, case_id: &str) -> String {
        self.sign(|signer| statement.signed_line(case_id, signer)).unwrap_or_else(|| statement.unsigned_line(case_id))
    }

    /// Returns why the key failed, once.
    pub(super) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }
}
