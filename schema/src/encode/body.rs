//! The body of a record, behind the mark of a carried one.

use obit_derivation::Seq;
use obit_derivation::record::Body;

/// Splits off the place that a carried record had when it came first.
pub(super) fn split_carried<'r, 'a>(body: &'r Body<'a>) -> (Option<Seq>, &'r Body<'a>) {
    match body {
        Body::Carried(carried) => (Some(carried.from), &carried.body),
        body => (None, body),
    }
}
