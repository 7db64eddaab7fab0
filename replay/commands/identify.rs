//! `identify`: applies the derivation's path rule to each line of standard input.

use std::io::{self, BufRead, BufReader, Read, Write};

use anyhow::{Context, bail};
use obit_derivation::identity::path;
use obit_schema::text::json;
use serde::Serialize;

/// Longest line that is read. A cgroup path is cut at `PATH_MAX`, 4,096 bytes, so a longer line is
/// not a path, and reading on would only fill the memory.
const LINE_MAX_BYTES: usize = 16 << 20;

/// The answer for one path. The order of the fields is the order of the keys, and part of the
/// interface.
#[derive(Serialize)]
struct PathAnswer<'a> {
    path: &'a str,
    runtime: Option<&'static str>,
    container_id: Option<&'a str>,
    root: bool,
    pod_uid: Option<&'a str>,
    parent_container_id: Option<&'a str>,
}

/// Answers each line of `input` with one line on `output`.
pub fn run(input: impl Read, mut output: impl Write) -> anyhow::Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut line = Vec::new();
    for number in 1_u64.. {
        // A program that writes a path and waits must get its answer before we wait for the next
        // path.
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        line.clear();
        let limit = LINE_MAX_BYTES as u64 + 2;
        if input.by_ref().take(limit).read_until(b'\n', &mut line).context("reading standard input")? == 0 {
            break;
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.len() > LINE_MAX_BYTES {
            bail!("line {number} of standard input is longer than {LINE_MAX_BYTES} bytes; give one cgroup path a line");
        }
        answer(&line, &mut output)?;
    }
    Ok(output.flush()?)
}

fn answer(line: &[u8], output: &mut impl Write) -> io::Result<()> {
    let path = obit_schema::text::escape(line);
    let identity = path::identify(&path);
    let answer = PathAnswer {
        path: &path,
        runtime: identity.runtime.map(|runtime| runtime.as_str()),
        container_id: identity.container_id.as_deref(),
        root: identity.root,
        pod_uid: identity.pod_uid.as_deref(),
        parent_container_id: identity.parent_container_id.as_deref(),
    };
    json::write(&answer, output)?;
    output.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: &[u8]) -> Vec<String> {
        let mut output = Vec::new();
        run(input, &mut output).expect("readable input");
        String::from_utf8(output).expect("JSON is UTF-8").lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_line_is_answered_and_the_keys_keep_their_order() {
        let lines = answers(b"/init.scope\n\n/system.slice");
        assert_eq!(lines.len(), 3);
        let order =
            ["\"path\":", "\"runtime\":", "\"container_id\":", "\"root\":", "\"pod_uid\":", "\"parent_container_id\":"];
        for line in lines {
            let places: Vec<_> = order.iter().map(|key| line.find(key).expect("key")).collect();
            assert!(places.is_sorted(), "{line}");
        }
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(answers(b"").is_empty());
        assert_eq!(answers(b"\n").len(), 1);
    }

    #[test]
    fn bytes_that_are_no_text_and_steer_terminals_are_answered_in_ascii() {
        let lines = answers(b"/a\xff\x1b[2J\xe2\x80\xaeb\n");
        assert_eq!(lines.len(), 1);
        assert!(lines[0].is_ascii(), "{}", lines[0]);
        serde_json::from_str::<serde_json::Value>(&lines[0]).expect("valid JSON");
    }

    #[test]
    fn a_long_line_is_answered_whole_and_an_endless_one_is_refused() {
        let long = "/a".repeat(500_000);
        let lines = answers(long.as_bytes());
        let value: serde_json::Value = serde_json::from_str(&lines[0]).expect("valid JSON");
        assert_eq!(value["path"], long);
        let error = run(io::repeat(b'a'), io::sink()).expect_err("endless line");
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    /// A pipe end that gives one line, and checks that it was answered before it gives the next.
    struct LineByLine<'a> {
        lines: Vec<&'static [u8]>,
        answered: &'a std::cell::RefCell<Vec<u8>>,
        given: usize,
    }

    impl Read for LineByLine<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let flushed = self.answered.borrow().iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(flushed, self.given, "an answer was held back");
            let Some(line) = self.lines.get(self.given) else {
                return Ok(0);
            };
            self.given += 1;
            buffer[..line.len()].copy_from_slice(line);
            Ok(line.len())
        }
    }

    struct Shared<'a>(&'a std::cell::RefCell<Vec<u8>>);

    impl Write for Shared<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_is_not_held_back_until_the_next_question() {
        let answered = std::cell::RefCell::new(Vec::new());
        let input = LineByLine { lines: vec![b"/a\n", b"/b\n", b"/c\n"], answered: &answered, given: 0 };
        run(input, io::BufWriter::new(Shared(&answered))).expect("readable input");
    }
}
