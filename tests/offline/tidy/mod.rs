//! Keeps the source readable: names, comments, and which module may use which.
//!
//! Looks at all Rust code but tests. A failure names file and line, and what to do. The limits
//! below are the house's rules: raise none of them.

mod modules;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use modules::Crate;
use tokens::Source;

/// First files of the crates, and the crates of this repository that each may use.
const CRATES: [(&str, &[&str]); 9] = [
    ("derivation/src/lib.rs", &[]),
    ("filter/src/lib.rs", &["obit_derivation"]),
    ("schema/src/lib.rs", &["obit_derivation"]),
    ("case/src/lib.rs", &["obit_derivation", "obit_schema"]),
    ("analysis/src/lib.rs", &["obit_derivation", "obit_filter", "obit_schema", "obit_case"]),
    ("replay/main.rs", &["obit_derivation", "obit_filter", "obit_schema", "obit_case", "obit_analysis"]),
    // The formats of exports are those of announcements.
    ("capture/lib.rs", &["obit_derivation", "obit_filter", "obit_schema", "obit_case", "obit_analysis"]),
    ("python/src/lib.rs", &["obit_derivation", "obit_schema", "obit_case", "obit_analysis"]),
    ("capture/main.rs", &["obit_derivation", "obit_schema", "obit_case", "obit_capture"]),
];

/// Most type names that are one participle: "Told" says neither who told nor what.
const MAX_PARTICIPLES: usize = 3;
/// Most comments of documentation, in percent, whose first word is one of [`POINTERS`].
const MAX_POINTING_PERCENT: f64 = 4.0;
/// Most columns of a comment; one with a link or a table may be longer.
const MAX_COMMENT_COLUMNS: usize = 100;

/// Type names that two files may define, and why.
const SHARED_NAMES: &[(&str, &str)] = &[
    ("ClockPair", "two clocks as they are read, with an error bound, and as case.json has them"),
    ("Container", "messages of containerd's API and of the CRI"),
    ("Directory", "a directory of a case on disk, and the record of one of cgroupfs"),
    ("Error", "the error of a crate or of a module"),
    ("FileOrigin", "the owner of a runtime's file, and the case that a part belongs to"),
    ("Outcome", "the outcome of a program, and that of a recorded question"),
    ("Row", "a row of the derivation, and the values of one that a table declares"),
    ("TableCursor", "a place in one table: of a reader, of a comparison, of carried records"),
    ("TaskExit", "a message of containerd's API, and the record of an exit"),
];

/// Words that point elsewhere: a comment that begins with one cannot be read alone.
const POINTERS: &[&str] = &[
    "What", "Of", "Whether", "Who", "Whose", "Whom", "Which", "How", "Its", "It", "Those", "That", "One", "Not", "As",
    "This", "They", "These", "Them", "He", "She", "And", "But", "Or", "So", "Also", "If", "When", "Where", "While",
    "Because", "Since", "Nor", "Yet", "The same",
];

/// Participles that do not end like one.
const IRREGULAR_PARTICIPLES: &[&str] = &[
    "Told", "Heard", "Kept", "Said", "Sent", "Known", "Found", "Given", "Handed", "Written", "Held", "Seen", "Made",
    "Shown", "Lost", "Left", "Met",
];

/// The crates, in the order of [`CRATES`].
static HOUSE: LazyLock<Vec<Crate>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| fs::read_to_string(root.join(path)).ok();
    CRATES.iter().map(|(first, _)| Crate::read(Path::new(first), &read)).collect()
});

/// Every file that is compiled into a crate, with its text; once, if into several.
fn files() -> BTreeMap<&'static Path, &'static str> {
    let files: BTreeMap<_, _> =
        HOUSE.iter().flat_map(|of_crate| &of_crate.files).map(|(file, text)| (file.as_path(), text.as_str())).collect();
    assert!(files.len() > 100, "only {} files were found", files.len());
    files
}

/// Fails if there are more findings than allowed. Shows them on success too, with `--nocapture`.
#[track_caller]
fn expect_at_most(limit: usize, found: &[String], rule: &str) {
    println!("{}", found.join("\n"));
    assert!(found.len() <= limit, "{} places (above), of which {limit} are allowed. {rule}", found.len());
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let circles: Vec<_> = HOUSE.iter().flat_map(Crate::circles).map(|circle| circle.join("\n") + "\n").collect();
    expect_at_most(
        0,
        &circles,
        "Files below use each other in a circle: move what both need into a module of its own, or hand it over as an argument.",
    );
}

#[test]
fn crates_use_each_other_one_way() {
    let mut found = Vec::new();
    for (of_crate, (_, may_use)) in HOUSE.iter().zip(CRATES) {
        for (file, line, name) in &of_crate.crates {
            if !may_use.contains(&name.as_str()) {
                found.push(format!("{}:{line}: `{name}`", file.display()));
            }
        }
    }
    expect_at_most(
        0,
        &found,
        "capture -> case -> schema -> derivation, and replay, python -> analysis -> case: move what is needed down, or its user up.",
    );
}

/// Type names and the places where they are defined.
fn types() -> BTreeMap<String, Vec<(&'static Path, usize)>> {
    let mut types: BTreeMap<String, Vec<(&Path, usize)>> = BTreeMap::new();
    for (file, text) in files() {
        let source = Source::new(text);
        let mut depth = 0_usize;
        for pair in source.tokens.windows(2) {
            let [keyword, name] = pair else { continue };
            if keyword.is("{") {
                depth += 1;
            } else if keyword.is("}") {
                depth = depth.saturating_sub(1);
            }
            // A `type` in braces belongs to a trait.
            let defines = ["struct", "enum", "trait", "union"].iter().any(|word| keyword.is(word))
                || keyword.is("type") && depth == 0;
            if defines && name.is_word() && name.text.starts_with(|letter: char| letter.is_ascii_uppercase()) {
                types.entry(name.text.to_owned()).or_default().push((file, name.line));
            }
        }
    }
    types
}

fn is_participle(name: &str) -> bool {
    let is_one_word = name.chars().skip(1).all(|letter| letter.is_ascii_lowercase());
    is_one_word
        && (IRREGULAR_PARTICIPLES.contains(&name) || name.len() > 3 && (name.ends_with("ed") || name.ends_with("ing")))
}

#[test]
fn types_are_named_by_what_they_are() {
    let mut found = Vec::new();
    for (name, places) in types().into_iter().filter(|(name, _)| is_participle(name)) {
        found.extend(places.iter().map(|(file, line)| format!("{}:{line}: {name}", file.display())));
    }
    expect_at_most(MAX_PARTICIPLES, &found, "A participle does not say what a value is: add or choose a noun.");
}

#[test]
fn a_type_name_stands_for_one_type() {
    let shared: BTreeMap<_, _> = SHARED_NAMES.iter().copied().collect();
    let mut found = Vec::new();
    let types = types();
    for (name, places) in &types {
        let files: BTreeSet<_> = places.iter().map(|(file, _)| file).collect();
        if files.len() > 1 && !shared.contains_key(name.as_str()) {
            found.push(format!(
                "{name}: {}",
                places.iter().map(|(file, line)| format!("{}:{line}", file.display())).collect::<Vec<_>>().join(", ")
            ));
        }
    }
    expect_at_most(0, &found, "Two types have one name: rename one, or add the name with a reason to SHARED_NAMES.");
    for (name, reason) in shared {
        let files: BTreeSet<_> = types.get(name).into_iter().flatten().map(|(file, _)| file).collect();
        assert!(files.len() > 1, "{name} ({reason}) is defined once: take it off SHARED_NAMES");
    }
}

/// Text of a line of documentation.
fn documentation(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if line.starts_with("////") {
        return None;
    }
    let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

fn points_elsewhere(text: &str) -> bool {
    POINTERS.iter().any(|word| {
        text.strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_'))
    })
}

#[test]
fn documentation_begins_with_its_subject() {
    let (mut blocks, mut found) = (0, Vec::new());
    for (file, text) in files() {
        let source = Source::new(text);
        let mut is_inside = false;
        for (number, line) in (1..).zip(text.lines()) {
            let documentation = documentation(line).filter(|_| !source.is_test_line(number));
            if let Some(first) = documentation.filter(|_| !is_inside) {
                blocks += 1;
                if points_elsewhere(first) {
                    found.push(format!("{}:{number}: {first}", file.display()));
                }
            }
            is_inside = documentation.is_some();
        }
    }
    let limit = f64::from(blocks) * MAX_POINTING_PERCENT / 100.0;
    expect_at_most(
        limit as usize,
        &found,
        &format!(
            "Of {blocks} blocks {MAX_POINTING_PERCENT} % may begin with a pronoun or a conjunction: begin with a verb (a function) or \
             a noun (anything else)."
        ),
    );
}

#[test]
fn comments_keep_their_width() {
    let mut found = Vec::new();
    for (file, text) in files() {
        for (number, line) in (1..).zip(text.lines()) {
            let is_free = line.contains("://") || line.contains('|');
            if line.trim_start().starts_with("//") && !is_free && line.chars().count() > MAX_COMMENT_COLUMNS {
                found.push(format!("{}:{number}", file.display()));
            }
        }
    }
    expect_at_most(0, &found, &format!("Comments below are wider than {MAX_COMMENT_COLUMNS} columns: wrap them."));
}

#[test]
fn rules_tell_good_names_and_comments_from_bad() {
    assert!(["Told", "Gathered", "Waiting"].iter().all(|name| is_participle(name)));
    assert!(["LossRecord", "Row", "ReadThreads"].iter().all(|name| !is_participle(name)));
    assert!(points_elsewhere("Of a container") && points_elsewhere("The same of it"));
    assert!(!points_elsewhere("Offset of a field") && !points_elsewhere("Returns what it is"));
    assert_eq!(documentation("    /// A"), Some("A"));
    assert_eq!(documentation("//// A"), None);
}
