//! The canonical digest.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder, StringViewBuilder, UInt64Builder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray, StringViewArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use obit_derivation::Row;
use obit_schema::Table;
use obit_schema::digest::{Digest, TableDigest, TableDigests, case_digest};
use obit_schema::encode::RowsBuilder;
use obit_schema::recorded::RecordedRows;
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::strategies;

/// A batch of those columns, all nullable.
fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// The row of the worked example, its columns not in order of their names.
fn example() -> RecordBatch {
    let mut seqs = ListBuilder::new(UInt64Builder::new());
    seqs.append_value([Some(3), Some(12)]);
    batch(vec![
        ("ts", Arc::new(TimestampNanosecondArray::from(vec![1_700_000_000_000_000_000]).with_timezone("UTC"))),
        ("container_id", Arc::new(StringArray::from(vec!["ab"]))),
        ("runtime", Arc::new(StringArray::from(vec![None::<&str>]))),
        ("inferred", Arc::new(BooleanArray::from(vec![false]))),
        ("evidence_seqs", Arc::new(seqs.finish())),
    ])
}

fn digest_of(table: Table, batches: &[RecordBatch]) -> Digest {
    let mut digest = TableDigest::new(table);
    batches.iter().for_each(|batch| digest.update(batch).unwrap());
    digest.finish()
}

/// The example of docs/case-format.md. The sums were computed with coreutils, without this crate:
///
/// ```sh
/// row='12:container_id,2:ab,13:evidence_seqs,9:1:3,2:12,,8:inferred,5:false,2:ts,19:1700000000000000000,'
/// printf '16:container_remove,%d:%s,' ${#row} "$row" | sha256sum
/// printf '16:container_create,' | sha256sum
/// printf '18:existing_container,' | sha256sum
/// printf '16:container_create,64:%s,16:container_remove,64:%s,18:existing_container,64:%s,' … | sha256sum
/// ```
#[test]
fn worked_example() {
    let removed = digest_of(Table::ContainerRemove, &[example()]);
    assert_eq!(removed.to_string(), "a2e3e82e9d6f92d7b550d652a9173a0a705e0804f72bc75d16dcc8d505c14381");
    let created = digest_of(Table::ContainerCreate, &[]);
    assert_eq!(created.to_string(), "b03028ea42d513c8f833ac71c7faaf3d500bb5ea8f5671917c4ae7631d6f933d");
    let existing = digest_of(Table::ExistingContainer, &[]);
    assert_eq!(existing.to_string(), "fbe607563f684300da246bf8dc00d2ad94d1c27891419ccb044739f97dae1c4a");
    let case = case_digest([
        (Table::ContainerRemove, removed),
        (Table::ExistingContainer, existing),
        (Table::ContainerCreate, created),
        (Table::Disagreement, digest_of(Table::Disagreement, &[])),
        (Table::ContainerExit, digest_of(Table::ContainerExit, &[])),
    ]);
    assert_eq!(case.to_string(), "a022489392e6e9422bcc139a91d83881443736a7c899f7d89f14b651d99881f2");
}

/// `netstring(x)` of docs/case-format.md.
fn netstring(text: &str) -> String {
    format!("{}:{text},", text.len())
}

/// Many rows, of which runs have the same values, and nulls in between: the digest is over the text that the rule gives.
#[test]
fn however_many_rows_are_made_into_text_at_once_it_is_the_text_of_the_rule() {
    // Lengths of one, two, three and four digits, so that rows are as long.
    let name = |row: usize| (!row.is_multiple_of(7)).then(|| "n".repeat([1, 1, 80, 900, 3][row / 50 % 5]));
    let number = |row: usize| (row % 130 > 65).then_some([7, 1 << 40, u64::MAX][row / 90 % 3] - row as u64 % 3);
    let code = |row: usize| 5 - (row as i32 / 100);
    let seqs = |row: usize| (0..row as u64 % 4).map(|seq| seq * 1_000_000_007).collect::<Vec<_>>();
    let rows = 0..400_usize;
    let mut lists = ListBuilder::new(UInt64Builder::new());
    rows.clone().for_each(|row| lists.append_value(seqs(row).into_iter().map(Some)));
    let columns: [(&str, ArrayRef); 4] = [
        ("exit_code", Arc::new(Int32Array::from_iter_values(rows.clone().map(code)))),
        ("lifetime_ns", Arc::new(UInt64Array::from_iter(rows.clone().map(number)))),
        ("evidence_seqs", Arc::new(lists.finish())),
        ("container_name", Arc::new(StringArray::from_iter(rows.clone().map(name)))),
    ];
    let mut expected = Sha256::new();
    expected.update(netstring("container_remove"));
    for row in rows {
        let list: String = seqs(row).iter().map(|seq| netstring(&seq.to_string())).collect();
        let fields = [
            name(row).map(|name| netstring("container_name") + &netstring(&name)),
            Some(netstring("evidence_seqs") + &netstring(&list)),
            Some(netstring("exit_code") + &netstring(&code(row).to_string())),
            number(row).map(|number| netstring("lifetime_ns") + &netstring(&number.to_string())),
        ];
        expected.update(netstring(&fields.into_iter().flatten().collect::<String>()));
    }
    assert_eq!(digest_of(Table::ContainerRemove, &[batch(columns.to_vec())]), Digest::from(expected));
}

/// Text as views, as files are read, is the same text.
#[test]
fn how_text_is_laid_out_makes_no_difference() {
    let texts = ["ab", "ab", "more than a view holds by itself", "more than a view holds by itself"];
    let mut lists = ListBuilder::new(StringBuilder::new());
    let mut views = ListBuilder::new(StringViewBuilder::new());
    for some in 1..=texts.len() {
        lists.append_value(texts[..some].iter().map(Some));
        views.append_value(texts[..some].iter().map(Some));
    }
    let plain: [(&str, ArrayRef); 2] =
        [("container_id", Arc::new(StringArray::from(texts.to_vec()))), ("conflicts", Arc::new(lists.finish()))];
    let viewed: [(&str, ArrayRef); 2] =
        [("container_id", Arc::new(StringViewArray::from(texts.to_vec()))), ("conflicts", Arc::new(views.finish()))];
    let digest = |columns: &[_]| digest_of(Table::ContainerRemove, &[batch(columns.to_vec())]);
    assert_eq!(digest(&plain), digest(&viewed));
}

/// The sum by coreutils:
///
/// ```sh
/// row='6:labels,23:1:a,1:b,4:tier,5:front,,'
/// printf '16:container_remove,%d:%s,' ${#row} "$row" | sha256sum
/// ```
#[test]
fn a_map_is_its_entries_as_stored() {
    let mut labels = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for (name, text) in [("a", "b"), ("tier", "front")] {
        labels.keys().append_value(name);
        labels.values().append_value(text);
    }
    labels.append(true).unwrap();
    let digest = digest_of(Table::ContainerRemove, &[batch(vec![("labels", Arc::new(labels.finish()))])]);
    assert_eq!(digest.to_string(), "ef8aa04a7783736d7162ce9d3caabf1d54fe98c81e859cc820ff50db0a1e46fd");
}

#[test]
fn a_column_added_later_changes_no_digest_while_it_is_null() {
    let old = example();
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (field, column) in old.schema().fields().iter().zip(old.columns()) {
        columns.push((field.name().clone(), Arc::clone(column)));
    }
    let with = |added: ArrayRef| {
        let mut columns: Vec<_> = columns.iter().map(|(name, array)| (name.as_str(), Arc::clone(array))).collect();
        columns.insert(1, ("exit_code", added));
        digest_of(Table::ContainerRemove, &[batch(columns)])
    };
    assert_eq!(with(Arc::new(UInt64Array::from(vec![None]))), digest_of(Table::ContainerRemove, &[old]));
    assert_ne!(with(Arc::new(UInt64Array::from(vec![0]))), with(Arc::new(UInt64Array::from(vec![None]))));
}

#[test]
fn neighbouring_values_do_not_run_into_each_other() {
    let of = |a: &str, b: &str| {
        let column = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        digest_of(Table::ContainerRemove, &[batch(vec![("a", column(a)), ("b", column(b))])])
    };
    assert_ne!(of("xy", "z"), of("x", "yz"));
    assert_ne!(of("1:b,", ""), of("", "1:b,"));
}

#[test]
fn a_type_that_is_not_defined_is_an_error_not_a_guess() {
    let floats = batch(vec![("load", Arc::new(Float64Array::from(vec![0.5])))]);
    let refused = TableDigest::new(Table::ContainerRemove).update(&floats);
    assert!(matches!(refused, Err(obit_schema::Error::Digest { column, .. }) if column == "load"));
    let mut list = ListBuilder::new(UInt64Builder::new());
    list.append_value([None]);
    let nulls = batch(vec![("list", Arc::new(list.finish()))]);
    assert!(TableDigest::new(Table::ContainerRemove).update(&nulls).is_err());
}

#[test]
fn text_of_a_digest_leads_back_to_it() {
    let digest = digest_of(Table::ContainerRemove, &[example()]);
    assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    assert!("".parse::<Digest>().is_err());
    assert!("zz".repeat(32).parse::<Digest>().is_err());
    assert!("ab".repeat(33).parse::<Digest>().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// However rows are cut into batches, and whatever order their columns are in, the digest is the same.
    #[test]
    fn cutting_does_not_change_it(rows in vec(strategies::row(3), 1..12), cut in 0_usize..12) {
        let mut builder = RowsBuilder::new();
        rows.iter().for_each(|row| builder.append(row));
        for (table, whole) in builder.finish().unwrap() {
            let cut = cut.min(whole.num_rows());
            let halves = [whole.slice(0, cut), whole.slice(cut, whole.num_rows() - cut)];
            let reversed: Vec<_> = (0..whole.num_columns()).rev().collect();
            let expected = digest_of(table, std::slice::from_ref(&whole));
            prop_assert_eq!(digest_of(table, &halves), expected);
            prop_assert_eq!(digest_of(table, &[whole.project(&reversed).unwrap()]), expected);
        }
    }

    /// Digests of several tables at once are those of each, in whatever order and pieces their rows come.
    #[test]
    fn several_tables_at_once(rows in vec(strategies::row(3), 1..40), order in vec((0_usize..4, 1_usize..9), 0..20)) {
        let mut builder = RowsBuilder::new();
        rows.iter().for_each(|row| builder.append(row));
        let mut whole: Vec<_> = builder.finish().unwrap();
        let mut digests = TableDigests::new(&Table::DERIVED);
        let alone = Table::DERIVED.map(|table| {
            let batches: Vec<_> = whole.iter().filter(|(of, _)| *of == table).map(|(_, batch)| batch.clone()).collect();
            digest_of(table, &batches)
        });
        let ends = (0..whole.len()).map(|index| (index, usize::MAX));
        for (index, count) in order.into_iter().chain(ends) {
            let Some((table, batch)) = whole.get_mut(index) else { continue };
            let count = count.min(batch.num_rows());
            digests.update(*table, &batch.slice(0, count)).unwrap();
            *batch = batch.slice(count, batch.num_rows() - count);
        }
        let digests = digests.finish();
        prop_assert!(digests.iter().map(TableDigest::table).eq(Table::DERIVED));
        prop_assert_eq!(digests.iter().map(TableDigest::rows).sum::<u64>(), rows.len() as u64);
        prop_assert!(digests.into_iter().map(TableDigest::finish).eq(alone));
    }

    /// Two rows are found to be the same exactly where their digests are, whatever was put into columns.
    #[test]
    fn rows_are_compared_as_their_digests_are(rows in vec(strategies::row(2), 1..8)) {
        let batch_of = |row: &Row| {
            let mut builder = RowsBuilder::new();
            builder.append(row);
            builder.finish().unwrap().remove(0)
        };
        let mut whole = RowsBuilder::new();
        rows.iter().for_each(|row| whole.append(row));
        for (table, batch) in whole.finish().unwrap() {
            let written = RecordedRows::new(table, &batch).unwrap();
            for other in &rows {
                let (other_table, other_batch) = batch_of(other);
                let digest = (other_table, digest_of(other_table, &[other_batch]));
                for at in 0..batch.num_rows() {
                    let is_same = (table, digest_of(table, &[batch.slice(at, 1)])) == digest;
                    prop_assert_eq!(written.matches(at, other), is_same);
                }
                prop_assert!(!written.matches(batch.num_rows(), other));
            }
        }
    }
}

#[test]
fn the_types_of_the_derived_tables_are_all_defined() {
    // One value of each type that a derived column has; a new type must be defined before it is used.
    let known = [
        "uint32",
        "uint64",
        "int32",
        "int64",
        "bool",
        "timestamp(ns, UTC)",
        "utf8",
        "list<utf8>",
        "list<uint64>",
        "list<timestamp(ns, UTC)>",
        "map<utf8, utf8>",
    ];
    for column in Table::DERIVED.iter().flat_map(|table| table.columns()) {
        assert!(known.contains(&column.type_name), "{} is {}", column.name, column.type_name);
        assert_ne!((column.data_type)(), DataType::Null);
    }
}
