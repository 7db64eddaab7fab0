//! Where the last paths lay: a container's directory lies beside others, and the same ones above it need not be read again.

use alloc::string::String;
use core::mem;
use core::ops::Range;

use super::place::{Role, Systemd};
use super::walk::Walk;
use super::{PathClass, PathIdentity, grammar};
use crate::row::write_over;

/// The directories that the last paths lay in, and what they make of those in them. Only spares work: what a path says is what
/// [`super::identify`] says of it.
#[derive(Debug, Default)]
pub(crate) struct RecentPlaces {
    last: Remembered,
    /// Pods are made in one place, and containers in them.
    before: Remembered,
}

/// A walk that came to no container, to be gone on with in another path that begins the same.
#[derive(Debug, Default)]
struct Remembered {
    above: String,
    state: Option<State>,
}

#[derive(Clone, Debug)]
struct State {
    /// Of a slice without its name.
    systemd: Systemd<'static>,
    /// Where the name of the slice is.
    slice: Range<usize>,
    role: Role,
    in_ecs: bool,
    pod_uid: Option<Range<usize>>,
    class: PathClass,
}

impl RecentPlaces {
    /// Reads a path, as [`super::identify`] does.
    pub fn identify<'a>(&mut self, path: &'a str) -> PathIdentity<'a> {
        if let Some((walk, name)) = self.last.resume(path) {
            return go_on(walk, name);
        }
        mem::swap(&mut self.last, &mut self.before);
        if let Some((walk, name)) = self.last.resume(path) {
            return go_on(walk, name);
        }
        let (above, name) = grammar::split_last(path);
        let walk = Walk::over(above);
        self.last.remember(above, &walk);
        go_on(walk, name)
    }
}

/// What a path says whose last component has this name.
fn go_on<'a>(mut walk: Walk<'a>, name: &'a str) -> PathIdentity<'a> {
    if !name.is_empty() && !walk.is_over() {
        walk.step(name);
    }
    walk.finish()
}

impl Remembered {
    /// The walk over what is above, if the path lies there, and its last component.
    fn resume<'a>(&self, path: &'a str) -> Option<(Walk<'a>, &'a str)> {
        let state = self.state.as_ref()?;
        let name = path.strip_prefix(&*self.above)?.strip_prefix('/')?;
        if name.is_empty() || grammar::contains(name, b'/') {
            return None;
        }
        let mut walk = Walk::at_top();
        walk.above.systemd = match state.systemd {
            Systemd::Root => Systemd::Root,
            Systemd::Slice(_) => Systemd::Slice(path.get(state.slice.clone())?),
            Systemd::SlicesOnly => Systemd::SlicesOnly,
            Systemd::Nothing => Systemd::Nothing,
        };
        walk.above.role = state.role;
        walk.above.in_ecs = state.in_ecs;
        walk.pod_uid = match &state.pod_uid {
            Some(uid) => Some(path.get(uid.clone())?),
            None => None,
        };
        walk.class = state.class;
        Some((walk, name))
    }

    fn remember(&mut self, above: &str, walk: &Walk<'_>) {
        self.state = State::of(above, walk);
        write_over(&mut self.above, if self.state.is_some() { above } else { "" });
    }
}

impl State {
    /// `None` of a walk that came to a container: what is in one is seldom seen twice.
    fn of(above: &str, walk: &Walk<'_>) -> Option<Self> {
        if walk.current.is_some() {
            return None;
        }
        let (systemd, slice) = match walk.above.systemd {
            Systemd::Root => (Systemd::Root, 0..0),
            Systemd::Slice(name) => (Systemd::Slice(""), range_of(above, name)?),
            Systemd::SlicesOnly => (Systemd::SlicesOnly, 0..0),
            Systemd::Nothing => (Systemd::Nothing, 0..0),
        };
        let pod_uid = match walk.pod_uid {
            Some(uid) => Some(range_of(above, uid)?),
            None => None,
        };
        let (role, in_ecs, class) = (walk.above.role, walk.above.in_ecs, walk.class);
        Some(Self { systemd, slice, role, in_ecs, pod_uid, class })
    }
}

/// Where a part that was borrowed from a text lies in it.
fn range_of(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let range = start..start.checked_add(part.len())?;
    (text.get(range.clone()) == Some(part)).then_some(range)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;

    use super::super::identify;
    use super::RecentPlaces;

    /// Whatever was read before, the answer is that of [`identify`].
    #[test]
    fn what_is_remembered_changes_no_answer() {
        const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        const POD: &str = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\
                           0e5b1d2c_7a6f_4b3e_9d8c_112233445566.slice";
        let places = [
            "",
            "/",
            "//docker",
            "/docker/",
            "/docker",
            "/kubepods.slice",
            "/kubepods.slice/kubepods-burstable.slice",
            "/system.slice/docker.service",
            "/system.slice/kata-overhead.slice",
            "/libpod_parent/libpod-conmon",
            "/ecs/0123456789abcdef0123456789abcdef",
            "/machine.slice",
            "/lxc",
        ];
        let mut paths = vec![String::from("/"), String::new(), format!("/{ID}")];
        let pod = format!("/{POD}");
        let inside = format!("/docker/{ID}");
        for place in places.into_iter().chain([&*pod, &*inside]) {
            for name in [ID, "init.scope", "monitor", "lxc.monitor.a", "a.slice", "x"] {
                paths.push(format!("{place}/{name}"));
                paths.push(format!("{place}/docker-{name}.scope/"));
            }
        }
        let mut recent = RecentPlaces::default();
        for first in &paths {
            for second in &paths {
                for path in [first, second] {
                    assert_eq!(recent.identify(path), identify(path), "{path:?}");
                }
            }
        }
    }
}
