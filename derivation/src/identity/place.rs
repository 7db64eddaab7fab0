//! Directories of the host that only root's engines use.

/// Directories below which root alone can make others, by the Filesystem Hierarchy Standard: the
/// state of daemons.
const OF_ROOT: [&str; 3] = ["/run/", "/var/run/", "/var/lib/"];
/// Directories below which each user has one, named by the user's id (XDG Base Directory
/// Specification, `XDG_RUNTIME_DIR`).
const OF_USERS: [&str; 2] = ["/run/user/", "/var/run/user/"];

/// Returns true if a user can have a directory of an engine's at this path. Of root's directories,
/// a user without privileges has only the one that bears its id. In a mount namespace of its own a
/// user can have any path; nothing shows that, so its word alone is not taken for it.
pub fn may_be_of_user(path: &str, uid: u32) -> bool {
    if uid == 0 || !OF_ROOT.iter().any(|place| path.starts_with(place)) {
        return true;
    }
    // What leads up again leads anywhere.
    let is_straight = path.split('/').all(|part| part != "..");
    let is_theirs = |place: &str| {
        let owner = path.strip_prefix(place).and_then(|rest| rest.split('/').next());
        owner.and_then(|owner| owner.parse::<u32>().ok()) == Some(uid)
    };
    is_straight && OF_USERS.into_iter().any(is_theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_no_place_among_roots_but_its_own() {
        for (path, is_theirs) in [
            ("/run/user/1000/docker/runtime-runc/moby", true),
            ("/var/run/user/1000/crun", true),
            ("/home/u/.local/share/containers/storage/overlay-containers/a/userdata", true),
            ("/tmp/runc-1000", true),
            ("state", true),
            ("/run/docker/runtime-runc/moby", false),
            ("/run/containerd/runc/k8s.io", false),
            ("/var/lib/containers/storage/overlay-containers/a/userdata", false),
            ("/run/user/1001/crun", false),
            ("/run/user/1000/../../docker/runtime-runc/moby", false),
            ("/run/user/", false),
        ] {
            assert_eq!(may_be_of_user(path, 1000), is_theirs, "{path}");
            assert!(may_be_of_user(path, 0), "{path}");
        }
    }
}
