//! Options of a command line that state a filter.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use obit_derivation::identity::Engine;
use obit_derivation::row::Cause;

use crate::{IdPattern, IdentityFilter, ImagePattern, PodPattern, TextPattern};

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
    #[arg(id = "engines", long = "runtime", alias = "engine", value_name = "ENGINE", value_delimiter = ',')]
    #[arg(value_parser = engine(), hide_possible_values = true)]
    pub runtimes: Vec<Engine>,
}

impl IdentityArgs {
    /// Returns the filter.
    pub fn filter(&self) -> IdentityFilter {
        let Self { containers, names, pods, namespaces, images, runtimes } = self.clone();
        IdentityFilter { containers, names, pods, namespaces, images, runtimes }
    }
}

/// The option that chooses ends by their cause.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct CauseArgs {
    /// Ends with this cause: exited, signalled, oom_killed, cgroup_killed, killed_by_runtime,
    /// host_shutdown, start_failed, never_started, unknown
    #[arg(long = "cause", value_name = "CAUSE", value_delimiter = ',', value_parser = cause(), hide_possible_values = true)]
    pub causes: Vec<Cause>,
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
