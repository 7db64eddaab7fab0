//! Sentences about what is wrong with a case.

use obit_analysis::case_state::case_warnings;
use obit_analysis::problems::{Effect, worst};
use obit_case::{Case, Problem};

use super::messages::complain;

/// Prints each problem on standard error and returns the worst effect.
pub fn report_problems(case: &Case, problems: &[Problem]) -> Effect {
    let path = case.path().display();
    for warning in case_warnings(case) {
        complain(&format!("{path}: {warning}"));
    }
    for problem in problems {
        complain(&format!("{path}: {problem}"));
    }
    worst(case, problems)
}
