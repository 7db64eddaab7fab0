//! Digests of images.

/// A digest with its algorithm; a bare one is SHA-256. `None` if it is none.
pub fn digest(text: &str) -> Option<String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_digest.then(|| format!("sha256:{hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_digest_gets_its_algorithm_and_a_name_is_none() {
        let hex = "0123456789abcdef".repeat(4);
        assert_eq!(digest(&hex), Some(format!("sha256:{hex}")));
        assert_eq!(digest(&format!("sha256:{hex}")), Some(format!("sha256:{hex}")));
        for wrong in ["", "busybox", "sha256:", &hex[1..], &hex.to_uppercase(), "sha512:00"] {
            assert_eq!(digest(wrong), None, "{wrong}");
        }
    }
}
