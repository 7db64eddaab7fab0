//! What is written is read back, whichever way it took.

use arrow_array::RecordBatch;
use obit_case::Case;
use obit_case::reader::PartSource;
use obit_derivation::record::Body;
use obit_schema::Table;
use obit_schema::decode::{CgroupfsView, EventsView, RuntimeView};
use obit_schema::details::DirectoryDetails;
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RuntimeBuilder};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::kit::{self, Scratch};
use crate::strategies::{self, OwnedBody};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Encoding and decoding are inverse, details included.
    #[test]
    fn a_batch_gives_back_its_record(owned in strategies::record(), seq in any::<u64>()) {
        match &owned.kind {
            OwnedBody::Event(_) | OwnedBody::Mark(_) => {
                let mut builder = EventsBuilder::new();
                owned.with(seq, |record| builder.append(record)).unwrap();
                let view = EventsView::new(&builder.finish().unwrap()).unwrap();
                let mut argv = vec!["left over"];
                let found = view.get(0, &mut argv).unwrap();
                owned.with(seq, |written| assert_eq!(&found, written));
            }
            OwnedBody::Directory(_, details) => {
                let mut builder = CgroupfsBuilder::new();
                owned.with(seq, |record| builder.append(record, details)).unwrap();
                let view = CgroupfsView::new(&builder.finish().unwrap()).unwrap();
                owned.with(seq, |written| assert_eq!(&view.get(0).unwrap(), written));
                prop_assert_eq!(view.details(0), Some(details.clone()));
            }
            OwnedBody::Runtime(_, details) => {
                let mut builder = RuntimeBuilder::new();
                owned.with(seq, |record| builder.append(record, details)).unwrap();
                let view = RuntimeView::new(&builder.finish().unwrap()).unwrap();
                owned.with(seq, |written| assert_eq!(&view.get(0).unwrap(), written));
                prop_assert_eq!(view.details(0), Some(details.clone()));
            }
        }
    }
}

proptest! {
    // Each makes files and waits for the disk.
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// The same records come back from parts, from journals, and from both, however they were cut.
    #[test]
    fn a_case_gives_back_its_records(
        records in vec(strategies::record(), 0..40),
        batch in 1_usize..12,
        part_rows in 1_u64..20,
    ) {
        let scratch = Scratch::new();
        let mut writer = kit::write(&scratch.case(), &records, batch, part_rows);
        let open = Case::open(&scratch.case()).unwrap();
        prop_assert!(!open.is_closed());
        prop_assert_eq!(open.problems(), []);
        kit::assert_records(&open, &records);

        writer.close(|_| {}).unwrap();
        let closed = Case::open(&scratch.case()).unwrap();
        prop_assert!(closed.is_closed());
        prop_assert_eq!(closed.problems(), []);
        prop_assert_eq!(closed.check_sums(), []);
        kit::assert_records(&closed, &records);
    }
}

#[test]
fn parts_tell_their_rows_and_ends() {
    let scratch = Scratch::new();
    let records = kit::plain(36);
    let writer = kit::write(&scratch.case(), &records, 6, 10);
    let case = Case::open(&scratch.case()).unwrap();
    let facts = |table| {
        let parts = case.parts(table).iter();
        parts.map(|part| (part.number, part.rows, part.first_seq, part.last_seq, part.source)).collect::<Vec<_>>()
    };
    // Two clocks in each of six batches: ten rows are reached with the fifth.
    let expected = [(0, 10, Some(0), Some(27), PartSource::Sealed), (1, 2, Some(30), Some(33), PartSource::Journal)];
    assert_eq!(facts(Table::Events), expected);
    drop(writer);
}

#[test]
fn a_record_for_another_table_is_refused_and_leaves_no_trace() {
    let mut builder = CgroupfsBuilder::new();
    let details = DirectoryDetails { outcome: obit_derivation::record::Outcome::Ok, ctime: None, files: vec![] };
    let refused = builder.append(&kit::clock(7), &details);
    assert!(matches!(refused, Err(obit_schema::Error::WrongTable { table: "cgroupfs", seq: 7 })));
    assert_eq!((builder.len(), builder.finish().unwrap().num_rows()), (0, 0));

    let mut unknown = kit::clock(8);
    unknown.body = Body::Unknown;
    assert!(EventsBuilder::new().append(&unknown).is_err());
}

#[test]
fn a_builder_is_empty_after_each_batch() {
    let mut builder = EventsBuilder::new();
    let batch = |builder: &mut EventsBuilder, seq| -> RecordBatch {
        builder.append(&kit::clock(seq)).unwrap();
        builder.finish().unwrap()
    };
    let (first, second) = (batch(&mut builder, 1), batch(&mut builder, 2));
    assert!(builder.is_empty());
    assert_eq!(EventsView::new(&first).unwrap().seq(0), Some(1));
    assert_eq!((second.num_rows(), EventsView::new(&second).unwrap().seq(0)), (1, Some(2)));
}

#[test]
fn an_argument_vector_does_not_leak_into_the_next_record() {
    let scratch = Scratch::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut event = || loop {
        let owned = strategies::record().new_tree(&mut runner).unwrap().current();
        if let OwnedBody::Event(event) = &owned.kind
            && !event.argv.is_empty()
        {
            return owned;
        }
    };
    let records = vec![event(), kit::plain(1).remove(0), event()];
    kit::closed(&scratch, &records);
    kit::assert_records(&Case::open(&scratch.case()).unwrap(), &records);
}
