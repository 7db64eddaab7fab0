//! What a case proves: closed after a cut-off, signed, anchored, and tampered with in every way that comes to mind.

mod closing;
mod dropping;
mod keys;
mod tampering;
