//! Answers of runtime daemons, as a case has them.

use std::path::Path;
use std::time::{Duration, Instant};

use obit_case::Case;
use obit_derivation::record::{Body, Outcome, Source};
use obit_schema::Table;
use obit_schema::decode::RuntimeView;

/// Longest time until a record reaches a case that is being written.
const LIMIT: Duration = Duration::from_secs(20);

/// An answer or event of a daemon: a record of raw/runtime.
#[derive(Clone, Debug, Default)]
pub struct DaemonAnswer {
    /// Daemon that answered.
    pub source: Option<Source>,
    /// Outcome of the request.
    pub outcome: Option<Outcome>,
    /// Request that was sent.
    pub request: String,
    /// Name of the event; empty for an answer to a request.
    pub event: String,
    /// Container that the answer describes.
    pub container_id: String,
    /// Namespace of containerd.
    pub namespace: String,
    /// Exit code of the container.
    pub exit_code: Option<i32>,
    /// Labels that the capture recorded.
    pub labels: Vec<(String, String)>,
    /// Document of the answer.
    pub document: String,
}

/// Reads all answers of daemons in order, without those of files of OCI runtimes and engines.
pub fn read_all(case: &Path) -> Vec<DaemonAnswer> {
    read(case).unwrap_or_else(|error| panic!("{}: {error}", case.display()))
}

/// Waits until the case that is being written holds such an answer.
pub fn wait_for(case: &Path, what: &str, is_it: impl Fn(&DaemonAnswer) -> bool) -> DaemonAnswer {
    let deadline = Instant::now() + LIMIT;
    loop {
        // Parts come and go while a case is written.
        let all = read(case).unwrap_or_default();
        if let Some(found) = all.iter().find(|answer| is_it(answer)) {
            return found.clone();
        }
        assert!(Instant::now() < deadline, "after {LIMIT:?} nothing said {what}: {all:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn read(case: &Path) -> Result<Vec<DaemonAnswer>, obit_case::Error> {
    let case = Case::open_lenient(case)?;
    let mut all = Vec::new();
    for batch in case.batches(Table::Runtime) {
        let view = RuntimeView::new(&batch?)?;
        for row in 0..view.len() {
            let Body::Runtime(answer) = view.get(row)?.body else { continue };
            if matches!(answer.source, Source::OciState | Source::OciBundle) {
                continue;
            }
            let details = view.details(row).expect("of a row that is there");
            if details.request.starts_with("/var/lib/") {
                continue;
            }
            let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().unwrap_or_default().to_owned();
            all.push(DaemonAnswer {
                source: Some(answer.source),
                outcome: Some(answer.outcome),
                request: details.request,
                event: text(&answer.event),
                container_id: text(&answer.container_id),
                namespace: text(&answer.namespace),
                exit_code: answer.exit_code,
                labels: answer.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
                document: details.document.unwrap_or_default(),
            });
        }
    }
    Ok(all)
}
