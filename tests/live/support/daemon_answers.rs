//! What a case says the runtime daemons said.

use std::path::Path;
use std::time::{Duration, Instant};

use obit_case::Case;
use obit_derivation::record::{Body, Outcome, Source};
use obit_schema::Table;
use obit_schema::decode::RuntimeView;

/// Longest that a record may take to reach a case that is being written.
const LIMIT: Duration = Duration::from_secs(20);

/// One record of raw/runtime.
#[derive(Clone, Debug, Default)]
pub struct DaemonAnswer {
    /// Who spoke.
    pub source: Option<Source>,
    /// How it went.
    pub outcome: Option<Outcome>,
    /// What was asked.
    pub request: String,
    /// The event, of an answer that is one.
    pub event: String,
    /// The container.
    pub container_id: String,
    /// containerd's namespace.
    pub namespace: String,
    /// The exit code.
    pub exit_code: Option<i32>,
    /// Labels that were kept.
    pub labels: Vec<(String, String)>,
    /// The answer itself.
    pub document: String,
}

/// What daemons said, in order; not what files of OCI runtimes or of engines say.
pub fn read_all(case: &Path) -> Vec<DaemonAnswer> {
    read(case).unwrap_or_else(|error| panic!("{}: {error}", case.display()))
}

/// Waits until the case that is being written holds a record like this.
pub fn wait_for(case: &Path, what: &str, is_it: impl Fn(&DaemonAnswer) -> bool) -> DaemonAnswer {
    let deadline = Instant::now() + LIMIT;
    loop {
        // Parts come and go while it is written.
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
