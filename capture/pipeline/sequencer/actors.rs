//! The texts of the tasks that kernel events are of.
//!
//! A few tasks make most events of a moment: what is text of them is decoded once, and found again by its bytes.

use std::borrow::Cow;

use obit_derivation::identity::argv;
use obit_schema::text::{are_same, escape};

use crate::cli::ActorArgv;
use crate::sources::kernel::wire::KernelActor;

/// Tasks that are remembered.
const REMEMBERED: usize = 8;

/// The tasks of the last events, the last one first.
#[derive(Debug, Default)]
pub struct Actors(Vec<ActorTexts>);

impl Actors {
    /// The texts of a task. `policy` must be the same each time.
    pub fn texts(&mut self, who: &KernelActor<'_>, policy: ActorArgv) -> &ActorTexts {
        let at = match self.0.iter().position(|texts| texts.are_of(who)) {
            Some(at) => at,
            None => {
                let texts = ActorTexts::read(who, policy);
                self.0.truncate(REMEMBERED - 1);
                self.0.push(texts);
                self.0.len() - 1
            }
        };
        self.0[..=at].rotate_right(1);
        &self.0[0]
    }
}

/// What is text of a task, as a case holds it.
#[derive(Debug)]
pub struct ActorTexts {
    // What they were read from.
    raw_comm: Box<[u8]>,
    raw_parent_comm: Box<[u8]>,
    raw_argv: Box<[u8]>,
    raw_argv_truncated: bool,
    /// Name of the thread.
    pub comm: Box<str>,
    /// Name of the parent process.
    pub parent_comm: Box<str>,
    /// The arguments, as far as they are recorded.
    argv: Box<[Box<str>]>,
    /// More arguments were there than the kernel side has kept.
    pub argv_truncated: bool,
}

impl ActorTexts {
    fn are_of(&self, who: &KernelActor<'_>) -> bool {
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
            // Of a program that is no OCI runtime only the name is kept, and that is whole or absent.
            argv_truncated: who.argv_truncated && argv.len() == all.len() && all.len() > 1,
            argv: argv.into_iter().map(Box::from).collect(),
        }
    }

    /// Lends the arguments.
    pub fn with_argv<T>(&self, take: impl FnOnce(&[&str]) -> T) -> T {
        // Nearly all have so many; none of these is worth an allocation for each event.
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

    fn read(actors: &mut Actors, who: &KernelActor<'_>) -> (String, Vec<String>, bool) {
        let texts = actors.texts(who, ActorArgv::Runtimes);
        let argv = texts.with_argv(|argv| argv.iter().map(ToString::to_string).collect());
        (texts.comm.to_string(), argv, texts.argv_truncated)
    }

    #[test]
    fn tasks_that_differ_in_any_text_are_told_apart() {
        let mut actors = Actors::default();
        let call = who(b"runc", b"runc\0delete\0a\0");
        let cut = KernelActor { argv_truncated: true, ..who(b"runc", b"runc\0delete\0a\0b") };
        let of_parent = KernelActor { parent_comm: b"bash", ..call.clone() };
        for _ in 0..2 {
            assert_eq!(
                read(&mut actors, &call),
                ("runc".into(), vec!["runc".into(), "delete".into(), "a".into()], false)
            );
            assert_eq!(
                read(&mut actors, &cut),
                ("runc".into(), vec!["runc".into(), "delete".into(), "a".into()], true)
            );
            assert_eq!(
                read(&mut actors, &who(b"r\xff", b"/bin/sh\0-c\0")),
                ("r\\xff".into(), vec!["/bin/sh".into()], false)
            );
            assert_eq!(read(&mut actors, &who(b"runc", b"")), ("runc".into(), vec![], false));
            assert_eq!(&*actors.texts(&of_parent, ActorArgv::Runtimes).parent_comm, "bash");
        }
        assert_eq!(actors.0.len(), 5, "each was read once");
    }

    #[test]
    fn few_are_remembered_and_many_arguments_are_all_there() {
        let mut actors = Actors::default();
        for number in 0..3 * REMEMBERED {
            let comm = number.to_string();
            assert_eq!(read(&mut actors, &who(comm.as_bytes(), b"")).0, comm);
            assert_eq!(read(&mut actors, &who(b"again", b"")).0, "again");
        }
        assert_eq!(actors.0.len(), REMEMBERED);
        assert!(actors.0[1].are_of(&who((3 * REMEMBERED - 1).to_string().as_bytes(), b"")), "the last ones are");
        let argv = "kill\0a\0".to_owned() + &"x\0".repeat(40);
        let many = read(&mut actors, &who(b"runc", format!("runc\0{argv}").as_bytes())).1;
        assert_eq!(many.len(), 43);
        assert_eq!(many[..3], ["runc", "kill", "a"]);
    }
}
