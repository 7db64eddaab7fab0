//! The containers that a text stands for: an id or the beginning of one, a name, a pod, an image.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use obit_case::{Case, Problem};
use obit_derivation::row::Identity;
use obit_derivation::{Profile, WallNs};
use obit_schema::Table;

use super::life::LifeRows;
use super::quick;
use super::search_row;
use crate::derive::derive_batches;
use crate::error::Error;
use crate::filter::{IdPattern, ImagePattern, PodPattern, RowFilter, TextPattern};

/// Most containers listed when a text fits several.
const MAX_LISTED: usize = 20;

/// The containers that a text stands for.
#[derive(Debug)]
pub enum SearchResult {
    /// Exactly one container.
    One {
        /// The whole id.
        container_id: String,
        /// The container's lives that the filter leaves, in the order in which they began.
        lives: Vec<LifeRows>,
        /// Number of lives that the filter leaves out.
        lives_left_out: usize,
    },
    /// Several containers.
    Several {
        /// The containers, by their ids; 20 at most.
        containers: Vec<ContainerSummary>,
        /// True if more containers fit than are listed.
        has_more: bool,
    },
    /// No container.
    None,
}

impl SearchResult {
    /// Makes the result of one container, of whose lives a filter leaves some.
    pub(super) fn one(container_id: String, mut lives: Vec<LifeRows>, filter: &RowFilter) -> Self {
        let all = lives.len();
        lives.retain(|life| life.rows.iter().any(|row| filter.matches(row)));
        Self::One { container_id, lives_left_out: all - lives.len(), lives }
    }
}

/// The facts that tell a container from others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerSummary {
    /// The whole id.
    pub container_id: String,
    /// Name of the container.
    pub name: Option<String>,
    /// Pod, as `NAMESPACE/NAME`.
    pub pod: Option<String>,
    /// Reference of the image.
    pub image: Option<String>,
    /// End of the last life that ended, and its cause.
    pub ended: Option<(WallNs, String)>,
}

/// The fact of a container that a text fits, the most exact first. Where containers fit by an exact
/// fact, those that fit by another are not meant. A name and the beginning of an id are equally
/// exact: whoever may choose an id could else hide the container of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MatchTier {
    WholeId,
    NameOrIdPrefix,
    Pod,
    Image,
}

/// A text as it may be meant, of the containers that a filter leaves.
struct SearchText<'a> {
    text: &'a str,
    filter: &'a RowFilter,
    id: IdPattern,
    name: TextPattern,
    pod: PodPattern,
    image: ImagePattern,
}

impl<'a> SearchText<'a> {
    fn new(text: &'a str, filter: &'a RowFilter) -> Self {
        let Ok(id) = text.parse();
        let Ok(name) = text.parse();
        let Ok(pod) = text.parse();
        let Ok(image) = text.parse();
        Self { text, filter, id, name, pod, image }
    }

    fn tier(&self, identity: &Identity) -> Option<MatchTier> {
        let has_name = identity.container_name.as_deref().is_some_and(|name| self.name.matches(name));
        if identity.container_id == self.text {
            Some(MatchTier::WholeId)
        } else if has_name || self.id.matches(&identity.container_id) {
            Some(MatchTier::NameOrIdPrefix)
        } else if self.pod.matches(identity) {
            Some(MatchTier::Pod)
        } else if self.image.matches(identity) {
            Some(MatchTier::Image)
        } else {
            None
        }
    }
}

/// Containers that fit a text, by the fact that it fits; one more than is listed shows that there
/// are more.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    by_tier: BTreeMap<MatchTier, BTreeMap<String, ContainerSummary>>,
}

impl Candidates {
    /// Finds the containers in the recorded rows if these can be relied on, else in the rows that
    /// follow from the whole log. Returns the problems that reading met beside them.
    pub(super) fn find(case: &Case, text: &str, filter: &RowFilter) -> Result<(Self, Vec<Problem>), Error> {
        let text = SearchText::new(text, filter);
        if quick::has_reliable_rows(case) {
            let mut found = Self::default();
            let tables = Table::DERIVED.into_iter();
            let mut batches = tables.flat_map(|table| case.values(table).map(move |batch| Some((table, batch.ok()?))));
            let is_whole = batches.all(|batch| batch.map(|(table, batch)| found.add(table, &batch, &text)).is_some());
            // A container without recorded rows may still follow from the log.
            if is_whole && !found.by_tier.is_empty() {
                return Ok((found, Vec::new()));
            }
        }
        let mut found = Self::default();
        let mut batches = derive_batches(case, Profile::Strict, &Table::DERIVED)?;
        for batch in batches.by_ref() {
            let (table, batch) = batch?;
            found.add(table, &batch, &text);
        }
        Ok((found, batches.problems().to_vec()))
    }

    fn add(&mut self, table: Table, batch: &RecordBatch, text: &SearchText<'_>) {
        for row in 0..batch.num_rows() {
            let found = search_row::row(batch, row);
            let identity = found.identity().clone();
            let Some(tier) = text.tier(&identity).filter(|_| text.filter.matches(&found)) else { continue };
            let containers = self.by_tier.entry(tier).or_default();
            if containers.len() > MAX_LISTED && !containers.contains_key(&identity.container_id) {
                continue;
            }
            let container = containers.entry(identity.container_id.clone()).or_default();
            container.container_id = identity.container_id;
            container.name = identity.container_name.or(container.name.take());
            container.image = identity.image_name.or(container.image.take());
            let pod = identity.pod_name.map(|pod| match identity.pod_namespace {
                Some(namespace) => format!("{namespace}/{pod}"),
                None => pod,
            });
            container.pod = pod.or(container.pod.take());
            if table == Table::ContainerExit
                && let Some(death) = found.death()
            {
                container.ended = Some((found.ts(), death.cause.as_str().to_owned()));
            }
        }
    }

    /// Returns the containers that are meant, and true if there are more than these.
    pub(super) fn into_meant(mut self) -> (Vec<ContainerSummary>, bool) {
        let (_, containers) = self.by_tier.pop_first().unwrap_or((MatchTier::Image, BTreeMap::new()));
        let has_more = containers.len() > MAX_LISTED;
        (containers.into_values().take(MAX_LISTED).collect(), has_more)
    }
}
