//! Reading of arguments as each OCI runtime's own parser does it, so that the value of an option is
//! never taken for the id.

use super::tables::OptionSpec;
use crate::identity::engine::OciRuntime;

/// The element that stands for a stretch of arguments that is missing between the whole ones before
/// and after it, in an argument vector that was too long to be recorded whole.
///
/// The id stands last, so what is kept of a long command line is its head and its tail. The
/// elements beside this one are whole. An id that is this very character, which only crun before
/// 1.28 takes, is not told.
pub const SEAM: &str = "\u{2026}";

/// A way of reading options: a runtime's parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptionDialect {
    /// Go's `flag`: `-x` is `--x`; the first argument that is no option ends the options.
    GoFlag,
    /// urfave's `cli`: as Go's `flag`, but options may follow arguments.
    GoCli,
    /// glibc's argp: short options in clusters, long ones cut short.
    Argp,
    /// clap: short options in clusters, with `=` before a value allowed.
    Clap,
}

impl OptionDialect {
    /// Returns how a runtime's parser reads options.
    pub(super) fn of(runtime: OciRuntime) -> Self {
        match runtime {
            OciRuntime::Runc | OciRuntime::Kata => Self::GoCli,
            OciRuntime::Crun => Self::Argp,
            OciRuntime::Youki => Self::Clap,
            OciRuntime::Runsc => Self::GoFlag,
        }
    }
}

/// An argument, as one step of an [`ArgumentScan`] finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument<'a> {
    /// An option of the table, by its long name.
    Option { name: &'static str, value: Option<&'a str> },
    /// An option that no table has. `complete` if it holds its own value or none, so that nothing
    /// after it belongs to it.
    Unknown { complete: bool },
    /// An argument that is no option.
    Positional(&'a str),
    /// A stretch of arguments that is missing. What follows may be the value of an option in it.
    Seam,
}

/// A scan of arguments, one option or positional argument at a time.
pub(super) struct ArgumentScan<'a, 't> {
    arguments: &'t [&'a str],
    next: usize,
    table: &'static [OptionSpec],
    globals: &'static [OptionSpec],
    dialect: OptionDialect,
    /// Short options of the argument before that are still to be read.
    cluster: &'a str,
    options_ended: bool,
}

impl<'a, 't> ArgumentScan<'a, 't> {
    pub(super) fn new(arguments: &'t [&'a str], globals: &'static [OptionSpec], dialect: OptionDialect) -> Self {
        Self { arguments, next: 0, table: &[], globals, dialect, cluster: "", options_ended: false }
    }

    /// Goes on behind the command, with the options of `table` beside the global ones.
    pub(super) fn continue_with(&mut self, table: &'static [OptionSpec]) {
        self.table = table;
        self.options_ended = false;
    }

    /// Returns the number of arguments that have been read.
    pub(super) fn position(&self) -> usize {
        self.next
    }

    /// Returns true if no argument is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.next >= self.arguments.len()
    }

    /// Goes on as if the last argument had been the value of an option.
    pub(super) fn take_back_positional(&mut self) {
        self.options_ended = false;
    }

    /// Takes the next argument as a value, unless it is an option.
    pub(super) fn take_value(&mut self) -> Option<&'a str> {
        let argument = self.arguments.get(self.next).filter(|argument| is_free_argument(argument))?;
        self.next += 1;
        Some(argument)
    }

    /// Skips the next argument if it is no option and `is_value` holds for it.
    pub(super) fn skip_value(&mut self, is_value: impl Fn(&str) -> bool) {
        if self.arguments.get(self.next).is_some_and(|argument| is_free_argument(argument) && is_value(argument)) {
            self.next += 1;
        }
    }

    fn next_argument(&mut self) -> Option<&'a str> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        Some(argument)
    }

    /// Takes the next argument as the value of an option that needs one, whatever it looks like.
    fn next_value(&mut self) -> Option<&'a str> {
        let argument = self.arguments.get(self.next).filter(|argument| **argument != SEAM)?;
        self.next += 1;
        Some(argument)
    }

    fn find_spec(&self, matches: impl Fn(&OptionSpec) -> bool) -> Option<OptionSpec> {
        self.table.iter().chain(self.globals).find(|known| matches(known)).copied()
    }

    fn find_long(&self, name: &str) -> Option<OptionSpec> {
        let exact = self.find_spec(|known| known.long == name);
        if exact.is_some() || self.dialect != OptionDialect::Argp || name.is_empty() {
            return exact;
        }
        // getopt_long takes any beginning of a name that only one option has.
        let mut candidates = self.table.iter().chain(self.globals).filter(|known| known.long.starts_with(name));
        let first = candidates.next().copied();
        if candidates.any(|other| Some(other.long) != first.map(|known| known.long)) { None } else { first }
    }

    fn read_long(&mut self, body: &'a str) -> Argument<'a> {
        let (name, inline) = match body.split_once('=') {
            Some((name, inline)) => (name, Some(inline)),
            None => (body, None),
        };
        let known = self.find_long(name).or_else(|| {
            // Go writes short options with any number of dashes.
            let mut characters = name.chars();
            let short = characters.next().filter(|_| characters.next().is_none());
            let go = matches!(self.dialect, OptionDialect::GoFlag | OptionDialect::GoCli);
            short.filter(|_| go).and_then(|short| self.find_spec(|known| known.short == Some(short)))
        });
        match known {
            None => Argument::Unknown { complete: inline.is_some() },
            Some(OptionSpec { long, takes_value: false, .. }) => Argument::Option { name: long, value: inline },
            Some(OptionSpec { long, .. }) => {
                Argument::Option { name: long, value: inline.or_else(|| self.next_value()) }
            }
        }
    }

    fn read_short(&mut self) -> Option<Argument<'a>> {
        let mut characters = self.cluster.chars();
        let short = characters.next()?;
        let rest = characters.as_str();
        let Some(known) = self.find_spec(|known| known.short == Some(short)) else {
            self.cluster = "";
            return Some(Argument::Unknown { complete: !rest.is_empty() });
        };
        if !known.takes_value {
            self.cluster = rest;
            return Some(Argument::Option { name: known.long, value: None });
        }
        self.cluster = "";
        let inline = if self.dialect == OptionDialect::Clap { rest.strip_prefix('=').unwrap_or(rest) } else { rest };
        let value = if rest.is_empty() { self.next_value() } else { Some(inline) };
        Some(Argument::Option { name: known.long, value })
    }
}

/// Returns true for an argument that is neither an option nor the mark of a missing stretch.
fn is_free_argument(argument: &str) -> bool {
    !argument.starts_with('-') && argument != SEAM
}

impl<'a> Iterator for ArgumentScan<'a, '_> {
    type Item = Argument<'a>;

    fn next(&mut self) -> Option<Argument<'a>> {
        if !self.cluster.is_empty() {
            return self.read_short();
        }
        loop {
            let argument = self.next_argument()?;
            if argument == SEAM {
                return Some(Argument::Seam);
            }
            if self.options_ended || argument == "-" || !argument.starts_with('-') {
                self.options_ended |= self.dialect == OptionDialect::GoFlag;
                return Some(Argument::Positional(argument));
            }
            if argument == "--" {
                self.options_ended = true;
                continue;
            }
            if let Some(body) = argument.strip_prefix("--") {
                return Some(self.read_long(body));
            }
            let body = argument.strip_prefix('-')?;
            if matches!(self.dialect, OptionDialect::GoFlag | OptionDialect::GoCli) {
                return Some(self.read_long(body));
            }
            self.cluster = body;
            return self.read_short();
        }
    }
}
