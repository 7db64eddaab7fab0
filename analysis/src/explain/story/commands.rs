//! Long command lines: told once, and referred to by a number.

use obit_derivation::row::ActorCopy;
use obit_schema::text::row_words::{short_id, task};

/// Longest command line that stands in a sentence as it is, in characters.
const SHORT_CHARACTERS: usize = 60;

/// Longest end of a command line that a sentence repeats, in characters.
const TAIL_CHARACTERS: usize = 36;

/// Commands of OCI runtimes that begin or end a container.
const VERBS: [&str; 6] = ["create", "run", "restore", "start", "kill", "delete"];

/// The command lines that sentences refer to.
pub(super) struct CommandList<'a> {
    /// The container that the story is about: sentences show the beginning of its id.
    container_id: &'a str,
    lines: Vec<String>,
}

impl<'a> CommandList<'a> {
    pub(super) fn new(container_id: &'a str) -> Self {
        Self { container_id, lines: Vec::new() }
    }

    /// Returns the command lines, in the order of their numbers from 1 on.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// Returns the text of a step or an argument vector: a long one by its ends and its number.
    pub(super) fn mention(&mut self, line: &str) -> String {
        if line.chars().count() <= SHORT_CHARACTERS {
            return self.short_ids(line);
        }
        let number = self.number(line);
        let program = line.split(' ').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let program: String = program.chars().take(SHORT_CHARACTERS).collect();
        // A runtime's command tells more than the options before it.
        let shown = self.short_ids(line);
        let verb = shown.split(' ').skip(1).find(|word| VERBS.contains(word));
        let shown =
            verb.and_then(|verb| shown.split_once(&format!(" {verb} "))).map_or(shown.as_str(), |(_, rest)| rest);
        let mut tail = String::new();
        for word in shown.rsplit(' ') {
            let longer = if tail.is_empty() { word.to_owned() } else { format!("{word} {tail}") };
            if longer.chars().count() > TAIL_CHARACTERS {
                break;
            }
            tail = longer;
        }
        let verb = verb.map_or_else(String::new, |verb| format!(" {verb}"));
        let cut = if tail.len() < shown.len() { " …" } else { "" };
        let space = if tail.is_empty() { "" } else { " " };
        format!("{program} …{verb}{cut}{space}{tail} (command {number})").replace("… …", "…")
    }

    /// Returns the name, pid and user of a task, and the name of what started it.
    pub(super) fn actor(&self, actor: &ActorCopy) -> String {
        let parent = match actor.parent_comm.as_str() {
            "" => String::new(),
            parent => format!(", child of {parent}"),
        };
        format!("{} uid {}{parent}", task(actor), actor.uid)
    }

    /// Returns ` by TEXT` for a task of which more than the name of its program is known.
    pub(super) fn by_command(&mut self, actor: &ActorCopy) -> String {
        if actor.argv.len() < 2 {
            return String::new();
        }
        let cut = if actor.is_argv_cut { ", arguments cut" } else { "" };
        format!(", by {}{cut}", self.mention(&actor.argv.join(" ")))
    }

    /// Cuts the container's own id to its first digits, where it is a long one.
    pub(super) fn short_ids(&self, text: &str) -> String {
        let (id, short) = (self.container_id, short_id(self.container_id));
        if short == id { text.to_owned() } else { text.replace(id, &format!("{short}…")) }
    }

    fn number(&mut self, line: &str) -> usize {
        if let Some(place) = self.lines.iter().position(|known| known == line) {
            return place + 1;
        }
        self.lines.push(line.to_owned());
        self.lines.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_line_is_kept_once_and_named_by_its_ends() {
        let id = "a".repeat(64);
        let line = |signal: u32| format!("/usr/bin/runc --root /run/{} kill {id} {signal}", "x".repeat(40));
        let mut commands = CommandList::new(&id);
        assert_eq!(commands.mention(&line(15)), "runc … kill aaaaaaaaaaaa… 15 (command 1)");
        assert_eq!(commands.mention(&line(9)), "runc … kill aaaaaaaaaaaa… 9 (command 2)");
        assert_eq!(commands.mention(&line(15)), "runc … kill aaaaaaaaaaaa… 15 (command 1)");
        assert_eq!(commands.mention("docker_event: kill"), "docker_event: kill");
        let create =
            format!("runc --log {} create --bundle /run/{id} --pid-file /run/{} {id}", "x".repeat(50), "y".repeat(40));
        assert_eq!(commands.mention(&create), "runc … create … aaaaaaaaaaaa… (command 3)");
        assert_eq!(commands.into_lines(), [line(15), line(9), create]);
    }

    #[test]
    fn one_endless_word_is_not_repeated() {
        let mut commands = CommandList::new("web");
        let text = commands.mention(&"w".repeat(10_000));
        assert!(text.chars().count() < 90 && text.ends_with("… (command 1)"), "{text}");
    }
}
