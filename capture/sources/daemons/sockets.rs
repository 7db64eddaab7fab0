//! The daemons' sockets: where they usually are, where daemons say that they listen, and who may
//! speak there.
//!
//! A socket below a user's runtime directory is that user's. What it says counts for his containers
//! only, or every user could rename every container.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use obit_derivation::record::Outcome;
use tokio::net::UnixStream;

use super::failure::{Failure, within_time};
use super::kind::{DaemonKind, RuntimeChoice};
use super::processes::{DaemonProcess, on_host};
use super::products::{DaemonProduct, OF_ROOT, OF_USERS};

/// Longest wait for a connection to be accepted into the daemon's queue.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Users whose sockets are looked for.
const MAX_USERS: usize = 1_000;
/// Daemons asked at most.
const MAX_DAEMONS: usize = 64;

/// The user for whom a daemon speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SocketOwner {
    /// A place that only root can write to.
    Root,
    /// Named by whoever runs the capture.
    Given,
    /// A place of this user's.
    User(u32),
}

/// A socket to ask.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The interface.
    pub kind: DaemonKind,
    /// The socket.
    pub path: PathBuf,
    /// The owner of the place.
    pub owner: SocketOwner,
}

impl Endpoint {
    /// Connects to the daemon.
    ///
    /// # Errors
    /// Nobody listens, we may not, it takes too long, or somebody else than the owner listens.
    pub async fn connect(&self) -> Result<UnixStream, Failure> {
        let stream = within_time(CONNECT_LIMIT, async {
            UnixStream::connect(&self.path).await.map_err(|error| Failure::of_io(&error))
        })
        .await?;
        if let SocketOwner::User(uid) = self.owner {
            // A link to another root's socket must not make the recorder speak to it on the user's
            // behalf.
            let peer = stream.peer_cred().map_err(|error| Failure::of_io(&error))?.uid();
            if peer != uid {
                let why = format!("uid {peer} listens in a place of uid {uid}'s");
                return Err(Failure::new(Outcome::Denied, why));
            }
        }
        Ok(stream)
    }

    /// Returns a request as a record shows it: the interface, the socket, and `what` was asked.
    pub fn request(&self, what: &str) -> String {
        format!("{} {} {what}", self.kind.as_str(), obit_schema::text::escape(self.path.as_os_str().as_encoded_bytes()))
    }
}

/// The places of sockets: the usual ones, and those given.
#[derive(Clone, Debug)]
pub struct SocketPaths {
    /// The root directory of the host's file system.
    pub host_root: PathBuf,
    /// The choices on the command line.
    pub choices: Vec<RuntimeChoice>,
}

impl SocketPaths {
    /// Returns true if no daemon is to be asked at all.
    pub fn is_off(&self) -> bool {
        self.looks_for_none() && self.given().next().is_none()
    }

    /// Returns true if daemons of a kind are looked for or given.
    pub fn wants(&self, kind: DaemonKind) -> bool {
        !self.looks_for_none() || self.given().any(|endpoint| endpoint.kind == kind)
    }

    fn looks_for_none(&self) -> bool {
        self.choices.contains(&RuntimeChoice::None)
    }

    fn given(&self) -> impl Iterator<Item = Endpoint> + '_ {
        self.choices.iter().filter_map(|choice| match choice {
            RuntimeChoice::None => None,
            RuntimeChoice::Socket(kind, path) => {
                Some(Endpoint { kind: *kind, path: path.clone(), owner: SocketOwner::Given })
            }
        })
    }

    /// Returns the sockets that are there now, at the usual places and where these processes
    /// listen, and those given whether they are there or not. Each socket once a kind.
    pub fn look(&self, processes: &[DaemonProcess]) -> Vec<Endpoint> {
        let mut endpoints: Vec<Endpoint> = self.given().collect();
        let given: BTreeSet<DaemonKind> = endpoints.iter().map(|endpoint| endpoint.kind).collect();
        let mut seen = BTreeSet::new();
        if !self.looks_for_none() {
            for FoundSocket { product, path, owner, identity } in found(&self.host_root, processes) {
                let new =
                    product.kinds().iter().filter(|&kind| !given.contains(kind) && seen.insert((*kind, identity)));
                endpoints.extend(new.map(|&kind| Endpoint { kind, path: path.clone(), owner }));
            }
        }
        endpoints.truncate(MAX_DAEMONS);
        endpoints
    }
}

/// Returns the sockets of a product's daemons that are there now, each once, with the user for whom
/// each speaks.
///
/// Nothing is connected to: that would start a service that waits for its first connection.
pub fn sockets_of(
    host_root: &Path,
    product: DaemonProduct,
    processes: &[DaemonProcess],
) -> Vec<(PathBuf, SocketOwner)> {
    let mut seen = BTreeSet::new();
    let of_product =
        found(host_root, processes).filter(|socket| socket.product == product && seen.insert(socket.identity));
    of_product.map(|socket| (socket.path, socket.owner)).collect()
}

/// The reason why a daemon that runs is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaskedReason {
    /// It names no socket, and none is at a usual place.
    NamesNone,
    /// There is no socket where it says that it listens.
    NotThere,
    /// It runs as root, and others than root may put a socket where it says that it listens.
    NotOfRoot,
}

/// Returns why a daemon is not asked, or `None` if it is.
pub fn unasked_reason(
    host_root: &Path,
    process: &DaemonProcess,
    sockets: &[(PathBuf, SocketOwner)],
) -> Option<UnaskedReason> {
    let named: Vec<PathBuf> = process.sockets.iter().map(|path| on_host(host_root, path)).collect();
    if named.is_empty() {
        // A daemon whose socket was handed to it does not name it; if there is one, it is that.
        return sockets.is_empty().then_some(UnaskedReason::NamesNone);
    }
    if named.iter().any(|path| sockets.iter().any(|(found, _)| found == path)) {
        return None;
    }
    let is_there = named.iter().any(|path| identity(path).is_some());
    Some(if is_there { UnaskedReason::NotOfRoot } else { UnaskedReason::NotThere })
}

/// A socket of a daemon.
struct FoundSocket {
    product: DaemonProduct,
    path: PathBuf,
    owner: SocketOwner,
    identity: (u64, u64),
}

/// Looks for sockets at the usual places, root's first, then where the processes listen.
fn found(host_root: &Path, processes: &[DaemonProcess]) -> impl Iterator<Item = FoundSocket> {
    // Usually a link to /run. An absolute link below another root does not show what it leads to.
    let var_run_is_real = fs::symlink_metadata(host_root.join("var/run")).is_ok_and(|found| found.is_dir());
    let of_root = OF_ROOT
        .iter()
        .filter(move |usual| var_run_is_real || !usual.path.starts_with("var/run/"))
        .map(|usual| (usual.product, host_root.join(usual.path), SocketOwner::Root));
    let of_users = users(host_root).into_iter().flat_map(|(uid, directory)| {
        let owner = owner_of(uid);
        OF_USERS.iter().map(move |usual| (usual.product, directory.join(usual.path), owner))
    });
    let of_processes = processes.iter().flat_map(|process| {
        process.sockets.iter().map(|path| (process.product, on_host(host_root, path), owner_of(process.uid)))
    });
    let named: Vec<_> =
        of_processes.filter(|(_, path, owner)| *owner != SocketOwner::Root || is_of_root(path)).collect();
    of_root.chain(of_users).chain(named).filter_map(|(product, path, owner)| {
        let identity = identity(&path)?;
        Some(FoundSocket { product, path, owner, identity })
    })
}

fn owner_of(uid: u32) -> SocketOwner {
    if uid == 0 { SocketOwner::Root } else { SocketOwner::User(uid) }
}

/// Returns true if only root can have put a socket here: what a process named like a daemon says of
/// itself must not give a place of somebody else's root's trust.
fn is_of_root(path: &Path) -> bool {
    const OTHERS_WRITE: u32 = 0o002;
    let of_root = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.uid() == 0);
    let is_closed = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.mode() & OTHERS_WRITE == 0);
    of_root(path) && path.parent().is_some_and(|directory| of_root(directory) && is_closed(directory))
}

/// Returns the runtime directories of users (pam_systemd(8), XDG_RUNTIME_DIR) by user id.
fn users(host_root: &Path) -> BTreeMap<u32, PathBuf> {
    let entries = fs::read_dir(host_root.join("run/user")).into_iter().flatten().flatten().take(MAX_USERS);
    entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()))).collect()
}

/// Returns device and inode of a socket; `None` of anything else, links included.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    found.file_type().is_socket().then(|| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::sources::daemons::processes::daemon_processes;
    use crate::sources::daemons::processes::tests::write_process;

    fn host(sockets: &[&str]) -> (tempfile::TempDir, Vec<UnixListener>) {
        let host = tempfile::tempdir().unwrap();
        let bind = |socket: &&str| {
            let path = host.path().join(socket);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            UnixListener::bind(path).unwrap()
        };
        let listeners = sockets.iter().map(bind).collect();
        (host, listeners)
    }

    fn look(host: &Path, choices: &[&str]) -> Vec<(DaemonKind, String, SocketOwner)> {
        let choices = choices.iter().map(|choice| RuntimeChoice::parse(choice).unwrap()).collect();
        let places = SocketPaths { host_root: host.to_owned(), choices };
        let processes = daemon_processes(host);
        let plain = |endpoint: Endpoint| {
            let path = endpoint.path.display().to_string().replace(host.to_str().unwrap(), "");
            (endpoint.kind, path, endpoint.owner)
        };
        places.look(&processes).into_iter().map(plain).collect()
    }

    #[test]
    fn sockets_at_the_usual_places_are_found_once() {
        let (host, _listeners) =
            host(&["run/docker.sock", "run/containerd/containerd.sock", "run/user/1000/podman/podman.sock"]);
        fs::create_dir(host.path().join("var")).unwrap();
        symlink("../run", host.path().join("var/run")).unwrap();
        // Neither a file nor a link is a socket.
        fs::create_dir_all(host.path().join("run/crio")).unwrap();
        fs::write(host.path().join("run/crio/crio.sock"), "").unwrap();
        symlink("../../docker.sock", host.path().join("run/user/1000/docker.sock")).unwrap();
        assert_eq!(
            look(host.path(), &[]),
            [
                (DaemonKind::Docker, "/run/docker.sock".into(), SocketOwner::Root),
                (DaemonKind::Containerd, "/run/containerd/containerd.sock".into(), SocketOwner::Root),
                (DaemonKind::Cri, "/run/containerd/containerd.sock".into(), SocketOwner::Root),
                (DaemonKind::Podman, "/run/user/1000/podman/podman.sock".into(), SocketOwner::User(1000)),
            ]
        );
    }

    /// The test may run as any user, whose files are then no place of root's.
    #[test]
    fn a_socket_is_found_where_its_daemon_listens() {
        let (host, _listeners) = host(&["run/docker.sock", "run/other.sock", "srv/c.sock", "srv/user.sock"]);
        write_process(host.path(), 5, 0, "5", &["dockerd", "-H", "unix:///var/run/other.sock"]);
        write_process(host.path(), 6, 0, "6", &["containerd", "--address", "/srv/c.sock"]);
        write_process(host.path(), 7, 0, "7", &["dockerd", "-H", "unix:///run/docker.sock", "-H", "unix:///srv/gone"]);
        write_process(host.path(), 8, 1000, "8", &["podman", "system", "service", "unix:///srv/user.sock"]);
        let of_root = [
            (DaemonKind::Docker, "/run/other.sock".to_owned(), SocketOwner::Root),
            (DaemonKind::Containerd, "/srv/c.sock".to_owned(), SocketOwner::Root),
            (DaemonKind::Cri, "/srv/c.sock".to_owned(), SocketOwner::Root),
        ];
        let is_root = fs::metadata(host.path()).unwrap().uid() == 0;
        let mut expected = vec![(DaemonKind::Docker, "/run/docker.sock".to_owned(), SocketOwner::Root)];
        expected.extend(of_root.into_iter().filter(|_| is_root));
        expected.push((DaemonKind::Podman, "/srv/user.sock".to_owned(), SocketOwner::User(1000)));
        assert_eq!(look(host.path(), &[]), expected);
        // Where anybody may make a socket, nobody speaks for root.
        fs::set_permissions(host.path().join("srv"), fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(look(host.path(), &[]).iter().all(|(_, path, _)| path != "/srv/c.sock"));
    }

    #[test]
    fn a_given_socket_takes_the_place_of_all_of_its_kind() {
        let (host, _listeners) = host(&["run/docker.sock", "run/podman/podman.sock"]);
        assert_eq!(
            look(host.path(), &["docker=/elsewhere"]),
            [
                (DaemonKind::Docker, "/elsewhere".into(), SocketOwner::Given),
                (DaemonKind::Podman, "/run/podman/podman.sock".into(), SocketOwner::Root),
            ]
        );
        assert_eq!(
            look(host.path(), &["none", "docker=/elsewhere"]),
            [(DaemonKind::Docker, "/elsewhere".into(), SocketOwner::Given)]
        );
        assert_eq!(look(host.path(), &["none"]), []);
    }

    #[test]
    fn a_place_of_a_user_where_another_listens_is_not_spoken_to() {
        let (host, _listeners) = host(&["run/user/12345/docker.sock"]);
        let places = SocketPaths { host_root: host.path().to_owned(), choices: Vec::new() };
        let endpoint = places.look(&[]).pop().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let failure = runtime.block_on(endpoint.connect()).map(|_| ()).unwrap_err();
        assert_eq!(failure.outcome, Outcome::Denied, "{failure:?}");
    }
}
