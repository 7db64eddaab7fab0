//! The sentences about who a container was, and how that is known.

use obit_derivation::record::Source;
use obit_derivation::row::Identity;

use super::super::trace::{LifeTrace, RecordFacts};
use super::facts::LifeFacts;
use super::sentence::StorySentence;
use super::words::basis;

/// Most labels told; the row has all.
const MAX_LABELS: usize = 6;

/// Most conflicts told.
const MAX_CONFLICTS: usize = 10;

/// Returns the sentences about the container's identity.
pub(super) fn sentences(facts: &LifeFacts<'_>, trace: &LifeTrace<'_>) -> Vec<StorySentence> {
    let mut sentences = vec![name(facts, trace)];
    if let Some(source) = facts.identities().next().map(|identity| identity.identified_by) {
        let text = format!("identified by {source}: {}", basis(source));
        sentences.push(StorySentence::new(text, records_of(source, facts, trace)));
    }
    let details = details(facts);
    if !details.is_empty() {
        sentences.push(StorySentence::new(details.join(", "), Vec::new()));
    }
    let mut conflicts: Vec<&str> = Vec::new();
    for conflict in facts.identities().flat_map(|identity| &identity.conflicts) {
        if !conflicts.contains(&conflict.as_str()) {
            conflicts.push(conflict);
        }
    }
    let hidden = conflicts.len().saturating_sub(MAX_CONFLICTS);
    let told = conflicts.into_iter().take(MAX_CONFLICTS);
    sentences.extend(told.map(|conflict| StorySentence::new(format!("conflict: {conflict}"), Vec::new())));
    if hidden > 0 {
        sentences.push(StorySentence::new(format!("and {hidden} more conflicts"), Vec::new()));
    }
    sentences
}

/// Tells name, engine and image.
fn name(facts: &LifeFacts<'_>, trace: &LifeTrace<'_>) -> StorySentence {
    let name = facts.newest(|identity| identity.container_name.as_deref());
    let image = facts.newest(|identity| identity.image_name.as_deref());
    let engine = facts.newest(|identity| identity.runtime);
    let oci = facts.newest(|identity| identity.oci_runtime);
    let is_sandbox = facts.newest(|identity| identity.sandbox) == Some(true);
    let what = if is_sandbox { "a pod's sandbox" } else { "a container" };
    let engine = engine.map_or("an unknown engine".to_owned(), |engine| engine.to_string());
    let oci = oci.map_or_else(String::new, |oci| format!(", set up by {oci}"));
    let image = image.map_or("image not known".to_owned(), |image| format!("image {image}"));
    let text = match name {
        Some(name) => format!("{name}, {what} of {engine}{oci}; {image}"),
        None => format!("{what} of {engine}{oci}; name not known, {image}"),
    };
    let records = trace.first_said(|said| {
        let is_named = name.is_some() && said.container_name.as_deref() == name;
        let has_image = facts.newest(|identity| identity.image_name.as_deref()) == said.image_name.as_deref();
        is_named || name.is_none() && said.image_name.is_some() && has_image
    });
    StorySentence::new(text, records)
}

/// Returns the records that a claim of this source rests on.
fn records_of(source: Source, facts: &LifeFacts<'_>, trace: &LifeTrace<'_>) -> Vec<u64> {
    match source {
        Source::OciArgv => {
            let made = trace.seqs(|record| matches!(record.facts, RecordFacts::Made(_)));
            let removed = facts.remove.and_then(|row| row.rmdir_seq).map(|seq| seq.0);
            made.into_iter().chain(removed).take(1).collect()
        }
        Source::Path => {
            let names_path = |facts: &RecordFacts| matches!(facts, RecordFacts::Made(_) | RecordFacts::Walked);
            trace.seqs(|record| names_path(&record.facts)).into_iter().take(1).collect()
        }
        _ => trace.first_said_by(source),
    }
}

/// Returns everything else that the rows say of its identity.
fn details(facts: &LifeFacts<'_>) -> Vec<String> {
    let pod = facts.newest(|identity| identity.pod_name.as_deref());
    let namespace = facts.newest(|identity| identity.pod_namespace.as_deref());
    let pod = match (namespace, pod) {
        (Some(namespace), Some(pod)) => Some(format!("pod {namespace}/{pod}")),
        (None, Some(pod)) => Some(format!("pod {pod}")),
        (Some(namespace), None) => Some(format!("pod namespace {namespace}")),
        (None, None) => None,
    };
    type Field = fn(&Identity) -> Option<&str>;
    let fields: [(&str, Field); 5] = [
        ("pod uid", |identity| identity.pod_uid.as_deref()),
        ("containerd namespace", |identity| identity.containerd_namespace.as_deref()),
        ("image id", |identity| identity.image_id.as_deref()),
        ("image digest", |identity| identity.image_digest.as_deref()),
        ("inside container", |identity| identity.parent_container_id.as_deref()),
    ];
    let fields = fields.iter().filter_map(|(what, field)| Some(format!("{what} {}", facts.newest(field)?)));
    let restarts = facts.newest(|identity| identity.restart_count.filter(|count| *count > 0));
    let restarts = restarts.map(|count| format!("restarts before: {count}"));
    let labels = facts.newest(|identity| Some(&identity.labels).filter(|labels| !labels.is_empty()));
    let hidden = labels.map_or(0, |labels| labels.len().saturating_sub(MAX_LABELS));
    let labels = labels.into_iter().flatten().take(MAX_LABELS).map(|(name, value)| format!("label {name}={value}"));
    let hidden = (hidden > 0).then(|| format!("and {hidden} more labels"));
    pod.into_iter().chain(fields).chain(restarts).chain(labels).chain(hidden).collect()
}
