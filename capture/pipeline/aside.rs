//! What was looked up or told, on its way to the sequencer.
//!
//! None of it is urgent, and each piece handed on by itself would wake the sequencer for less work than the waking. So it
//! waits for the next look at the ring buffer, fifty milliseconds at most, and goes on with what that brings. Where the next
//! look is far off, it wakes who looks.

use std::sync::{Arc, Mutex, PoisonError};

use super::input::Input;
use super::notifier::Bell;

/// Records that may wait.
const MOST: usize = 1_024;

/// The place where it waits.
#[derive(Debug)]
pub struct Aside {
    waiting: Mutex<Waiting>,
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct Waiting {
    inputs: Vec<Input>,
    records: usize,
}

impl Aside {
    /// With nothing in it, for the thread that listens for this bell.
    pub fn new(bell: Arc<Bell>) -> Self {
        Self { waiting: Mutex::default(), bell }
    }

    /// Has it wait.
    ///
    /// # Errors
    /// Too much waits: here it is back.
    pub fn put(&self, input: Input) -> Result<(), Input> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let records = records_of(&input);
        if waiting.records + records > MOST && waiting.records > 0 {
            return Err(input);
        }
        waiting.records += records;
        match (waiting.inputs.last_mut(), input) {
            (Some(Input::Answers(waiting)), Input::Answers(more)) => waiting.extend(more),
            (Some(Input::Directories(waiting)), Input::Directories(more)) => waiting.extend(more),
            (_, input) => waiting.inputs.push(input),
        }
        drop(waiting);
        self.bell.ring();
        Ok(())
    }

    /// All that waits, in the order in which it came.
    pub fn take(&self) -> Vec<Input> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)).inputs
    }
}

fn records_of(input: &Input) -> usize {
    match input {
        Input::Answers(answers) => answers.len(),
        Input::Directories(directories) => directories.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::record::Source;

    use super::*;
    use crate::sources::answer::{RuntimeRecord, Stamped};

    fn answers(ids: std::ops::Range<usize>) -> Input {
        let delivery = |id: usize| Stamped::now(RuntimeRecord::dropped(Source::Docker, String::new(), id.to_string()));
        Input::Answers(ids.map(delivery).collect())
    }

    #[test]
    fn what_waits_is_taken_once_and_in_order() {
        let aside = Aside::new(Arc::new(Bell::new().unwrap()));
        for input in [answers(0..2), answers(2..3), Input::Directories(Vec::new()), answers(3..5)] {
            assert!(aside.put(input).is_ok());
        }
        let taken = aside.take();
        let [Input::Answers(first), Input::Directories(_), Input::Answers(second)] = &taken[..] else {
            panic!("{taken:?}")
        };
        let ids: Vec<_> =
            first.iter().chain(second).map(|answer| answer.record.answer.container_id.as_deref()).collect();
        assert_eq!(ids, [Some("0"), Some("1"), Some("2"), Some("3"), Some("4")]);
        assert!(aside.take().is_empty());
    }

    #[test]
    fn no_more_waits_than_may_except_what_comes_first() {
        let aside = Aside::new(Arc::new(Bell::new().unwrap()));
        assert!(aside.put(answers(0..2 * MOST)).is_ok(), "or it would never find room");
        let Err(Input::Answers(back)) = aside.put(answers(0..3)) else { panic!("there is no room") };
        assert_eq!(back.len(), 3);
        aside.take();
        assert!(aside.put(answers(0..3)).is_ok());
    }
}
