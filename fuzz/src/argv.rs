//! Arguments of OCI runtimes.

use obit_derivation::identity::argv;

/// Parses an argument vector, its elements ended by NUL as the kernel has them, and the part of it
/// that would be recorded.
pub fn check(bytes: &[u8]) {
    let elements: Vec<_> = bytes.split(|byte| *byte == 0).map(obit_schema::text::escape).collect();
    let all: Vec<&str> = elements.iter().map(AsRef::as_ref).collect();
    let call = argv::parse(&all);
    let kept = argv::recordable(&all);
    assert!(kept.len() <= all.len(), "more is recorded than there was");
    assert!(kept.iter().all(|element| all.contains(element)), "something is recorded that was not there");
    // A replay has only the recorded elements, and must find the same in them.
    let replayed = argv::parse(&kept);
    assert_eq!(
        replayed.map(|call| (call.container_id, call.bundle)),
        call.map(|call| (call.container_id, call.bundle)),
        "what was recorded of {all:?} says something else"
    );
}
