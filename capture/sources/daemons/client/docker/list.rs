//! The list of running containers.

use std::collections::BTreeMap;

use obit_derivation::WallNs;
use obit_derivation::record::{Outcome, RuntimeAnswer};
use serde::{Deserialize, Serialize};

use super::store::ImageStore;
use crate::sources::answer::{NAME_BYTES, digest, within};
use crate::sources::daemons::failure::Failure;
use crate::sources::daemons::kind::DaemonKind;
use crate::sources::daemons::labels::{LabelPolicy, describe_pod, pairs};
use crate::sources::daemons::limits::MAX_LISTED;
use crate::sources::daemons::report::DaemonAnswer;

/// The path of the list.
pub const PATH: &str = "/containers/json";

/// The part of an entry that is read and kept. The command is not.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListEntry {
    id: String,
    names: Option<Vec<String>>,
    image: Option<String>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    /// In seconds since 1970.
    created: Option<i64>,
    state: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

/// Reads the list of a daemon that keeps its images in this store.
pub fn read(
    body: &[u8],
    kind: DaemonKind,
    store: ImageStore,
    labels: &LabelPolicy,
) -> Result<Vec<DaemonAnswer>, Failure> {
    let entries: Vec<ListEntry> =
        serde_json::from_slice(body).map_err(|_| Failure::invalid("not a list of containers"))?;
    Ok(entries.into_iter().take(MAX_LISTED).map(|entry| entry.into_answer(kind, store, labels)).collect())
}

impl ListEntry {
    fn into_answer(mut self, kind: DaemonKind, store: ImageStore, labels: &LabelPolicy) -> DaemonAnswer {
        let mut answer = RuntimeAnswer::unanswered(kind.source(), Outcome::Ok);
        describe_pod(&mut answer, self.labels.as_ref().unwrap_or(&BTreeMap::new()));
        self.labels = self.labels.map(|all| labels.keep(all));
        answer.runtime = kind.engine().map(|engine| engine.as_str().into());
        answer.container_id = within(Some(&self.id), NAME_BYTES);
        // Links (`/other/alias`) are names too; its own has one slash.
        let names = self.names.iter().flatten().filter_map(|name| name.strip_prefix('/'));
        let own = within(names.into_iter().find(|name| !name.contains('/')), NAME_BYTES);
        answer.container_name = own.or(answer.container_name);
        // An image whose name is gone is listed by its id.
        answer.image_name = within(self.image.as_deref().filter(|name| digest(name).is_none()), NAME_BYTES);
        (answer.image_id, answer.image_digest) = store.ids(self.image_id.as_deref().and_then(digest).map(Into::into));
        answer.created_at = self.created.and_then(|seconds| seconds.checked_mul(1_000_000_000)).map(WallNs);
        answer.labels = self.labels.as_ref().map(pairs).unwrap_or_default();
        DaemonAnswer::new(answer, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_the_container_and_no_command() {
        let id = "ab".repeat(32);
        let body = format!(
            r#"[{{"Id":"{id}","Names":["/other/alias","/web"],"Image":"busybox:1","ImageID":"sha256:{id}",
            "Command":"sh -c hunter2","Created":5,"State":"running","Labels":{{"token":"hunter2"}},"Mounts":[]}}]"#
        );
        let read = |body: &[u8], store| read(body, DaemonKind::Docker, store, &LabelPolicy::Listed);
        let answer = read(body.as_bytes(), ImageStore::Docker).unwrap().pop().unwrap();
        let image = Some(format!("sha256:{id}").into());
        assert_eq!((answer.facts.image_id, answer.facts.image_digest), (image.clone(), None));
        for (store, manifest) in [(ImageStore::Containerd, image), (ImageStore::Unknown, None)] {
            let answer = read(body.as_bytes(), store).unwrap().pop().unwrap().facts;
            assert_eq!((answer.image_id, answer.image_digest), (None, manifest), "{store:?}");
        }
        let answer = read(body.as_bytes(), ImageStore::Docker).unwrap().pop().unwrap();
        assert_eq!(answer.facts.container_name.as_deref(), Some("web"));
        assert_eq!(answer.facts.image_name.as_deref(), Some("busybox:1"));
        assert_eq!(answer.facts.created_at, Some(WallNs(5_000_000_000)));
        assert!(!answer.document.unwrap().contains("hunter2"));
        assert!(read(b"{}", ImageStore::Docker).is_err());
    }
}
