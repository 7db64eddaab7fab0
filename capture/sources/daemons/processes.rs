//! The processes of daemons: where they listen, and where they keep their state.
//!
//! A daemon may listen anywhere. Its command line and its configuration say where; its open files
//! do too, where they may be looked at. Nothing is run and nobody is connected to.
//!
//! Sources: moby `cmd/dockerd/options.go` and `daemon/config/config.go`; containerd
//! `cmd/containerd/command/main.go` and `defaults/defaults_unix.go`; podman
//! `cmd/podman/system/service.go`; CRI-O `internal/criocli/criocli.go`; proc(5), unix(7).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::products::DaemonProduct;

/// Longest command line that is read.
const CMDLINE_BYTES: u64 = 64 << 10;
/// Largest configuration that is read.
const CONFIG_BYTES: u64 = 256 << 10;
/// Largest list of the host's sockets that is read: 100,000 of them.
const SOCKETS_BYTES: u64 = 16 << 20;
/// Daemons that are looked at in one go.
const MAX_PROCESSES: usize = 256;
/// Open files of one process that are looked at.
const MAX_FILES: usize = 4_096;
/// Sockets taken from one process.
const MAX_SOCKETS: usize = 16;

/// The process of a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonProcess {
    /// The program.
    pub product: DaemonProduct,
    /// The process id.
    pub pid: u32,
    /// The user that it runs as.
    pub uid: u32,
    /// Absolute paths of the sockets that it listens on, as far as it names them.
    pub sockets: Vec<String>,
    /// The directory in which containerd keeps the bundles of its tasks.
    pub state_directory: Option<String>,
}

/// The part of docker's configuration that is read.
#[derive(Debug, Default, Deserialize)]
struct DaemonJson {
    #[serde(default)]
    hosts: Vec<String>,
}

/// The command line of a process.
struct DaemonArguments(Vec<String>);

impl DaemonArguments {
    fn read(directory: &Path) -> Option<Self> {
        let bytes = read_bounded(&directory.join("cmdline"), CMDLINE_BYTES)?;
        let arguments = bytes.split(|byte| *byte == 0).map(|argument| String::from_utf8_lossy(argument).into_owned());
        Some(Self(arguments.collect()))
    }

    /// Iterates over the values of an option, spelt `NAME VALUE` or `NAME=VALUE`.
    fn values<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
        self.0.iter().zip(self.0.iter().skip(1).map(Some).chain([None])).filter_map(|(argument, next)| {
            if names.contains(&argument.as_str()) {
                return next.map(String::as_str);
            }
            let (name, value) = argument.split_once('=')?;
            names.contains(&name).then_some(value)
        })
    }

    fn value<'a>(&'a self, names: &'a [&str]) -> Option<&'a str> {
        self.values(names).last()
    }
}

/// Returns the daemons that run on the host, in the order of their process ids. Those of root in a
/// pid namespace of their own are left out: what is in a container speaks for nobody outside.
pub fn daemon_processes(host_root: &Path) -> Vec<DaemonProcess> {
    let proc = host_root.join("proc");
    let pids = fs::read_dir(&proc).into_iter().flatten().flatten();
    let mut pids: Vec<u32> = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    let found = pids.into_iter().filter_map(|pid| daemon_process(host_root, pid));
    let found: Vec<_> =
        found.filter(|(_, is_of_host)| *is_of_host).map(|(process, _)| process).take(MAX_PROCESSES).collect();
    with_open_sockets(&proc, found)
}

/// Returns the directory in which the containerd with this process id keeps its state.
pub fn state_directory(host_root: &Path, pid: u32) -> Option<String> {
    daemon_process(host_root, pid)?.0.state_directory
}

/// Reads one process. Returns it and whether it may speak for containers of the host.
fn daemon_process(host_root: &Path, pid: u32) -> Option<(DaemonProcess, bool)> {
    let directory = host_root.join("proc").join(pid.to_string());
    // Nearly all are of something else: one short file of each is read.
    let comm = fs::read_to_string(directory.join("comm")).ok()?;
    let product = DaemonProduct::of_comm(comm.trim_end())?;
    let status = fs::read_to_string(directory.join("status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::split_whitespace);
    let uid = field("Uid:")?.next()?.parse().ok()?;
    let is_nested = field("NSpid:").is_some_and(|pids| pids.count() > 1);
    let command = DaemonArguments::read(&directory)?;
    let sockets = sockets(host_root, product, &command)?;
    let state_directory =
        (product == DaemonProduct::Containerd).then(|| containerd_state(host_root, &command)).flatten();
    Some((DaemonProcess { product, pid, uid, sockets, state_directory }, uid != 0 || !is_nested))
}

/// Returns the sockets that a command line and the configuration name. `None` if the process is no
/// daemon: podman is a client too.
fn sockets(host_root: &Path, product: DaemonProduct, command: &DaemonArguments) -> Option<Vec<String>> {
    let options = product.facts().map_or(&[][..], |facts| facts.socket_options);
    let mut found: Vec<String> = command.values(options).map(str::to_owned).collect();
    match product {
        DaemonProduct::Docker => {
            let config = command.value(&["--config-file"]).unwrap_or("/etc/docker/daemon.json");
            let config = read_config(host_root, config).and_then(|text| serde_json::from_str(&text).ok());
            let config: DaemonJson = config.unwrap_or_default();
            found.extend(config.hosts);
        }
        DaemonProduct::Containerd if found.is_empty() => {
            found.extend(containerd_config(host_root, command).and_then(|text| toml_text(&text, "grpc", "address")));
        }
        DaemonProduct::Crio if found.is_empty() => {
            let config = read_config(host_root, "/etc/crio/crio.conf");
            found.extend(config.and_then(|text| toml_text(&text, "crio.api", "listen")));
        }
        DaemonProduct::Podman => {
            let mut rest = command.0.iter().skip_while(|argument| *argument != "system").skip(1);
            if rest.next().is_none_or(|argument| argument != "service") {
                return None;
            }
            found.extend(rest.filter(|argument| argument.starts_with("unix:")).cloned());
        }
        _ => {}
    }
    found.retain_mut(|address| {
        let path = address.strip_prefix("unix://").or_else(|| address.strip_prefix("unix:")).unwrap_or(address);
        *address = path.to_owned();
        address.starts_with('/')
    });
    found.truncate(MAX_SOCKETS);
    Some(found)
}

/// Directories of the daemons' configurations.
const CONFIGURATIONS: [&str; 3] = ["/etc/docker", "/etc/containerd", "/etc/crio"];
/// Options on the daemons' command lines that name configurations.
const CONFIG_OPTIONS: &[&str] = &["--config-file", "-c", "--config"];

/// Returns where configurations of daemons are: the usual directories, and the files that the
/// command lines of those that run now name.
pub fn configurations(host_root: &Path) -> Vec<PathBuf> {
    let usual = CONFIGURATIONS.iter().map(|path| on_host(host_root, path));
    let proc = host_root.join("proc");
    let pids = fs::read_dir(&proc).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_daemon = |directory: &PathBuf| {
        let comm = fs::read_to_string(directory.join("comm")).unwrap_or_default();
        DaemonProduct::of_comm(comm.trim_end()).is_some()
    };
    let named = pids.filter(is_daemon).take(MAX_PROCESSES).filter_map(|directory| {
        let command = DaemonArguments::read(&directory)?;
        command.value(CONFIG_OPTIONS).filter(|path| path.starts_with('/')).map(|path| on_host(host_root, path))
    });
    usual.chain(named).collect()
}

fn containerd_config(host_root: &Path, command: &DaemonArguments) -> Option<String> {
    read_config(host_root, command.value(&["-c", "--config"]).unwrap_or("/etc/containerd/config.toml"))
}

/// Returns the directory of containerd's state. `None` if that cannot be told for sure: its own
/// configuration is not there to be read, or the directory is not.
fn containerd_state(host_root: &Path, command: &DaemonArguments) -> Option<String> {
    let state = match (command.value(&["--state"]), containerd_config(host_root, command)) {
        (Some(state), _) => state.to_owned(),
        (None, Some(config)) => toml_text(&config, "", "state").unwrap_or_else(|| "/run/containerd".to_owned()),
        (None, None) if command.value(&["-c", "--config"]).is_some() => return None,
        (None, None) => "/run/containerd".to_owned(),
    };
    on_host(host_root, &state).join(TASKS).is_dir().then_some(state)
}

/// The directory of bundles below that of containerd's state (containerd
/// `runtime/v2/manager.go`).
const TASKS: &str = "io.containerd.runtime.v2.task";

/// Returns the bundle of a container's task.
pub fn bundle(state_directory: &str, namespace: &str, container_id: &str) -> String {
    format!("{}/{TASKS}/{namespace}/{container_id}", state_directory.trim_end_matches('/'))
}

/// Returns the state directory that a bundle of a task is in.
pub fn state_of_bundle<'a>(bundle: &'a str, namespace: &str, container_id: &str) -> Option<&'a str> {
    let rest = bundle.strip_suffix(container_id)?.strip_suffix('/')?.strip_suffix(namespace)?.strip_suffix('/')?;
    rest.strip_suffix(TASKS)?.strip_suffix('/')
}

/// Adds the sockets that the processes have open, where this process may look at that.
fn with_open_sockets(proc: &Path, mut found: Vec<DaemonProcess>) -> Vec<DaemonProcess> {
    let mut open: Vec<(usize, u64)> = Vec::new();
    for (place, process) in found.iter().enumerate() {
        let files = fs::read_dir(proc.join(process.pid.to_string()).join("fd")).into_iter().flatten().flatten();
        let inode = |link: PathBuf| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
        let inodes = files.take(MAX_FILES).filter_map(|file| inode(fs::read_link(file.path()).ok()?));
        open.extend(inodes.map(|inode| (place, inode)));
    }
    if open.is_empty() {
        return found;
    }
    let table = read_bounded(&proc.join("net/unix"), SOCKETS_BYTES).unwrap_or_default();
    let listening = listening_sockets(&String::from_utf8_lossy(&table));
    for (place, inode) in open {
        if let (Some(process), Some(path)) = (found.get_mut(place), listening.get(&inode))
            && process.sockets.len() < MAX_SOCKETS
            && may_be_asked(process.product, path)
            && !process.sockets.contains(path)
        {
            process.sockets.push(path.clone());
        }
    }
    found
}

/// Returns true if a socket that a daemon listens on may be the one for its clients. A daemon has
/// others: for its metrics, for the shims that it started, for plugins.
fn may_be_asked(product: DaemonProduct, path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    match product {
        DaemonProduct::Containerd => file.ends_with(".sock") && !file.contains("debug"),
        DaemonProduct::Docker => {
            file.ends_with(".sock")
                && !path.contains("/plugins/")
                && !path.contains("/libnetwork/")
                && !file.contains("metrics")
        }
        _ => file.ends_with(".sock"),
    }
}

/// Returns the paths of listening sockets by inode, from the table of proc(5): `Num RefCount
/// Protocol Flags Type St Inode Path`.
fn listening_sockets(table: &str) -> BTreeMap<u64, String> {
    const ACCEPTS_CONNECTIONS: u32 = 0x1_0000;
    let read = |line: &str| {
        let mut fields = line.split_whitespace();
        let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        let inode = fields.nth(2)?.parse().ok()?;
        let path = fields.next().filter(|path| path.starts_with('/') && flags & ACCEPTS_CONNECTIONS != 0)?;
        Some((inode, path.to_owned()))
    };
    table.lines().filter_map(read).collect()
}

/// Returns the place of an absolute path below the host's root. `/var/run` is `/run` everywhere,
/// mostly by a link that leads elsewhere below another root.
pub fn on_host(host_root: &Path, path: &str) -> PathBuf {
    let path = path.strip_prefix("/var/run/").map_or_else(|| path.to_owned(), |rest| format!("/run/{rest}"));
    host_root.join(path.trim_start_matches('/'))
}

fn read_config(host_root: &Path, path: &str) -> Option<String> {
    let bytes = path.starts_with('/').then(|| read_bounded(&on_host(host_root, path), CONFIG_BYTES))??;
    String::from_utf8(bytes).ok()
}

/// Reads a regular file up to a bound.
fn read_bounded(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let file = fs::metadata(path).ok()?.is_file().then(|| fs::File::open(path).ok())??;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Returns the text of a key in a table of a TOML file; the table without a name comes first. Reads
/// what daemons' configurations are made of, a line a value, and nothing else.
fn toml_text(text: &str, table: &str, key: &str) -> Option<String> {
    let mut current = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            current = name.trim();
        } else if current == table
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == key
        {
            let value = value.trim();
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            return value.get(1..)?.split(quote).next().map(str::to_owned);
        }
    }
    None
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Writes a process into a host's directory.
    pub fn write_process(host: &Path, pid: u32, uid: u32, pids: &str, command: &[&str]) {
        let directory = host.join(format!("proc/{pid}"));
        fs::create_dir_all(&directory).unwrap();
        let comm = command[0].rsplit('/').next().unwrap();
        fs::write(directory.join("comm"), format!("{}\n", &comm[..comm.len().min(15)])).unwrap();
        let status = format!("Name:\t{comm}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nNSpid:\t{pids}\n");
        fs::write(directory.join("status"), status).unwrap();
        fs::write(
            directory.join("cmdline"),
            command.iter().map(|argument| format!("{argument}\0")).collect::<String>(),
        )
        .unwrap();
    }

    fn write(host: &Path, path: &str, text: &str) {
        fs::create_dir_all(host.join(path).parent().unwrap()).unwrap();
        fs::write(host.join(path), text).unwrap();
    }

    #[test]
    fn a_daemon_says_where_it_listens() {
        let cases: [(&[&str], &[&str]); 14] = [
            (&["/usr/sbin/dockerd", "-H", "unix:///run/other.sock", "--host=tcp://1.2.3.4:5"], &["/run/other.sock"]),
            (&["dockerd", "-H", "fd://", "--containerd=/run/containerd/containerd.sock"], &[]),
            (&["dockerd", "--config-file", "/etc/other.json"], &["/srv/by-file.sock"]),
            (&["dockerd", "--host"], &[]),
            (&["balena-engine-daemon", "-H", "unix:///b.sock"], &["/b.sock"]),
            (&["containerd", "--config", "/etc/c2.toml"], &["/run/c2.sock"]),
            (&["containerd", "-c", "/etc/c2.toml", "-a", "/run/a.sock"], &["/run/a.sock"]),
            (&["containerd"], &[]),
            (&["podman", "--log-level", "info", "system", "service", "--time=0", "unix:///p.sock"], &["/p.sock"]),
            (&["podman", "system", "service", "--time=0"], &[]),
            (&["crio", "--listen", "/run/c.sock"], &["/run/c.sock"]),
            (&["isulad", "-H", "unix:///i.sock"], &["/i.sock"]),
            (&["crio"], &["/run/by-conf.sock"]),
            (&["buildkitd", "--addr", "unix:///k.sock"], &["/k.sock"]),
        ];
        let host = tempfile::tempdir().unwrap();
        write(
            host.path(),
            "etc/other.json",
            r#"{"hosts":["unix:///srv/by-file.sock","tcp://0.0.0.0:1"],"debug":true}"#,
        );
        write(
            host.path(),
            "etc/c2.toml",
            "version = 2\nstate = \"/s\"\n[debug]\n address = '/d'\n[grpc] # x\n  address = \"/run/c2.sock\" # y\n",
        );
        write(
            host.path(),
            "etc/crio/crio.conf",
            "[crio]\nlisten = \"/no\"\n[crio.api]\nlisten = \"/run/by-conf.sock\"\n",
        );
        for (pid, (command, _)) in (1..).zip(&cases) {
            write_process(host.path(), pid, 0, &pid.to_string(), command);
        }
        let found: BTreeMap<u32, Vec<String>> =
            daemon_processes(host.path()).into_iter().map(|process| (process.pid, process.sockets)).collect();
        for (pid, (command, expected)) in (1..).zip(&cases) {
            assert_eq!(found.get(&pid).map(Vec::as_slice).unwrap_or_default(), *expected, "{command:?}");
        }
        assert_eq!(found.len(), cases.len());
    }

    #[test]
    fn what_is_no_daemon_or_in_a_container_is_left_out() {
        let host = tempfile::tempdir().unwrap();
        write_process(host.path(), 1, 0, "1", &["podman", "run", "busybox"]);
        write_process(host.path(), 2, 0, "2", &["sh", "-c", "dockerd -H unix:///x"]);
        write_process(host.path(), 3, 0, "3\t7", &["dockerd", "-H", "unix:///inside.sock"]);
        write_process(host.path(), 4, 1000, "4\t8", &["dockerd", "-H", "unix:///run/user/1000/d.sock"]);
        let found = daemon_processes(host.path());
        assert_eq!(found.iter().map(|process| (process.pid, process.uid)).collect::<Vec<_>>(), [(4, 1000)]);
    }

    #[test]
    fn containerds_state_is_where_its_arguments_or_its_file_say_if_it_is_there() {
        let host = tempfile::tempdir().unwrap();
        for state in ["run/containerd", "srv/state", "run/docker/containerd/daemon"] {
            fs::create_dir_all(host.path().join(state).join(TASKS)).unwrap();
        }
        write(host.path(), "etc/c.toml", "state = \"/var/run/docker/containerd/daemon\"\n[plugins]\nstate = \"/x\"\n");
        write(host.path(), "etc/bare.toml", "version = 2\n");
        for (command, expected) in [
            (&["containerd"][..], Some("/run/containerd")),
            (&["containerd", "--config", "/etc/bare.toml"], Some("/run/containerd")),
            (&["containerd", "--config", "/etc/c.toml"], Some("/var/run/docker/containerd/daemon")),
            (&["containerd", "--config", "/etc/c.toml", "--state", "/srv/state"], Some("/srv/state")),
            (&["containerd", "--config", "/etc/absent.toml"], None),
            (&["containerd", "--state", "/srv/absent"], None),
            (&["dockerd"], None),
        ] {
            write_process(host.path(), 7, 0, "7", command);
            assert_eq!(state_directory(host.path(), 7).as_deref(), expected, "{command:?}");
        }
        let bundle = bundle("/srv/state/", "shop", "web");
        assert_eq!(bundle, "/srv/state/io.containerd.runtime.v2.task/shop/web");
        assert_eq!(state_of_bundle(&bundle, "shop", "web"), Some("/srv/state"));
        assert_eq!(state_of_bundle(&bundle, "lab", "web"), None);
    }

    #[test]
    fn a_process_that_was_handed_its_socket_is_known_by_its_open_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("handed.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let _client = std::os::unix::net::UnixStream::connect(&path).unwrap();
        let process = DaemonProcess {
            product: DaemonProduct::Docker,
            pid: std::process::id(),
            uid: 0,
            sockets: Vec::new(),
            state_directory: None,
        };
        let found = with_open_sockets(Path::new("/proc"), vec![process]);
        assert!(found[0].sockets.contains(&path.to_str().unwrap().to_owned()), "{:?}", found[0].sockets);
    }
}
