//! A pager for long output on a terminal, as git has one.

use std::env;
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGINT;

use super::terminal::Look;

/// The pager of users who name none.
const USUAL_PAGER: &str = "less";

/// Options of less for users who set none: end at once if all fits on the screen, show colours,
/// leave the text on the screen.
const LESS_OPTIONS: &str = "FRX";

/// A running pager, which shows what is written to it.
pub struct Pager {
    child: Child,
    /// `None` once all is written.
    input: Option<ChildStdin>,
}

impl Pager {
    /// Starts the pager; `None` if standard output is no terminal, if the user wants none, or if it
    /// cannot be started: the output then goes to standard output.
    pub fn start() -> Option<Self> {
        if !Look::get().has_pager {
            return None;
        }
        let command = pager_command(|name| env::var(name).ok())?;
        // Ctrl-C is for the pager, which outlives it; this program ends when the pager does.
        signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false))).ok()?;
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).stdin(Stdio::piped());
        if env::var_os("LESS").is_none() {
            shell.env("LESS", LESS_OPTIONS);
        }
        let mut child = shell.spawn().ok()?;
        let input = child.stdin.take();
        Some(Self { child, input })
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.as_mut().map_or(Ok(bytes.len()), |input| input.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Pager {
    /// Waits until the user has seen enough.
    fn drop(&mut self) {
        drop(self.input.take());
        // The end of the pager says nothing about the answer.
        let _ = self.child.wait();
    }
}

/// Returns the command of the pager that the environment names: obit's own, that of all programs,
/// else less. An empty one, or `cat`, is none.
fn pager_command(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let usual = || is_installed(USUAL_PAGER, &variable("PATH")?).then(|| USUAL_PAGER.to_owned());
    let command = variable("OBIT_PAGER").or_else(|| variable("PAGER")).or_else(usual)?;
    let is_none = matches!(command.trim(), "" | "cat");
    (!is_none).then_some(command)
}

/// Returns true if a program is in one of these directories. A small system has no less, and its
/// users get the text all the same.
fn is_installed(program: &str, path: &str) -> bool {
    env::split_paths(path).any(|directory| directory.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_the_pager_of_those_who_name_none_and_have_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = format!("/nonexistent:{}", directory.path().display());
        let command = || pager_command(|name| (name == "PATH").then(|| path.clone()));
        assert_eq!(command(), None);
        std::fs::write(directory.path().join("less"), "").expect("written");
        assert_eq!(command().as_deref(), Some("less"));
    }

    #[test]
    fn the_nearest_name_counts_and_an_empty_one_is_none() {
        let of = |obit: Option<&str>, all: Option<&str>| {
            pager_command(|name| match name {
                "OBIT_PAGER" => obit.map(str::to_owned),
                "PAGER" => all.map(str::to_owned),
                _ => None,
            })
        };
        assert_eq!(of(None, None), None, "less is in no directory here");
        assert_eq!(of(None, Some("most")).as_deref(), Some("most"));
        assert_eq!(of(Some("less -S"), Some("most")).as_deref(), Some("less -S"));
        assert_eq!(of(Some(""), Some("most")), None);
        assert_eq!(of(None, Some("cat")), None);
    }
}
