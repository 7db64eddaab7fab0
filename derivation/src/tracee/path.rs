//! Tracee's reading of a cgroup path.
//!
//! The rule is that of `parseContainerIdFromCgroupPath` in pkg/datastores/container/containers.go
//! (lines 335 to 415). Its errors are repeated: what follows a known prefix need not be an id, and
//! a directory that is not a container's own still names the container.

use crate::identity::Engine;

/// Shortest name that is looked at, in bytes (line 341).
const MIN_NAME_BYTES: usize = 28;

/// The container that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContainerPath<'a> {
    /// Text that is taken for the container's id. May be anything, also empty.
    pub container_id: &'a str,
    /// Engine; `None` is Tracee's `unknown`.
    pub runtime: Option<Engine>,
    /// True if the last component names it.
    pub is_root: bool,
}

/// Reads a path: the last component that names a container wins.
pub(super) fn parse_path(path: &str) -> Option<ContainerPath<'_>> {
    let mut components = path.rsplit('/').peekable();
    let mut is_root = true;
    while let Some(component) = components.next() {
        if let Some((container_id, runtime)) = parse_component(component, components.peek().copied()) {
            return Some(ContainerPath { container_id, runtime, is_root });
        }
        is_root = false;
    }
    None
}

/// Reads a path whose end is missing: the last component that is whole and names a container wins.
///
/// What is missing is taken for directories inside that container, which it nearly always is. If
/// the component that is cut could be a container's own, the path names none.
pub(super) fn parse_cut_path(path: &str) -> Option<ContainerPath<'_>> {
    let (whole, cut) = path.rsplit_once('/')?;
    if may_begin_container(cut) {
        return None;
    }
    parse_path(whole).map(|named| ContainerPath { is_root: false, ..named })
}

/// Returns true if the beginning of a component could be that of a container's name.
fn may_begin_container(beginning: &str) -> bool {
    let is_conmon = ["crio-conmon-", "libpod-conmon-"].iter().any(|prefix| beginning.starts_with(prefix));
    let has_prefix = ["docker-", "crio-", "cri-containerd-", "libpod-"].iter().any(|it| beginning.starts_with(it));
    let may_be_bare = beginning.len() >= 8 && beginning.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    !is_conmon && (has_prefix || may_be_bare || beginning.contains(":cri-containerd:"))
}

/// Returns the id and runtime that one component names; `above` is the component before it.
fn parse_component<'a>(component: &'a str, above: Option<&str>) -> Option<(&'a str, Option<Engine>)> {
    if unescaped_len(component) < MIN_NAME_BYTES {
        return None;
    }
    let name = component.strip_suffix(".scope").unwrap_or(component);
    if let Some(id) = name.strip_prefix("docker-") {
        return Some((id, Some(Engine::Docker)));
    }
    if let Some(id) = name.strip_prefix("crio-") {
        return not_of_conmon(id, Engine::Crio);
    }
    if let Some(id) = name.strip_prefix("cri-containerd-") {
        return Some((id, Some(Engine::Containerd)));
    }
    if let Some((_, id)) = component.rsplit_once(":cri-containerd:") {
        return Some((id, Some(Engine::Containerd)));
    }
    if let Some(id) = name.strip_prefix("libpod-") {
        return not_of_conmon(id, Engine::Podman);
    }
    if is_hex(name, 64)
        && let Some(above) = above
    {
        let runtime = match above {
            "docker" | "actions_job" => Some(Engine::Docker),
            _ if above.starts_with("pod") => Some(Engine::Containerd),
            _ => None,
        };
        return Some((name, runtime));
    }
    is_garden_id(name).then_some((name, Some(Engine::Garden)))
}

/// Returns nothing for a conmon directory, so that the component above it is asked (lines 355 and
/// 368).
fn not_of_conmon(id: &str, runtime: Engine) -> Option<(&str, Option<Engine>)> {
    (!id.starts_with("conmon-")).then_some((id, Some(runtime)))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Tests for eight hexadecimal digits and four times four, joined by `-`.
fn is_garden_id(text: &str) -> bool {
    let mut groups = text.split('-');
    groups.next().is_some_and(|first| is_hex(first, 8))
        && groups.clone().count() == 4
        && groups.all(|group| is_hex(group, 4))
}

/// Returns the length in bytes of the name that the kernel has. Bytes that are not UTF-8 are
/// recorded as `\xHH`, and a backslash before what would read as such as `\x5c`
/// (docs/case-format.md, "Text").
fn unescaped_len(text: &str) -> usize {
    let is_lower_hex = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    let mut rest = text.as_bytes();
    let mut length: usize = 0;
    while let [_, after @ ..] = rest {
        length = length.saturating_add(1);
        rest = match rest {
            [b'\\', b'x', b'5', b'c', after @ ..] => after,
            [b'\\', b'x', b'8'..=b'9' | b'a'..=b'f', low, after @ ..] if is_lower_hex(*low) => after,
            _ => after,
        };
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    const HEX: &str = "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef";

    /// Id, runtime and whether it is a root, as one line.
    fn read(path: &str) -> String {
        parse_path(path).map_or_else(
            || "nothing".into(),
            |named| {
                let runtime = named.runtime.map_or("unknown", Engine::as_str);
                format!("{runtime} {} {}", named.container_id, if named.is_root { "root" } else { "inside" })
            },
        )
    }

    #[test]
    fn paths_read_as_in_tracees_own_tests() {
        // pkg/datastores/container/containers_test.go, `TestParseContainerIdFromCgroupPath`: its
        // cases, restated.
        let pod = "/kubepods/besteffort/pod123";
        for (path, expected) in [
            (format!("{pod}/docker-{HEX}.scope"), format!("docker {HEX} root")),
            (format!("{pod}/crio-{HEX}.scope"), format!("crio {HEX} root")),
            (format!("/kubepods.slice/kubepods-pod1.slice/crio-conmon-{HEX}.scope"), "nothing".into()),
            (format!("{pod}/cri-containerd-{HEX}.scope"), format!("containerd {HEX} root")),
            (format!("{pod}/some:cri-containerd:{HEX}"), format!("containerd {HEX} root")),
            (format!("/machine.slice/libpod-{HEX}.scope"), format!("podman {HEX} root")),
            (format!("/machine.slice/libpod-conmon-{HEX}.scope"), "nothing".into()),
            (format!("/docker/{HEX}"), format!("docker {HEX} root")),
            (format!("{pod}/{HEX}"), format!("containerd {HEX} root")),
            ("/user.slice/user-1000.slice".into(), "nothing".into()),
            (format!("{pod}/docker-{HEX}.scope/system.slice"), format!("docker {HEX} inside")),
        ] {
            assert_eq!(read(&path), expected, "{path}");
        }
    }

    #[test]
    fn what_follows_a_prefix_need_not_be_an_id() {
        // Lines 349 to 371 do not look at what is left.
        for (path, expected) in [
            ("/system.slice/docker-prune-unused-images.service", "docker prune-unused-images.service root"),
            ("/machine.slice/libpod-payload-0123456789abcdef", "podman payload-0123456789abcdef root"),
            ("/x/123456789012:cri-containerd:", "containerd  root"),
        ] {
            assert_eq!(read(path), expected, "{path}");
        }
        // The same name in 27 bytes is too short to be looked at (line 341).
        assert_eq!(read("/docker-aaaaaaaaaaaaaaaaaaaaa"), "docker aaaaaaaaaaaaaaaaaaaaa root");
        assert_eq!(read("/docker-aaaaaaaaaaaaaaaaaaaa"), "nothing");
    }

    #[test]
    fn a_bare_id_needs_a_component_above_and_takes_its_runtime_from_it() {
        for (path, expected) in [
            (format!("/{HEX}"), format!("unknown {HEX} root")),
            (format!("/shop/{HEX}.scope"), format!("unknown {HEX} root")),
            (format!("/actions_job/{HEX}"), format!("docker {HEX} root")),
            (format!("/podinfo-builds/{HEX}"), format!("containerd {HEX} root")),
            (format!("/docker/{}", HEX.to_ascii_uppercase()), format!("docker {} root", HEX.to_ascii_uppercase())),
            // Line 381: `i > 0`. No path of the kernel is like that.
            (HEX.into(), "nothing".into()),
        ] {
            assert_eq!(read(&path), expected, "{path}");
        }
    }

    #[test]
    fn a_path_whose_end_is_missing_names_the_container_around_it() {
        let read_cut = |path: &str| parse_cut_path(path).map(|named| (named.container_id.len(), named.is_root));
        for (path, expected) in [
            (format!("/docker/{HEX}/a/b"), Some((64, false))),
            (format!("/docker/{HEX}/"), Some((64, false))),
            (format!("/docker/{HEX}/init.sc"), Some((64, false))),
            (format!("/docker/{HEX}/libpod-conmon-{HEX}"), Some((64, false))),
            // The cut one could be a container's own.
            (format!("/docker/{HEX}/docker-0123"), None),
            (format!("/docker/{HEX}/0123456789"), None),
            (format!("/docker/{HEX}/x:cri-containerd:01"), None),
            (format!("/docker/{HEX}"), None),
            ("/a/b".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(read_cut(&path), expected, "{path}");
        }
    }

    #[test]
    fn the_innermost_container_wins_and_conmon_gives_way_to_what_is_above() {
        let other = "f".repeat(64);
        assert_eq!(read(&format!("/docker/{HEX}/docker/{other}")), format!("docker {other} root"));
        assert_eq!(read(&format!("/docker/{HEX}/libpod-conmon-{other}.scope")), format!("docker {HEX} inside"));
    }

    #[test]
    fn garden_ids() {
        assert_eq!(read("/garden/a1b2c3d4-aaaa-bbbb-cccc-dddd/x"), "garden a1b2c3d4-aaaa-bbbb-cccc-dddd inside");
        for not_garden in
            ["a1b2c3d4-aaaa-bbbb-cccc-dddd-eeee", "a1b2c3d4-aaaa-bbbb-cccc-ddddeeee", "a1b2c3d4-aaaa-bbbb-cccc"]
        {
            assert_eq!(read(&format!("/garden/{not_garden}")), "nothing", "{not_garden}");
        }
    }

    #[test]
    fn a_name_is_as_long_as_the_kernel_has_it() {
        // Seven bytes and 21 that are not UTF-8 are 28. With 20 of them it is too short, though its
        // text is longer.
        assert_eq!(unescaped_len(&format!("docker-{}", "\\xff".repeat(20))), 27);
        assert_eq!(read(&format!("/docker-{}", "\\xff".repeat(20))), "nothing");
        assert!(read(&format!("/docker-{}", "\\xff".repeat(21))).starts_with("docker "));
        // systemd's own escape stays as it is, so it counts as four bytes.
        assert_eq!(unescaped_len("a\\x2db\\x5cx80"), 1 + 4 + 1 + 1 + 3);
    }
}
