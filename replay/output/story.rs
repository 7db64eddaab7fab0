//! The story of a container, as text.

use std::io::{self, Write};

use anstyle::Style;
use obit_analysis::explain::story::{ContainerStory, LifeStory, StoryPart, StorySection, StorySentence};
use obit_derivation::WallNs;
use obit_schema::text::printable;
use obit_schema::text::time;

use super::terminal::{ALARM, FAINT, HEADING, Look, NOTICE};
use super::wrap::wrapped;

/// Most numbers of records that a sentence lists.
const MAX_RECORDS: usize = 10;

/// Columns of the names of sections, with what is before and after them.
const LABEL_COLUMNS: usize = 10;

/// Columns of a time of day and the space after it.
const TIME_COLUMNS: usize = 14;

/// Writes the story of a life under a heading.
pub fn write_life(heading: &str, life: &LifeStory, look: Look, output: &mut impl Write) -> io::Result<()> {
    let day = life.sections.iter().flat_map(|section| &section.sentences).find_map(|sentence| sentence.at).map(day);
    let date = day.as_deref().map_or_else(String::new, |day| format!(", {day} UTC"));
    let heading = format!("{heading}{date}: {}", printable(&life.headline));
    for line in wrapped(&heading, look.columns) {
        writeln!(output, "{}", look.paint(HEADING, &line))?;
    }
    life.sections.iter().try_for_each(|section| write_section(section, day.as_deref(), look, output))
}

/// Writes the command lines that sentences refer to.
pub fn write_commands(story: &ContainerStory, look: Look, output: &mut impl Write) -> io::Result<()> {
    for (number, command) in (1..).zip(&story.commands) {
        let text = format!("command {number}: {}", printable(command));
        writeln!(output, "{}", look.paint(FAINT, &text))?;
    }
    Ok(())
}

fn write_section(section: &StorySection, day: Option<&str>, look: Look, output: &mut impl Write) -> io::Result<()> {
    let has_times = section.sentences.iter().any(|sentence| sentence.at.is_some());
    let indent = LABEL_COLUMNS + if has_times { TIME_COLUMNS } else { 0 };
    let mut label = label(section.part);
    for sentence in &section.sentences {
        let time = sentence.at.map(|at| time_text(at, day)).unwrap_or_default();
        let records = records_text(&sentence.records);
        let text = format!("{}{records}", printable(&sentence.text));
        let columns = look.columns.map(|columns| columns.saturating_sub(indent).max(LABEL_COLUMNS));
        for (place, line) in wrapped(&text, columns).into_iter().enumerate() {
            let time = if place == 0 { time.as_str() } else { "" };
            let time = if has_times { format!("{time:<width$}", width = TIME_COLUMNS) } else { String::new() };
            let margin = look.paint(HEADING, &format!("  {label:<width$}", width = LABEL_COLUMNS - 2));
            let text = painted(&line, sentence, section.part, look);
            writeln!(output, "{margin}{}{text}", look.paint(FAINT, &time))?;
            label = "";
        }
    }
    Ok(())
}

/// Paints a line: its records faint, and what contradicts or is not known in yellow.
fn painted(line: &str, sentence: &StorySentence, part: StoryPart, look: Look) -> String {
    let wants_look = ["conflict: ", "they disagree", "after gap"].iter().any(|start| sentence.text.starts_with(start))
        || sentence.text.contains("not known");
    let is_kill = part == StoryPart::End && sentence.text.contains("was ended by");
    let style = if is_kill {
        ALARM
    } else if wants_look {
        NOTICE
    } else {
        Style::new()
    };
    match line.rfind(" [").filter(|_| line.ends_with(']') && !sentence.records.is_empty()) {
        Some(at) => format!("{}{}", look.paint(style, &line[..at]), look.paint(FAINT, &line[at..])),
        None => look.paint(style, line),
    }
}

fn label(part: StoryPart) -> &'static str {
    match part {
        StoryPart::Identity => "who",
        StoryPart::Life => "lived",
        StoryPart::Order => "order",
        StoryPart::End => "ended",
        StoryPart::Others => "others",
    }
}

/// Returns ` [136, 139]`, or nothing.
fn records_text(records: &[u64]) -> String {
    if records.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = records.iter().take(MAX_RECORDS).map(u64::to_string).collect();
    let more = match records.len().saturating_sub(MAX_RECORDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(" [{}{more}]", shown.join(", "))
}

fn day(at: WallNs) -> String {
    time::to_millisecond(at.0).split(' ').next().unwrap_or_default().to_owned()
}

/// Returns the time of day, with the date if it is another day.
fn time_text(at: WallNs, today: Option<&str>) -> String {
    let text = time::to_millisecond(at.0);
    match text.split_once(' ') {
        Some((day, clock)) if Some(day) == today => clock.to_owned(),
        _ => format!("{text} "),
    }
}
