//! The HTML file of a page. Its data is gzip in base64, so no text of a case is ever markup; its
//! Content-Security-Policy names the hash of each script, and lets no request leave.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use super::contents::PageContents;

/// The scripts, in the order in which they run. They share one scope.
const SCRIPTS: [&str; 8] = [
    include_str!("page/text.js"),
    include_str!("page/data.js"),
    include_str!("page/view.js"),
    include_str!("page/lanes.js"),
    include_str!("page/timeline.js"),
    include_str!("page/life.js"),
    include_str!("page/list.js"),
    include_str!("page/main.js"),
];

const STYLE: &str = include_str!("page/style.css");

/// The page's body, before the data and the scripts.
const BODY: &str = include_str!("page/body.html");

/// Writes the page.
pub fn write(contents: &PageContents, output: &mut impl Write) -> io::Result<()> {
    let hashes: Vec<String> = SCRIPTS.iter().map(|script| format!("'{}'", source_hash(script))).collect();
    write!(
        output,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src {}; style-src '{}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>obit report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{BODY}\n\
         <script type=\"application/octet-stream\" id=\"data\">",
        hashes.join(" "),
        source_hash(STYLE),
    )?;
    let mut encoder = GzEncoder::new(EncoderWriter::new(&mut *output, &STANDARD), Compression::best());
    serde_json::to_writer(&mut encoder, contents)?;
    encoder.finish()?.finish()?;
    output.write_all(b"</script>\n")?;
    for script in SCRIPTS {
        writeln!(output, "<script>{script}</script>")?;
    }
    output.write_all(b"</body>\n</html>\n")
}

/// Returns a source's hash as a Content-Security-Policy names it.
fn source_hash(source: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_source_ends_its_element() {
        for source in SCRIPTS.iter().chain([&STYLE]) {
            let lower = source.to_lowercase();
            assert!(!lower.contains("</script") && !lower.contains("</style") && !lower.contains("<!--"));
        }
    }
}
