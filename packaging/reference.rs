//! Man pages and shell completions, written from the command line's own definition.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::{Shell, generate_to};

/// Shells that Debian packages ship completions for.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Writes into `directory`: a page for the program and one for each command that is not hidden
/// (`man1/…`), and completions named as each shell looks for them.
///
/// # Errors
/// If a file or directory cannot be written.
pub fn write(mut command: Command, directory: &Path) -> io::Result<()> {
    let name = command.get_name().to_owned();
    for shell in SHELLS {
        let place = directory.join(shell.to_string());
        fs::create_dir_all(&place)?;
        generate_to(shell, &mut command, &name, &place)?;
    }
    let pages = directory.join("man1");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(command.disable_help_subcommand(true), &pages)
}
