//! `verify`: do the recorded rows follow from the raw log?

use std::collections::BTreeMap;
use std::fmt::Write as _;

use obit_derivation::fold::DERIVATION_VERSION;
use obit_schema::digest::{Digest, case_digest};
use obit_schema::{Case, Table};

use crate::cli::VerifyArgs;
use crate::compare::{self, Comparison, Sum};
use crate::output::differences;
use crate::problems::{self, Effect};
use crate::sides::{End, Recorded, Rederived};
use crate::{Outcome, complain, print_verdict};

pub fn run(args: &VerifyArgs) -> anyhow::Result<Outcome> {
    let case = problems::open(&args.case)?;
    let is_cut_off = problems::is_cut_off(&case);
    let mut ends = BTreeMap::new();
    if is_cut_off {
        ends.extend(Table::DERIVED.map(|table| (table, End::of(&case, table))));
    }
    let derived = Rederived { case: &case, ends };
    let comparison = compare::tables(&Table::DERIVED, &Recorded(&case), &derived, &|_, _| false, args.show)?;

    let found = [comparison.left_problems.as_slice(), &comparison.right_problems].concat();
    let effect = problems::report(&case, &problems::all(&case, &found));
    let is_same = comparison.tables.iter().all(compare::TableComparison::is_same);
    let outcome = match (effect, is_same) {
        // Whatever the rest says: a row that could not be read, or could not be derived, was not compared.
        (Effect::Damage | Effect::DerivedOnly, _) => Outcome::Unusable,
        // A row may follow from what the tear swallowed.
        (Effect::CutOff, false) => Outcome::Unusable,
        (_, false) => Outcome::Different,
        (_, true) => Outcome::Ok,
    };
    print_verdict(&report(&case, &comparison, outcome, is_cut_off))?;
    if outcome == Outcome::Unusable {
        complain("this case cannot be verified: not everything in it could be read; get a whole copy of it");
    }
    Ok(outcome)
}

fn report(case: &Case, comparison: &Comparison, outcome: Outcome, is_cut_off: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for table in &comparison.tables {
        let _ = writeln!(
            text,
            "{}: {}",
            table.table,
            if table.is_same() { "same" } else { "different" }
        );
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
    let verdict = match outcome {
        Outcome::Ok if is_cut_off => {
            "same as far as it was written: every recorded row follows from the raw log; the case was never closed"
        }
        Outcome::Ok => "same: the recorded rows are those that follow from the raw log",
        Outcome::Different => "different: the recorded rows are not those that follow from the raw log",
        Outcome::Unusable => "not verified: part of the case could not be read",
    };
    let _ = writeln!(text, "{verdict}");
    text
}

fn push_sum(text: &mut String, side: &str, sum: Sum) {
    let _ = writeln!(text, "  {side:<8} {:>7} rows  sha256 {}", sum.rows, sum.digest);
}
