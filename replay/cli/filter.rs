//! Options that choose rows.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use obit_analysis::filter::{
    IdPattern, IdentityFilter, ImagePattern, KillerPattern, PodPattern, RowFilter, TextPattern, TimeArgument,
    TimeArgumentError,
};
use obit_analysis::span::CaseSpan;
use obit_derivation::identity::Engine;
use obit_derivation::row::Cause;

/// Options that choose containers: see [`IdentityFilter`].
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct IdentityArgs {
    /// Containers with this id, or whose id begins with these 4 or more characters
    #[arg(long = "container", value_name = "ID")]
    pub containers: Vec<IdPattern>,
    /// Containers of this name
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<TextPattern>,
    /// Containers of this Kubernetes pod, as NAME or NAMESPACE/NAME
    #[arg(long = "pod", value_name = "POD")]
    pub pods: Vec<PodPattern>,
    /// Containers in this Kubernetes namespace, or containerd's
    #[arg(long = "namespace", value_name = "NAMESPACE")]
    pub namespaces: Vec<TextPattern>,
    /// Containers of this image: its reference, of which tag, digest and docker.io/library/ may be
    /// left out, or its digest
    #[arg(long = "image", value_name = "IMAGE")]
    pub images: Vec<ImagePattern>,
    /// Containers of this engine: docker, containerd, crio, podman, …
    #[arg(long = "runtime", value_name = "ENGINE", value_delimiter = ',', value_parser = engine(), hide_possible_values = true)]
    pub runtimes: Vec<Engine>,
}

impl IdentityArgs {
    /// Returns the filter.
    pub fn filter(&self) -> IdentityFilter {
        let Self { containers, names, pods, namespaces, images, runtimes } = self.clone();
        IdentityFilter { containers, names, pods, namespaces, images, runtimes }
    }
}

/// Options that choose rows: see [`RowFilter`].
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Ends with this cause: exited, signalled, oom_killed, cgroup_killed, killed_by_runtime,
    /// host_shutdown, start_failed, never_started, unknown
    #[arg(long = "cause", value_name = "CAUSE", value_delimiter = ',', value_parser = cause(), hide_possible_values = true)]
    pub causes: Vec<Cause>,
    /// Ends with this exit code, by the kernel's word
    #[arg(long = "exit-code", value_name = "CODE", value_delimiter = ',')]
    pub exit_codes: Vec<u8>,
    /// Ends by this task, as PROGRAM, PID or PROGRAM[PID]
    #[arg(long = "killed-by", value_name = "TASK")]
    pub killers: Vec<KillerPattern>,
    /// Rows from this time on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<TimeArgument>,
    /// Rows up to this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<TimeArgument>,
    /// Rows of the last 10m, 2h, … before the case's end
    #[arg(long, value_name = "DURATION", value_parser = before_end, conflicts_with_all = ["since", "until"])]
    pub last: Option<TimeArgument>,
}

impl FilterArgs {
    /// Returns the filter for cases of this span.
    pub fn filter(&self, span: CaseSpan) -> RowFilter {
        RowFilter {
            identity: self.identity.filter(),
            causes: self.causes.clone(),
            exit_codes: self.exit_codes.clone(),
            killers: self.killers.clone(),
            since: self.since.or(self.last).map(|time| time.resolve(span)),
            until: self.until.map(|time| time.resolve(span)),
        }
    }
}

/// Parses a moment.
fn moment(text: &str) -> Result<TimeArgument, TimeArgumentError> {
    text.parse()
}

/// Parses a duration that ends with the case.
fn before_end(text: &str) -> Result<TimeArgument, String> {
    match text.parse() {
        Ok(time @ TimeArgument::BeforeEnd(_)) => Ok(time),
        _ => Err("give a duration, as 10m, 1h30m or 2d".to_owned()),
    }
}

/// Parses the name of an engine.
fn engine() -> impl TypedValueParser<Value = Engine> {
    let names = Engine::ALL.iter().map(|engine| PossibleValue::new(engine.as_str()));
    PossibleValuesParser::new(names).try_map(|name| Engine::from_name(&name).ok_or("no such engine"))
}

/// Parses the name of a cause.
fn cause() -> impl TypedValueParser<Value = Cause> {
    let names = Cause::ALL.iter().map(|cause| PossibleValue::new(cause.as_str()));
    PossibleValuesParser::new(names).try_map(|name| Cause::from_name(&name).ok_or("no such cause"))
}
