//! The sentences about how the order to end a container came down.

use obit_derivation::row::Step;

use super::super::trace::{LifeTrace, RecordFacts};
use super::commands::CommandList;
use super::facts::LifeFacts;
use super::sentence::StorySentence;

/// Returns a sentence for each step.
pub(super) fn sentences(
    facts: &LifeFacts<'_>,
    trace: &LifeTrace<'_>,
    commands: &mut CommandList<'_>,
) -> Vec<StorySentence> {
    let steps = facts.death().map(|death| death.requested_by.as_slice()).unwrap_or_default();
    steps.iter().map(|step| sentence(step, trace, commands)).collect()
}

/// Tells a step by the records behind it: the signal that the task sent at that time, a daemon's
/// statement of that time, or the first signal whose sender the task started.
fn sentence(step: &Step, trace: &LifeTrace<'_>, commands: &mut CommandList<'_>) -> StorySentence {
    let what = commands.mention(&step.what);
    let sent = trace.seqs(|record| {
        record.ts == step.at && matches!(&record.facts, RecordFacts::Signalled { sender, .. } if *sender == step.what)
    });
    if !sent.is_empty() {
        return StorySentence::at(step.at, what, sent);
    }
    let is_by = |name: &str| step.what.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
    let said = trace.seqs(|record| {
        record.ts == step.at && matches!(&record.facts, RecordFacts::Said(said) if is_by(said.by.as_str()))
    });
    if !said.is_empty() {
        return StorySentence::at(step.at, what, said);
    }
    let started = trace.seqs(
        |record| matches!(&record.facts, RecordFacts::Signalled { ancestors, .. } if ancestors.contains(&step.what)),
    );
    match started.first() {
        Some(&first) => StorySentence::at(step.at, format!("{what} started"), vec![first]),
        None => StorySentence::at(step.at, what, Vec::new()),
    }
}
