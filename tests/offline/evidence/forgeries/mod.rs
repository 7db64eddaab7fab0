//! Forgeries of cases and anchors, and what `verify` answers to each under every option.

mod folders;
mod forger;
mod mutations;
mod originals;
mod second_verifier;
mod table;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use obit_analysis::evidence::{AnchorSource, LineTrust, ProofRequest, Requirement};
use obit_analysis::problems;
use obit_analysis::verify::{VerifyAnswer, VerifyOptions, verify};
use obit_case::signing::AllowedSigners;
use tempfile::NamedTempFile;

use crate::case::CASE_ID;
use folders::FOLDER_FORGERIES;
use forger::Forger;
use originals::Originals;
use table::{FORGERIES, Forgery};

/// Returns all forgeries.
fn forgeries() -> Vec<&'static Forgery> {
    FORGERIES.iter().chain(FOLDER_FORGERIES).collect()
}

/// A column of the table: the options of `verify`.
struct AskedProof {
    signers: bool,
    anchor: bool,
    case_id: bool,
    required: &'static [Requirement],
}

/// The columns: plain, --signers, --anchor, both; then with --require signed, with --require
/// anchored, and with everything that can be asked for.
const COLUMNS: [AskedProof; 7] = [
    AskedProof { signers: false, anchor: false, case_id: false, required: &[] },
    AskedProof { signers: true, anchor: false, case_id: false, required: &[] },
    AskedProof { signers: false, anchor: true, case_id: false, required: &[] },
    AskedProof { signers: true, anchor: true, case_id: false, required: &[] },
    AskedProof { signers: true, anchor: false, case_id: false, required: &[Requirement::Signed] },
    AskedProof { signers: true, anchor: true, case_id: false, required: &[Requirement::Anchored] },
    AskedProof { signers: true, anchor: true, case_id: true, required: &Requirement::ALL },
];

/// Returns the exit code of each column, in one word of digits and a second one for those with
/// requirements.
fn exits(forged: &Forger, signers: &AllowedSigners) -> String {
    let anchor = anchor_file(forged);
    let mut text = String::new();
    for (place, column) in COLUMNS.iter().enumerate() {
        let source = AnchorSource { path: anchor.path(), trust: LineTrust::Signed };
        let proof = ProofRequest {
            anchor: column.anchor.then_some(source),
            signers: column.signers.then_some(signers),
            case_id: column.case_id.then_some(CASE_ID),
            required: column.required.iter().copied().collect::<BTreeSet<_>>(),
        };
        // As the program does: a case that cannot be opened, or an anchor that cannot be read, is 2.
        let answer = problems::open(forged.path())
            .and_then(|case| verify(&case, &VerifyOptions { max_listed: 0, proof }))
            .map_or(VerifyAnswer::Undecided, |verification| verification.answer);
        let separator = if place == 4 { " " } else { "" };
        let exit = match answer {
            VerifyAnswer::Holds => 0,
            VerifyAnswer::Fails => 1,
            VerifyAnswer::Undecided => 2,
        };
        let _ = write!(text, "{separator}{exit}");
    }
    text
}

/// Calls a function for each number below a count, on all processors. Returns what it gives.
fn in_parallel<T: Send>(count: usize, call: impl Fn(usize) -> Option<T> + Sync) -> Vec<T> {
    let (next, given) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= count {
                return;
            }
            let value = call(place);
            given.lock().expect("no panic").extend(value);
        }
    };
    thread::scope(|scope| {
        (0..thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(work)));
    });
    given.into_inner().expect("no panic")
}

fn anchor_file(forged: &Forger) -> NamedTempFile {
    let anchor = NamedTempFile::new().expect("a temporary file");
    fs::write(anchor.path(), forged.lines.concat()).expect("written");
    anchor
}

#[test]
fn each_forgery_gets_the_answer_that_the_rules_give() {
    let originals = Originals::record();
    let signers = AllowedSigners::read(&originals.signers()).expect("signers");
    let forgeries = forgeries();
    let wrong = in_parallel(forgeries.len(), |place| {
        let forgery = forgeries[place];
        let found = exits(&forgery.make(&originals), &signers);
        let name = (forgery.original, forgery.name);
        (found != forgery.exits).then(|| format!("{found} {:?} for {name:?}\n", forgery.exits))
    });
    assert!(wrong.is_empty(), "found, expected:\n{}", wrong.concat());
}

#[test]
fn no_forgery_of_a_case_passes_where_everything_is_asked_for() {
    let forgeries = forgeries();
    let forged = forgeries.iter().filter(|forgery| !forgery.is_genuine);
    assert!(forged.clone().count() >= 70, "the table has {} forgeries", forged.count());
    for forgery in forged {
        assert!(forgery.exits.ends_with('1'), "{}: {}", forgery.name, forgery.exits);
        // A verifier that trusts a key is told of it, unless the note says what a key cannot show.
        let signers = forgery.exits.as_bytes()[1];
        assert!(signers != b'0' || !forgery.note.is_empty(), "{}: {}", forgery.name, forgery.exits);
    }
    let names: BTreeSet<_> = forgeries.iter().map(|forgery| (forgery.original, forgery.name)).collect();
    assert_eq!(names.len(), forgeries.len(), "each has a name of its own");
}
