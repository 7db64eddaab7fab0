//! Words that several sections use.

use std::borrow::Cow;

use obit_derivation::WallNs;
use obit_derivation::record::Source;
use obit_derivation::row::{Cause, Place};
use obit_schema::text::time;

use super::super::record_text::tree;

/// Returns the basis of a claim of this source.
pub(super) fn basis(source: Source) -> Cow<'static, str> {
    let text = match source {
        Source::OciArgv => "the arguments of the OCI runtime that made or removed the directory",
        Source::OciState => "the OCI runtime's own state file",
        Source::OciBundle => "the config.json of the container's bundle",
        daemon if daemon.is_daemon() => return format!("what {daemon} answered").into(),
        Source::Path => "the directory's path alone: no better source spoke",
        _ => "a source that this program does not know",
    };
    text.into()
}

/// Returns the meaning of a cause.
pub(super) fn meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::Exited => "its init ended by itself",
        Cause::Signalled => "a signal ended its init",
        Cause::OomKilled => "the OOM killer chose its init",
        Cause::CgroupKilled => "somebody wrote to cgroup.kill",
        Cause::KilledByRuntime => "its OCI runtime was told to kill it",
        Cause::HostShutdown => "the host was shut down",
        Cause::StartFailed => "its program was never executed",
        Cause::NeverStarted => "it was made and removed without a start",
        Cause::Unknown => "no record tells",
    }
}

/// Returns a directory and its hierarchy.
pub(super) fn place_text(place: &Place) -> String {
    let cut = if place.is_path_cut { " (path cut)" } else { "" };
    format!("{}{cut} on {}", place.path, tree(place.key.hierarchy.0))
}

/// Returns a time with its zone.
pub(super) fn when(ts: WallNs) -> String {
    format!("{} UTC", time::to_millisecond(ts.0))
}

/// Returns hierarchies in a few words: `v1 hierarchies 1 to 9, 12 and v2`.
pub(super) fn hierarchies_text(mut hierarchies: Vec<u32>) -> String {
    hierarchies.sort_unstable();
    hierarchies.dedup();
    let has_v2 = hierarchies.first() == Some(&0);
    let v1 = if has_v2 { &hierarchies[1..] } else { &hierarchies[..] };
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in v1 {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let runs: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first} to {last}") })
        .collect();
    let v1_text = match v1.len() {
        0 => None,
        1 => Some(format!("v1 hierarchy {}", runs.join(", "))),
        _ => Some(format!("v1 hierarchies {}", runs.join(", "))),
    };
    let v2_text = has_v2.then(|| "v2".to_owned());
    v1_text.into_iter().chain(v2_text).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_are_one_phrase() {
        assert_eq!(hierarchies_text(vec![0]), "v2");
        assert_eq!(hierarchies_text(vec![7]), "v1 hierarchy 7");
        assert_eq!(hierarchies_text(vec![3, 1, 2, 0, 9]), "v1 hierarchies 1 to 3, 9 and v2");
    }
}
