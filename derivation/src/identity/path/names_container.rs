//! The test for a container's root once its id is known.

use super::grammar::split_last;

/// Returns true if the last component of a cgroup path is one that a runtime makes for the
/// container with this id as its own directory: the id itself, `<prefix>-<id>.scope`, `<id>.scope`,
/// `<prefix>-<id>`, `slice:prefix:<id>`, `kata_<id>`.
///
/// A runtime makes parents and children of that directory too. Once a better source than the path
/// has named the id, this tells which of them is the root. Directories of a container's conmon do
/// not count.
#[must_use]
pub fn names_container(path: &str, id: &str) -> bool {
    let (above, name) = split_last(path);
    if id.is_empty() || name.is_empty() {
        return false;
    }
    if name == id {
        return true;
    }
    let (stem, scope) = match name.strip_suffix(".scope") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let Some(prefix) = stem.strip_suffix(id) else {
        return false;
    };
    if prefix.is_empty() {
        return scope; // crun without a prefix (get_systemd_scope_and_slice)
    }
    if prefix == "kata_" || prefix == "lxc.payload." {
        return true;
    }
    if let Some(slice_and_prefix) = prefix.strip_suffix(':') {
        return !scope && slice_and_prefix.contains(':');
    }
    let Some(prefix) = prefix.strip_suffix('-') else {
        return false;
    };
    if prefix.is_empty() || prefix.ends_with("conmon") {
        return false;
    }
    // CRI-O's empty placeholder of a sandbox is `crio-<id>` in a slice, where a container's name
    // would end in `.scope`.
    let placeholder = prefix == "crio" && !scope && above.trim_end_matches('/').ends_with(".slice");
    !placeholder
}
