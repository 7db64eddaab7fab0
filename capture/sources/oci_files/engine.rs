//! The engine of a container, by the places of its files and by what manages it.

use obit_derivation::identity::{Engine, argv};

use super::annotations::Annotations;

/// Returns the engine behind a container, from its id, its runtime's program name, its state
/// directory and its bundle. The rules are those for argument vectors, so that a file and a command
/// line of the same container never disagree.
///
/// `None` if nothing but the program itself is known and the program is not.
pub fn engine_of(
    program: Option<&str>,
    root: Option<&str>,
    bundle: Option<&str>,
    container_id: Option<&str>,
    annotations: &Annotations,
) -> Option<Engine> {
    // libpod and CRI-O lay their bundles out alike, and both name themselves here.
    match annotations.get("io.container.manager") {
        Some("libpod") => return Some(Engine::Podman),
        Some("cri-o") => return Some(Engine::Crio),
        _ => {}
    }
    // The stand-in takes every id.
    let mut command = vec![program.unwrap_or("crun")];
    if let Some(root) = root {
        command.extend(["--root", root]);
    }
    command.push("create");
    if let Some(bundle) = bundle {
        command.extend(["--bundle", bundle]);
    }
    // An id may look like an option.
    command.extend(["--", container_id.unwrap_or("container")]);
    let engine = argv::parse(&command)?.engine?;
    (program.is_some() || engine != Engine::Crun).then_some(engine)
}
