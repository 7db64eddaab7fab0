//! The sentences about how a container ended and was removed.

use obit_derivation::ending::signal_name;
use obit_derivation::row::{Cause, Death, Killer, KnownBy, LimitScope};
use obit_schema::text::{row_words, time};

use super::super::trace::{LifeTrace, RecordFacts};
use super::commands::CommandList;
use super::facts::LifeFacts;
use super::sentence::StorySentence;
use super::usage;
use super::words::meaning;

/// Returns the end of a life in a few words.
pub(super) fn headline(facts: &LifeFacts<'_>) -> String {
    let Some(death) = facts.death() else { return "its end is not in this case".to_owned() };
    let lived = match facts.lifetime_ns() {
        Some(lifetime) => format!("it lived {}", time::duration(lifetime)),
        None => "how long it lived is not known".to_owned(),
    };
    let status = status_text(death);
    let with = if status.is_empty() { String::new() } else { format!(" ({status})") };
    let end = match death.cause {
        Cause::Exited => "ended by itself",
        Cause::Signalled => "ended by a signal",
        Cause::OomKilled => "killed by the OOM killer",
        Cause::CgroupKilled => "killed by cgroup.kill",
        Cause::KilledByRuntime => "killed by its OCI runtime",
        Cause::HostShutdown => "ended by the host's shutdown",
        Cause::StartFailed => "its start failed",
        Cause::NeverStarted => "never started",
        Cause::Unknown => "why it ended is not known",
    };
    format!("{end}{with}; {lived}")
}

/// Returns the sentences about the end of its init, its last task and its directory.
pub(super) fn sentences(
    facts: &LifeFacts<'_>,
    trace: &LifeTrace<'_>,
    commands: &mut CommandList<'_>,
) -> Vec<StorySentence> {
    let mut sentences = Vec::new();
    match facts.death() {
        Some(death) => {
            sentences.push(exit_sentence(facts, death, trace));
            sentences.extend(author_sentences(death, trace));
        }
        None => sentences.push(StorySentence::new("no record tells of its end", Vec::new())),
    }
    let emptied = facts.exit.and_then(|row| row.emptied_at).or(facts.remove.and_then(|row| row.emptied_at));
    if let Some(at) = emptied {
        let records = trace.seqs(|record| record.ts == at && matches!(record.facts, RecordFacts::Emptied));
        sentences.push(StorySentence::at(at, "its last task left", records));
    }
    removal(&mut sentences, facts, commands);
    let usage = facts.remove.map(|row| &row.usage).or(facts.exit.map(|row| &row.usage));
    if let Some(usage) = usage {
        let lines = usage::phrases(usage);
        let text = if lines.is_empty() { "what it used is not known".to_owned() } else { lines.join("; ") };
        sentences.push(StorySentence::new(text, Vec::new()));
    }
    sentences
}

/// Returns `exit code 3`, `SIGKILL, core dumped`, or nothing if the row has neither.
fn status_text(death: &Death) -> String {
    match (death.exit_code, death.exit_signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => {
            let core = if death.core_dumped == Some(true) { ", core dumped" } else { "" };
            format!("{}{core}", signal_name(u32::from(signal)))
        }
        (None, None) => String::new(),
    }
}

/// Tells how its init ended, and by what that is known.
fn exit_sentence(facts: &LifeFacts<'_>, death: &Death, trace: &LifeTrace<'_>) -> StorySentence {
    let init = death.init_comm.as_deref().map_or_else(|| "its init".to_owned(), |comm| format!("its init {comm}"));
    let status = status_text(death);
    let ending = if !status.is_empty() {
        match death.exit_code {
            Some(code) => format!("{init} exited with code {code}"),
            None => format!("{init} was ended by {status}"),
        }
    } else if matches!(death.cause, Cause::StartFailed | Cause::NeverStarted) {
        "it has no exit code".to_owned()
    } else if death.cause_known_by == Some(KnownBy::Sandbox) {
        "its sandbox exited, which does not tell what its program did".to_owned()
    } else {
        "how its init ended is not known: that was not seen".to_owned()
    };
    let how = facts.exit.map_or("", |row| match (row.never_started, row.inferred, row.emptied_at) {
        (Some(true), _, _) => "; a runtime's process was in it, and none ever executed the container's program",
        (_, false, _) => "",
        (_, true, Some(_)) => "; its last task left, and the end of its init was not seen (inferred)",
        (_, true, None) => "; it was found without its init, whose end was not seen (inferred)",
    });
    let text = format!("{ending} ({}: {}){how}", death.cause, meaning(death.cause));
    let at = death.exited_at.or(facts.exit.map(|row| row.ts));
    let init_pid = facts.init_pid();
    let is_end = |facts: &RecordFacts| matches!(facts, RecordFacts::Ended(pid) if Some(*pid) == init_pid);
    let mut records = trace.seqs(|record| Some(record.ts) == death.exited_at && is_end(&record.facts));
    if records.is_empty() {
        records.extend(facts.exit.map(|row| row.seq.0));
    }
    StorySentence { at, text, records }
}

/// Tells who sent the signals, or what they were, and whose limit was reached.
fn author_sentences(death: &Death, trace: &LifeTrace<'_>) -> Vec<StorySentence> {
    let mut sentences = Vec::new();
    let evidence: Vec<u64> = death.cause_evidence_seqs.iter().map(|seq| seq.0).collect();
    let signals = |trace: &LifeTrace<'_>| -> Vec<u64> {
        let is_signal = |facts: &RecordFacts| matches!(facts, RecordFacts::Signalled { .. });
        trace.seqs(|record| is_signal(&record.facts)).into_iter().filter(|seq| evidence.contains(seq)).collect()
    };
    match &death.killed_by {
        Some(Killer { task, loginuid, container_id }) => {
            let verb = if death.exit_signal.is_some() { "killed by" } else { "asked to end by" };
            let loginuid = loginuid.map_or_else(String::new, |uid| format!(", logged in as uid {uid}"));
            let inside = container_id.as_deref().map_or_else(String::new, |id| format!(", in container {id}"));
            let text = format!("{verb} {} uid {}{loginuid}{inside}", row_words::task(task), task.uid);
            sentences.push(StorySentence::new(text, signals(trace).into_iter().rev().take(1).collect()));
        }
        None if death.exit_signal.is_some() => {
            let text = match death.signal_origin.filter(|origin| !origin.has_author()) {
                Some(origin) => format!("the signal has no author, its origin: {origin}"),
                None => "who sent the signal is not known".to_owned(),
            };
            sentences.push(StorySentence::new(text, signals(trace)));
        }
        None => {}
    }
    if !death.signals.is_empty() {
        let total = usize::try_from(death.signals_total.unwrap_or_default()).unwrap_or(usize::MAX);
        let more = match total.saturating_sub(death.signals.len()) {
            0 => String::new(),
            more => format!("; and {more} more in between"),
        };
        let text = format!("signals to its init: {}{more}", death.signals.join("; "));
        sentences.push(StorySentence::new(text, signals(trace)));
    }
    if let Some(scope) = death.oom_limit_scope {
        let whose = match scope {
            LimitScope::Own => "the container's own",
            LimitScope::Ancestor => "a cgroup's above the container",
            LimitScope::Inside => "a cgroup's inside the container",
            LimitScope::Host => "none of a cgroup, the host's memory ran out",
        };
        let path = death.oom_limit_cgroup_path.as_deref().map_or_else(String::new, |path| format!(", {path}"));
        let records = trace.seqs(|record| matches!(record.facts, RecordFacts::OomKilled));
        sentences.push(StorySentence::new(format!("memory limit that was reached: {whose}{path}"), records));
    }
    sentences
}

/// Tells who removed its directory, or that this was not seen.
fn removal(sentences: &mut Vec<StorySentence>, facts: &LifeFacts<'_>, commands: &mut CommandList<'_>) {
    match (facts.remove, facts.exit) {
        (Some(row), _) if row.inferred || row.rmdir_seq.is_none() => {
            let text = "it was not seen being removed: a walk of cgroupfs no longer found the directory (inferred)";
            sentences.push(StorySentence::at(row.ts, text, vec![row.seq.0]));
        }
        (Some(row), _) => {
            let by = match &row.removed_by {
                Some(actor) => format!("{}{}", commands.actor(actor), commands.by_command(actor)),
                None => "a task that is not known".to_owned(),
            };
            let records = row.rmdir_seq.map(|seq| seq.0).into_iter().collect();
            sentences.push(StorySentence::at(row.ts, format!("its root directory was removed by {by}"), records));
        }
        (None, Some(row)) if row.place.is_none() => {
            let text = "it had no directory of its own; its engine names the process that is its init";
            sentences.push(StorySentence::new(text, Vec::new()));
        }
        (None, Some(_)) => {
            sentences.push(StorySentence::new("no record tells that its directory was removed", Vec::new()));
        }
        (None, None) => {}
    }
}
