//! The way from cases to the contents of a page: lives are numbered and chosen, then their rows go
//! into columns, and those of some containers into stories.
//!
//! The derivation runs more than once, and rows are not kept between, so that memory grows with
//! what the page holds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use obit_analysis::clock_quality::ClockQuality;
use obit_analysis::derive::{derive_rows, table_of};
use obit_analysis::explain::story::ContainerStory;
use obit_analysis::explain::{LifeNumbering, lives_of, trace};
use obit_analysis::filter::RowFilter;
use obit_analysis::origin::RowOrigin;
use obit_analysis::problems::{self, Effect};
use obit_analysis::span::CaseSpan;
use obit_analysis::triage::triage;
use obit_case::{Case, Problem};
use obit_derivation::record::Body;
use obit_derivation::{Profile, Row};
use obit_schema::Table;
use obit_schema::encode::RowsBuilder;
use obit_schema::text::time;

use super::columns::{PageTable, TextTable};
use super::contents::{PageCase, PageClockStep, PageContents, PageGap, PageSection, PageSentence, PageStory};
use crate::output::hosts::{clock_text, host_names};
use crate::output::problems::report_problems;
use crate::version::version;

/// Most lives on a page; browsers hold more, but nobody looks at them.
const MAX_LIVES: u32 = 200_000;

/// Most containers of which a page tells the story, those that want a second look before others.
const MAX_STORIES: usize = 2_000;

/// Most records of one life that a story is told by.
const MAX_RECORDS: usize = 500;

/// Most gaps and most clock steps of one case.
const MAX_MARKS: usize = 10_000;

/// Rows that go into columns at once.
const BATCH_ROWS: usize = 4_096;

/// Columns that a page carries, of the tables that have them.
const COLUMNS: &[&str] = &[
    "after_gap",
    "aspect",
    "cause",
    "cause_evidence_seqs",
    "cause_known_by",
    "cgroup_path",
    "conflicts",
    "container_id",
    "container_name",
    "core_dumped",
    "cpu_throttled_ns",
    "cpu_usage_ns",
    "created_at",
    "created_by_comm",
    "created_by_pid",
    "created_by_uid",
    "difference_ns",
    "exit_code",
    "exit_signal",
    "identified_by",
    "image_name",
    "inferred",
    "init_comm",
    "init_pid",
    "io_read_bytes",
    "io_written_bytes",
    "killed_by_comm",
    "killed_by_container_id",
    "killed_by_pid",
    "killed_by_uid",
    "lifetime_ns",
    "memory_peak_bytes",
    "never_started",
    "oci_runtime",
    "oom_kills",
    "oom_killed",
    "oom_limit_cgroup_path",
    "oom_limit_scope",
    "other_at",
    "other_by",
    "other_value",
    "parent_container_id",
    "pids_peak",
    "pod_name",
    "pod_namespace",
    "removed_by_comm",
    "removed_by_pid",
    "removed_by_uid",
    "reported_by",
    "reported_exit_code",
    "requested_by",
    "restart_count",
    "runtime",
    "said_at",
    "said_by",
    "said_value",
    "sandbox",
    "seq",
    "signal_origin",
    "signals",
    "signals_total",
    "ts",
];

/// Columns of a removal that a page carries although the life has a row of its exit. Of the others
/// the exit has what there was to know.
const REMOVAL_COLUMNS: &[&str] = &[
    "after_gap",
    "conflicts",
    "container_id",
    "inferred",
    "removed_by_comm",
    "removed_by_pid",
    "removed_by_uid",
    "seq",
    "ts",
];

/// Gathers the contents of a page: the lives of which some row matches the filter. Returns the
/// worst effect of the cases' problems as well, which it reports.
pub fn gather(cases: &[Case], filter: &RowFilter, command: String) -> anyhow::Result<(PageContents, Effect)> {
    let origins: Vec<_> = cases.iter().map(RowOrigin::of).collect();
    let mut contents = PageContents {
        program: version(),
        command,
        cases: Vec::new(),
        texts: Vec::new(),
        tables: Table::DERIVED.iter().map(|table| (table.name(), PageTable::default())).collect(),
        lives: 0,
        life_cases: Vec::new(),
        stories: BTreeMap::new(),
        triage: BTreeMap::new(),
    };
    let mut texts = TextTable::default();
    let mut effect = Effect::None;
    for ((case, origin), host) in cases.iter().zip(&origins).zip(host_names(&origins)) {
        let page_case = PageCase::new(case.path().display().to_string(), host, origin);
        effect = effect.max(CaseGatherer { case, filter, contents: &mut contents, texts: &mut texts }.add(page_case)?);
    }
    contents.texts = texts.into_texts();
    contents.tables.values_mut().for_each(PageTable::finish);
    Ok((contents, effect))
}

/// Adds one case to the contents.
struct CaseGatherer<'a> {
    case: &'a Case,
    filter: &'a RowFilter,
    contents: &'a mut PageContents,
    texts: &'a mut TextTable,
}

/// The lives of a case that are on the page.
#[derive(Default)]
struct ChosenLives {
    /// Number on the page by the number in the case.
    numbers: BTreeMap<u32, u32>,
    /// Containers, each with the numbers of its lives on the page by their places among its lives.
    containers: BTreeMap<String, Vec<Option<u32>>>,
}

impl CaseGatherer<'_> {
    fn add(mut self, mut page_case: PageCase) -> anyhow::Result<Effect> {
        let (chosen, problems) = self.choose()?;
        let problems = problems::all(self.case, &problems);
        let effect = report_problems(self.case, &problems);
        let suspects = self.add_rows(&chosen)?;
        let told = containers_to_tell(&chosen, &suspects, self.contents.stories.len());
        self.add_stories(&chosen, &told, &mut page_case)?;

        let span = CaseSpan::of(self.case);
        (page_case.start, page_case.end) = (time::rfc3339(span.start.0), time::rfc3339(span.end.0));
        page_case.clock = clock_text(ClockQuality::of(self.case));
        page_case.state = match (self.case.is_closed(), self.case.is_being_recorded()) {
            (true, _) => "closed",
            (false, true) => "open: it is being recorded",
            (false, false) => "open: its capture was cut off",
        };
        page_case.problems = problems.iter().map(Problem::to_string).collect();
        let kept = Table::DERIVED.iter().flat_map(|table| self.case.kept_parts(*table));
        page_case.kept_rows = kept.map(|part| part.rows).sum();
        self.contents.cases.push(page_case);
        Ok(effect)
    }

    /// Numbers the lives of the case, and chooses those of which a row matches.
    fn choose(&mut self) -> anyhow::Result<(ChosenLives, Vec<Problem>)> {
        let mut numbering = LifeNumbering::default();
        let mut containers: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut matching = BTreeSet::new();
        let mut rows = derive_rows(self.case, Profile::Strict)?;
        for row in rows.by_ref() {
            let row = row?;
            let life = numbering.number(&row);
            let lives = containers.entry(row.identity().container_id.clone()).or_default();
            if !lives.contains(&life) {
                lives.push(life);
            }
            if self.filter.matches(&row) {
                matching.insert(life);
            }
        }
        let mut chosen = ChosenLives::default();
        for life in matching {
            ensure!(
                self.contents.lives < MAX_LIVES,
                "more than {MAX_LIVES} lives match, too many for a page: choose fewer by --since, --until, --image \
                 and other filters"
            );
            chosen.numbers.insert(life, self.contents.lives);
            self.contents.lives += 1;
            self.contents.life_cases.push(u32::try_from(self.contents.cases.len()).context("too many cases")?);
        }
        for (id, lives) in containers {
            let numbers: Vec<_> = lives.iter().map(|life| chosen.numbers.get(life).copied()).collect();
            if numbers.iter().any(Option::is_some) {
                chosen.containers.insert(id, numbers);
            }
        }
        Ok((chosen, rows.problems().to_vec()))
    }

    /// Puts the rows of chosen lives into columns. Returns the lives that want a second look.
    fn add_rows(&mut self, chosen: &ChosenLives) -> anyhow::Result<BTreeSet<u32>> {
        let suspects = triage(self.case, self.filter)?.suspects;
        let suspects: BTreeMap<_, _> = suspects
            .iter()
            .map(|end| ((end.row.seq(), table_of(&end.row), &end.row.identity().container_id), end))
            .collect();
        let mut of_life = BTreeSet::new();
        let mut numbering = LifeNumbering::default();
        let (mut builder, mut exited) = (RowsBuilder::new(), BTreeSet::new());
        for row in derive_rows(self.case, Profile::Strict)? {
            let row: Row = row?;
            let Some(number) = chosen.numbers.get(&numbering.number(&row)).copied() else { continue };
            if let Some(end) = suspects.get(&(row.seq(), table_of(&row), &row.identity().container_id)) {
                let reasons = end.reasons.iter().map(|reason| reason.name()).collect();
                self.contents.triage.insert(number, reasons);
                of_life.insert(number);
            }
            if let Some(table) = self.contents.tables.get_mut(table_of(&row).name()) {
                table.life.push(number);
            }
            if matches!(row, Row::Exit(_)) {
                exited.insert(number);
            }
            builder.append(&row);
            if builder.len() >= BATCH_ROWS {
                self.seal(&mut builder, &exited)?;
            }
        }
        self.seal(&mut builder, &exited)?;
        Ok(of_life)
    }

    fn seal(&mut self, builder: &mut RowsBuilder, exited: &BTreeSet<u32>) -> anyhow::Result<()> {
        for (table, batch) in builder.finish()? {
            if let Some(columns) = self.contents.tables.get_mut(table.name()) {
                let is_wanted = |name: &str, life: u32| {
                    let has_exit = table == Table::ContainerRemove && exited.contains(&life);
                    if has_exit { REMOVAL_COLUMNS.contains(&name) } else { COLUMNS.contains(&name) }
                };
                columns.add(&batch, is_wanted, self.texts)?;
            }
        }
        Ok(())
    }

    /// Tells the stories of containers, and marks gaps and clock steps on the way through the log.
    fn add_stories(
        &mut self,
        chosen: &ChosenLives,
        told: &BTreeSet<String>,
        page_case: &mut PageCase,
    ) -> anyhow::Result<()> {
        let lives = lives_of(self.case, told)?;
        let wanted = lives
            .iter()
            .map(|(id, lives)| (id.clone(), lives.iter().flat_map(|life| life.evidence().take(MAX_RECORDS)).collect()));
        let mut gaps: Vec<(u64, PageGap)> = Vec::new();
        let records = trace::read_many(self.case, &wanted.collect(), |record| {
            let (seq, ts) = (record.seq.0, record.ts);
            match record.body {
                Body::Lost(loss) if gaps.len() < MAX_MARKS => {
                    let to = time::rfc3339(ts.0);
                    gaps.push((loss.since.0, PageGap { from: to.clone(), to, lost: loss.count, seq }));
                }
                Body::Clock(reading) if page_case.clock_steps.len() < MAX_MARKS => {
                    if let (Some(step), Some("set")) = (reading.step_ns, reading.reason.map(|reason| reason.as_str())) {
                        let at = time::rfc3339(ts.0);
                        page_case.clock_steps.push(PageClockStep { at, step_ns: step.to_string(), seq });
                    }
                }
                _ => {}
            }
        })?;
        let since: BTreeSet<u64> = gaps.iter().map(|(since, _)| *since).collect();
        let mut times = BTreeMap::new();
        if !since.is_empty() {
            self.case.records().for_each(|record| -> Result<(), obit_case::Error> {
                if since.contains(&record.seq.0) {
                    times.insert(record.seq.0, record.ts);
                }
                Ok(())
            })?;
        }
        for (since, gap) in gaps {
            let from = times.get(&since).map_or_else(|| gap.to.clone(), |ts| time::rfc3339(ts.0));
            page_case.gaps.push(PageGap { from, ..gap });
        }
        for (id, lives) in &lives {
            let empty = BTreeMap::new();
            let story = ContainerStory::tell(id, lives, records.get(id).unwrap_or(&empty));
            let numbers = chosen.containers.get(id).into_iter().flatten();
            for (life, number) in story.lives.into_iter().zip(numbers) {
                let Some(number) = number else { continue };
                let sections = life.sections.into_iter().map(|section| PageSection {
                    part: section.part.name(),
                    sentences: section
                        .sentences
                        .into_iter()
                        .map(|sentence| PageSentence {
                            at: sentence.at.map(|at| time::rfc3339(at.0)),
                            text: sentence.text,
                            records: sentence.records,
                        })
                        .collect(),
                });
                let story = PageStory {
                    container_id: id.clone(),
                    headline: life.headline,
                    sections: sections.collect(),
                    commands: story.commands.clone(),
                };
                self.contents.stories.insert(*number, story);
            }
        }
        Ok(())
    }
}

/// Returns the containers whose story is told: those of lives that want a second look, then others,
/// up to what is left of [`MAX_STORIES`].
fn containers_to_tell(chosen: &ChosenLives, suspects: &BTreeSet<u32>, so_far: usize) -> BTreeSet<String> {
    let is_suspect = |lives: &[Option<u32>]| lives.iter().flatten().any(|life| suspects.contains(life));
    let (first, then): (Vec<_>, Vec<_>) = chosen.containers.iter().partition(|(_, lives)| is_suspect(lives));
    let in_order = first.into_iter().chain(then).map(|(id, _)| id.clone());
    in_order.take(MAX_STORIES.saturating_sub(so_far)).collect()
}
