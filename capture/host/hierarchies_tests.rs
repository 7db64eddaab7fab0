use std::os::unix::ffi::OsStrExt;

use super::*;

/// systemd in hybrid mode: v1 controllers, some co-mounted, and the unified tree without
/// controllers.
const HYBRID_MOUNTS: &[u8] = b"\
24 31 0:5 / /proc rw,relatime - proc proc rw
31 23 0:28 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
32 31 0:29 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate
33 31 0:30 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd
34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:12 master:4 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/net_cls,net_prio rw shared:13 - cgroup cgroup rw,net_cls,net_prio
36 31 0:33 / /sys/fs/cgroup/memory rw shared:14 - cgroup cgroup rw,memory
";
/// The kernel lists co-mounted controllers in its own order, here the other way round.
const HYBRID_CGROUPS: &[u8] = b"\
12:memory:/user.slice/x:y
7:net_prio,net_cls:/
3:cpuacct,cpu:/user.slice
1:name=systemd:/user.slice/user-0.slice
0::/user.slice/user-0.slice
";

fn parse(mounts: &[u8], cgroups: &[u8]) -> Hierarchies {
    Hierarchies::parse(mounts, cgroups, |_| Some(MountView::AsWritten)).unwrap()
}

fn summary(hierarchies: &Hierarchies) -> Vec<(u32, String, &str)> {
    let mut lines = Vec::new();
    for one in &hierarchies.mounted {
        let words = one.controllers.join("+") + &one.name.as_ref().map(|name| format!("@{name}")).unwrap_or_default();
        lines.push((one.id.0, words, one.mount_point.to_str().unwrap()));
    }
    lines
}

#[test]
fn hybrid_with_co_mounted_and_named_hierarchies() {
    let found = parse(HYBRID_MOUNTS, HYBRID_CGROUPS);
    assert_eq!(found.mode, CgroupMode::Hybrid);
    assert_eq!(
        summary(&found),
        [
            (0, String::new(), "/sys/fs/cgroup/unified"),
            (1, "@systemd".to_owned(), "/sys/fs/cgroup/systemd"),
            (3, "cpu+cpuacct".to_owned(), "/sys/fs/cgroup/cpu,cpuacct"),
            (7, "net_cls+net_prio".to_owned(), "/sys/fs/cgroup/net_cls,net_prio"),
            (12, "memory".to_owned(), "/sys/fs/cgroup/memory"),
        ]
    );
    assert_eq!(found.unmounted, []);
}

#[test]
fn v1_alone_and_v2_alone() {
    let v1 = parse(b"36 31 0:33 / /cg/memory rw - cgroup cgroup rw,memory\n", b"2:memory:/\n");
    assert_eq!(v1.mode, CgroupMode::V1);
    let v2 = parse(b"36 31 0:33 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", b"0::/init.scope\n");
    assert_eq!((v2.mode, v2.mounted[0].id), (CgroupMode::V2, HierarchyId::V2));
}

#[test]
fn a_mount_without_any_cgroup_is_an_error_that_says_what_to_do() {
    let error =
        Hierarchies::parse(b"24 31 0:5 / /proc rw - proc proc rw\n", HYBRID_CGROUPS, |_| Some(MountView::AsWritten))
            .unwrap_err();
    assert!(error.to_string().contains("mount -t cgroup2"), "{error}");
}

#[test]
fn the_mount_that_shows_the_whole_hierarchy_is_preferred() {
    for (first, second) in [("/docker/abc", "/"), ("/", "/docker/abc")] {
        let text = format!(
            "1 0 0:33 {first} /first rw - cgroup cgroup rw,memory\n2 0 0:33 {second} /second rw - cgroup cgroup rw,memory\n"
        );
        let found = parse(text.as_bytes(), b"2:memory:/\n");
        assert_eq!(found.mounted.len(), 1);
        assert_eq!(found.mounted[0].mount_root, "/");
    }
}

#[test]
fn in_a_cgroup_namespace_the_hosts_mount_is_preferred_to_ones_own() {
    // mountinfo of a container that has the host's tree mounted beside its own part of it.
    let text = b"1 0 0:33 / /sys/fs/cgroup ro - cgroup2 none rw\n2 0 0:33 /../.. /host/cgroup ro - cgroup2 none rw\n";
    let shown = |mount: &MountEntry| {
        Some(if mount.mount_point == Path::new("/host/cgroup") { MountView::Whole } else { MountView::NamespacePart })
    };
    let both = Hierarchies::parse(text, b"0::/\n", shown).unwrap();
    assert_eq!(summary(&both), [(0, String::new(), "/host/cgroup")]);
    assert_eq!(both.mounted[0].mount_root, "/");

    let own = Hierarchies::parse(text, b"0::/\n", |_| Some(MountView::NamespacePart)).unwrap();
    assert_eq!(
        own.mounted[0].below_mount(b"/docker/abc"),
        None,
        "where the part lies is unknown: nothing is looked up"
    );
}

#[test]
fn cgroup2_mounted_over_the_v1_tree_hides_it() {
    let mounts = [HYBRID_MOUNTS, b"90 31 0:29 / /sys/fs/cgroup rw - cgroup2 none rw\n".as_slice()].concat();
    // What stat() finds there: the new mount itself, and nothing below it.
    let visible =
        |mount: &MountEntry| (mount.mount_point == Path::new("/sys/fs/cgroup")).then_some(MountView::AsWritten);
    let found = Hierarchies::parse(&mounts, HYBRID_CGROUPS, visible).unwrap();
    assert_eq!(found.mode, CgroupMode::V2);
    assert_eq!(summary(&found), [(0, String::new(), "/sys/fs/cgroup")]);
    let hidden: Vec<_> = found.unmounted.iter().map(|one| one.id.0).collect();
    assert_eq!(hidden, [1, 3, 7, 12], "their events still arrive");
}

#[test]
fn something_else_mounted_on_a_mount_point_hides_it() {
    let mounts = [HYBRID_MOUNTS, b"90 36 0:99 / /sys/fs/cgroup/memory rw - tmpfs none rw\n".as_slice()].concat();
    let found = parse(&mounts, HYBRID_CGROUPS);
    assert_eq!(found.get(HierarchyId(12)), None);
}

#[test]
fn mount_points_are_unescaped_and_kept_byte_for_byte() {
    let found = parse(b"1 0 0:33 / /a\\040b\\134c/\xff rw - cgroup2 none rw\n", b"0::/\n");
    assert_eq!(found.mounted[0].mount_point.as_os_str().as_bytes(), b"/a b\\c/\xff");
}

#[test]
fn hostile_lines_give_no_hierarchy_and_no_panic() {
    for line in
        ["", " ", "1 0", "1 0 0:x / / rw - cgroup2 a rw", "1 0 0:1 / /x rw", "1 0 0:1 / /x rw -", "\\04", "a:b:c"]
    {
        assert!(
            Hierarchies::parse(line.as_bytes(), line.as_bytes(), |_| Some(MountView::AsWritten)).is_err(),
            "{line:?}"
        );
    }
    assert_eq!(parse_active(b"5::/\nx:memory:/\n99999999999:cpu:/\n"), [], "no number, or nothing to know it by");
}

#[test]
fn paths_go_to_the_hierarchy_and_back_through_a_partial_mount() {
    let mut hierarchy = parse(HYBRID_MOUNTS, HYBRID_CGROUPS).get(HierarchyId(12)).unwrap().clone();
    assert_eq!(hierarchy.path_of(b""), b"/");
    assert_eq!(hierarchy.path_of(b"docker/abc"), b"/docker/abc");
    assert_eq!(hierarchy.below_mount(b"/docker/abc"), Some(b"docker/abc".as_slice()));
    assert_eq!(hierarchy.below_mount(b"/"), Some(b"".as_slice()));
    hierarchy.mount_root = "/docker".to_owned();
    assert_eq!(hierarchy.path_of(b""), b"/docker");
    assert_eq!(hierarchy.path_of(b"abc"), b"/docker/abc");
    assert_eq!(hierarchy.below_mount(b"/docker"), Some(b"".as_slice()));
    assert_eq!(hierarchy.below_mount(b"/docker/abc"), Some(b"abc".as_slice()));
    assert_eq!(hierarchy.below_mount(b"/dockerless/abc"), None);
}

#[test]
fn root_this_host_has_hierarchies_whose_mounts_can_be_read() {
    if !crate::host::testing::live() {
        return;
    }
    let found = Hierarchies::read().unwrap();
    for hierarchy in &found.mounted {
        let root = rustix::fs::stat(&hierarchy.mount_point).unwrap();
        let statfs = rustix::fs::statfs(&hierarchy.mount_point).unwrap();
        // linux/magic.h: CGROUP_SUPER_MAGIC and CGROUP2_SUPER_MAGIC.
        let magic = match hierarchy.version {
            CgroupVersion::V1 => 0x27_e0eb,
            CgroupVersion::V2 => 0x6367_7270,
        };
        assert_eq!(u64::try_from(statfs.f_type).unwrap(), magic, "{hierarchy:?}");
        if hierarchy.mount_root == "/" {
            assert_eq!(root.st_ino, 1, "the root of a kernfs tree is inode 1: {hierarchy:?}");
        }
    }
}
