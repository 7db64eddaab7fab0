//! The report as Markdown: what the cases are and what verifies them, then the story of each life.
//!
//! Texts of a case are escaped, so that none is a heading, a link or markup.

use std::io::{self, Write};

use obit_schema::text::printable;

use super::contents::{PageCase, PageContents, PageStory};

/// Writes the report.
pub fn write(contents: &PageContents, output: &mut impl Write) -> io::Result<()> {
    let told = contents.stories.len();
    writeln!(output, "# Report of {told} lives\n")?;
    if contents.lives as usize > told {
        writeln!(output, "Of {} lives, {told} are told below.\n", contents.lives)?;
    }
    writeln!(output, "Made by obit-replay {}. The same case and options make the same report:\n", contents.program)?;
    write_block(&contents.command, output)?;
    for (number, case) in (1..).zip(&contents.cases) {
        write_case(number, case, output)?;
    }
    for (life, story) in &contents.stories {
        let case = contents.life_cases.get(*life as usize).copied().unwrap_or_default();
        write_story(case + 1, story, output)?;
    }
    Ok(())
}

fn write_case(number: u32, case: &PageCase, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "## Case {number}: host {}\n", escaped(&case.host))?;
    let known = |fact: &Option<String>| escaped(fact.as_deref().unwrap_or("not known"));
    writeln!(output, "- directory {}, {}", escaped(&case.path), case.state)?;
    writeln!(output, "- case id {}, boot id {}", known(&case.case_id), known(&case.boot_id))?;
    writeln!(output, "- from {} to {}", case.start, case.end)?;
    writeln!(output, "- {}", escaped(&case.clock))?;
    for step in &case.clock_steps {
        writeln!(output, "- the clock was set by {} ns at {} \\[{}\\]", step.step_ns, step.at, step.seq)?;
    }
    for gap in &case.gaps {
        writeln!(output, "- {} events were lost between {} and {} \\[{}\\]", gap.lost, gap.from, gap.to, gap.seq)?;
    }
    for problem in &case.problems {
        writeln!(output, "- problem: {}", escaped(problem))?;
    }
    writeln!(output, "\nWhat `obit-replay verify` says of it:\n")?;
    write_block(&case.verification, output)
}

fn write_story(case: u32, story: &PageStory, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "## Container {}\n", escaped(&story.container_id))?;
    writeln!(
        output,
        "**{}** (case {case}; times are UTC, numbers in brackets name records)\n",
        escaped(&story.headline)
    )?;
    for section in &story.sections {
        writeln!(output, "### {}\n", section.part)?;
        for sentence in &section.sentences {
            let at = sentence.at.as_ref().map(|at| format!("{at} ")).unwrap_or_default();
            let records: Vec<String> = sentence.records.iter().map(u64::to_string).collect();
            let records = if records.is_empty() { String::new() } else { format!(" \\[{}\\]", records.join(", ")) };
            writeln!(output, "- {at}{}{records}", escaped(&sentence.text))?;
        }
        writeln!(output)?;
    }
    for (number, command) in (1..).zip(&story.commands) {
        writeln!(output, "Command {number}:\n")?;
        write_block(command, output)?;
    }
    Ok(())
}

/// Writes lines as they are. A block by indentation ends nowhere within.
fn write_block(text: &str, output: &mut impl Write) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(output, "    {}", printable(line)))?;
    writeln!(output)
}

/// Returns a text of which nothing is markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in printable(text).chars() {
        if character.is_ascii_punctuation() && !",:;'\"/=%@?".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(escaped("# a <b> [c](d) `e` *f*"), r"\# a \<b\> \[c\]\(d\) \`e\` \*f\*");
        assert!(!escaped("a\nb\u{202e}").contains(['\n', '\u{202e}']));
    }
}
