//! The problems of a case, as JSON.

use obit_case::{Case, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::case_state::case_warnings;
use crate::problems::{self, Effect};

/// Something that is wrong with a case.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CaseProblem {
    /// The case's directory, as it was given.
    pub case: String,
    /// The effect on the answer.
    pub effect: ProblemEffect,
    /// The problem in words.
    pub text: String,
}

/// The effect of a problem on an answer.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemEffect {
    /// Nothing is missing.
    None,
    /// The recording is not whole: it was cut off, is still going on, or lacks something.
    CutOff,
    /// A file is not as it was when the case was closed; all of it could be read.
    Changed,
    /// Recorded rows may be missing; rows that are derived again are whole.
    DerivedOnly,
    /// Records may be missing.
    Damage,
}

/// Returns what is wrong with a case: what it says of itself, and each problem.
pub fn of_case(case: &Case, problems: &[Problem]) -> Vec<CaseProblem> {
    let path = case.path().display().to_string();
    let warnings = case_warnings(case).into_iter().map(|text| (ProblemEffect::CutOff, text));
    let problems = problems.iter().map(|problem| (effect(problems::effect(case, problem)), problem.to_string()));
    warnings.chain(problems).map(|(effect, text)| CaseProblem { case: path.clone(), effect, text }).collect()
}

fn effect(effect: Effect) -> ProblemEffect {
    match effect {
        Effect::None => ProblemEffect::None,
        Effect::CutOff => ProblemEffect::CutOff,
        Effect::Changed => ProblemEffect::Changed,
        Effect::DerivedOnly => ProblemEffect::DerivedOnly,
        Effect::Damage => ProblemEffect::Damage,
    }
}
