//! The one reading of an OCI runtime's argument vector.

use alloc::vec::Vec;

use super::container_id::is_container_id;
use super::invocation::Invocation;
use super::lxc::LxcCommandLine;
use super::options::{Argument, ArgumentScan, OptionDialect};
use super::verb::Verb;
use super::{caller, program, tables};
use crate::identity::engine::OciRuntime;

/// Reads which container an OCI runtime, or LXC's monitor, was called for.
///
/// Returns `None` if the program is neither, the command is none of [`Verb`]'s, or the id is
/// missing, is none that the runtime takes, or could be the value of an option that is unknown or
/// missing.
#[must_use]
pub fn parse<'a>(argv: &[&'a str]) -> Option<Invocation<'a>> {
    match CommandLine::read(argv) {
        Some(line) => line.invocation,
        None => LxcCommandLine::read(argv).map(|line| line.invocation()),
    }
}

/// Returns the elements of an argument vector that may enter a case: none that can carry a secret.
///
/// All elements of an OCI runtime's life-cycle commands. The program, the global options, the
/// command and the id of `exec`, whose options and command carry secrets. Up to the command of
/// others that take anything. Only the program's name if it is no OCI runtime or the command is
/// unknown; of LXC's programs the container's name too.
#[must_use]
pub fn recordable<'a>(argv: &[&'a str]) -> Vec<&'a str> {
    let (leading, exec_id) = CommandLine::read(argv).map_or((1, None), |line| (line.recordable, line.exec_id));
    let naming = LxcCommandLine::read(argv).map_or(&[][..], |line| line.naming);
    argv.iter().take(leading).copied().chain(exec_id).chain(naming.iter().copied()).collect()
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
        let is_behind_seam = values.is_partial;
        Some(match RuntimeCommand::from_argument(argument) {
            Some(RuntimeCommand::LifeCycle(verb)) => {
                scan.continue_with(tables::of_verb(oci_runtime, verb));
                let id = values.read_container_id(&mut scan, verb);
                let invocation = id.and_then(|id| values.invocation(oci_runtime, verb, id));
                // An `exec` may be missing, and what looks like a command be the one that it
                // executes: only a bundle shows that it is the runtime's.
                let is_doubtful = is_behind_seam && !(verb.makes_directories() && values.bundle.is_some());
                match invocation {
                    Some(_) if is_doubtful => leading(1, None),
                    None if is_behind_seam => leading(1, None),
                    invocation => whole(invocation),
                }
            }
            _ if is_behind_seam => leading(1, None),
            Some(RuntimeCommand::Harmless) => whole(None),
            Some(RuntimeCommand::Exec) if !values.is_command_doubtful => {
                scan.continue_with(tables::of_exec(oci_runtime));
                leading(until_command, read_exec_id(&mut scan, oci_runtime))
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

/// Reads the id in `exec [options] <id> <command…>`, unless an unknown option or a missing stretch
/// stands before it.
fn read_exec_id<'a>(scan: &mut ArgumentScan<'a, '_>, oci_runtime: OciRuntime) -> Option<&'a str> {
    for argument in scan {
        match argument {
            Argument::Option { .. } => {}
            Argument::Positional(id) => return is_container_id(oci_runtime, id).then_some(id),
            Argument::Unknown { .. } | Argument::Seam => return None,
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
    /// A stretch of the arguments is missing.
    is_partial: bool,
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
        let mut is_after_seam = false;
        while let Some(argument) = scan.next() {
            let is_beside_seam = core::mem::take(&mut is_after_seam);
            match argument {
                Argument::Option { name, value } => self.set(name, value),
                Argument::Seam => {
                    self.is_partial = true;
                    is_after_seam = true;
                }
                // The value of an option that is missing.
                Argument::Positional(value) if is_beside_seam && RuntimeCommand::from_argument(value).is_none() => {
                    scan.take_back_positional();
                }
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
        let mut found = PositionalArguments::default();
        let mut is_after_seam = false;
        while let Some(argument) = scan.next() {
            let is_beside_seam = core::mem::take(&mut is_after_seam);
            match argument {
                Argument::Option { name, value } => self.set(name, value),
                Argument::Seam => {
                    self.is_partial = true;
                    is_after_seam = true;
                    found.begin_tail();
                }
                Argument::Positional(argument) if is_beside_seam => {
                    scan.take_back_positional();
                    found.add_beside_seam(argument, scan.is_at_end());
                }
                Argument::Positional(argument) => found.add(argument),
                Argument::Unknown { complete: true } => {}
                Argument::Unknown { complete: false } => {
                    if let Some(argument) = scan.take_value() {
                        found.add_doubtful(argument);
                    }
                }
            }
        }
        found.container_id(verb)
    }

    /// Reads `containerd-shim-kata-v2 -namespace NS -id ID … [start|delete]` (containerd,
    /// `pkg/shim/shim.go`).
    fn read_kata_shim(&mut self, arguments: &[&'a str]) -> Option<(Verb, &'a str)> {
        let mut verb = Verb::Run;
        for argument in ArgumentScan::new(arguments, tables::KATA_SHIM, OptionDialect::GoFlag) {
            match argument {
                Argument::Positional("start") => verb = Verb::Create,
                Argument::Positional("delete") => verb = Verb::Delete,
                Argument::Positional(_) | Argument::Seam => return None,
                Argument::Option { name, value } => self.set(name, value),
                Argument::Unknown { .. } => {}
            }
        }
        Some((verb, self.id?))
    }

    /// Joins the id with the values, if it is one id and not a pattern.
    fn invocation(&self, oci_runtime: OciRuntime, verb: Verb, container_id: &'a str) -> Option<Invocation<'a>> {
        if !is_container_id(oci_runtime, container_id) || self.is_pattern {
            return None;
        }
        let caller = caller::read_caller(container_id, self.root, self.bundle, self.log, self.namespace);
        // Without the missing stretch nothing shows that there was no engine.
        let is_by_hand = !self.is_partial && !caller.is_other;
        let by_hand = is_by_hand.then(|| caller::engine_of_runtime_alone(oci_runtime));
        Some(Invocation {
            oci_runtime: Some(oci_runtime),
            verb,
            container_id,
            root: self.root,
            bundle: self.bundle,
            engine: caller.engine.or(by_hand),
            namespace: caller.namespace,
            is_partial: self.is_partial,
        })
    }
}

/// The arguments after a command that are no options and no values of known options.
#[derive(Default)]
struct PositionalArguments<'a> {
    first: Option<&'a str>,
    count: usize,
    /// Arguments behind unknown options, whose values they may be.
    first_doubtful: Option<&'a str>,
    doubtful_count: usize,
    tail: Option<TailArguments<'a>>,
}

/// The arguments behind a missing stretch.
struct TailArguments<'a> {
    /// True if the id stood before the stretch.
    is_id_in_head: bool,
    /// The first argument, if it is the last one too. Any other first argument counts as the value
    /// of an option that is missing.
    only: Option<&'a str>,
}

impl<'a> PositionalArguments<'a> {
    fn add(&mut self, argument: &'a str) {
        self.first = self.first.or(Some(argument));
        self.count += 1;
    }

    fn add_doubtful(&mut self, argument: &'a str) {
        self.first_doubtful = self.first_doubtful.or(Some(argument));
        self.doubtful_count += 1;
    }

    /// Notes that what follows stands behind a missing stretch.
    fn begin_tail(&mut self) {
        self.tail = Some(TailArguments { is_id_in_head: self.count > 0, only: None });
    }

    /// Adds the first argument behind a missing stretch.
    fn add_beside_seam(&mut self, argument: &'a str, is_last: bool) {
        if let Some(tail) = &mut self.tail {
            tail.only = is_last.then_some(argument);
        }
    }

    /// Returns the id, if only one argument can be it.
    fn container_id(&self, verb: Verb) -> Option<&'a str> {
        // `kill` takes a signal after the id; the others take nothing more.
        let most = if verb == Verb::Kill { 2 } else { 1 };
        match &self.tail {
            None => match (self.count, self.doubtful_count) {
                (0, 1) => self.first_doubtful,
                (_, 0) if self.count <= most => self.first,
                _ if self.count == most => self.first,
                _ => None,
            },
            Some(_) if self.doubtful_count > 0 || self.count > most => None,
            Some(tail) if tail.is_id_in_head => self.first,
            // Commands that end a container have no long options: a stretch that is missing there
            // is none that is understood.
            Some(_) if !verb.makes_directories() => None,
            // Whoever calls a runtime gives the id last.
            Some(tail) => self.first.or(tail.only),
        }
    }
}
