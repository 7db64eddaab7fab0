//! Runs obit-replay on a terminal.

use std::path::Path;
use std::process::{Command, Stdio};

/// A terminal that `script` (util-linux) makes.
pub struct Terminal<'a> {
    pub columns: u16,
    /// Variables of the environment; TERM is xterm, and the pager is `cat`, which is none.
    pub environment: &'a [(&'a str, &'a str)],
}

/// Returns what the program prints on a terminal with these arguments; line feeds are as in a pipe.
#[track_caller]
pub fn replay_on(terminal: &Terminal<'_>, arguments: &[&str]) -> String {
    let quoted: Vec<String> =
        arguments.iter().map(|argument| format!("'{}'", argument.replace('\'', "'\\''"))).collect();
    let program = env!("CARGO_BIN_EXE_obit-replay");
    // Some shells set COLUMNS themselves.
    let variables: Vec<String> =
        terminal.environment.iter().map(|(name, value)| format!("'{name}={}'", value.replace('\'', "'\\''"))).collect();
    let line = format!(
        "stty cols {} rows 24; exec env -u COLUMNS {} '{program}' {}",
        terminal.columns,
        variables.join(" "),
        quoted.join(" ")
    );
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).stdin(Stdio::null());
    command.env("TERM", "xterm").env("PAGER", "cat");
    command.env_remove("NO_COLOR").env_remove("OBIT_PAGER").env_remove("LESS");
    let output = command.output().unwrap_or_else(|error| panic!("script (util-linux): {error}"));
    String::from_utf8(output.stdout).expect("output is UTF-8").replace("\r\n", "\n")
}

/// Removes what sets colours.
pub fn without_color(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

/// Returns a golden case.
pub fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases").join(name).join("case");
    path.to_str().expect("UTF-8").to_owned()
}
