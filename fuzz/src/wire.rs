//! Records of the ring buffer.

use obit_capture::sources::kernel::wire::decode;

/// Decodes one record. The event lies within the record, and its texts can be escaped and read
/// back.
pub fn check(bytes: &[u8]) {
    let Ok(event) = decode(bytes, 4096) else { return };
    let _ = event.payload.kind();
    let elements: usize = event.actor.argv_elements().map(<[u8]>::len).sum();
    assert!(elements <= bytes.len(), "arguments from outside the record");
    let escaped = obit_schema::text::escape(event.actor.comm);
    assert_eq!(obit_schema::text::unescape(&escaped), event.actor.comm, "a name that cannot be read back");
}
