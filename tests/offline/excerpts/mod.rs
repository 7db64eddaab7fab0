//! Excerpts of cases: that the rows of the whole follow from them, that their records are proven to
//! stand in it, and that what is left out stays hidden.

mod fixtures;
mod redaction;
mod second_reader;
mod signed_copy;
mod tampering;
