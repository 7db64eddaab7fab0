//! The sentences about what others than the kernel said of an end.

use obit_derivation::row::{Disagreement, DisagreementKind, ReportedValue};
use obit_schema::text::time;

use super::super::trace::LifeTrace;
use super::facts::LifeFacts;
use super::sentence::StorySentence;
use super::words::when;

/// Returns the sentences about the reported exit code, and about each disagreement.
pub(super) fn sentences(facts: &LifeFacts<'_>, trace: &LifeTrace<'_>) -> Vec<StorySentence> {
    let mut sentences = Vec::new();
    if let Some(death) = facts.death() {
        sentences.push(match (death.reported_exit_code, death.reported_by) {
            (Some(code), Some(by)) => {
                let records = trace.said(|said| said.by == by && said.exit_code == Some(code));
                StorySentence::new(format!("{} reported exit code {code}", by.as_str()), records)
            }
            _ => StorySentence::new("no daemon and no file reported an exit code", Vec::new()),
        });
    }
    sentences.extend(facts.disagreements.iter().map(|row| disagreement(row)));
    sentences
}

/// Names the two sources that contradict each other.
fn disagreement(row: &Disagreement) -> StorySentence {
    let what = match row.aspect {
        DisagreementKind::ExitCode => "the code that its init ended with",
        DisagreementKind::OomKilled => "whether the OOM killer ended its init",
        DisagreementKind::Time => "when its init ended",
        DisagreementKind::Existence => "whether it is there",
    };
    let apart = row.difference_ns.map_or_else(String::new, |ns| {
        let how = if ns < 0 { "earlier" } else { "later" };
        format!(", {} {how}", time::duration(ns.unsigned_abs()))
    });
    let text = format!("they disagree about {what}: {}, but {}{apart}", reported(&row.said), reported(&row.other));
    StorySentence::new(text, row.evidence_seqs.iter().map(|seq| seq.0).collect())
}

fn reported(report: &ReportedValue) -> String {
    let value = report.value.as_deref().unwrap_or_default();
    let space = if value.is_empty() { "" } else { " " };
    let at = report.at.map_or_else(String::new, |at| format!("{space}({})", when(at)));
    format!("{} says {value}{at}", report.by.as_str())
}
