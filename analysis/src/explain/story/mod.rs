//! The story of a container in sentences: who it was, how it lived, how the order to end it came
//! down, how it ended, and what others said.
//!
//! Each sentence names the records that it can be traced to. Nothing is said that the rows do not
//! hold: what they do not know is said to be not known. Values of the case stand in the sentences
//! as they are: escape them for a terminal or a page.

mod commands;
mod ending;
mod facts;
mod identity;
mod living;
mod order;
mod others;
mod sentence;
mod usage;
mod words;

use std::collections::BTreeMap;
use std::ops::Range;

use super::life::LifeRows;
use super::trace::{LifeTrace, TracedRecord};
use commands::CommandList;
use facts::LifeFacts;

pub use sentence::StorySentence;

/// The story of a container.
#[derive(Clone, Debug)]
pub struct ContainerStory {
    /// The whole id.
    pub container_id: String,
    /// The story of each life, in the order in which they began.
    pub lives: Vec<LifeStory>,
    /// The long command lines that sentences refer to as `command 1`, `command 2`, and so on.
    pub commands: Vec<String>,
}

/// The story of one life.
#[derive(Clone, Debug)]
pub struct LifeStory {
    /// The end of the life in a few words.
    pub headline: String,
    /// The sections, in the order in which they are read; none is empty.
    pub sections: Vec<StorySection>,
}

/// A section of a story.
#[derive(Clone, Debug)]
pub struct StorySection {
    /// The subject.
    pub part: StoryPart,
    /// The sentences: those with a time in its order, each with those about it after it.
    pub sentences: Vec<StorySentence>,
}

/// The subject of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoryPart {
    /// The container's identity, and how it is known.
    Identity,
    /// From its creation to its end.
    Life,
    /// The way on which the order to end it came down.
    Order,
    /// The end of its init, and its removal.
    End,
    /// The words of others about its end.
    Others,
}

impl StoryPart {
    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Life => "life",
            Self::Order => "order",
            Self::End => "end",
            Self::Others => "others",
        }
    }
}

impl ContainerStory {
    /// Tells the story of a container by the rows of its lives, and by the records that these came
    /// from.
    pub fn tell(container_id: &str, lives: &[LifeRows], records: &BTreeMap<u64, TracedRecord>) -> Self {
        let mut commands = CommandList::new(container_id);
        let lives = lives
            .iter()
            .enumerate()
            .map(|(place, life)| LifeStory::tell(life, statement_seqs(lives, place), records, &mut commands))
            .collect();
        Self { container_id: container_id.to_owned(), lives, commands: commands.into_lines() }
    }
}

impl LifeStory {
    /// Tells a life; statements among these records are about it.
    fn tell(
        life: &LifeRows,
        statement_seqs: Range<u64>,
        records: &BTreeMap<u64, TracedRecord>,
        commands: &mut CommandList<'_>,
    ) -> Self {
        let facts = LifeFacts::of(&life.rows);
        let trace = LifeTrace::new(records, &life.evidence().collect(), statement_seqs);
        let sections = [
            (StoryPart::Identity, identity::sentences(&facts, &trace)),
            (StoryPart::Life, living::sentences(&facts, &trace, commands)),
            (StoryPart::Order, order::sentences(&facts, &trace, commands)),
            (StoryPart::End, ending::sentences(&facts, &trace, commands)),
            (StoryPart::Others, others::sentences(&facts, &trace)),
        ];
        let sections = sections
            .into_iter()
            .filter(|(_, sentences)| !sentences.is_empty())
            .map(|(part, sentences)| StorySection { part, sentences })
            .collect();
        Self { headline: ending::headline(&facts), sections }
    }
}

/// Returns the records among which statements about the container are about one life: those from
/// its first row on, up to the next life's. Of lives at the same time (one id in two namespaces)
/// nothing tells which one is meant.
fn statement_seqs(lives: &[LifeRows], place: usize) -> Range<u64> {
    let span = |life: &LifeRows| (life.first_seq(), life.last_seq());
    let Some((first, last)) = lives.get(place).map(span) else { return 0..0 };
    let others = || lives.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, life)| span(life));
    if others().any(|(other_first, other_last)| other_first <= last && first <= other_last) {
        return 0..0;
    }
    first..others().map(|(other_first, _)| other_first).filter(|other| *other > last).min().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
