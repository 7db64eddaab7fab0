//! Prints a report for people.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use obit_schema::text::printable;

use super::report::{CheckReport, CheckStatus};

/// Width of the table, in terminal columns.
const WIDTH: u16 = 100;

/// Formats the report as a table of 100 columns, with advice below each shortcoming and a verdict
/// at the end. Control characters are escaped.
pub fn render(report: &CheckReport) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(["STATUS", "WHAT", "FOUND"]);
    for item in &report.items {
        let mut found = printable(&item.found).into_owned();
        if let Some(advice) = &item.advice {
            found.push_str("\n→ ");
            found.push_str(&printable(advice));
        }
        table.add_row([item.status.as_str(), &printable(&item.name), &found]);
    }
    let widest =
        |texts: &mut dyn Iterator<Item = usize>| u16::try_from(texts.max().unwrap_or(0)).unwrap_or(WIDTH).min(30);
    let names = widest(&mut report.items.iter().map(|item| printable(&item.name).chars().count()));
    table.set_constraints([
        // "warning" is the longest status; two more for the padding.
        ColumnConstraint::Absolute(Width::Fixed(9)),
        ColumnConstraint::Absolute(Width::Fixed(names + 2)),
    ]);
    let mut text = table.trim_fmt();
    text.push_str("\n\n");
    text.push_str(&verdict(report));
    text.push('\n');
    text
}

fn verdict(report: &CheckReport) -> String {
    let count = |status| report.items.iter().filter(|item| item.status == status).count();
    match (count(CheckStatus::Failed), count(CheckStatus::Warning)) {
        (0, 0) => "A capture can run here.".to_owned(),
        (0, warnings) => format!("A capture can run here, with {warnings} warning{}.", plural(warnings)),
        (failures, _) => format!("A capture cannot run here: {failures} failed check{}.", plural(failures)),
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::report::CheckItem;

    #[test]
    fn a_table_says_what_to_do_and_ends_in_a_verdict() {
        let mut report = CheckReport::default();
        report.push(CheckItem::ok("kernel", "6.1.0"));
        report.push(CheckItem::failed("CAP_BPF", "not held", "run as root"));
        let text = render(&report);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "STATUS   WHAT     FOUND",
                "ok       kernel   6.1.0",
                "failed   CAP_BPF  not held",
                "→ run as root",
                "",
                "A capture cannot run here: 1 failed check.",
            ]
        );
    }

    #[test]
    fn hostile_text_reaches_no_terminal_and_lines_fit() {
        let mut report = CheckReport::default();
        report.push(CheckItem::warning(
            "docker",
            format!("/run/\x1b[2J\u{202e}{}", "x".repeat(500)),
            "long ".repeat(100),
        ));
        let text = render(&report);
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text:?}");
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(WIDTH), "{line:?}");
        }
        assert!(text.ends_with("A capture can run here, with 1 warning.\n"));
    }
}
