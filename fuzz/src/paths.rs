//! Rules for paths.

use obit_derivation::identity::path;

/// Identifies a path.
pub fn check(bytes: &[u8]) {
    // A name may have any bytes; the rules get them escaped.
    let text = obit_schema::text::escape(bytes);
    let identity = path::identify(&text);
    if let Some(id) = &identity.container_id {
        assert!(!id.is_empty() && id.len() <= text.len(), "{id:?} of {text:?}");
    }
    assert!(identity.container_id.is_some() || !identity.root, "a root of nothing: {text:?}");
}
