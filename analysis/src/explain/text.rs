//! The story of a container as text: headings, times and the numbers of records.

use std::collections::BTreeMap;
use std::io::{self, Write};

use obit_derivation::WallNs;
use obit_schema::text::{printable, time};

use super::explanation::{Explanation, MAX_SHOWN_RECORDS};
use super::kept::KeptRow;
use super::life::LifeRows;
use super::story::{ContainerStory, LifeStory, StoryPart, StorySection, StorySentence};
use super::trace::TracedRecord;
use super::wrap::wrapped;

/// The importance of a piece of text, which a terminal may show by a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// A heading.
    Heading,
    /// Text that is seldom read.
    Faint,
    /// An end that wants attention.
    Alarm,
    /// Text that wants a second look.
    Notice,
    /// Any other text.
    Plain,
}

/// The look that text gets: its width and its colours.
pub trait TextLook: Copy {
    /// Returns the columns to break lines at; `None` for no breaks.
    fn columns(self) -> Option<usize>;
    /// Returns the text with what shows its importance.
    fn paint(self, emphasis: Emphasis, text: &str) -> String;
}

/// Text as it is: no breaks, no colours.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainText;

impl TextLook for PlainText {
    fn columns(self) -> Option<usize> {
        None
    }

    fn paint(self, _: Emphasis, text: &str) -> String {
        text.to_owned()
    }
}

/// Writes an explanation, with the records behind it if they are wanted.
///
/// # Errors
/// The output cannot be written.
pub fn write_explanation(
    explanation: &Explanation,
    with_records: bool,
    look: impl TextLook,
    output: &mut impl Write,
) -> io::Result<()> {
    let Explanation { story, lives, all_lives, kept, records, .. } = explanation;
    let heading = format!("container {}", printable(&story.container_id));
    writeln!(output, "{}", look.paint(Emphasis::Heading, &heading))?;
    for (number, (life, told)) in (1..).zip(lives.iter().zip(&story.lives)) {
        writeln!(output)?;
        write_life(&format!("life {number} of {all_lives}"), told, look, output)?;
        if with_records {
            write_records(life, records, output)?;
        }
    }
    if *all_lives > lives.len() {
        writeln!(output, "\nand {} more lives", all_lives - lives.len())?;
    }
    if !story.commands.is_empty() {
        writeln!(output)?;
    }
    write_commands(story, look, output)?;
    kept.iter().try_for_each(|row| write_kept(row, output))
}

/// Writes a line for each record that the rows of a life came from.
fn write_records(life: &LifeRows, records: &BTreeMap<u64, TracedRecord>, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "  records")?;
    for seq in life.evidence().take(MAX_SHOWN_RECORDS) {
        match records.get(&seq) {
            Some(record) => {
                writeln!(output, "    {seq:>8}  {}  {}", time::to_millisecond(record.ts.0), record.line)?;
            }
            None => writeln!(output, "    {seq:>8}  this record could not be read")?,
        }
    }
    let hidden = life.evidence().count().saturating_sub(MAX_SHOWN_RECORDS);
    if hidden > 0 {
        writeln!(output, "    and {hidden} more records")?;
    }
    Ok(())
}

/// Writes a row that was kept of a dropped segment.
fn write_kept(row: &KeptRow, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "\n{} of a dropped segment, as it was recorded; its records are gone", row.table)?;
    row.fields.iter().try_for_each(|(column, value)| writeln!(output, "  {column}: {}", printable(value)))
}

/// Most numbers of records that a sentence lists.
const MAX_RECORDS: usize = 10;

/// Columns of the names of sections, with what is before and after them.
const LABEL_COLUMNS: usize = 10;

/// Columns of a time of day and the space after it.
const TIME_COLUMNS: usize = 14;

/// Writes the story of a life under a heading.
fn write_life(heading: &str, life: &LifeStory, look: impl TextLook, output: &mut impl Write) -> io::Result<()> {
    let day = life.sections.iter().flat_map(|section| &section.sentences).find_map(|sentence| sentence.at).map(day);
    let date = day.as_deref().map_or_else(String::new, |day| format!(", {day} UTC"));
    let heading = format!("{heading}{date}: {}", printable(&life.headline));
    for line in wrapped(&heading, look.columns()) {
        writeln!(output, "{}", look.paint(Emphasis::Heading, &line))?;
    }
    life.sections.iter().try_for_each(|section| write_section(section, day.as_deref(), look, output))
}

/// Writes the command lines that sentences refer to.
fn write_commands(story: &ContainerStory, look: impl TextLook, output: &mut impl Write) -> io::Result<()> {
    for (number, command) in (1..).zip(&story.commands) {
        let text = format!("command {number}: {}", printable(command));
        writeln!(output, "{}", look.paint(Emphasis::Faint, &text))?;
    }
    Ok(())
}

fn write_section(
    section: &StorySection,
    day: Option<&str>,
    look: impl TextLook,
    output: &mut impl Write,
) -> io::Result<()> {
    let has_times = section.sentences.iter().any(|sentence| sentence.at.is_some());
    let indent = LABEL_COLUMNS + if has_times { TIME_COLUMNS } else { 0 };
    let mut label = label(section.part);
    for sentence in &section.sentences {
        let time = sentence.at.map(|at| time_text(at, day)).unwrap_or_default();
        let records = records_text(&sentence.records);
        let text = format!("{}{records}", printable(&sentence.text));
        let columns = look.columns().map(|columns| columns.saturating_sub(indent).max(LABEL_COLUMNS));
        for (place, line) in wrapped(&text, columns).into_iter().enumerate() {
            let time = if place == 0 { time.as_str() } else { "" };
            let time = if has_times { format!("{time:<width$}", width = TIME_COLUMNS) } else { String::new() };
            let margin = look.paint(Emphasis::Heading, &format!("  {label:<width$}", width = LABEL_COLUMNS - 2));
            let text = painted(&line, sentence, section.part, look);
            writeln!(output, "{margin}{}{text}", look.paint(Emphasis::Faint, &time))?;
            label = "";
        }
    }
    Ok(())
}

/// Paints a line: its records faint, and what contradicts or is not known in yellow.
fn painted(line: &str, sentence: &StorySentence, part: StoryPart, look: impl TextLook) -> String {
    let wants_look = ["conflict: ", "they disagree", "after gap"].iter().any(|start| sentence.text.starts_with(start))
        || sentence.text.contains("not known");
    let is_kill = part == StoryPart::End && sentence.text.contains("was ended by");
    let emphasis = if is_kill {
        Emphasis::Alarm
    } else if wants_look {
        Emphasis::Notice
    } else {
        Emphasis::Plain
    };
    match line.rfind(" [").filter(|_| line.ends_with(']') && !sentence.records.is_empty()) {
        Some(at) => format!("{}{}", look.paint(emphasis, &line[..at]), look.paint(Emphasis::Faint, &line[at..])),
        None => look.paint(emphasis, line),
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
