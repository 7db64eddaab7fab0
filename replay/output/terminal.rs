//! The terminal that standard output may be: its width, and whether it gets colours.

use std::env;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use obit_analysis::explain::text::{Emphasis, TextLook};

/// Columns of a terminal that does not tell how many it has.
const USUAL_COLUMNS: usize = 80;

/// Fewest columns that anything is fitted to: a narrower terminal wraps lines itself.
const FEWEST_COLUMNS: usize = 40;

/// The look of what is printed: set once, from the command line.
static LOOK: OnceLock<Look> = OnceLock::new();

/// The look of what is printed on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Columns to fit lines to; `None` if standard output is no terminal: nothing is cut then.
    pub columns: Option<usize>,
    /// True if colours are printed.
    pub has_color: bool,
    /// True if long output goes through a pager.
    pub has_pager: bool,
}

impl Look {
    /// Sets the look of this run.
    pub fn set(color: ColorChoice, no_pager: bool) {
        let is_terminal = io::stdout().is_terminal();
        let has_color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && terminal_takes_color(),
        };
        let columns = is_terminal.then(terminal_columns);
        // Whoever sets it twice gets the first: there is one command line.
        let _ = LOOK.set(Self { columns, has_color, has_pager: is_terminal && !no_pager });
    }

    /// Returns the look of this run; without a command line, that of a pipe.
    pub fn get() -> Self {
        LOOK.get().copied().unwrap_or_default()
    }

    /// Puts text into a style, if there are colours.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.has_color && style != Style::new() && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

impl TextLook for Look {
    fn columns(self) -> Option<usize> {
        self.columns
    }

    fn paint(self, emphasis: Emphasis, text: &str) -> String {
        let style = match emphasis {
            Emphasis::Heading => HEADING,
            Emphasis::Faint => FAINT,
            Emphasis::Alarm => ALARM,
            Emphasis::Notice => NOTICE,
            Emphasis::Plain => Style::new(),
        };
        // The method of the same name that takes a style.
        Self::paint(self, style, text)
    }
}

/// The style of headings.
pub const HEADING: Style = Style::new().bold();
/// The style of what is seldom read.
pub const FAINT: Style = Style::new().dimmed();
/// The style of an end that wants attention.
pub const ALARM: Style = AnsiColor::Red.on_default();
/// The style of what wants a second look.
pub const NOTICE: Style = AnsiColor::Yellow.on_default();

/// Returns false for terminals and users that want no colours (<https://no-color.org>).
fn terminal_takes_color() -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && env::var_os("TERM").is_some_and(|terminal| terminal != "dumb")
}

/// Returns the columns of the terminal: what the user says, else what the terminal says.
fn terminal_columns() -> usize {
    let of_user = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    let of_terminal = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    let columns = of_user.or_else(of_terminal).filter(|columns| *columns > 0);
    columns.unwrap_or(USUAL_COLUMNS).max(FEWEST_COLUMNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_text_as_it_is() {
        assert_eq!(Look::default().paint(ALARM, "oom"), "oom");
        let colored = Look { has_color: true, ..Look::default() };
        assert_eq!(colored.paint(ALARM, "oom"), "\u{1b}[31moom\u{1b}[0m");
        assert_eq!(colored.paint(Style::new(), "exit 0"), "exit 0");
    }
}
