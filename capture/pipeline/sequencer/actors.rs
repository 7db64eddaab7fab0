//! The texts of the tasks that caused kernel events.
//!
//! A few tasks cause most events of a moment: their texts are decoded once and found again by their
//! bytes.

use std::borrow::Cow;

use clap::ValueEnum;
use obit_derivation::identity::argv;
use obit_schema::text::{are_same, escape};

use crate::sources::kernel::wire::KernelActor;

/// The policy for recording the arguments of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ActorArgv {
    /// For OCI runtimes what identifies their container, for any other program its name
    Runtimes,
    /// All arguments of every program, as far as the kernel side reads them
    Full,
}

/// Tasks whose texts are remembered.
const REMEMBERED: usize = 8;

/// The tasks of the latest events, the latest one first.
#[derive(Debug)]
pub struct ActorCache {
    policy: ActorArgv,
    latest: Vec<ActorTexts>,
}

impl ActorCache {
    /// Returns an empty cache that records arguments by this policy.
    pub fn new(policy: ActorArgv) -> Self {
        Self { policy, latest: Vec::new() }
    }

    /// Returns the texts of a task.
    pub fn texts(&mut self, who: &KernelActor<'_>) -> &ActorTexts {
        let at = match self.latest.iter().position(|texts| texts.match_task(who)) {
            Some(at) => at,
            None => {
                let texts = ActorTexts::read(who, self.policy);
                self.latest.truncate(REMEMBERED - 1);
                self.latest.push(texts);
                self.latest.len() - 1
            }
        };
        self.latest[..=at].rotate_right(1);
        &self.latest[0]
    }
}

/// The texts of a task, as a case holds them.
#[derive(Debug)]
pub struct ActorTexts {
    // The bytes that they were read from.
    raw_comm: Box<[u8]>,
    raw_parent_comm: Box<[u8]>,
    raw_argv: Box<[u8]>,
    raw_argv_truncated: bool,
    /// The name of the thread.
    pub comm: Box<str>,
    /// The name of the parent process.
    pub parent_comm: Box<str>,
    /// The arguments, as far as they are recorded.
    argv: Box<[Box<str>]>,
    /// The kernel side has cut the arguments.
    pub argv_truncated: bool,
}

impl ActorTexts {
    fn match_task(&self, who: &KernelActor<'_>) -> bool {
        are_same(&self.raw_argv, who.argv)
            && are_same(&self.raw_comm, who.comm)
            && are_same(&self.raw_parent_comm, who.parent_comm)
            && self.raw_argv_truncated == who.argv_truncated
    }

    fn read(who: &KernelActor<'_>, policy: ActorArgv) -> Self {
        let elements: Vec<Cow<'_, str>> = who.argv_elements().map(escape).collect();
        let all: Vec<&str> = elements.iter().map(AsRef::as_ref).collect();
        let argv = match policy {
            ActorArgv::Runtimes => argv::recordable(&all),
            ActorArgv::Full => all.clone(),
        };
        Self {
            raw_comm: who.comm.into(),
            raw_parent_comm: who.parent_comm.into(),
            raw_argv: who.argv.into(),
            raw_argv_truncated: who.argv_truncated,
            comm: escape(who.comm).into(),
            parent_comm: escape(who.parent_comm).into(),
            // A program that is no OCI runtime has only its name recorded, which is whole or
            // absent.
            argv_truncated: who.argv_truncated && argv.len() == all.len() && all.len() > 1,
            argv: argv.into_iter().map(Box::from).collect(),
        }
    }

    /// Calls `take` with the arguments.
    pub fn with_argv<T>(&self, take: impl FnOnce(&[&str]) -> T) -> T {
        // Nearly every task has 16 or fewer, which need no allocation for each event.
        let mut few = [""; 16];
        match few.get_mut(..self.argv.len()) {
            Some(few) => {
                few.iter_mut().zip(&self.argv).for_each(|(to, argument)| *to = argument);
                take(few)
            }
            None => take(&self.argv.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who<'a>(comm: &'a [u8], argv: &'a [u8]) -> KernelActor<'a> {
        KernelActor {
            pid: 2,
            tid: 2,
            ppid: 1,
            uid: 0,
            comm,
            parent_comm: b"init",
            cgroup_id: None,
            argv,
            argv_truncated: false,
        }
    }

    fn read(actors: &mut ActorCache, who: &KernelActor<'_>) -> (String, Vec<String>, bool) {
        let texts = actors.texts(who);
        let argv = texts.with_argv(|argv| argv.iter().map(ToString::to_string).collect());
        (texts.comm.to_string(), argv, texts.argv_truncated)
    }

    #[test]
    fn tasks_that_differ_in_any_text_are_told_apart() {
        let mut actors = ActorCache::new(ActorArgv::Runtimes);
        let call = who(b"runc", b"runc\0delete\0a\0");
        // The kernel side records the first bytes and the last 256.
        let both_ends = [&b"runc\0delete\0long"[..], &[b'x'; 253], b"\0a\0"].concat();
        let cut = KernelActor { argv_truncated: true, ..who(b"runc", &both_ends) };
        let of_parent = KernelActor { parent_comm: b"bash", ..call.clone() };
        for _ in 0..2 {
            assert_eq!(
                read(&mut actors, &call),
                ("runc".into(), vec!["runc".into(), "delete".into(), "a".into()], false)
            );
            assert_eq!(
                read(&mut actors, &cut),
                ("runc".into(), vec!["runc".into(), "delete".into(), "…".into(), "a".into()], true)
            );
            assert_eq!(
                read(&mut actors, &who(b"r\xff", b"/bin/sh\0-c\0")),
                ("r\\xff".into(), vec!["/bin/sh".into()], false)
            );
            assert_eq!(read(&mut actors, &who(b"runc", b"")), ("runc".into(), vec![], false));
            assert_eq!(&*actors.texts(&of_parent).parent_comm, "bash");
        }
        assert_eq!(actors.latest.len(), 5, "each was read once");
    }

    #[test]
    fn few_are_remembered_and_many_arguments_are_all_there() {
        let mut actors = ActorCache::new(ActorArgv::Runtimes);
        for number in 0..3 * REMEMBERED {
            let comm = number.to_string();
            assert_eq!(read(&mut actors, &who(comm.as_bytes(), b"")).0, comm);
            assert_eq!(read(&mut actors, &who(b"again", b"")).0, "again");
        }
        assert_eq!(actors.latest.len(), REMEMBERED);
        assert!(
            actors.latest[1].match_task(&who((3 * REMEMBERED - 1).to_string().as_bytes(), b"")),
            "the last ones are"
        );
        let argv = "kill\0a\0".to_owned() + &"x\0".repeat(40);
        let many = read(&mut actors, &who(b"runc", format!("runc\0{argv}").as_bytes())).1;
        assert_eq!(many.len(), 43);
        assert_eq!(many[..3], ["runc", "kill", "a"]);
    }
}
