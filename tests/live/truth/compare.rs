//! Compares the rows of a case with the truth, column by column.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::coverage::Coverage;
use super::expected::{Column, Expected, Verdict, of_table};
use super::life::{Life, Presence, Span};
use super::report::{Finding, FindingKind, Report};
use crate::support::replay;

/// Tables with a row for each life.
const LIFE_TABLES: [&str; 4] = ["existing_container", "container_create", "container_exit", "container_remove"];
/// Longest difference of two clocks that one host has.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(5);

/// Compares a case with all lives that were played while it was recorded.
///
/// `is_ours` tells rows of the run from those of others on the host.
pub fn compare(case: &Path, lives: &[Life], is_ours: impl Fn(&Value) -> bool) -> Report {
    let mut report = Report::of_case(case);
    let coverage = Coverage::read(case);
    for table in LIFE_TABLES {
        let Some(rows) = rows_of(case, table) else {
            report.absent_tables.insert(table);
            continue;
        };
        let rows: Vec<_> = rows.into_iter().filter(|row| is_ours(row)).collect();
        compare_table(table, &rows, lives, &coverage, &mut report);
    }
    for row in rows_of(case, "disagreement").unwrap_or_default() {
        let of_id = || lives.iter().filter(|life| row["container_id"] == *life.id);
        // Engines miss kills by the OOM killer, or take a child's for the container's.
        let is_true = row["aspect"] == "oom_killed"
            && row["source"] == "kernel"
            && of_id().any(|life| {
                row["value"].as_str() == Some(if life.end.oom_killed { "true" } else { "false" })
                    && life.end.oom_kills > 0
            });
        if let Some(life) = of_id().next().filter(|_| !is_true) {
            // About all else each source was asked about ends that all of them saw.
            report.findings.push(Finding {
                kind: FindingKind::False,
                table: "disagreement",
                column: row["aspect"].as_str().unwrap_or("?").to_owned(),
                life: Some(life.clone()),
                expected: "no disagreement".to_owned(),
                row: Some(row),
            });
        }
    }
    report
}

/// Derives a table; `None` if this build has no such table.
fn rows_of(case: &Path, table: &str) -> Option<Vec<Value>> {
    let help = String::from_utf8_lossy(&replay::replay(&["derive", "--help"]).stdout).into_owned();
    help.contains(table).then(|| replay::derived_rows(case, table))
}

fn compare_table(table: &'static str, rows: &[Value], lives: &[Life], coverage: &Coverage, report: &mut Report) {
    let mut by_id: BTreeMap<&str, (Vec<&Life>, Vec<&Value>)> = BTreeMap::new();
    for life in lives {
        by_id.entry(&life.id).or_default().0.push(life);
    }
    for row in rows {
        by_id.entry(row["container_id"].as_str().unwrap_or("")).or_default().1.push(row);
    }
    for (lives, rows) in by_id.into_values() {
        let pairs = pairs_of(table, &rows, &lives, coverage);
        for &(row, life) in &pairs {
            compare_row(table, rows[row], lives[life], coverage, report);
        }
        for (_, row) in rows.iter().enumerate().filter(|(at, _)| pairs.iter().all(|(row, _)| row != at)) {
            report.findings.push(Finding {
                kind: FindingKind::Phantom,
                table,
                column: String::new(),
                life: None,
                expected: format!("no such row; lives of this id: {}", lives_text(&lives)),
                row: Some((*row).clone()),
            });
        }
        for (_, life) in lives.iter().enumerate().filter(|(at, _)| pairs.iter().all(|(_, life)| life != at)) {
            if presence(table, life, coverage) == Presence::Must {
                report.findings.push(Finding {
                    kind: FindingKind::Missing,
                    table,
                    column: String::new(),
                    life: Some((*life).clone()),
                    expected: format!("a row at {}", Expected::Within(span(table, life))),
                    row: None,
                });
            }
        }
    }
}

/// Describes the moments of lives that share an id.
fn lives_text(lives: &[&Life]) -> String {
    let text = |life: &&Life| {
        let [created, ended, removed] = [life.created, life.ended, life.removed].map(Expected::Within);
        format!("{} ({}) created {created}, ended {ended}, removed {removed}", life.scene, life.role)
    };
    lives.iter().map(text).collect::<Vec<_>>().join("; ")
}

fn presence(table: &str, life: &Life, coverage: &Coverage) -> Presence {
    let in_full = match table {
        "container_create" | "existing_container" => life.create_row,
        "container_exit" => life.exit_row,
        _ => life.remove_row,
    };
    coverage.presence(table, life, span(table, life), in_full)
}

/// Returns the bounds of the moment that a row of a table is about.
pub fn span(table: &str, life: &Life) -> Span {
    match table {
        "container_create" | "existing_container" => life.created,
        "container_exit" => life.ended,
        _ => life.removed,
    }
}

/// Pairs the rows of one id with its lives, by index: first those that agree most, by engine, then
/// by init, then by moment, then by how few columns contradict; of equals the latest, or the first
/// that a walk may have found.
fn pairs_of(table: &str, rows: &[&Value], lives: &[&Life], coverage: &Coverage) -> Vec<(usize, usize)> {
    let agreement = |row: &Value, life: &Life| {
        // A walk finds a life at any moment of it, and its end at any moment from then on.
        let is_inferred = row["inferred"] == json!(true);
        let is_found = table == "container_create" && is_inferred;
        let moment = match span(table, life) {
            _ if is_found => Span { from: life.created.from, to: life.removed.to },
            span if is_inferred => Span { to: span.to.max(coverage.end.to), ..span },
            span => span,
        };
        let is_moment = time(&row["ts"]).is_some_and(|ts| is_within(ts, moment));
        let is_init = life.pid.is_some_and(|pid| row["init_pid"] == pid);
        let since_epoch = life.ended.from.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128);
        let order = if is_found { -since_epoch } else { since_epoch };
        // Two runs in one directory are removed at one moment.
        let contradicts =
            |column: &Column| row.get(column.name).is_some_and(|value| column.expected.judge(value) == Verdict::False);
        let contradictions = of_table(table, life, coverage).iter().filter(|column| contradicts(column)).count();
        (row["runtime"] == *life.runtime, is_init, is_moment, Reverse(contradictions), order)
    };
    let mut all = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let possible = lives.iter().enumerate().filter(|(_, life)| presence(table, life, coverage) != Presence::Never);
        all.extend(possible.map(|(life_at, life)| (agreement(row, life), at, life_at)));
    }
    all.sort_by(|a, b| b.cmp(a));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, row, life) in all {
        if pairs.iter().all(|(paired_row, paired_life)| *paired_row != row && *paired_life != life) {
            pairs.push((row, life));
        }
    }
    pairs
}

fn compare_row(table: &'static str, row: &Value, life: &Life, coverage: &Coverage, report: &mut Report) {
    for Column { name, expected } in of_table(table, life, coverage) {
        let Some(value) = row.get(name) else {
            report.absent_columns.insert((table, name));
            continue;
        };
        // The time of an inferred row is that of the walk that found it, and so is the name.
        let is_found = table == "container_create" && row["inferred"] == json!(true);
        let is_later_name = is_found && name == "container_name" && *value == json!(life.name);
        if name == "ts" && row["inferred"] == json!(true) || is_later_name {
            continue;
        }
        let mut verdict = expected.judge(value);
        // What was lost in a gap, or came before the capture, may be missing; so may what came while
        // the first walk looked, which may have missed it.
        let is_partial =
            row["after_gap"] == json!(true) || life.ended.from <= coverage.begin.to || coverage.is_at_begin(life);
        // Without the record of who sent it, a signal is only that.
        if is_partial && name == "cause" && *value == json!("signalled") && life.end.exit_signal.is_some() {
            verdict = if verdict == Verdict::Right { verdict } else { Verdict::Unknown };
        }
        report.count(table, name, verdict);
        // The container around it may have begun in a gap before.
        let is_parent_lost = name == "parent_container_id" && coverage.has_gap_before(life.created);
        // Signals from before the capture were not counted.
        let is_uncounted = name == "signals_total" && life.created.from <= coverage.begin.to;
        // The kernel's count is read when the directory is empty, which may be after the capture.
        let is_uncounted = is_uncounted || name == "oom_kills" && life.ended.to >= coverage.end.from;
        // Of what was there before, a source may state another run's init, and no call names the runtime.
        let is_from_before =
            life.created.from <= coverage.begin.to && (name == "oci_runtime" || life.scene.story.shares_directory());
        let is_excused = is_partial || is_parent_lost || is_uncounted || is_from_before || expected.may_be_unknown();
        let kind = match verdict {
            Verdict::Right => continue,
            Verdict::Unknown if is_excused => continue,
            Verdict::Unknown => FindingKind::Unknown,
            Verdict::False => FindingKind::False,
        };
        report.findings.push(Finding {
            kind,
            table,
            column: name.to_owned(),
            life: Some(life.clone()),
            expected: expected.to_string(),
            row: Some(row.clone()),
        });
    }
}

/// Reads a time of a row.
pub fn time(value: &Value) -> Option<SystemTime> {
    let time: DateTime<Utc> = value.as_str()?.parse().ok()?;
    Some(time.into())
}

/// Returns true if a moment lies in a span, as far as two clocks agree.
pub fn is_within(moment: SystemTime, span: Span) -> bool {
    span.from - CLOCK_TOLERANCE <= moment && moment <= span.to + CLOCK_TOLERANCE
}

impl Expected {
    /// Judges a value of a row.
    pub fn judge(&self, value: &Value) -> Verdict {
        let is_unknown = value.is_null() || *value == json!("unknown");
        match self {
            Self::AnyOf(values) if values.contains(value) => Verdict::Right,
            Self::Reported(expected) if value == expected => Verdict::Right,
            Self::Somebody if !is_unknown => Verdict::Right,
            Self::Within(span) | Self::ReportedWithin(span)
                if time(value).is_some_and(|time| is_within(time, *span)) =>
            {
                Verdict::Right
            }
            Self::List { .. } => self.judge_list(value),
            _ if is_unknown => Verdict::Unknown,
            _ => Verdict::False,
        }
    }

    fn judge_list(&self, value: &Value) -> Verdict {
        let Self::List { has, lacks } = self else { return Verdict::False };
        let Some(list) = value.as_array() else { return Verdict::Unknown };
        let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
        let contains = |part: &String| texts.iter().any(|text| text.contains(part.as_str()));
        if has.iter().any(contains) && !lacks.iter().any(contains) { Verdict::Right } else { Verdict::False }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Expected, Verdict};

    #[test]
    fn null_is_unknown_and_any_other_value_false() {
        let seven = Expected::AnyOf(vec![json!(7)]);
        assert_eq!(seven.judge(&json!(7)), Verdict::Right);
        assert_eq!(seven.judge(&json!(null)), Verdict::Unknown);
        assert_eq!(seven.judge(&json!("unknown")), Verdict::Unknown);
        assert_eq!(seven.judge(&json!(0)), Verdict::False);
        assert_eq!(Expected::AnyOf(vec![json!(null)]).judge(&json!(7)), Verdict::False, "nobody is no value");
    }

    #[test]
    fn a_list_must_have_one_and_may_not_have_the_other() {
        let list = Expected::List { has: vec!["[7]".to_owned()], lacks: vec!["[8]".to_owned()] };
        assert_eq!(list.judge(&json!(["kill[7]"])), Verdict::Right);
        assert_eq!(list.judge(&json!(["kill[7]", "sh[8]"])), Verdict::False);
        assert_eq!(list.judge(&json!(["sh[9]"])), Verdict::False);
        assert_eq!(list.judge(&json!(null)), Verdict::Unknown);
    }
}
