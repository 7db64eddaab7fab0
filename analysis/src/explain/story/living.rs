//! The sentences about a container's life, from its creation to its end.

use obit_derivation::record::CgroupEventKind;

use super::super::trace::{LifeTrace, RecordFacts};
use super::commands::CommandList;
use super::facts::LifeFacts;
use super::sentence::StorySentence;
use super::words::{hierarchies_text, place_text, when};

/// Most programs of its init, and most freezings, that are told.
const MAX_TOLD: usize = 4;

/// Returns the sentences about the container's life.
pub(super) fn sentences(
    facts: &LifeFacts<'_>,
    trace: &LifeTrace<'_>,
    commands: &mut CommandList<'_>,
) -> Vec<StorySentence> {
    let mut sentences = beginning(facts, trace, commands);
    let mut events = programs(facts, trace);
    if let Some(at) = facts.newest(|identity| identity.started_at) {
        let records = trace.first_said(|said| said.started_at == Some(at));
        events.push(StorySentence::at(at, "started, as its runtime says", records));
    }
    events.extend(freezings(trace));
    events.extend(trace.iter().filter(|(_, record)| matches!(record.facts, RecordFacts::OomKilled)).map(
        |(seq, record)| {
            // The line begins with the kind, which the sentence says in words.
            let what = record.line.split_once("  ").map_or(record.line.as_str(), |(_, what)| what);
            StorySentence::at(record.ts, format!("the OOM killer chose {}", commands.short_ids(what)), vec![seq])
        },
    ));
    sentences.append(&mut events);
    let mut sentences = in_order(sentences);
    if facts.init_pid().is_none() && facts.never_started() != Some(true) {
        sentences.push(StorySentence::new("which process was its init is not known", Vec::new()));
    }
    if facts.is_after_gap() {
        let text = "after gap: events were lost within its life, so something about it may have gone unseen";
        sentences.push(StorySentence::new(text, Vec::new()));
    }
    sentences
}

/// Puts sentences in the order of their times; one without a time stays behind the one before it.
fn in_order(sentences: Vec<StorySentence>) -> Vec<StorySentence> {
    let mut groups: Vec<Vec<StorySentence>> = Vec::new();
    for sentence in sentences {
        match groups.last_mut() {
            Some(group) if sentence.at.is_none() => group.push(sentence),
            _ => groups.push(vec![sentence]),
        }
    }
    groups.sort_by_key(|group| group.first().and_then(|sentence| sentence.at));
    groups.into_iter().flatten().collect()
}

/// Tells how it was made, or that this was not seen.
fn beginning(facts: &LifeFacts<'_>, trace: &LifeTrace<'_>, commands: &mut CommandList<'_>) -> Vec<StorySentence> {
    let mut sentences = Vec::new();
    if let Some(row) = facts.create {
        let made = trace.seqs(|record| matches!(record.facts, RecordFacts::Made(_)));
        if row.inferred {
            let text = format!(
                "its creation was not seen: a walk of cgroupfs, after events were lost, found {}",
                commands.short_ids(&place_text(&row.place))
            );
            sentences.push(StorySentence::at(row.ts, text, vec![row.seq.0]));
        } else {
            let hierarchies = trace.iter().filter_map(|(_, record)| match record.facts {
                RecordFacts::Made(hierarchy) => Some(hierarchy),
                _ => None,
            });
            let hierarchies: Vec<u32> = hierarchies.chain([row.place.key.hierarchy.0]).collect();
            let path = commands.short_ids(&row.place.path);
            let by = match &row.created_by {
                Some(actor) => format!("{}{}", commands.actor(actor), commands.by_command(actor)),
                None => "a task that is not known".to_owned(),
            };
            let text = format!("created: {path} on {}, made by {by}", hierarchies_text(hierarchies));
            sentences.push(StorySentence::at(row.ts, text, if made.is_empty() { vec![row.seq.0] } else { made }));
        }
    }
    if let Some(row) = facts.existing.filter(|_| facts.create.is_none()) {
        let place = commands.short_ids(&place_text(&row.place));
        let text = format!(
            "alive before the capture, or before this segment of it: the first walk of cgroupfs saw the directory {place}"
        );
        sentences.push(StorySentence::at(row.ts, text, vec![row.first_seen_seq.0]));
    }
    if facts.create.is_none() {
        sentences.push(creation(facts, trace));
        if facts.existing.is_none()
            && let Some(place) = facts.place()
        {
            let text = format!("its directory was {}", commands.short_ids(&place_text(place)));
            sentences.push(StorySentence::new(text, Vec::new()));
        }
    }
    sentences
}

/// Tells when it was created, where no row of that is left.
fn creation(facts: &LifeFacts<'_>, trace: &LifeTrace<'_>) -> StorySentence {
    match (facts.created_seq(), facts.created_at()) {
        (Some(seq), Some(at)) => StorySentence::new(format!("created {}", when(at)), vec![seq.0]),
        (Some(seq), None) => StorySentence::new("created; the time is not known", vec![seq.0]),
        (None, Some(at)) => {
            let records = trace.first_said(|said| said.created_at == Some(at));
            StorySentence::new(format!("its creation was not seen; its runtime says {}", when(at)), records)
        }
        (None, None) => {
            StorySentence::new("its creation was not seen, so when it was created is not known", Vec::new())
        }
    }
}

/// Tells which programs its init executed.
fn programs(facts: &LifeFacts<'_>, trace: &LifeTrace<'_>) -> Vec<StorySentence> {
    let Some(init) = facts.init_pid() else { return Vec::new() };
    let executed = trace.iter().filter_map(|(seq, record)| match &record.facts {
        RecordFacts::Executed { pid, comm } if *pid == init => {
            Some(StorySentence::at(record.ts, format!("its init, pid {init}, executed {comm}"), vec![seq]))
        }
        _ => None,
    });
    let mut sentences: Vec<_> = executed.take(MAX_TOLD).collect();
    if sentences.is_empty() {
        sentences.push(StorySentence::new(format!("its init was pid {init}"), Vec::new()));
    }
    sentences
}

/// Tells when it was frozen, and when it went on.
fn freezings(trace: &LifeTrace<'_>) -> Vec<StorySentence> {
    let moves = trace.iter().filter_map(|(seq, record)| match record.facts {
        RecordFacts::FreezerMoved(kind) => {
            let text = if kind == CgroupEventKind::Frozen { "frozen" } else { "not frozen any more" };
            Some(StorySentence::at(record.ts, text, vec![seq]))
        }
        _ => None,
    });
    moves.take(MAX_TOLD).collect()
}
