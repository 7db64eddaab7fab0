//! Random changes of a closed, signed case: none passes where a signature is required.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use obit_analysis::evidence::{ProofRequest, Requirement, examine};
use obit_analysis::problems;
use obit_analysis::verify::{VerifyAnswer, VerifyOptions, verify};
use obit_case::chain::Chain;
use obit_case::manifest::Manifest;
use obit_case::signing::AllowedSigners;
use serde_json::Value;

use super::forger::{Forger, GenuineHead};
use super::in_parallel;
use super::originals::{Original, Originals};
use crate::case::CASE_ID;

/// Mutations of one run, unless `OBIT_MUTATIONS` says another number.
const MUTATIONS: u64 = 600;

/// A small generator of random numbers (SplitMix64): each seed makes one mutation.
struct RandomChoice(u64);

impl RandomChoice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    fn of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
}

/// Returns every file and folder of a case with its contents.
fn contents(case: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![case.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path.clone()),
                false => {
                    let mut bytes = fs::read(&path).ok();
                    if let Some(bytes) = bytes.as_mut().filter(|_| path.ends_with("SHA256SUMS")) {
                        sort_lines(bytes);
                    }
                    found.insert(path.strip_prefix(case).expect("below").to_owned(), bytes);
                }
            }
        }
    }
    found
}

/// Sorts the lines of a list, whose order says nothing.
fn sort_lines(bytes: &mut Vec<u8>) {
    let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    *bytes = lines.concat();
}

/// Changes bytes of a file: flips, cuts, repeats or inserts some.
fn change_bytes(random: &mut RandomChoice, path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    let at = random.below(bytes.len().max(1));
    match random.below(5) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, random.next() as u8),
        2 => drop(bytes.drain(at..(at + 1 + random.below(64)).min(bytes.len()))),
        3 => bytes.extend_from_within(at..),
        _ => {
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len().max(1));
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << random.below(8));
            }
        }
    }
    fs::write(path, bytes).expect("written");
}

/// Changes which files there are.
fn change_files(random: &mut RandomChoice, forger: &Forger, other: &Forger) {
    let files: Vec<_> = contents(forger.path()).into_keys().collect();
    let [first, second] = [random.of(&files), random.of(&files)].map(|file| forger.path().join(file));
    match random.below(6) {
        0 => fs::remove_file(first).expect("removed"),
        1 => drop(fs::rename(first, second)),
        2 => drop(fs::copy(first, second)),
        3 => {
            let name = random.of(&[
                "raw/events/events-000007.parquet",
                "raw/x",
                "y",
                "derived/.z.partial",
                "journal/events-000000.arrows",
            ]);
            fs::create_dir_all(forger.file("journal")).expect("made");
            fs::copy(first, forger.file(name)).expect("copied");
        }
        4 => {
            let file = random.of(&other.manifest.parts).file;
            fs::copy(other.file(&file), forger.file(&file)).expect("copied");
        }
        _ => {
            fs::rename(&first, forger.file("aside")).expect("renamed");
            drop(fs::rename(&second, &first));
            drop(fs::rename(forger.file("aside"), &second));
        }
    }
}

/// Changes a value somewhere in case.json, or takes it out.
fn change_value(random: &mut RandomChoice, value: &mut Value) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let name = random.of(&members.keys().cloned().collect::<Vec<_>>());
            match random.below(6) {
                0 => drop(members.remove(&name)),
                _ => change_value(random, &mut members[&name]),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let [first, second] = [random.below(items.len()), random.below(items.len())];
            match random.below(8) {
                0 => drop(items.remove(first)),
                1 => items.swap(first, second),
                2 => items.push(items[first].clone()),
                _ => change_value(random, &mut items[first]),
            }
        }
        Value::Number(number) => *value = number.as_u64().unwrap_or(7).wrapping_add(1 + random.next() % 3).into(),
        Value::String(text) => text.push('x'),
        Value::Bool(is_set) => *is_set = !*is_set,
        other => *other = 1.into(),
    }
}

/// Changes case.json, and as often as not all that follows from it.
fn change_manifest(random: &mut RandomChoice, forger: &mut Forger, other: &Forger) {
    let mut value = serde_json::to_value(&forger.manifest).expect("JSON");
    for _ in 0..=random.below(3) {
        change_value(random, &mut value);
    }
    let Ok(manifest) = serde_json::from_value::<Manifest>(value.clone()) else {
        fs::write(forger.file("case.json"), value.to_string()).expect("written");
        return;
    };
    forger.manifest = manifest;
    match random.below(6) {
        0 => forger.reopen(),
        _ if !is_whole(forger) => {}
        1 if forger.manifest.parts.len() > 3 => forger.cut_off(1 + random.below(2)),
        2 => forger.replace_part("derived/container_remove/container_remove-000000.parquet", other),
        3 => forger.strip_manifest_signature(),
        _ => {}
    }
    if random.below(2) == 0 && Chain::follow(&forger.manifest).is_some() {
        forger.chain_anew(random.of(&[GenuineHead::Gone, GenuineHead::Kept]));
    }
    forger.write();
}

fn mutate(seed: u64, originals: &Originals, purged: &Forger) -> Forger {
    let mut random = RandomChoice(seed);
    let mut forger = originals.copy(Original::Closed);
    for _ in 0..=random.below(2) {
        match random.below(4) {
            0 => {
                let files: Vec<_> = contents(forger.path()).into_keys().collect();
                change_bytes(&mut random, &forger.path().join(random_file(seed, &files)));
            }
            1 => change_files(&mut random, &forger, purged),
            _ if is_whole(&forger) => change_manifest(&mut random, &mut forger, purged),
            _ => {}
        }
    }
    forger
}

fn random_file(seed: u64, files: &[PathBuf]) -> PathBuf {
    RandomChoice(!seed).of(files)
}

/// Returns true if every file that case.json lists is still there: a change of case.json takes
/// them for granted.
fn is_whole(forger: &Forger) -> bool {
    let listed = forger.manifest.parts.iter().all(|part| forger.file(&part.file).exists());
    listed
        && forger
            .manifest
            .parts
            .iter()
            .any(|part| part.file == "derived/container_remove/container_remove-000000.parquet")
}

#[test]
fn no_mutation_of_a_signed_case_passes_where_a_signature_is_required() {
    let count = std::env::var("OBIT_MUTATIONS").map_or(MUTATIONS, |text| text.parse().expect("a number"));
    let originals = Originals::record();
    let purged = originals.purged(CASE_ID);
    let signers = AllowedSigners::read(&originals.signers()).expect("signers");
    let genuine = contents(originals.copy(Original::Closed).path());
    let unchanged = AtomicU64::new(0);
    let passed = in_parallel(usize::try_from(count).expect("a number"), |seed| {
        let forged = mutate(seed as u64, &originals, &purged);
        if contents(forged.path()) == genuine {
            unchanged.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        is_accepted(&forged, &signers).then_some(seed)
    });
    let changed = count - unchanged.into_inner();
    assert!(changed * 10 >= count * 9, "{changed} of {count} mutations changed something");
    assert!(passed.is_empty(), "the mutations of these seeds pass: {passed:?}");
}

/// Returns true if `verify` with these signers and `--require signed` takes a case.
fn is_accepted(forged: &Forger, signers: &AllowedSigners) -> bool {
    let required = BTreeSet::from([Requirement::Signed]);
    let proof = ProofRequest { signers: Some(signers), required, ..ProofRequest::default() };
    let Ok(case) = problems::open(forged.path()) else { return false };
    // What fails by its files or its proof needs no comparison of rows.
    let evidence = examine(&case, &proof).expect("no anchor to read");
    let is_intact = evidence.problems.is_empty() && evidence.shortfalls.is_empty();
    if !is_intact || !case.problems().is_empty() || !case.check_sums().is_empty() {
        return false;
    }
    let verification = verify(&case, &VerifyOptions { max_listed: 0, proof }).expect("no anchor to read");
    verification.answer == VerifyAnswer::Holds
}
