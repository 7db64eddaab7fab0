//! The mounted cgroup hierarchies, and their numbers in the kernel's events.
//!
//! Sources: /proc/self/mountinfo (proc(5)) says where a hierarchy is mounted and with which
//! controllers or name; /proc/self/cgroup (cgroups(7)) gives the number to each set of controllers.
//! The v2 hierarchy always has number 0.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use obit_derivation::HierarchyId;
use serde::Serialize;

use super::{file, namespaces};

/// Bound on /proc/self/mountinfo, in bytes: a container host with 10,000 overlay mounts has about 8
/// MB of it.
const MOUNTINFO_BYTES: usize = 64 << 20;
/// Bound on /proc/self/cgroup, in bytes: it has a line a hierarchy, each with a path.
const CGROUP_BYTES: usize = 1 << 20;

/// Name for the root of a mount that shows a cgroup namespace's part of a hierarchy: from inside,
/// nobody can tell where that part lies in the whole. No cgroup has this path, so nothing is looked
/// up in the wrong place.
const NAMESPACE_ROOT: &str = "/(cgroup namespace)";
/// The inode of a hierarchy's root directory: kernfs gives the first node of a tree number 1
/// (fs/kernfs/dir.c).
const ROOT_INODE: u64 = 1;

/// The cgroup interface of a hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CgroupVersion {
    /// A tree for each controller or set of controllers.
    V1,
    /// The unified tree.
    V2,
}

/// The versions of the hierarchies in this mount namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CgroupMode {
    /// v1 hierarchies only.
    V1,
    /// The unified hierarchy only.
    V2,
    /// v1 hierarchies beside the unified one.
    Hybrid,
}

/// A mounted cgroup hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// The kernel's number for it.
    pub id: HierarchyId,
    /// Version of its interface.
    pub version: CgroupVersion,
    /// Controllers, sorted; for v2 those that are available at its root.
    pub controllers: Vec<String>,
    /// Name of a named v1 hierarchy, e.g. `systemd`.
    pub name: Option<String>,
    /// Mount point.
    pub mount_point: PathBuf,
    /// Device number of its file system, major and minor: that of each of its directories.
    pub device: (u32, u32),
    /// The directory of the hierarchy that the mount shows; `/` for all of it. Raw text of
    /// mountinfo, unescaped.
    pub mount_root: String,
}

/// A hierarchy that is active in the kernel but has no mount here: its events arrive, its
/// directories cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmountedHierarchy {
    /// The kernel's number for it.
    pub id: HierarchyId,
    /// Controllers, sorted.
    pub controllers: Vec<String>,
    /// Name of a named v1 hierarchy.
    pub name: Option<String>,
}

/// All hierarchies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchies {
    /// Versions of the mounted hierarchies.
    pub mode: CgroupMode,
    /// Mounted hierarchies by number, each once.
    pub mounted: Vec<Hierarchy>,
    /// Active hierarchies without a mount here.
    pub unmounted: Vec<UnmountedHierarchy>,
}

impl Hierarchies {
    /// Reads the hierarchies of this mount namespace.
    ///
    /// # Errors
    /// If /proc cannot be read, or no cgroup hierarchy is mounted.
    pub fn read() -> Result<Self> {
        let mounts = read_bounded("/proc/self/mountinfo", MOUNTINFO_BYTES)?;
        let cgroups = read_bounded("/proc/self/cgroup", CGROUP_BYTES)?;
        let foreign_namespace = namespaces::in_initial_cgroup_namespace() == Some(false);
        let mut all = Self::parse(&mounts, &cgroups, |mount| {
            let found = rustix::fs::stat(&mount.mount_point).ok()?;
            // A later mount may hide this one. Only what the path leads to now counts.
            if (rustix::fs::major(found.st_dev), rustix::fs::minor(found.st_dev)) != mount.device {
                return None;
            }
            // In a cgroup namespace mountinfo counts from the namespace's root, with `/..` for what
            // lies above it.
            Some(match (found.st_ino == ROOT_INODE, foreign_namespace) {
                (true, _) => MountView::Whole,
                (false, false) => MountView::AsWritten,
                (false, true) => MountView::NamespacePart,
            })
        })?;
        for hierarchy in &mut all.mounted {
            if hierarchy.version == CgroupVersion::V2 {
                hierarchy.controllers = v2_controllers(&hierarchy.mount_point);
            }
        }
        Ok(all)
    }

    /// Parses /proc/self/mountinfo and /proc/self/cgroup. `visible` returns what a mount shows, if
    /// it can be reached.
    ///
    /// # Errors
    /// If no cgroup hierarchy is mounted visibly.
    fn parse(mountinfo: &[u8], cgroup: &[u8], visible: impl Fn(&MountEntry) -> Option<MountView>) -> Result<Self> {
        let active = parse_active(cgroup);
        let mut mounts: Vec<MountEntry> = Vec::new();
        for mount in mountinfo.split(|&byte| byte == b'\n').filter_map(MountEntry::parse) {
            // Of two mounts on one point the later one lies on top.
            mounts.retain(|earlier| earlier.mount_point != mount.mount_point);
            mounts.push(mount);
        }
        let mut mounted: Vec<Hierarchy> = Vec::new();
        for mut mount in mounts.into_iter().filter(|mount| mount.version.is_some()) {
            match visible(&mount) {
                None => continue,
                Some(MountView::AsWritten) => {}
                Some(MountView::Whole) => mount.root = "/".to_owned(),
                Some(MountView::NamespacePart) => mount.root = NAMESPACE_ROOT.to_owned(),
            }
            let Some(hierarchy) = mount.identify(&active) else {
                continue;
            };
            match mounted.iter_mut().find(|known| known.id == hierarchy.id) {
                None => mounted.push(hierarchy),
                // The mount that shows most: its root is `/`, else the one nearest to it.
                Some(known) if hierarchy.mount_root.len() < known.mount_root.len() => *known = hierarchy,
                Some(_) => {}
            }
        }
        mounted.sort_by_key(|hierarchy| hierarchy.id);
        let has = |version| mounted.iter().any(|hierarchy| hierarchy.version == version);
        let mode = match (has(CgroupVersion::V1), has(CgroupVersion::V2)) {
            (true, true) => CgroupMode::Hybrid,
            (true, false) => CgroupMode::V1,
            (false, true) => CgroupMode::V2,
            (false, false) => bail!(
                "no cgroup hierarchy is mounted here; run on the host, or mount one: \
                 mount -t cgroup2 none /sys/fs/cgroup"
            ),
        };
        let unmounted = active.into_iter().filter(|one| mounted.iter().all(|known| known.id != one.id)).collect();
        Ok(Self { mode, mounted, unmounted })
    }

    /// Returns the mounted hierarchy with this number.
    pub fn get(&self, id: HierarchyId) -> Option<&Hierarchy> {
        self.mounted.iter().find(|hierarchy| hierarchy.id == id)
    }
}

impl Hierarchy {
    /// Returns the path from the hierarchy's root of something below the mount point (`""` for the
    /// mount point itself).
    pub fn path_of(&self, below_mount: &[u8]) -> Vec<u8> {
        let root = self.mount_root.trim_end_matches('/').as_bytes();
        let mut path = root.to_vec();
        if !below_mount.is_empty() {
            path.push(b'/');
            path.extend_from_slice(below_mount);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path
    }

    /// Returns the part of a path from the hierarchy's root that lies below the mount point; `None`
    /// if the mount does not show it.
    pub fn below_mount<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        let root = self.mount_root.trim_end_matches('/').as_bytes();
        let below = path.strip_prefix(root)?;
        match below {
            [] => Some(below),
            [b'/', rest @ ..] => Some(rest),
            _ => None,
        }
    }
}

/// The part of its hierarchy that a mount shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MountView {
    /// The directory that mountinfo names.
    AsWritten,
    /// All of the hierarchy, whatever mountinfo says.
    Whole,
    /// The part of a cgroup namespace that is not the host's.
    NamespacePart,
}

/// A line of mountinfo, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MountEntry {
    device: (u32, u32),
    root: String,
    mount_point: PathBuf,
    /// `None` if it is no cgroup file system; such a mount can still hide one.
    version: Option<CgroupVersion>,
    /// Options of the file system, of v1 its controllers and `name=` among them.
    options: Vec<String>,
}

impl MountEntry {
    /// Parses a line like `36 35 98:0 /root /mount/point options [optional fields] - type source
    /// super-options`.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|&byte| byte == b' ');
        let device = std::str::from_utf8(fields.nth(2)?).ok()?;
        let (major, minor) = device.split_once(':')?;
        let root = unescape_octal(fields.next()?);
        let mount_point = unescape_octal(fields.next()?);
        fields.find(|&field| field == b"-")?;
        let version = match fields.next()? {
            b"cgroup" => Some(CgroupVersion::V1),
            b"cgroup2" => Some(CgroupVersion::V2),
            _ => None,
        };
        let options = fields.nth(1).unwrap_or_default();
        Some(Self {
            device: (major.parse().ok()?, minor.parse().ok()?),
            root: String::from_utf8_lossy(&root).into_owned(),
            mount_point: PathBuf::from(OsString::from_vec(mount_point)),
            version,
            options: String::from_utf8_lossy(options).split(',').map(str::to_owned).collect(),
        })
    }

    /// Finds the active hierarchy of the mount. A controller belongs to one hierarchy only and
    /// names are unique, so it is the one of which the mount's options have every part. The order
    /// differs between the two files, and mount options have other words among them.
    fn identify(self, active: &[UnmountedHierarchy]) -> Option<Hierarchy> {
        let version = self.version?;
        let (id, controllers, name) = match version {
            CgroupVersion::V2 => (HierarchyId::V2, Vec::new(), None),
            CgroupVersion::V1 => {
                let shows = |word: &str| self.options.iter().any(|option| option == word);
                let found = active.iter().filter(|one| one.id != HierarchyId::V2).find(|one| {
                    one.controllers.iter().all(|controller| shows(controller))
                        && one.name.as_ref().is_none_or(|name| shows(&format!("name={name}")))
                })?;
                (found.id, found.controllers.clone(), found.name.clone())
            }
        };
        let (mount_point, device, mount_root) = (self.mount_point, self.device, self.root);
        Some(Hierarchy { id, version, controllers, name, mount_point, device, mount_root })
    }
}

/// Parses lines like `4:memory:/path`, `9:name=systemd:/path` and `0::/path`; the path may hold
/// colons.
fn parse_active(cgroup: &[u8]) -> Vec<UnmountedHierarchy> {
    let line = |line: &[u8]| {
        let mut fields = line.splitn(3, |&byte| byte == b':');
        let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
        let words = std::str::from_utf8(fields.next()?).ok()?;
        let mut name = None;
        let mut controllers = Vec::new();
        for word in words.split(',').filter(|word| !word.is_empty()) {
            match word.strip_prefix("name=") {
                Some(value) => name = Some(value.to_owned()),
                None => controllers.push(word.to_owned()),
            }
        }
        // A v1 hierarchy has a controller or a name; a line with neither would match every mount.
        if id != 0 && controllers.is_empty() && name.is_none() {
            return None;
        }
        controllers.sort();
        Some(UnmountedHierarchy { id: HierarchyId(id), controllers, name })
    };
    let mut active: Vec<_> = cgroup.split(|&byte| byte == b'\n').filter_map(line).collect();
    active.sort_by_key(|one| one.id);
    active
}

/// Decodes mountinfo's `\040`, `\011`, `\012` and `\134` to space, tab, newline and backslash.
fn unescape_octal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let code = match (byte, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                Some((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'))
            }
            _ => None,
        };
        out.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    out
}

fn v2_controllers(mount_point: &Path) -> Vec<String> {
    let path = mount_point.join(OsStr::new("cgroup.controllers"));
    let text = file::read_at(rustix::fs::CWD, &path, 4096).map(|read| read.bytes).unwrap_or_default();
    let mut controllers: Vec<_> = String::from_utf8_lossy(&text).split_whitespace().map(str::to_owned).collect();
    controllers.sort();
    controllers
}

fn read_bounded(path: &str, limit: usize) -> Result<Vec<u8>> {
    let read = file::read_at(rustix::fs::CWD, path, limit).with_context(|| format!("cannot read {path}"))?;
    if read.truncated {
        bail!("{path} is larger than {limit} bytes");
    }
    Ok(read.bytes)
}

#[cfg(test)]
#[path = "hierarchies_tests.rs"]
mod tests;
