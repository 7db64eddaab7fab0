//! Pages in headless Chromium: `tests/page` has what is looked at there.

use std::path::Path;
use std::process::Command;

use crate::case::{Recorder, id};
use crate::program::replay;

/// Names that would break out of a page which took them for markup, or deceive its reader.
fn hostile_names() -> [String; 6] {
    [
        "</script><script>window.ranOfCase = 1</script>".to_owned(),
        "<img src=x onerror='window.ranOfCase = 2'>".to_owned(),
        "javascript:window.ranOfCase=3".to_owned(),
        "\u{202e}gnp.egami\u{202c}".to_owned(),
        "__proto__".to_owned(),
        "x".repeat(4096),
    ]
}

#[test]
fn a_browser_shows_pages_and_hostile_names_stay_text() {
    if std::env::var_os("OBIT_SKIP_BROWSER").is_some() {
        eprintln!("NOT RUN, because OBIT_SKIP_BROWSER is set: the page of a report in a browser (tests/page)");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = root.join("tests/page/node_modules/playwright-core");
    assert!(
        tools.is_dir(),
        "{} is missing: run `scripts/setup.sh test` and `make page-tools`, or set OBIT_SKIP_BROWSER=1 to leave this out",
        tools.display()
    );
    let folder = tempfile::tempdir().expect("a directory");
    let page = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let fixtures = root.join("fixtures/cases");
    let docker = fixtures.join("docker-hybrid/case");
    replay(["report", docker.to_str().expect("UTF-8"), "--output", &page("docker.html")]).expect_code(0);
    replay(["report", fixtures.to_str().expect("UTF-8"), "--output", &page("hosts.html")]).expect_code(0);
    let mut recorder = Recorder::new();
    for (digit, name) in ('a'..).zip(hostile_names()) {
        let cgroup = recorder.begin(&id(digit));
        recorder.answer(&id(digit), &name, &name);
        recorder.end(&id(digit), cgroup);
    }
    recorder.lose(5);
    let case = recorder.close();
    replay(["report", case.arg(), "--output", &page("hostile.html")]).expect_code(0);

    let output = Command::new("node")
        .args(["--test", "page.test.mjs"])
        .env("OBIT_PAGES", folder.path())
        .current_dir(root.join("tests/page"))
        .output()
        .expect("node starts: run `scripts/setup.sh test`");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("# fail 0") || said.contains("fail 0"), "{said}");
}
