//! The command lines of LXC's monitor, which makes and removes a container's directories.
//!
//! A monitor in the background has a title in place of its arguments; one in the foreground is
//! `lxc-start` or `lxc-execute` itself.

use super::invocation::Invocation;
use super::options::{Argument, ArgumentScan, OptionDialect};
use super::tables;
use super::verb::Verb;
use crate::identity::engine::Engine;
use crate::identity::path::{OCI_ID_BYTES_MAX, components, split_last};

/// A command line of LXC's monitor.
pub(super) struct LxcCommandLine<'a, 'v> {
    /// Engine that called it.
    engine: Engine,
    name: &'a str,
    /// Elements that name the container and say nothing else; the program is not among them.
    pub(super) naming: &'v [&'a str],
}

impl<'a, 'v> LxcCommandLine<'a, 'v> {
    /// Reads an argument vector. Returns `None` if the program is not LXC's or the name does not
    /// show.
    pub(super) fn read(argv: &'v [&'a str]) -> Option<Self> {
        let (program, arguments) = argv.split_first()?;
        match program.strip_prefix("[lxc monitor] ") {
            Some(title) if arguments.is_empty() => Self::read_title(title),
            Some(_) => None,
            None if matches!(split_last(program).1, "lxc-start" | "lxc-execute") => Self::read_arguments(arguments),
            None => None,
        }
    }

    /// Reads the title behind `[lxc monitor] `: the directory of the containers, and the name
    /// (lxc/lxc src/lxc/lxccontainer.c, do_lxcapi_start).
    fn read_title(title: &'a str) -> Option<Self> {
        let (directory, name) = title.rsplit_once(' ')?;
        is_name(name).then(|| Self { engine: engine_of_directory(directory), name, naming: &[] })
    }

    /// Reads arguments: the name is an option or, without that, the first argument that is none
    /// (lxc/lxc src/lxc/tools/arguments.c, lxc_arguments_parse).
    fn read_arguments(arguments: &'v [&'a str]) -> Option<Self> {
        let mut scan = ArgumentScan::new(arguments, tables::LXC, OptionDialect::Argp);
        let (mut by_option, mut by_position) = (None, None);
        loop {
            let begin = scan.position();
            let Some(argument) = scan.next() else { break };
            let naming = || arguments.get(begin..scan.position());
            match argument {
                Argument::Option { name: "name", value } => by_option = Some((value?, naming()?)),
                Argument::Option { .. } => {}
                Argument::Positional(name) => {
                    by_position = by_position.or(naming().map(|naming| (name, naming)));
                }
                Argument::Unknown { .. } | Argument::Seam => return None,
            }
        }
        let (name, naming) = by_option.or(by_position)?;
        // In a cluster the name stands in an element with other options.
        let is_shown = is_name(name) && !name.starts_with('-') && !naming.is_empty();
        is_shown.then_some(Self { engine: Engine::Lxc, name, naming })
    }

    /// Returns the container that it is about. No monitor says what it is doing, as with the shim
    /// of Kata: it serves its container from the beginning to the end.
    pub(super) fn invocation(&self) -> Invocation<'a> {
        Invocation {
            oci_runtime: None,
            verb: Verb::Run,
            container_id: self.name,
            root: None,
            bundle: None,
            engine: Some(self.engine),
            namespace: None,
            is_partial: false,
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=OCI_ID_BYTES_MAX).contains(&name.len()) && !name.contains('/')
}

/// Tells Incus and LXD, which use LXC's library, from LXC: their containers are in
/// `<directory of the daemon>/containers` (lxc/incus internal/server/sys/os.go,
/// internal/util/paths.go: `/var/lib/incus`; LXD: `/var/lib/lxd`, `/var/snap/lxd/common/lxd`).
fn engine_of_directory(directory: &str) -> Engine {
    let (above, last) = split_last(directory);
    let is_incus = last == "containers" && components(above).any(|component| matches!(component, "incus" | "lxd"));
    if is_incus { Engine::Incus } else { Engine::Lxc }
}
