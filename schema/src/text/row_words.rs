//! Words about rows that both programs print.

use obit_derivation::ending::signal_name;
use obit_derivation::identity::task_name;
use obit_derivation::row::{ActorCopy, Cause, Death};

/// Digits of a hexadecimal id that are shown, as docker and podman do.
const SHORT_ID_DIGITS: usize = 12;

/// Returns the first 12 digits of an id of 64, and any other id whole.
pub fn short_id(id: &str) -> &str {
    // No early return, so that many bytes are tested at once.
    let is_long_hex = id.len() == 64 && id.bytes().fold(true, |so_far, byte| so_far & byte.is_ascii_hexdigit());
    if is_long_hex { &id[..SHORT_ID_DIGITS] } else { id }
}

/// Returns `exit 0`, `oom KILL`, `runtime TERM`: signals lose the letters that are the same for
/// all. Returns `None` if the cause is not known.
pub fn cause(death: &Death) -> Option<String> {
    let signal = death.exit_signal.map_or_else(String::new, |signal| {
        let name = signal_name(signal.into());
        name.trim_start_matches("SIG").trim_start_matches("signal ").to_owned()
    });
    Some(match (death.cause, death.exit_code) {
        (Cause::Unknown, _) => return None,
        (Cause::StartFailed, _) => "start failed".to_owned(),
        (Cause::NeverStarted, _) => "never started".to_owned(),
        (_, Some(code)) => format!("exit {code}"),
        (Cause::OomKilled, None) => format!("oom {signal}"),
        (Cause::CgroupKilled, None) => format!("cgroup {signal}"),
        (Cause::KilledByRuntime, None) => format!("runtime {signal}"),
        (Cause::HostShutdown, None) => format!("shutdown {signal}"),
        (_, None) => format!("signal {signal}"),
    })
}

/// Returns a task as `runc[77]`.
pub fn task(actor: &ActorCopy) -> String {
    format!("{}[{}]", task_name(&actor.comm, &actor.argv), actor.pid)
}

/// Returns who sent the signal that ended the init, or asked it to end; `None` if nobody is known.
pub fn killer(death: &Death) -> Option<String> {
    death.killed_by.as_ref().map(|killer| task(&killer.task))
}

/// Returns who started the killer, the outermost first, and the daemon that reported the order:
/// `bash[500]>podman[1007]`, `containerd-shim[77] (docker_event)`; `None` if neither is known.
pub fn orderer(death: &Death) -> Option<String> {
    let killer = death.killed_by.as_ref().map(|killer| format!("{}[{}]", killer.task.comm, killer.task.pid));
    let steps = || death.requested_by.iter().map(|step| step.what.as_str());
    // An OCI runtime stands there with its arguments, and is the killer.
    let tasks: Vec<&str> = steps().filter(|step| !step.contains(' ') && Some(*step) != killer.as_deref()).collect();
    let mut daemons: Vec<&str> = steps().filter_map(|step| step.strip_suffix(": kill")).collect();
    daemons.dedup();
    let tasks = tasks.join(">");
    match (tasks.is_empty(), daemons.is_empty()) {
        (true, true) => None,
        (false, true) => Some(tasks),
        (true, false) => Some(format!("({})", daemons.join(", "))),
        (false, false) => Some(format!("{tasks} ({})", daemons.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::WallNs;
    use obit_derivation::row::{Killer, Step};

    #[test]
    fn a_long_id_is_cut_and_a_name_is_not() {
        assert_eq!(short_id(&"a1".repeat(32)), "a1a1a1a1a1a1");
        assert_eq!(short_id("web-1"), "web-1");
        assert_eq!(short_id(&"x".repeat(64)), "x".repeat(64));
    }

    #[test]
    fn a_cause_that_is_not_known_has_no_words() {
        assert_eq!(cause(&Death::default()), None);
        let exited = Death { cause: Cause::Exited, exit_code: Some(3), ..Death::default() };
        assert_eq!(cause(&exited).as_deref(), Some("exit 3"));
        let killed = Death { cause: Cause::KilledByRuntime, exit_signal: Some(9), ..Death::default() };
        assert_eq!(cause(&killed).as_deref(), Some("runtime KILL"));
    }

    #[test]
    fn an_order_is_told_by_those_who_are_not_the_killer() {
        let step = |what: &str| Step { at: WallNs(0), what: what.to_owned() };
        let task = ActorCopy { pid: 9, comm: "runc".to_owned(), ..ActorCopy::default() };
        let death = |steps: &[&str]| Death {
            killed_by: Some(Killer { task: task.clone(), loginuid: None, container_id: None }),
            requested_by: steps.iter().map(|what| step(what)).collect(),
            ..Death::default()
        };
        let told = |steps: &[&str]| orderer(&death(steps));
        assert_eq!(told(&["bash[500]", "podman[1007]", "runc kill web 9"]).as_deref(), Some("bash[500]>podman[1007]"));
        let by_daemon = ["containerd-shim[77]", "runc kill web 15", "docker_event: kill", "docker_event: kill"];
        assert_eq!(told(&by_daemon).as_deref(), Some("containerd-shim[77] (docker_event)"));
        assert_eq!(told(&["runc[9]"]), None);
    }
}
