//! What the argument vector of an OCI runtime says.
//!
//! `program` knows the programs, `tables` their options, `options` reads them as each runtime's parser does, and `caller`
//! knows who calls them with which directories. An argument vector is written by whoever starts the process, so whatever
//! does not fit the runtime's own grammar gives nothing rather than a guess.

mod caller;
mod invocation_cache;
mod options;
mod program;
mod tables;

use super::path::is_oci_id;
use super::{Engine, OciRuntime};
use alloc::vec::Vec;
use options::{Item, Scan};

pub(crate) use invocation_cache::InvocationCache;

/// What the runtime was asked to do with the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each value is the subcommand of that name
pub enum Verb {
    Create,
    Run,
    Restore,
    Start,
    Kill,
    Delete,
}

impl Verb {
    fn from_argument(argument: &str) -> Option<Self> {
        Some(match argument {
            "create" => Self::Create,
            "run" => Self::Run,
            "restore" => Self::Restore,
            "start" => Self::Start,
            "kill" => Self::Kill,
            "delete" => Self::Delete,
            _ => return None,
        })
    }

    /// Whether a runtime that is asked for it makes the container's directories.
    pub(crate) fn makes_directories(self) -> bool {
        matches!(self, Self::Create | Self::Run | Self::Restore)
    }
}

/// An OCI runtime's command line, as far as it says which container it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// The program.
    pub oci_runtime: OciRuntime,
    /// What it was asked to do. Kata's shim has no subcommand while it serves a sandbox; that is a [`Verb::Run`].
    pub verb: Verb,
    /// The container; of kata's shim, the sandbox.
    pub container_id: &'a str,
    /// `--root`: where the runtime keeps its state.
    pub root: Option<&'a str>,
    /// `--bundle`.
    pub bundle: Option<&'a str>,
    /// The engine that called it, read from root, bundle and log; the runtime itself if nothing shows another.
    pub engine: Engine,
    /// containerd's namespace, where root or bundle shows one (`moby`, `k8s.io`, `default`, …).
    pub namespace: Option<&'a str>,
}

/// Whether a program, by its name or path, is one of the OCI runtimes whose arguments [`parse`] reads.
#[must_use]
pub fn is_oci_runtime(program: &str) -> bool {
    program::oci_runtime(program).is_some()
}

/// Reads an argument vector; `None` if the program is no OCI runtime, the verb none of [`Verb`]'s, the id missing, no
/// id that an OCI runtime takes, or not to be told from the value of an option that is not known.
#[must_use]
pub fn parse<'a>(argv: &[&'a str]) -> Option<Invocation<'a>> {
    let (program, arguments) = argv.split_first()?;
    let oci_runtime = program::oci_runtime(program)?;
    let mut said = ReportedValue::default();
    let (verb, container_id) = if oci_runtime == OciRuntime::Kata && program::is_kata_shim(program) {
        kata_shim(arguments, &mut said)?
    } else {
        let mut scan = Scan::new(arguments, tables::global(oci_runtime), options::dialect(oci_runtime));
        let verb = Verb::from_argument(said.globals(&mut scan)?)?;
        scan.continue_with(tables::of_verb(oci_runtime, verb));
        (verb, said.container(&mut scan, verb)?)
    };
    if !is_oci_id(container_id) || said.pattern {
        return None;
    }
    let caller = caller::caller(said.root, said.bundle, said.log, said.namespace);
    Some(Invocation {
        oci_runtime,
        verb,
        container_id,
        root: said.root,
        bundle: said.bundle,
        engine: caller.engine.unwrap_or(caller::of_runtime_alone(oci_runtime)),
        namespace: caller.namespace,
    })
}

/// What of an argument vector may enter a case: nothing that can carry a secret.
///
/// Of an OCI runtime's life-cycle commands everything; of `exec`, whose options and command carry secrets, and of
/// other commands that take anything, only the program, the global options, the command and the id; of a command that is
/// not known, and of any other program, only the name of the program.
#[must_use]
pub fn recordable<'a>(argv: &[&'a str]) -> Vec<&'a str> {
    let Some((program, arguments)) = argv.split_first() else {
        return Vec::new();
    };
    let Some(oci_runtime) = program::oci_runtime(program) else {
        return alloc::vec![*program];
    };
    if program::is_kata_shim(program) {
        return argv.to_vec();
    }
    let mut scan = Scan::new(arguments, tables::global(oci_runtime), options::dialect(oci_runtime));
    let mut said = ReportedValue::default();
    let Some(command) = said.globals(&mut scan) else {
        return alloc::vec![*program];
    };
    if is_harmless(command) {
        return argv.to_vec();
    }
    if said.unsure || !is_other_command(command) {
        return alloc::vec![*program];
    }
    let until_command = scan.position();
    let mut kept: Vec<&'a str> =
        core::iter::once(program).chain(arguments.iter().take(until_command)).copied().collect();
    if command == "exec" {
        scan.continue_with(tables::of_exec(oci_runtime));
        kept.extend(exec_container(&mut scan));
    }
    kept
}

/// Commands with no argument but the id, paths and switches.
fn is_harmless(command: &str) -> bool {
    Verb::from_argument(command).is_some()
        || matches!(
            command,
            "state" | "pause" | "resume" | "checkpoint" | "events" | "list" | "features" | "init" | "wait"
        )
}

/// Commands whose arguments may be anything.
fn is_other_command(command: &str) -> bool {
    matches!(command, "exec" | "ps" | "update" | "spec" | "do" | "boot" | "gofer" | "help")
}

/// The id in `exec [options] <id> <command…>`, unless an option that is not known stands before it.
fn exec_container<'a>(scan: &mut Scan<'a, '_>) -> Option<&'a str> {
    for item in scan {
        match item {
            Item::Option { .. } => {}
            Item::Positional(id) => return is_oci_id(id).then_some(id),
            Item::Unknown { .. } => return None,
        }
    }
    None
}

/// `containerd-shim-kata-v2 -namespace NS -id ID … [start|delete]` (containerd, `pkg/shim/shim.go`).
fn kata_shim<'a>(arguments: &[&'a str], said: &mut ReportedValue<'a>) -> Option<(Verb, &'a str)> {
    let mut verb = Verb::Run;
    for item in Scan::new(arguments, tables::KATA_SHIM, options::Dialect::GoFlag) {
        match item {
            Item::Positional("start") => verb = Verb::Create,
            Item::Positional("delete") => verb = Verb::Delete,
            Item::Positional(_) => return None,
            Item::Option { name, value } => said.option(name, value),
            Item::Unknown { .. } => {}
        }
    }
    Some((verb, said.id?))
}

/// What the options said.
#[derive(Default)]
struct ReportedValue<'a> {
    root: Option<&'a str>,
    bundle: Option<&'a str>,
    log: Option<&'a str>,
    namespace: Option<&'a str>,
    id: Option<&'a str>,
    /// The id is a regular expression (crun's `--regex`).
    pattern: bool,
    /// A global option was not known, so the command may be the value of one.
    unsure: bool,
}

impl<'a> ReportedValue<'a> {
    /// Takes what an option says; of an option given twice the last counts, as in all these parsers.
    fn option(&mut self, name: &str, value: Option<&'a str>) {
        let value = value.filter(|value| !value.is_empty());
        match name {
            "root" => self.root = value,
            "bundle" => self.bundle = value,
            "log" => self.log = value,
            "namespace" => self.namespace = value,
            "id" => self.id = value,
            "regex" => self.pattern = true,
            _ => {}
        }
    }

    /// Reads options up to the command, and gives the command.
    fn globals(&mut self, scan: &mut Scan<'a, '_>) -> Option<&'a str> {
        while let Some(item) = scan.next() {
            match item {
                Item::Option { name, value } => self.option(name, value),
                Item::Positional(command) => return Some(command),
                Item::Unknown { complete: true } => {}
                // Of a newer version, perhaps. What follows is its value, unless it can only be the command.
                Item::Unknown { complete: false } => {
                    self.unsure = true;
                    scan.skip_value(|next| !is_harmless(next) && !is_other_command(next));
                }
            }
        }
        None
    }

    /// Reads options and arguments after the command, and gives the id.
    fn container(&mut self, scan: &mut Scan<'a, '_>, verb: Verb) -> Option<&'a str> {
        let (mut first, mut count) = (None, 0_usize);
        let mut doubtful = None;
        let mut doubts = 0_usize;
        while let Some(item) = scan.next() {
            match item {
                Item::Option { name, value } => self.option(name, value),
                Item::Positional(argument) => {
                    first = first.or(Some(argument));
                    count += 1;
                }
                Item::Unknown { complete: true } => {}
                Item::Unknown { complete: false } => {
                    if let Some(argument) = scan.take_value() {
                        doubtful = doubtful.or(Some(argument));
                        doubts += 1;
                    }
                }
            }
        }
        // `kill` takes a signal after the id; the others take nothing more.
        let most = if verb == Verb::Kill { 2 } else { 1 };
        match (count, doubts) {
            (0, 1) => doubtful,
            (_, 0) if count <= most => first,
            _ if count == most => first,
            _ => None,
        }
    }
}
