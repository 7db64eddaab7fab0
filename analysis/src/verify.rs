//! Verification: do the recorded rows follow from the raw log, and are the files those that were
//! closed?

use obit_case::{Case, Problem};
use obit_derivation::Profile;
use obit_derivation::fold::DERIVATION_VERSION;
use obit_schema::Table;

use crate::attachments::{self, Attachments};
use crate::compare::{
    CompareOptions, Comparison, DerivedSide, PairBy, RecordedSide, TableComparison, compare, compare_equal,
};
use crate::error::Error;
use crate::evidence::{self, CaseEvidence, ProofRequest};
use crate::excerpt::{self, ExcerptEvidence};
use crate::problems::{self, Effect};

/// Options of a verification.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions<'a> {
    /// Number of differing rows of each table that are listed; all are counted.
    pub max_listed: usize,
    /// The proof that is asked for.
    pub proof: ProofRequest<'a>,
}

/// The result of a verification.
#[derive(Debug)]
pub struct Verification {
    /// Recorded rows (left) beside derived ones (right).
    pub comparison: Comparison,
    /// The proof behind the files.
    pub evidence: CaseEvidence,
    /// The proof behind the records of an excerpt; `None` if the case is none.
    pub excerpt: Option<ExcerptEvidence>,
    /// Hand-overs and a time stamp.
    pub attachments: Attachments,
    /// All problems of the case, each once.
    pub problems: Vec<Problem>,
    /// The conclusion.
    pub verdict: Verdict,
    /// The answer to whoever asked.
    pub answer: VerifyAnswer,
}

/// The answer of a verification: its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyAnswer {
    /// All that was asked for holds.
    Holds,
    /// Something contradicts the case, or not all that was asked for is proven.
    Fails,
    /// Too little could be read to tell.
    Undecided,
}

/// The conclusion of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The recorded rows are those that follow, and the files are those that were closed.
    Same,
    /// The recording was cut off, and the recorded rows follow as far as they were written.
    SameAsFarAsWritten {
        /// Rows that follow from the log and were not written any more.
        not_written: u64,
        /// True if the case was closed afterwards.
        closed: bool,
    },
    /// The recording was cut off, and some recorded rows come after the last record that is there;
    /// the other rows follow.
    PastTheLog {
        /// Recorded rows after the last record.
        rows: u64,
    },
    /// The rows are the same, but not the files.
    FilesChanged,
    /// The recorded rows are those that follow, as far as they were written, and nothing
    /// contradicts the files; but not all that was asked for is proven.
    NotProven,
    /// The recorder had older rules: some recorded rows are not those that follow by the rules of
    /// this program. The files are those that were closed, and nothing else is wrong.
    OlderRules {
        /// Version of the recorder's rules.
        recorded: u32,
        /// Rows that differ.
        rows: u64,
    },
    /// The recorded rows are not those that follow.
    Different,
    /// A part of the case could not be read, so nothing was decided.
    Undecided,
}

/// Derives the rows of a case again, compares them with the recorded ones, and checks the sums, the
/// chain, the signatures and the anchor of its files. A case that was never closed is verified as
/// far as it goes.
///
/// # Errors
/// The anchor cannot be read, or rows have a value that the digest does not define.
pub fn verify(case: &Case, options: &VerifyOptions<'_>) -> Result<Verification, Error> {
    // Rows may be the same in a file that is not.
    let (comparison, changed_files) = case.check_sums_beside(|| compare_recorded(case, options.max_listed))?;
    // What vouches for an excerpt's records vouched for the whole case, not for the excerpt.
    let excerpt = excerpt::check(case, &options.proof)?;
    let of_files = if excerpt.is_some() { &ProofRequest::default() } else { &options.proof };
    let mut evidence = evidence::examine(case, of_files)?;
    let of_excerpt = excerpt.as_ref().map(|excerpt| excerpt.problems.as_slice()).unwrap_or_default();
    evidence.shortfalls.extend(excerpt.iter().flat_map(|excerpt| &excerpt.shortfalls).cloned());
    let (left, right) = (&comparison.left.problems, &comparison.right.problems);
    let attachments = attachments::read(case, options.proof.signers);
    let found = [left, right, &changed_files, &evidence.problems, of_excerpt, &attachments.problems].concat();
    let problems = problems::all(case, &found);
    let is_same = comparison.tables.iter().all(TableComparison::is_same);
    let older_rules = case.manifest().map(|manifest| manifest.derivation_version);
    let older_rules = older_rules.filter(|recorded| *recorded < DERIVATION_VERSION);
    let effect = problems::worst(case, &problems);
    let verdict = match Verdict::new(effect, is_same) {
        Verdict::Different if effect != Effect::Changed => match older_rules {
            Some(recorded) => {
                let rows = comparison.tables.iter().map(|table| table.different_rows).sum();
                Verdict::OlderRules { recorded, rows }
            }
            None => Verdict::Different,
        },
        Verdict::Same if comparison.left.rows_past_end > 0 => {
            Verdict::PastTheLog { rows: comparison.left.rows_past_end }
        }
        Verdict::Same if problems::is_cut_off(case) => {
            Verdict::SameAsFarAsWritten { not_written: comparison.right.rows_past_end, closed: case.is_closed() }
        }
        verdict => verdict,
    };
    let verdict = match verdict {
        Verdict::Same | Verdict::SameAsFarAsWritten { .. } if !evidence.shortfalls.is_empty() => Verdict::NotProven,
        verdict => verdict,
    };
    let answer = verdict.answer(!options.proof.required.is_empty());
    Ok(Verification { comparison, evidence, excerpt, attachments, problems, verdict, answer })
}

/// Compares the recorded rows with those that follow from the raw log.
fn compare_recorded(case: &Case, max_listed: usize) -> Result<Comparison, Error> {
    let options = CompareOptions { pair_by: PairBy::Id, is_ignored: &|_, _| false, max_listed };
    if problems::is_cut_off(case) {
        let (recorded, derived) = (RecordedSide::up_to_log_end(case), DerivedSide::up_to_written_end(case));
        return compare(&Table::DERIVED, &recorded, &derived, &options);
    }
    match compare_equal(case)? {
        Some(comparison) => Ok(comparison),
        None => {
            let (recorded, derived) = (RecordedSide::all(case), DerivedSide::all(case, Profile::Strict));
            compare(&Table::DERIVED, &recorded, &derived, &options)
        }
    }
}

impl Verdict {
    /// Returns the answer. Whoever requires something is told that it holds, or that it does not.
    fn answer(self, has_requirements: bool) -> VerifyAnswer {
        match self {
            Self::Same | Self::SameAsFarAsWritten { .. } => VerifyAnswer::Holds,
            Self::FilesChanged | Self::NotProven | Self::Different => VerifyAnswer::Fails,
            Self::PastTheLog { .. } | Self::OlderRules { .. } | Self::Undecided if has_requirements => {
                VerifyAnswer::Fails
            }
            Self::PastTheLog { .. } | Self::OlderRules { .. } | Self::Undecided => VerifyAnswer::Undecided,
        }
    }

    fn new(effect: Effect, is_same: bool) -> Self {
        match (effect, is_same) {
            // A row that could not be read or derived was not compared.
            (Effect::Damage | Effect::DerivedOnly, _) => Self::Undecided,
            // The difference may follow from records that the cut took.
            (Effect::CutOff, false) => Self::Undecided,
            (_, false) => Self::Different,
            (Effect::Changed, true) => Self::FilesChanged,
            (_, true) => Self::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::derive_rows;
    use obit_case::reader::ReadThreads;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Everything that an analysis says of a case: of its rows, its problems and its files.
    fn said(path: &Path, threads: ReadThreads) -> String {
        let case = match Case::open_lenient(path) {
            Ok(case) => case.with_threads(threads),
            Err(error) => return error.to_string(),
        };
        let verified = verify(&case, &VerifyOptions { max_listed: 20, ..VerifyOptions::default() });
        let mut rows = derive_rows(&case, Profile::Strict).expect("rules");
        let derived: Vec<_> = rows.by_ref().collect();
        format!("{:?} {verified:?} {:?} {derived:?}", case.problems(), rows.problems())
    }

    #[track_caller]
    fn expect_the_same_on_each_thread(path: &Path, what: &str) {
        assert_eq!(said(path, ReadThreads::EachTable), said(path, ReadThreads::One), "{} {what}", path.display());
    }

    /// The files of the tables of a case, relative to it.
    fn files(case: &Path) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), ["raw", "derived", "journal"].map(|name| case.join(name)).to_vec());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("a name").path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => files.push(path.strip_prefix(case).expect("below").to_owned()),
                }
            }
        }
        files
    }

    #[test]
    fn a_case_is_read_ahead_as_it_is_without_whatever_is_wrong_with_it() {
        let scratch = tempfile::tempdir().expect("a folder");
        let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases");
        let recorded = fs::read_dir(recorded).expect("recorded cases").map(|entry| entry.expect("a name").path());
        for case in recorded.map(|path| path.join("case")).filter(|case| case.exists()) {
            expect_the_same_on_each_thread(&case, "as it was recorded");
            let copy = scratch.path().join("case");
            let files = files(&case);
            for file in &files {
                fs::create_dir_all(copy.join(file).parent().expect("a folder")).expect("a folder");
            }
            for file in files.iter().map(PathBuf::as_path).chain(["case.json", "SHA256SUMS"].map(Path::new)) {
                // A case that was never closed has no sums.
                let _ = fs::copy(case.join(file), copy.join(file));
            }
            for file in &files {
                let (whole, place) = (fs::read(case.join(file)).expect("a part"), copy.join(file));
                let mut other = whole.clone();
                // Of a page, behind the first header.
                other[60.min(whole.len() / 2)..].iter_mut().take(40).for_each(|byte| *byte ^= 0x55);
                for (damage, bytes) in
                    [("halved", Some(&whole[..whole.len() / 2])), ("changed", Some(&other[..])), ("gone", None)]
                {
                    match bytes {
                        Some(bytes) => fs::write(&place, bytes).expect("writable"),
                        None => fs::remove_file(&place).expect("there"),
                    }
                    expect_the_same_on_each_thread(&copy, &format!("{} {damage}", file.display()));
                }
                fs::write(place, whole).expect("writable");
            }
            fs::remove_dir_all(copy).expect("there");
        }
    }
}
