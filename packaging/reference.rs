//! Man pages and shell completions, made from the definition of the command line.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::{Shell, generate_to};

/// Shells that Debian packages ship completions for.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Writes into `directory`: a page for the program and one for each command that is not hidden
/// (`man1/…`), and completions under the name that each shell looks for.
///
/// # Errors
/// A file or directory cannot be written.
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
