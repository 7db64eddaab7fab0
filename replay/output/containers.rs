//! The container that an argument means.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};
use obit_analysis::explain::{ContainerLives, ContainerSummary, SearchResult, find, kept_rows};
use obit_analysis::filter::{MIN_PREFIX_CHARACTERS, RowFilter};
use obit_analysis::origin::RowOrigin;
use obit_analysis::problems::{self, Effect};
use obit_case::{Case, Problem};
use obit_schema::text;
use obit_schema::text::time;

use super::hosts::host_names;
use super::messages::say;
use super::problems::report_problems;

/// Longest name shown, in characters.
const NAME_CHARACTERS: usize = 60;

/// A container that was found, and the case that it is of.
pub struct FoundContainer<'a> {
    pub case: &'a Case,
    /// The container; without lives if only kept rows tell of it.
    pub container: ContainerLives,
    /// The problems of the case.
    pub problems: Vec<Problem>,
    /// The worst effect of the problems of all cases that were searched.
    pub effect: Effect,
}

/// Finds the one container of some cases that a text stands for, and reports the problems that
/// reading them met. An error tells how to name exactly one. The filter chooses among containers
/// and among their lives.
pub fn find_container<'a>(cases: &'a [Case], asked: &str, filter: &RowFilter) -> anyhow::Result<FoundContainer<'a>> {
    let hosts = host_names(&cases.iter().map(RowOrigin::of).collect::<Vec<_>>());
    let (mut found, mut listed, mut effect, mut all_left_out) = (Vec::new(), Vec::new(), Effect::None, 0);
    for (case, host) in cases.iter().zip(hosts) {
        let search = find(case, asked, filter)?;
        let problems = problems::all(case, &search.problems);
        effect = effect.max(report_problems(case, &problems));
        let place = if cases.len() > 1 { format!(" on {host} in {}", case.path().display()) } else { String::new() };
        match search.matches {
            // In another case the filter may leave lives.
            SearchResult::One { lives, lives_left_out: left_out @ 1.., .. } if lives.is_empty() => {
                all_left_out += left_out;
            }
            SearchResult::One { container_id, lives, lives_left_out } => {
                listed.push(format!("{}{place}", text::shortened(&container_id, 2 * NAME_CHARACTERS)));
                let kept = kept_rows(case, &container_id)?;
                let container = ContainerLives { container_id, lives, lives_left_out, kept };
                found.push(FoundContainer { case, container, problems, effect });
            }
            SearchResult::Several { containers, has_more } => {
                listed.extend(containers.iter().map(|container| summary_text(container) + &place));
                listed.extend(has_more.then(|| format!("and more{place}")));
            }
            // The columns of kept rows are not compared with filters.
            SearchResult::None if !filter.is_empty() => {}
            SearchResult::None => {
                let kept = kept_rows(case, asked)?;
                let ids: BTreeSet<_> = kept.iter().map(|row| row.container_id.clone()).collect();
                listed.extend(ids.iter().map(|id| text::shortened(id, 2 * NAME_CHARACTERS).into_owned() + &place));
                if let [container_id] = Vec::from_iter(ids).as_slice() {
                    let container_id = container_id.clone();
                    let container = ContainerLives { container_id, lives: Vec::new(), lives_left_out: 0, kept };
                    found.push(FoundContainer { case, container, problems, effect });
                }
            }
        }
    }
    match found.pop() {
        Some(container) if listed.len() == 1 => return Ok(FoundContainer { effect, ..container }),
        _ if !listed.is_empty() => {
            let which = if found.is_empty() { "the id of one" } else { "the id of one, and its case" };
            listed.iter().for_each(|container| say(container));
            bail!("{asked} stands for several containers, which are listed above; give {which}")
        }
        _ => {}
    }
    ensure!(all_left_out == 0, "of {asked} the filters leave none of {all_left_out} lives: leave out some of them");
    let cases = if cases.len() > 1 { "these cases" } else { "this case" };
    let fitting = if filter.is_empty() { "" } else { " that the filters leave" };
    if asked.chars().count() < MIN_PREFIX_CHARACTERS {
        bail!(
            "no container{fitting} has the id, name, pod or image {asked}; to find one by the beginning of its id give \
             {MIN_PREFIX_CHARACTERS} characters or more"
        )
    }
    if effect == Effect::Damage {
        bail!("no container{fitting} has the id, name, pod or image {asked} in what could be read of {cases}")
    }
    bail!(
        "no container of {cases}{fitting} has the id, name, pod or image {asked}, or an id that begins so; 'obit-replay derive CASE \
         --event container_exit' lists those that ended, --event existing_container those alive before"
    )
}

/// Returns what tells a container from others, on one line.
fn summary_text(container: &ContainerSummary) -> String {
    let ContainerSummary { container_id, name, pod, image, ended } = container;
    let named = [("name", name), ("pod", pod), ("image", image)];
    let known = named
        .into_iter()
        .filter_map(|(what, value)| Some(format!(", {what} {}", text::shortened(value.as_deref()?, NAME_CHARACTERS))));
    let end = match ended {
        Some((at, cause)) => {
            format!(", ended {} ({})", time::to_millisecond(at.0), text::shortened(cause, NAME_CHARACTERS))
        }
        None => ", no end seen".to_owned(),
    };
    format!("{}{}{end}", text::shortened(container_id, 2 * NAME_CHARACTERS), known.collect::<String>())
}
