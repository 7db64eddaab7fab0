//! Excerpts that somebody changed.

use std::fs;
use std::path::Path;

use obit_analysis::problems;
use obit_analysis::verify::Verdict;
use obit_case::excerpt::{ExcerptProof, TextProof};
use obit_case::signing::AllowedSigners;
use obit_case::{Case, CaseWriter};
use obit_schema::Table;
use sha2::{Digest as _, Sha256};

use super::signed_copy::{Excerpt, recorded_cases, rows_by_container, signed_copy, verified};

/// Returns the files of a directory and of those below it.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Returns what is said of an excerpt, or why it cannot be opened.
fn verdict(path: &Path, signers: Option<&AllowedSigners>) -> Option<Verdict> {
    Some(verified(&problems::open(path).ok()?, signers).verdict)
}

#[test]
fn one_bit_changed_anywhere_is_found() {
    let (_, path) = recorded_cases().into_iter().find(|(name, _)| name == "runc-v2-only").expect("recorded");
    let copy = signed_copy(&path);
    let case = copy.open();
    let id = rows_by_container(&case).into_keys().next().expect("a container");
    let excerpt = Excerpt::of(&case, &[&id], &["path"]);
    assert_eq!(verdict(&excerpt.path(), None), Some(Verdict::Same));
    let files = files(&excerpt.path());
    assert_eq!(files.len(), 3 + Table::ALL.len(), "{files:?}");
    for file in files {
        let whole = fs::read(&file).expect("a file");
        // A stride that is no multiple of a line's length meets every kind of byte.
        let stride = (whole.len() / 40).max(1) | 1;
        for place in (0..whole.len()).step_by(stride).chain([whole.len() - 1]) {
            let mut changed = whole.clone();
            changed[place] ^= 1 << (place % 8);
            fs::write(&file, &changed).expect("writable");
            let found = verdict(&excerpt.path(), None);
            assert_ne!(found, Some(Verdict::Same), "{} byte {place}", file.display());
        }
        fs::write(&file, whole).expect("writable");
    }
    assert_eq!(verdict(&excerpt.path(), None), Some(Verdict::Same));
}

/// Writes SHA256SUMS and all sums anew, as whoever changes an excerpt can.
fn write_proof(excerpt: &Path, proof: &ExcerptProof) {
    let text = proof.to_text().expect("JSON");
    fs::write(excerpt.join("excerpt.json"), &text).expect("writable");
    let sums = fs::read_to_string(excerpt.join("SHA256SUMS")).expect("sums");
    let sum = obit_schema::digest::Digest::from(Sha256::new_with_prefix(&text));
    let line = |line: &str| match line.ends_with("  excerpt.json") {
        true => format!("{sum}  excerpt.json\n"),
        false => format!("{line}\n"),
    };
    fs::write(excerpt.join("SHA256SUMS"), sums.lines().map(line).collect::<String>()).expect("writable");
}

/// A change of a proof, with what it does.
type NamedChange = (&'static str, fn(&mut ExcerptProof));

#[test]
fn a_proof_that_was_changed_does_not_hold() {
    let (_, path) = recorded_cases().into_iter().find(|(name, _)| name == "docker-hybrid").expect("recorded");
    let copy = signed_copy(&path);
    let (case, signers) = (copy.open(), copy.signers());
    let id = rows_by_container(&case).into_keys().next().expect("a container");
    let excerpt = Excerpt::of(&case, &[&id], &["path"]);
    let proof = excerpt.open().excerpt_proof().expect("a proof");
    let changes: Vec<NamedChange> = vec![
        ("a record is said to be another row", |proof| proof.parts[0].records[0].row += 1),
        ("a record is said to have another place", |proof| proof.parts[0].records[0].seq += 1_000_000),
        ("a record is not proven", |proof| _ = proof.parts[0].records.pop()),
        ("a record is proven twice", |proof| {
            let record = proof.parts[0].records[0].clone();
            proof.parts[0].records.insert(0, record);
        }),
        ("a part is not proven", |proof| _ = proof.parts.pop()),
        ("a part is said to be another", |proof| proof.parts[0].file = proof.parts[1].file.clone()),
        ("a node is missing", |proof| _ = proof.parts[0].nodes.pop()),
        ("a node is another", |proof| proof.parts[0].nodes[0] = proof.parts[1].nodes[0]),
        ("a record has no proof of its texts", |proof| {
            let records = proof.parts.iter_mut().flat_map(|part| &mut part.records);
            records.filter(|record| !record.texts.is_empty()).take(1).for_each(|record| record.texts.clear());
        }),
        ("a commitment is another", |proof| {
            let digest = proof.parts[0].nodes[0];
            let texts =
                proof.parts.iter_mut().flat_map(|part| &mut part.records).flat_map(|record| record.texts.values_mut());
            texts
                .filter(|text| matches!(text, TextProof::Commitment(_)))
                .take(1)
                .for_each(|text| *text = TextProof::Commitment(digest));
        }),
        ("a text that is shown is said to be left out", |proof| {
            let digest = proof.parts[0].nodes[0];
            let texts =
                proof.parts.iter_mut().flat_map(|part| &mut part.records).flat_map(|record| record.texts.values_mut());
            texts
                .filter(|text| matches!(text, TextProof::Salt(_)))
                .take(1)
                .for_each(|text| *text = TextProof::Commitment(digest));
        }),
        ("a root is another", |proof| {
            let other = proof.parent.parts[1].root.clone();
            proof.parent.parts[0].root = other;
        }),
        ("a root is gone", |proof| proof.parent.parts[0].root = None),
        ("a part of the whole is gone", |proof| _ = proof.parent.parts.remove(0)),
        ("the signature is gone", |proof| {
            let head = proof.parent.head.as_mut().expect("a head");
            (head.signature, head.final_signature) = (None, None);
        }),
        ("the head is another", |proof| {
            let head = proof.parent.head.as_mut().expect("a head");
            head.sha256 = "00".repeat(32);
        }),
        ("the case is another", |proof| proof.parent.case_id = "another".to_owned()),
    ];
    for (name, change) in changes {
        let mut changed = proof.clone();
        change(&mut changed);
        assert!(changed != proof, "{name}");
        write_proof(&excerpt.path(), &changed);
        let found = verified(&excerpt.open(), Some(&signers));
        // What is taken away proves nothing any more; what is changed contradicts the rest.
        let is_found = matches!(found.verdict, Verdict::FilesChanged | Verdict::NotProven);
        assert!(is_found, "{name}: {:?} {:?}", found.verdict, found.excerpt);
    }
    write_proof(&excerpt.path(), &proof);
    assert_eq!(verdict(&excerpt.path(), Some(&signers)), Some(Verdict::Same));
}

/// Makes the excerpt anew without a key: the same manifest and proof, with these records.
fn forge(excerpt: &Path, to: &Path, change: impl Fn(Table, arrow_array::RecordBatch) -> arrow_array::RecordBatch) {
    let genuine = Case::open(excerpt).expect("an excerpt");
    let manifest = genuine.manifest().expect("a manifest").clone();
    let mut writer = CaseWriter::create(to, manifest, Default::default()).expect("a new case");
    for table in Table::RAW {
        for batch in genuine.batches(table) {
            let batch = change(table, table.conform(&batch.expect("whole parts")).expect("columns"));
            writer.append(table, &batch).expect("writable");
        }
        writer.seal(table).expect("sealed");
    }
    let mut rows = obit_schema::encode::RowsBuilder::new();
    for row in rows_by_container(&Case::open(to).expect("a case")).into_values().flatten() {
        rows.append(&row);
    }
    for (table, batch) in rows.finish().expect("batches") {
        writer.append(table, &batch).expect("writable");
    }
    writer.attach("excerpt.json", &fs::read(excerpt.join("excerpt.json")).expect("a proof")).expect("writable");
    writer.close(|_| {}).expect("closed");
}

#[test]
fn records_that_were_changed_taken_out_or_put_in_do_not_stand_in_the_whole() {
    let (_, path) = recorded_cases().into_iter().find(|(name, _)| name == "runc-v2-only").expect("recorded");
    let copy = signed_copy(&path);
    let (case, signers) = (copy.open(), copy.signers());
    let id = rows_by_container(&case).into_keys().next().expect("a container");
    let excerpt = Excerpt::of(&case, &[&id], &[]);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let forged = |name: &str, change: &dyn Fn(Table, arrow_array::RecordBatch) -> arrow_array::RecordBatch| {
        let to = directory.path().join(name);
        forge(&excerpt.path(), &to, change);
        verdict(&to, Some(&signers))
    };
    assert_eq!(forged("unchanged", &|_, batch| batch), Some(Verdict::Same));
    let fewer = |table, batch: arrow_array::RecordBatch| match table {
        Table::Events => batch.slice(0, batch.num_rows() - 1),
        _ => batch,
    };
    assert_eq!(forged("fewer", &fewer), Some(Verdict::FilesChanged));
    // Each column that holds something, with the value of another record in its place.
    let columns = Table::Events.columns().iter().map(|column| column.name).filter(|name| *name != "seq");
    let mut changed = 0;
    for column in columns {
        let shifted = |table, batch: arrow_array::RecordBatch| {
            let place = batch.schema_ref().index_of(column).ok().filter(|_| table == Table::Events);
            let Some(place) = place else { return batch };
            let mut columns = batch.columns().to_vec();
            let reversed = (0..batch.num_rows()).rev().map(|row| columns[place].slice(row, 1)).collect::<Vec<_>>();
            let reversed: Vec<_> = reversed.iter().map(|array| array.as_ref()).collect();
            columns[place] = arrow_select::concat::concat(&reversed).expect("one type");
            arrow_array::RecordBatch::try_new(batch.schema(), columns).expect("the same types")
        };
        let before = Case::open(&excerpt.path()).expect("an excerpt");
        let is_changed = before.batches(Table::Events).any(|batch| {
            let batch = Table::Events.conform(&batch.expect("whole")).expect("columns");
            shifted(Table::Events, batch.clone()) != batch
        });
        if is_changed {
            changed += 1;
            assert_ne!(forged(column, &shifted), Some(Verdict::Same), "{column}");
        }
    }
    assert!(changed > 10, "{changed} columns");
}
