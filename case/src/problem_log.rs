//! A bounded list of problems: a hostile case could have one in each row.

use crate::problem::Problem;

/// Most problems that are listed one by one.
const MAX_LISTED: usize = 200;

/// Problems found: the first one by one, the others as a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProblemLog {
    list: Vec<Problem>,
}

impl ProblemLog {
    /// Adds a problem, or counts it.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.push_many(problem, 0);
    }

    /// Adds a problem that stands for `others` more of its kind.
    pub(crate) fn push_many(&mut self, problem: Problem, others: u64) {
        let unlisted = match self.list.len() < MAX_LISTED {
            true => {
                self.list.push(problem);
                others
            }
            false => others.saturating_add(1),
        };
        if unlisted == 0 {
            return;
        }
        match self.list.last_mut() {
            Some(Problem::More { count }) => *count = count.saturating_add(unlisted),
            _ => self.list.push(Problem::More { count: unlisted }),
        }
    }

    /// Returns the problems found; the last one may count those that are not listed.
    pub(crate) fn list(&self) -> &[Problem] {
        &self.list
    }
}
