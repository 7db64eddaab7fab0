//! Checks which container engines and runtimes this host has.
//!
//! The check looks for programs and sockets by name. It runs nothing and connects to no socket:
//! that would start a service that waits for its first connection.

use std::path::Path;

use super::report::CheckItem;
use crate::host::hierarchies::{CgroupMode, Hierarchies};
use crate::host::read_thread::ReadThread;
use crate::sources::daemons::{
    DaemonProcess, DaemonProduct, PRODUCTS, ProductFacts, SocketOwner, UnaskedReason, daemon_processes, sockets_of,
    unasked_reason,
};
use crate::sources::oci_files::{OciFiles, READ_LIMIT, scan};

/// Directories of installed programs.
const PROGRAM_DIRECTORIES: &[&str] =
    &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/snap/bin", "/opt/bin"];

/// A runtime without a daemon.
struct DaemonlessRuntime {
    /// The name that is shown.
    name: &'static str,
    /// Programs that are installed with it.
    programs: &'static [&'static str],
    /// The part of its containers' lives that is not seen, and why.
    unseen: Option<&'static str>,
}

const fn runtime(
    name: &'static str,
    programs: &'static [&'static str],
    unseen: Option<&'static str>,
) -> DaemonlessRuntime {
    DaemonlessRuntime { name, programs, unseen }
}

const WITHOUT_DAEMON: &[DaemonlessRuntime] = &[
    runtime("runc", &["runc"], None),
    runtime("crun", &["crun"], None),
    runtime("youki", &["youki"], None),
    runtime(
        "gvisor",
        &["runsc"],
        Some(
            "of a container its sandbox is seen, not the program in it, which the host's kernel does not run: its \
              exit code is known by what a daemon reports",
        ),
    ),
    runtime(
        "kata",
        &["kata-runtime", "containerd-shim-kata-v2"],
        Some("of a pod its virtual machine is seen, not the containers in it"),
    ),
    runtime("lxc", &["lxc-start", "incusd", "lxd"], None),
    runtime("systemd-nspawn", &["systemd-nspawn"], None),
];

/// Looks for engines and runtimes below the host's root.
pub fn examine(host_root: &Path, hierarchies: Option<&Hierarchies>) -> Vec<CheckItem> {
    let processes = daemon_processes(host_root);
    let mut items: Vec<_> = PRODUCTS.iter().map(|facts| daemon_item(host_root, facts, &processes)).collect();
    items.extend(WITHOUT_DAEMON.iter().map(|facts| match installed(host_root, facts.programs).as_slice() {
        [] => CheckItem::missing(facts.name, "not found"),
        found => {
            let unseen = facts.unseen.map(|unseen| format!("; {unseen}"));
            CheckItem::ok(facts.name, list(found) + &unseen.unwrap_or_default())
        }
    }));
    items.extend(without_cgroups(host_root, hierarchies, &processes));
    if let Some(hierarchies) = hierarchies {
        let summary = scan(&OciFiles::new(host_root, hierarchies.clone()), &mut ReadThread::new(READ_LIMIT), |_| {});
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

/// Tells of containers that their engine runs without cgroups of their own. `None` if there is no
/// engine here that does.
fn without_cgroups(
    host_root: &Path,
    hierarchies: Option<&Hierarchies>,
    processes: &[DaemonProcess],
) -> Option<CheckItem> {
    const NAME: &str = "containers without cgroups";
    const UNSEEN: &str = "nothing but the exit of the process that the engine names as their init is seen of them: \
                          no creation, no removal, no usage, no OOM kill";
    // moby daemon/daemon_linux.go, `UsingSystemd` and `getCgroupDriver`: rootless, without v2 and a
    // systemd of the user, the driver is `none`.
    let is_v2 = hierarchies.is_some_and(|hierarchies| hierarchies.mode == CgroupMode::V2);
    let is_rootless = |process: &&DaemonProcess| process.product == DaemonProduct::Docker && process.uid != 0;
    let rootless: Vec<_> = processes.iter().filter(is_rootless).map(|process| process.uid.to_string()).collect();
    if !rootless.is_empty() && !is_v2 {
        let found = format!("docker of user {} (\"Cgroup Driver: none\")", list(&rootless));
        return Some(CheckItem::warning(NAME, found, "nothing is seen of them: no creation, no end, no usage"));
    }
    let has_podman = PROGRAM_DIRECTORIES
        .iter()
        .any(|directory| host_root.join(directory.trim_start_matches('/')).join("podman").is_file());
    has_podman.then(|| CheckItem::ok(NAME, format!("those of podman --cgroups=disabled; {UNSEEN}")))
}

/// Returns the programs that are installed below the host's root.
fn installed(host_root: &Path, programs: &[&str]) -> Vec<String> {
    let below = |path: &str| host_root.join(path.trim_start_matches('/'));
    let mut found = Vec::new();
    // Directories of programs may be links to each other (/bin to /usr/bin): the first is enough.
    for program in programs {
        let paths = PROGRAM_DIRECTORIES.iter().map(|directory| format!("{directory}/{program}"));
        found.extend(paths.into_iter().find(|path| below(path).is_file()));
    }
    found
}

fn daemon_item(host_root: &Path, facts: &ProductFacts, processes: &[DaemonProcess]) -> CheckItem {
    let mut found = installed(host_root, facts.programs);
    let daemon = facts.product;
    let sockets = sockets_of(host_root, daemon, processes);
    let running: Vec<_> = processes.iter().filter(|process| process.product == daemon).collect();
    if found.is_empty() && sockets.is_empty() && running.is_empty() {
        return CheckItem::missing(facts.name, "not found");
    }
    if sockets.is_empty() && running.is_empty() {
        found.push("no socket: not running".to_owned());
    }
    found.extend(sockets.iter().map(|(path, owner)| match owner {
        SocketOwner::User(uid) => format!("{} (asked about containers of user {uid} only)", path.display()),
        SocketOwner::Root | SocketOwner::Given => path.display().to_string(),
    }));
    let unasked = running.iter().filter_map(|process| {
        let reason = unasked_reason(host_root, process, &sockets)?;
        Some(format!("process {} is not asked: {}", process.pid, describe(reason)))
    });
    let unasked: Vec<_> = unasked.collect();
    if unasked.is_empty() || facts.kinds.is_empty() {
        return CheckItem::ok(facts.name, list(&found));
    }
    found.push(list(&unasked));
    let kind = facts.kinds[0].as_str();
    let advice = format!("give its socket with --runtime {kind}=PATH: its containers stay without names and images");
    CheckItem::warning(facts.name, list(&found), advice)
}

fn describe(reason: UnaskedReason) -> &'static str {
    match reason {
        UnaskedReason::NamesNone => "it names no socket",
        UnaskedReason::NotThere => "there is no socket where it says that it listens",
        UnaskedReason::NotOfRoot => "others than root may replace its socket",
    }
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
    use std::os::unix::fs::{PermissionsExt as _, symlink};
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
        fs::write(host.path().join("usr/sbin/runsc"), "").unwrap();
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
        assert_eq!(
            line("podman"),
            (
                CheckStatus::Ok,
                "/run/user/1000/podman/podman.sock (asked about containers of user 1000 only)".to_owned()
            )
        );
        assert_eq!(line("cri-o"), (CheckStatus::Missing, "not found".to_owned()));
        let (status, found) = line("gvisor");
        assert_eq!(status, CheckStatus::Ok);
        assert!(found.starts_with("/usr/sbin/runsc; of a container its sandbox is seen"), "{found}");
    }

    #[test]
    fn a_daemon_that_listens_elsewhere_is_found_or_told_of() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir_all(host.path().join("srv")).unwrap();
        let _docker = UnixListener::bind(host.path().join("srv/docker.sock")).unwrap();
        let run = |pid: u32, uid: u32, command: &[&str]| {
            let directory = host.path().join(format!("proc/{pid}"));
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("comm"), command[0]).unwrap();
            fs::write(directory.join("status"), format!("Uid:\t{uid}\nNSpid:\t1\n")).unwrap();
            fs::write(directory.join("cmdline"), command.join("\0")).unwrap();
        };
        let status = || {
            let items = examine(host.path(), None);
            let item = items.into_iter().find(|item| item.name == "docker").unwrap();
            (item.status, item.found.replace(host.path().to_str().unwrap(), ""), item.advice)
        };
        run(7, 12345, &["dockerd", "-H", "unix:///srv/docker.sock"]);
        let of_user = "/srv/docker.sock (asked about containers of user 12345 only)";
        assert_eq!(status(), (CheckStatus::Ok, of_user.to_owned(), None));
        run(8, 12345, &["dockerd", "-H", "unix:///gone/docker.sock"]);
        let (is, found, advice) = status();
        let not_there = "process 8 is not asked: there is no socket where it says that it listens";
        assert_eq!((is, found), (CheckStatus::Warning, format!("{of_user}, {not_there}")));
        assert!(advice.unwrap().contains("--runtime docker=PATH"));
        // What a daemon of root says counts for all containers, so its socket must be root's.
        fs::set_permissions(host.path().join("srv"), fs::Permissions::from_mode(0o777)).unwrap();
        run(7, 0, &["dockerd", "-H", "unix:///srv/docker.sock"]);
        run(8, 0, &["dockerd"]);
        let found = "process 7 is not asked: others than root may replace its socket, process 8 is not asked: it names no socket";
        assert_eq!((status().0, status().1), (CheckStatus::Warning, found.to_owned()));
    }

    #[test]
    fn engines_that_make_no_cgroups_are_told_of() {
        let host = tempfile::tempdir().unwrap();
        let hierarchies = |mode| Hierarchies { mode, mounted: Vec::new(), unmounted: Vec::new() };
        let (hybrid, v2) = (hierarchies(CgroupMode::Hybrid), hierarchies(CgroupMode::V2));
        let process = |uid| DaemonProcess {
            product: DaemonProduct::Docker,
            pid: 7,
            uid,
            sockets: Vec::new(),
            state_directory: None,
        };
        let status = |mode, processes: &[DaemonProcess]| {
            without_cgroups(host.path(), Some(mode), processes).map(|item| (item.status, item.found))
        };
        assert_eq!(status(&hybrid, &[process(0)]), None);
        assert_eq!(status(&v2, &[process(1000)]), None, "where the user has a systemd");
        let found = "docker of user 1000 (\"Cgroup Driver: none\")".to_owned();
        assert_eq!(status(&hybrid, &[process(1000)]), Some((CheckStatus::Warning, found)));
        fs::create_dir_all(host.path().join("usr/bin")).unwrap();
        fs::write(host.path().join("usr/bin/podman"), "").unwrap();
        let (status, found) = status(&v2, &[]).expect("podman can");
        assert!(status == CheckStatus::Ok && found.contains("--cgroups=disabled"), "{found}");
    }

    #[test]
    fn long_lists_are_cut_with_their_count() {
        let all: Vec<_> = (0..9).map(|number| number.to_string()).collect();
        assert_eq!(list(&all), "0, 1, 2, 3, 4, 5 and 3 more");
        assert_eq!(list(&all[..2]), "0, 1");
    }
}
