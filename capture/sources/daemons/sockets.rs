//! The daemons' sockets: where they usually are, and who may speak there.
//!
//! A socket below a user's runtime directory is that user's. What it says counts for his containers only, or every
//! user could rename every container.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use obit_derivation::record::Outcome;
use tokio::net::UnixStream;

use super::failure::{Failure, within_time};
use super::kind::{Kind, RuntimeChoice};

/// Longest wait for a connection to be accepted into the daemon's queue.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Users whose sockets are looked for.
const MAX_USERS: usize = 1_000;
/// Daemons asked at most.
const MAX_DAEMONS: usize = 64;

/// Usual places of root's daemons.
const USUAL: &[(Kind, &str)] = &[
    (Kind::Docker, "run/docker.sock"),
    (Kind::Docker, "var/run/docker.sock"),
    (Kind::Podman, "run/podman/podman.sock"),
    (Kind::Podman, "var/run/podman/podman.sock"),
    (Kind::Containerd, "run/containerd/containerd.sock"),
    (Kind::Containerd, "run/docker/containerd/containerd.sock"),
    (Kind::Containerd, "run/k3s/containerd/containerd.sock"),
    (Kind::Containerd, "run/k0s/containerd.sock"),
    (Kind::Containerd, "var/snap/microk8s/common/run/containerd.sock"),
    (Kind::Cri, "run/crio/crio.sock"),
    (Kind::Cri, "var/run/crio/crio.sock"),
    // containerd's CRI plugin answers on containerd's own socket.
    (Kind::Cri, "run/containerd/containerd.sock"),
    (Kind::Cri, "run/k3s/containerd/containerd.sock"),
    (Kind::Cri, "run/k0s/containerd.sock"),
    (Kind::Cri, "var/snap/microk8s/common/run/containerd.sock"),
];

/// Usual places below a user's runtime directory, /run/user/UID.
const USUAL_OF_USERS: &[(Kind, &str)] = &[
    (Kind::Docker, "docker.sock"),
    (Kind::Podman, "podman/podman.sock"),
    (Kind::Containerd, "containerd/containerd.sock"),
];

/// Whose word a daemon's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
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
    pub kind: Kind,
    /// The socket.
    pub path: PathBuf,
    /// Whose it is.
    pub owner: Owner,
}

impl Endpoint {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens, we may not, it takes too long, or somebody else than the owner listens.
    pub async fn connect(&self) -> Result<UnixStream, Failure> {
        let stream = within_time(CONNECT_LIMIT, async {
            UnixStream::connect(&self.path).await.map_err(|error| Failure::of_io(&error))
        })
        .await?;
        if let Owner::User(uid) = self.owner {
            // A link to some other root's socket must not make us speak to it on the user's behalf.
            let peer = stream.peer_cred().map_err(|error| Failure::of_io(&error))?.uid();
            if peer != uid {
                let why = format!("uid {peer} listens in a place of uid {uid}'s");
                return Err(Failure::new(Outcome::Denied, why));
            }
        }
        Ok(stream)
    }

    /// The start of the request in a record: the interface and the socket.
    pub fn request(&self, what: &str) -> String {
        format!("{} {} {what}", self.kind.as_str(), obit_schema::text::escape(self.path.as_os_str().as_encoded_bytes()))
    }
}

/// Where to look.
#[derive(Clone, Debug)]
pub struct Places {
    /// Where the host's file system is seen.
    pub host_root: PathBuf,
    /// What the command line says.
    pub choices: Vec<RuntimeChoice>,
}

impl Places {
    /// Whether no daemon is to be asked at all.
    pub fn is_off(&self) -> bool {
        self.looks_for_none() && self.given().next().is_none()
    }

    /// Whether daemons of a kind are looked for or given.
    pub fn wants(&self, kind: Kind) -> bool {
        !self.looks_for_none() || self.given().any(|endpoint| endpoint.kind == kind)
    }

    fn looks_for_none(&self) -> bool {
        self.choices.contains(&RuntimeChoice::None)
    }

    fn given(&self) -> impl Iterator<Item = Endpoint> + '_ {
        self.choices.iter().filter_map(|choice| match choice {
            RuntimeChoice::None => None,
            RuntimeChoice::Socket(kind, path) => {
                Some(Endpoint { kind: *kind, path: path.clone(), owner: Owner::Given })
            }
        })
    }

    /// The sockets that are there now, and those given whether they are there or not. Each socket once a kind.
    pub fn look(&self) -> Vec<Endpoint> {
        let mut found: Vec<Endpoint> = self.given().collect();
        let given: BTreeSet<Kind> = found.iter().map(|endpoint| endpoint.kind).collect();
        let mut seen = BTreeSet::new();
        if !self.looks_for_none() {
            let candidates = self.usual().into_iter().chain(self.usual_of_users());
            for (endpoint, identity) in
                candidates.filter_map(|endpoint| Some((identity(&endpoint.path)?, endpoint)).map(|(a, b)| (b, a)))
            {
                if !given.contains(&endpoint.kind) && seen.insert((endpoint.kind, identity)) {
                    found.push(endpoint);
                }
            }
        }
        found.truncate(MAX_DAEMONS);
        found
    }

    fn usual(&self) -> Vec<Endpoint> {
        // Usually a link to /run; what an absolute link below another root means, it does not say.
        let var_run_is_real = fs::symlink_metadata(self.host_root.join("var/run")).is_ok_and(|found| found.is_dir());
        USUAL
            .iter()
            .filter(|(_, path)| var_run_is_real || !path.starts_with("var/run/"))
            .map(|(kind, path)| Endpoint { kind: *kind, path: self.host_root.join(path), owner: Owner::Root })
            .collect()
    }

    fn usual_of_users(&self) -> Vec<Endpoint> {
        let Ok(entries) = fs::read_dir(self.host_root.join("run/user")) else {
            return Vec::new();
        };
        let mut users: Vec<(u32, PathBuf)> = entries
            .flatten()
            .take(MAX_USERS)
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
            .collect();
        users.sort();
        let of_user = |(uid, directory): &(u32, PathBuf)| {
            let owner = if *uid == 0 { Owner::Root } else { Owner::User(*uid) };
            let directory = directory.clone();
            USUAL_OF_USERS.iter().map(move |(kind, path)| Endpoint { kind: *kind, path: directory.join(path), owner })
        };
        users.iter().flat_map(of_user).collect()
    }
}

/// Device and inode of a socket; `None` of anything else, links included.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    found.file_type().is_socket().then(|| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

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

    fn look(host: &Path, choices: &[&str]) -> Vec<(Kind, String, Owner)> {
        let choices = choices.iter().map(|choice| RuntimeChoice::parse(choice).unwrap()).collect();
        let places = Places { host_root: host.to_owned(), choices };
        let plain = |endpoint: Endpoint| {
            let path = endpoint.path.display().to_string().replace(host.to_str().unwrap(), "");
            (endpoint.kind, path, endpoint.owner)
        };
        places.look().into_iter().map(plain).collect()
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
                (Kind::Docker, "/run/docker.sock".into(), Owner::Root),
                (Kind::Containerd, "/run/containerd/containerd.sock".into(), Owner::Root),
                (Kind::Cri, "/run/containerd/containerd.sock".into(), Owner::Root),
                (Kind::Podman, "/run/user/1000/podman/podman.sock".into(), Owner::User(1000)),
            ]
        );
    }

    #[test]
    fn a_given_socket_takes_the_place_of_all_of_its_kind() {
        let (host, _listeners) = host(&["run/docker.sock", "run/podman/podman.sock"]);
        assert_eq!(
            look(host.path(), &["docker=/elsewhere"]),
            [
                (Kind::Docker, "/elsewhere".into(), Owner::Given),
                (Kind::Podman, "/run/podman/podman.sock".into(), Owner::Root),
            ]
        );
        assert_eq!(
            look(host.path(), &["none", "docker=/elsewhere"]),
            [(Kind::Docker, "/elsewhere".into(), Owner::Given)]
        );
        assert_eq!(look(host.path(), &["none"]), []);
    }

    #[test]
    fn a_place_of_a_user_where_another_listens_is_not_spoken_to() {
        let (host, _listeners) = host(&["run/user/12345/docker.sock"]);
        let places = Places { host_root: host.path().to_owned(), choices: Vec::new() };
        let endpoint = places.look().pop().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let failure = runtime.block_on(endpoint.connect()).map(|_| ()).unwrap_err();
        assert_eq!(failure.outcome, Outcome::Denied, "{failure:?}");
    }
}
