//! `verify`: do the recorded rows follow from the raw log?

use std::fmt::Write as _;

use anyhow::Context;
use obit_case::Case;
use obit_case::signing::AllowedSigners;
use obit_derivation::Profile;
use obit_derivation::fold::DERIVATION_VERSION;
use obit_schema::Table;
use obit_schema::digest::{Digest, case_digest};

use crate::cli::VerifyArgs;
use crate::output::differences;
use crate::output::problems::report_problems;
use obit_analysis::compare::{self, Comparison, Pairing, Sum, Terms};

use crate::{Outcome, complain, print_verdict};
use obit_analysis::compare::sides::{Recorded, Rederived};
use obit_analysis::evidence;
use obit_analysis::problems::{self, Effect};

pub fn run(args: &VerifyArgs) -> anyhow::Result<Outcome> {
    let case = problems::open(&args.case)?;
    let (recorded, derived) = match problems::is_cut_off(&case) {
        true => (Recorded::as_far_as_logged(&case), Rederived::as_far_as_written(&case)),
        false => (Recorded::all(&case), Rederived::all(&case, Profile::Strict)),
    };
    let terms = Terms { pairing: Pairing::ById, ignored: &|_, _| false, show: args.show };
    // Rows may be the same in a file that is not; a court would ask.
    let (comparison, changed) =
        case.check_sums_beside(|| compare::tables(&Table::DERIVED, &recorded, &derived, &terms))?;

    let mut found = [comparison.left_problems.as_slice(), &comparison.right_problems, &changed].concat();
    let signers = args.signers.as_deref().map(AllowedSigners::read).transpose().context("cannot tell whom to trust")?;
    for (line, why) in signers.iter().flat_map(|signers| &signers.skipped) {
        complain(&format!("signers, line {line}: {why}; it is left out"));
    }
    let evidence = evidence::examine(&case, args.anchor.as_deref(), signers.as_ref())?;
    found.extend(evidence.problems);
    let effect = report_problems(&case, &problems::all(&case, &found));
    let is_same = comparison.tables.iter().all(compare::TableComparison::is_same);
    let verdict = match Verdict::new(effect, is_same) {
        Verdict::Same if recorded.past_the_log() > 0 => Verdict::PastTheLog { rows: recorded.past_the_log() },
        Verdict::Same if problems::is_cut_off(&case) => {
            Verdict::SameAsFarAsWritten { not_written: derived.not_yet_written(), closed: case.is_closed() }
        }
        verdict => verdict,
    };
    print_verdict(&report(&case, &comparison, &evidence.report, verdict))?;
    Ok(verdict.outcome())
}

/// What a verification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The recorded rows are those that follow, and the files are those that were closed.
    Same,
    /// The recording was cut off; what was written follows. So many rows follow that were not written any more.
    SameAsFarAsWritten { not_written: u64, closed: bool },
    /// The case was never closed; so many recorded rows come after the last record that is there, the others follow.
    PastTheLog { rows: u64 },
    /// The rows are the same, but not the files.
    FilesChanged,
    /// The rows are not those that follow.
    Different,
    /// Something could not be read, so nothing was decided.
    Undecided,
}

impl Verdict {
    fn new(effect: Effect, is_same: bool) -> Self {
        match (effect, is_same) {
            // Whatever the rest says: a row that could not be read, or could not be derived, was not compared.
            (Effect::Damage | Effect::DerivedOnly, _) => Self::Undecided,
            // What differs may follow from what the tear swallowed.
            (Effect::CutOff, false) => Self::Undecided,
            (_, false) => Self::Different,
            (Effect::Changed, true) => Self::FilesChanged,
            (_, true) => Self::Same,
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Same | Self::SameAsFarAsWritten { .. } => Outcome::Ok,
            Self::FilesChanged | Self::Different => Outcome::Different,
            Self::PastTheLog { .. } | Self::Undecided => Outcome::Unusable,
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::Same => "same: the recorded rows are those that follow from the raw log".to_owned(),
            Self::SameAsFarAsWritten { not_written, closed } => {
                let how = if closed { "the recording is incomplete" } else { "the case was never closed" };
                format!(
                    "same as far as it was written: {how}, and every recorded row follows from the raw log; \
                     {not_written} more rows follow that were not written any more"
                )
            }
            Self::PastTheLog { rows } => format!(
                "undecided: the recording was cut off, and {rows} of the recorded rows come after the last record that could be \
                 read, so nothing shows what they follow from; every other recorded row follows from the raw log"
            ),
            Self::FilesChanged => "different: the recorded rows follow from the raw log, \
                 but files are not those that were closed, or what proves them does not hold (see standard error)"
                .to_owned(),
            Self::Different => "different: the recorded rows are not those that follow from the raw log".to_owned(),
            Self::Undecided => "undecided: part of the case could not be read (see standard error); \
                 verify a whole copy of it"
                .to_owned(),
        }
    }
}

fn report(case: &Case, comparison: &Comparison, evidence: &str, verdict: Verdict) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for table in &comparison.tables {
        let _ = writeln!(text, "{}: {}", table.table, if table.is_same() { "same" } else { "different" });
        push_sum(&mut text, "recorded", table.left);
        push_sum(&mut text, "derived", table.right);
    }
    let sums = |side: fn(&compare::TableComparison) -> Sum| -> Digest {
        case_digest(comparison.tables.iter().map(|table| (table.table, side(table).digest)))
    };
    let (recorded, derived) = (sums(|table| table.left), sums(|table| table.right));
    let _ = writeln!(text, "case: {}", if recorded == derived { "same" } else { "different" });
    let _ = writeln!(text, "  recorded {:>18} {recorded}", "sha256");
    let _ = writeln!(text, "  derived  {:>18} {derived}", "sha256");
    for table in &comparison.tables {
        differences::push(&mut text, table, ["recorded", "derived"]);
    }
    if let Some(recorded_version) = case.manifest().map(|manifest| manifest.derivation_version)
        && recorded_version != DERIVATION_VERSION
        && recorded != derived
    {
        let _ = writeln!(
            text,
            "the rows were recorded by version {recorded_version} of the derivation; this program has {DERIVATION_VERSION}"
        );
    }
    text.push_str(evidence);
    let _ = writeln!(text, "{}", verdict.in_words());
    text
}

fn push_sum(text: &mut String, side: &str, sum: Sum) {
    let _ = writeln!(text, "  {side:<8} {:>7} rows  sha256 {}", sum.rows, sum.digest);
}
