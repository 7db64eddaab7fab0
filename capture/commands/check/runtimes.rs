//! Checks which container engines and runtimes this host has.
//!
//! The check looks for programs and sockets by name. It runs nothing and connects to no socket:
//! that would start a service that waits for its first connection.

use std::path::Path;

use obit_derivation::identity::Engine;

use super::report::CheckItem;
use crate::host::hierarchies::Hierarchies;
use crate::sources::daemons::sockets_of;
use crate::sources::oci_files::{OciFiles, scan};

/// Directories of installed programs.
const PROGRAM_DIRECTORIES: &[&str] =
    &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/snap/bin", "/opt/bin"];

/// An engine or runtime, and its programs.
struct EngineProduct {
    name: &'static str,
    /// The engine whose daemons' sockets are looked for.
    engine: Option<Engine>,
    programs: &'static [&'static str],
}

const PRODUCTS: &[EngineProduct] = &[
    EngineProduct { name: "docker", engine: Some(Engine::Docker), programs: &["dockerd"] },
    EngineProduct { name: "containerd", engine: Some(Engine::Containerd), programs: &["containerd"] },
    EngineProduct { name: "cri-o", engine: Some(Engine::Crio), programs: &["crio"] },
    EngineProduct { name: "podman", engine: Some(Engine::Podman), programs: &["podman"] },
    EngineProduct { name: "buildkit", engine: Some(Engine::Buildkit), programs: &["buildkitd"] },
    EngineProduct { name: "runc", engine: None, programs: &["runc"] },
    EngineProduct { name: "crun", engine: None, programs: &["crun"] },
    EngineProduct { name: "youki", engine: None, programs: &["youki"] },
    EngineProduct { name: "gvisor", engine: None, programs: &["runsc"] },
    EngineProduct { name: "kata", engine: None, programs: &["kata-runtime", "containerd-shim-kata-v2"] },
    EngineProduct { name: "lxc", engine: None, programs: &["lxc-start", "incusd", "lxd"] },
    EngineProduct { name: "systemd-nspawn", engine: None, programs: &["systemd-nspawn"] },
];

/// Looks for engines and runtimes below the host's root.
pub fn examine(host_root: &Path, hierarchies: Option<&Hierarchies>) -> Vec<CheckItem> {
    let mut items: Vec<_> = PRODUCTS.iter().map(|product| item(host_root, product)).collect();
    if let Some(hierarchies) = hierarchies {
        let summary = scan(&OciFiles::new(host_root, hierarchies.clone()), |_| {});
        let found = match summary.roots.as_slice() {
            [] => "no state directories".to_owned(),
            roots => format!("{} in {}", summary.containers, list(roots)),
        };
        items.push(if let Some(problem) = summary.incomplete.first() {
            let advice = format!("run as root (sudo): {problem}; containers that run already may stay without a name");
            CheckItem::warning("containers with state", found, advice)
        } else if summary.roots.is_empty() {
            CheckItem::missing("containers with state", found)
        } else {
            CheckItem::ok("containers with state", found)
        });
    }
    items
}

fn item(host_root: &Path, product: &EngineProduct) -> CheckItem {
    let below = |path: &str| host_root.join(path.trim_start_matches('/'));
    let mut found = Vec::new();
    // Directories of programs may be links to each other (/bin to /usr/bin): the first is enough.
    for program in product.programs {
        let paths = PROGRAM_DIRECTORIES.iter().map(|directory| format!("{directory}/{program}"));
        found.extend(paths.into_iter().find(|path| below(path).is_file()));
    }
    let sockets = product.engine.and_then(|engine| sockets_of(host_root, engine));
    if found.is_empty() && sockets.as_ref().is_none_or(Vec::is_empty) {
        return CheckItem::missing(product.name, "not found");
    }
    if sockets.as_ref().is_some_and(Vec::is_empty) {
        found.push("no socket: not running".to_owned());
    }
    found.extend(sockets.iter().flatten().map(|path| path.display().to_string()));
    CheckItem::ok(product.name, list(&found))
}

/// Lists the first few, and the number of the others.
fn list(all: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut text = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN {
        text.push_str(&format!(" and {} more", all.len() - SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::report::CheckStatus;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[test]
    fn programs_and_sockets_are_found_below_the_hosts_root_once() {
        let host = tempfile::tempdir().unwrap();
        for directory in ["usr/sbin", "run/user/1000/podman", "var"] {
            fs::create_dir_all(host.path().join(directory)).unwrap();
        }
        symlink("usr/sbin", host.path().join("sbin")).unwrap();
        symlink("../run", host.path().join("var/run")).unwrap();
        fs::write(host.path().join("usr/sbin/dockerd"), "").unwrap();
        fs::write(host.path().join("usr/sbin/containerd"), "").unwrap();
        let _docker = UnixListener::bind(host.path().join("run/docker.sock")).unwrap();
        let _podman = UnixListener::bind(host.path().join("run/user/1000/podman/podman.sock")).unwrap();
        // A file is no socket.
        fs::create_dir(host.path().join("run/crio")).unwrap();
        fs::write(host.path().join("run/crio/crio.sock"), "").unwrap();

        let items = examine(host.path(), None);
        let line = |name: &str| {
            let item = items.iter().find(|item| item.name == name).unwrap();
            (item.status, item.found.replace(host.path().to_str().unwrap(), ""))
        };
        assert_eq!(line("docker"), (CheckStatus::Ok, "/usr/sbin/dockerd, /run/docker.sock".to_owned()));
        assert_eq!(line("containerd"), (CheckStatus::Ok, "/usr/sbin/containerd, no socket: not running".to_owned()));
        assert_eq!(line("podman"), (CheckStatus::Ok, "/run/user/1000/podman/podman.sock".to_owned()));
        assert_eq!(line("cri-o"), (CheckStatus::Missing, "not found".to_owned()));
    }

    #[test]
    fn long_lists_are_cut_with_their_count() {
        let all: Vec<_> = (0..9).map(|number| number.to_string()).collect();
        assert_eq!(list(&all), "0, 1, 2, 3, 4, 5 and 3 more");
        assert_eq!(list(&all[..2]), "0, 1");
    }
}
