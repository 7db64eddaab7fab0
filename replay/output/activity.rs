//! A sign of life on standard error while work takes longer than a second.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use obit_case::Case;
use obit_schema::Table;
use obit_schema::text::printable;

/// Time after which work is worth a sign.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two pictures of the sign.
const TICK: Duration = Duration::from_millis(100);

/// Work that is going on. The sign goes with this value, before anything else is printed.
pub struct Activity {
    end: Option<Sender<()>>,
    painter: Option<JoinHandle<()>>,
}

impl Activity {
    /// Begins work on the records of some cases. Only a terminal gets a sign.
    pub fn on_records(verb: &str, cases: &[&Case]) -> Self {
        let records: u64 = cases.iter().flat_map(|case| Table::RAW.map(|table| case.rows(table))).sum();
        let paths: Vec<String> = cases.iter().map(|case| case.path().display().to_string()).collect();
        Self::begin(format!("{verb} {} records of {}", grouped(records), printable(&paths.join(" and "))))
    }

    fn begin(what: String) -> Self {
        if !io::stderr().is_terminal() {
            return Self { end: None, painter: None };
        }
        let (end, ended) = channel();
        let paint = move || {
            if ended.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::new_spinner().with_message(what).with_elapsed(PATIENCE);
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
                // ASCII, for terminals of any locale.
                bar.set_style(style.tick_chars("|/-\\ "));
            }
            bar.enable_steady_tick(TICK);
            // The sender says that the work is over by being gone.
            let _ = ended.recv();
            bar.finish_and_clear();
        };
        // Without a thread there is no sign, and the same answer.
        let painter = thread::Builder::new().name("obit-activity".into()).spawn(paint).ok();
        Self { end: Some(end), painter }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(painter) = self.painter.take() {
            let _ = painter.join();
        }
    }
}

/// Returns a number with a comma before each three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
