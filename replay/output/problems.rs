//! What is wrong with a case, said on standard error.

use obit_analysis::problems::{Effect, dropped_in_words, missing_range_text, worst};
use obit_case::{Case, Problem};

use crate::complain;

/// Names each problem on standard error, and says which effect is the worst.
pub fn report_problems(case: &Case, problems: &[Problem]) -> Effect {
    for shortfall in case.manifest().iter().flat_map(|manifest| &manifest.incomplete) {
        complain(&format!("{}: the recording is incomplete: {}", case.path().display(), missing_range_text(shortfall)));
    }
    if let Some(dropped) = case.manifest().and_then(|manifest| manifest.dropped.as_ref()) {
        complain(&format!("{}: not in this case any more: {}", case.path().display(), dropped_in_words(dropped)));
    }
    if case.manifest().is_some() && !case.is_closed() {
        complain(&format!(
            "{}: this case was never closed; what was written until the capture was cut off is read",
            case.path().display()
        ));
    }
    for problem in problems {
        complain(&format!("{}: {problem}", case.path().display()));
    }
    worst(case, problems)
}
