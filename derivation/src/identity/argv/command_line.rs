//! The one reading of an OCI runtime's argument vector.

use alloc::vec::Vec;

use super::invocation::Invocation;
use super::options::{Argument, ArgumentScan, OptionDialect};
use super::verb::Verb;
use super::{caller, program, tables};
use crate::identity::engine::OciRuntime;
use crate::identity::path::is_oci_id;

/// Reads which container an OCI runtime was called for.
///
/// Returns `None` if the program is no OCI runtime, the command is none of [`Verb`]'s, or the id is
/// missing, is none that an OCI runtime takes, or could be the value of an unknown option.
#[must_use]
pub fn parse<'a>(argv: &[&'a str]) -> Option<Invocation<'a>> {
    CommandLine::read(argv)?.invocation
}

/// Returns the elements of an argument vector that may enter a case: none that can carry a secret.
///
/// All elements of an OCI runtime's life-cycle commands. The program, the global options, the
/// command and the id of `exec`, whose options and command carry secrets. Up to the command of
/// others that take anything. Only the program's name if it is no OCI runtime or the command is
/// unknown.
#[must_use]
pub fn recordable<'a>(argv: &[&'a str]) -> Vec<&'a str> {
    let (leading, exec_id) = CommandLine::read(argv).map_or((1, None), |line| (line.recordable, line.exec_id));
    argv.iter().take(leading).copied().chain(exec_id).collect()
}

/// An OCI runtime's argument vector, read once.
struct CommandLine<'a> {
    /// Container that the runtime was called for.
    invocation: Option<Invocation<'a>>,
    /// Number of leading elements that may be recorded.
    recordable: usize,
    /// Container of an `exec`, which may be recorded behind those.
    exec_id: Option<&'a str>,
}

impl<'a> CommandLine<'a> {
    /// Reads an argument vector. Returns `None` if the program is no OCI runtime.
    fn read(argv: &[&'a str]) -> Option<Self> {
        let (program, arguments) = argv.split_first()?;
        let oci_runtime = program::oci_runtime(program)?;
        let whole = |invocation| Self { invocation, recordable: argv.len(), exec_id: None };
        let leading = |recordable, exec_id| Self { invocation: None, recordable, exec_id };
        let mut values = OptionValues::default();
        if oci_runtime == OciRuntime::Kata && program::is_kata_shim(program) {
            let call = values.read_kata_shim(arguments);
            return Some(whole(call.and_then(|(verb, id)| values.invocation(oci_runtime, verb, id))));
        }
        let mut scan = ArgumentScan::new(arguments, tables::global(oci_runtime), OptionDialect::of(oci_runtime));
        let Some(argument) = values.read_globals(&mut scan) else { return Some(leading(1, None)) };
        let until_command = 1 + scan.position();
        Some(match RuntimeCommand::from_argument(argument) {
            Some(RuntimeCommand::LifeCycle(verb)) => {
                scan.continue_with(tables::of_verb(oci_runtime, verb));
                let id = values.read_container_id(&mut scan, verb);
                whole(id.and_then(|id| values.invocation(oci_runtime, verb, id)))
            }
            Some(RuntimeCommand::Harmless) => whole(None),
            Some(RuntimeCommand::Exec) if !values.is_command_doubtful => {
                scan.continue_with(tables::of_exec(oci_runtime));
                leading(until_command, read_exec_id(&mut scan))
            }
            Some(RuntimeCommand::Free) if !values.is_command_doubtful => leading(until_command, None),
            _ => leading(1, None),
        })
    }
}

/// A command of an OCI runtime, by what its arguments may be.
enum RuntimeCommand {
    /// Changes a container's state; takes nothing but the id, paths and switches.
    LifeCycle(Verb),
    /// Takes nothing but the id, paths and switches either.
    Harmless,
    /// Takes an id, and a command with arguments of any kind.
    Exec,
    /// Takes arguments of any kind.
    Free,
}

impl RuntimeCommand {
    fn from_argument(argument: &str) -> Option<Self> {
        if let Some(verb) = Verb::from_argument(argument) {
            return Some(Self::LifeCycle(verb));
        }
        Some(match argument {
            "state" | "pause" | "resume" | "checkpoint" | "events" | "list" | "features" | "init" | "wait" => {
                Self::Harmless
            }
            "exec" => Self::Exec,
            "ps" | "update" | "spec" | "do" | "boot" | "gofer" | "help" => Self::Free,
            _ => return None,
        })
    }
}

/// Reads the id in `exec [options] <id> <command…>`, unless an unknown option stands before it.
fn read_exec_id<'a>(scan: &mut ArgumentScan<'a, '_>) -> Option<&'a str> {
    for argument in scan {
        match argument {
            Argument::Option { .. } => {}
            Argument::Positional(id) => return is_oci_id(id).then_some(id),
            Argument::Unknown { .. } => return None,
        }
    }
    None
}

/// Values of the options that tell a container or its engine.
#[derive(Default)]
struct OptionValues<'a> {
    root: Option<&'a str>,
    bundle: Option<&'a str>,
    log: Option<&'a str>,
    namespace: Option<&'a str>,
    id: Option<&'a str>,
    /// The id is a regular expression (crun's `--regex`).
    is_pattern: bool,
    /// A global option was unknown, so what looks like the command may be its value.
    is_command_doubtful: bool,
}

impl<'a> OptionValues<'a> {
    /// Keeps an option's value. The last one counts, as in all these parsers.
    fn set(&mut self, name: &str, value: Option<&'a str>) {
        let value = value.filter(|value| !value.is_empty());
        match name {
            "root" => self.root = value,
            "bundle" => self.bundle = value,
            "log" => self.log = value,
            "namespace" => self.namespace = value,
            "id" => self.id = value,
            "regex" => self.is_pattern = true,
            _ => {}
        }
    }

    /// Reads options up to the command, and returns the command.
    fn read_globals(&mut self, scan: &mut ArgumentScan<'a, '_>) -> Option<&'a str> {
        while let Some(argument) = scan.next() {
            match argument {
                Argument::Option { name, value } => self.set(name, value),
                Argument::Positional(command) => return Some(command),
                Argument::Unknown { complete: true } => {}
                // Perhaps of a newer version. What follows is its value, unless that can only be
                // the command.
                Argument::Unknown { complete: false } => {
                    self.is_command_doubtful = true;
                    scan.skip_value(|next| RuntimeCommand::from_argument(next).is_none());
                }
            }
        }
        None
    }

    /// Reads options and arguments after the command, and returns the id.
    fn read_container_id(&mut self, scan: &mut ArgumentScan<'a, '_>, verb: Verb) -> Option<&'a str> {
        let (mut first, mut count) = (None, 0_usize);
        let mut doubtful = None;
        let mut doubts = 0_usize;
        while let Some(argument) = scan.next() {
            match argument {
                Argument::Option { name, value } => self.set(name, value),
                Argument::Positional(argument) => {
                    first = first.or(Some(argument));
                    count += 1;
                }
                Argument::Unknown { complete: true } => {}
                Argument::Unknown { complete: false } => {
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

    /// Reads `containerd-shim-kata-v2 -namespace NS -id ID … [start|delete]` (containerd,
    /// `pkg/shim/shim.go`).
    fn read_kata_shim(&mut self, arguments: &[&'a str]) -> Option<(Verb, &'a str)> {
        let mut verb = Verb::Run;
        for argument in ArgumentScan::new(arguments, tables::KATA_SHIM, OptionDialect::GoFlag) {
            match argument {
                Argument::Positional("start") => verb = Verb::Create,
                Argument::Positional("delete") => verb = Verb::Delete,
                Argument::Positional(_) => return None,
                Argument::Option { name, value } => self.set(name, value),
                Argument::Unknown { .. } => {}
            }
        }
        Some((verb, self.id?))
    }

    /// Joins the id with the values, if it is one id and not a pattern.
    fn invocation(&self, oci_runtime: OciRuntime, verb: Verb, container_id: &'a str) -> Option<Invocation<'a>> {
        if !is_oci_id(container_id) || self.is_pattern {
            return None;
        }
        let caller = caller::read_caller(self.root, self.bundle, self.log, self.namespace);
        Some(Invocation {
            oci_runtime,
            verb,
            container_id,
            root: self.root,
            bundle: self.bundle,
            engine: caller.engine.unwrap_or(caller::engine_of_runtime_alone(oci_runtime)),
            namespace: caller.namespace,
        })
    }
}
