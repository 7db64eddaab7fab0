//! Digests of images.

use std::time::Duration;

use serde::Deserialize;

use crate::sources::answer::digest;
use crate::sources::daemons::cache::TimedCache;
use crate::sources::daemons::http::{self, component};
use crate::sources::daemons::sockets::Endpoint;

/// Images remembered.
const MAX_IMAGES: usize = 256;
/// Time for which a digest is good: a push gives an image one that had none.
const FRESH: Duration = Duration::from_secs(60);
/// Largest description of an image that is read; the environment of its configuration is most of
/// it.
const IMAGE_BYTES: usize = 1 << 20;

/// The images' digests by image id and name.
#[derive(Debug)]
pub struct ImageDigests(TimedCache<(String, String), Option<String>>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageInspection {
    repo_digests: Option<Vec<String>>,
}

impl Default for ImageDigests {
    fn default() -> Self {
        Self(TimedCache::new(FRESH, MAX_IMAGES))
    }
}

impl ImageDigests {
    /// Returns the manifest digest under which the image with this config digest was pulled by this
    /// name. Asks at most once a minute. `None` if the image was never pulled or pushed, or the
    /// daemon does not answer in time.
    pub async fn find(&self, endpoint: &Endpoint, id: &str, name: &str, limit: Duration) -> Option<String> {
        let key = (id.to_owned(), name.to_owned());
        if let Some(known) = self.0.get(&key) {
            return known;
        }
        let path = format!("/images/{}/json", component(id));
        let body = http::get(endpoint, &path, limit, IMAGE_BYTES).await.ok()?;
        let image: ImageInspection = serde_json::from_slice(&body).ok()?;
        let digest = of_name(&image.repo_digests.unwrap_or_default(), name);
        self.0.put(key, digest.clone());
        digest
    }
}

/// Returns the digest of the name's repository, or the only one of an image that has one.
fn of_name(repo_digests: &[String], name: &str) -> Option<String> {
    let all = || repo_digests.iter().filter_map(|reference| reference.rsplit_once('@'));
    let by_name = all().find(|(repository, _)| *repository == repository_of(name));
    let (_, hex) = by_name.or_else(|| all().next().filter(|_| repo_digests.len() == 1))?;
    digest(hex)
}

/// Returns a reference without its tag and digest. A colon before the last slash is that of a port.
fn repository_of(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_repository_of_the_name() {
        let (one, two) = (format!("sha256:{}", "1".repeat(64)), format!("sha256:{}", "2".repeat(64)));
        let both = [format!("busybox@{one}"), format!("localhost:5000/busybox@{two}")];
        assert_eq!(of_name(&both, "busybox:1.36"), Some(one.clone()));
        assert_eq!(of_name(&both, "localhost:5000/busybox"), Some(two));
        assert_eq!(of_name(&both, "other"), None, "of two, neither is the image's by another name");
        assert_eq!(of_name(&both[..1], "retagged:latest"), Some(one));
        assert_eq!(of_name(&[], "busybox"), None);
        assert_eq!(of_name(&["busybox@sha256:short".into()], "busybox"), None);
    }
}
