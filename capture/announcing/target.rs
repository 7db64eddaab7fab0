//! Names of targets, as they are given on the command line.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use obit_analysis::export::ExportFormat;
use obit_schema::text::printable;

/// Where rows are announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnouncementTarget {
    /// The system's journal.
    Journal,
    /// A file, a FIFO or a device.
    File(PathBuf),
}

impl AnnouncementTarget {
    /// Reads `journal` or `file:PATH`.
    ///
    /// # Errors
    /// It is neither; the text says why a program is refused.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "journal" => Ok(Self::Journal),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("exec", _)) => Err("a recorder starts no programs: it is confined, and whoever could change the program \
                                      would be root on this host; give file:PATH or journal, and let a service read that"
                .to_owned()),
            _ => Err(format!("'{}' is no target: give journal or file:PATH", printable(text))),
        }
    }
}

impl AnnouncementTarget {
    /// Returns the text that [`AnnouncementTarget::parse`] reads.
    pub fn as_argument(&self) -> OsString {
        match self {
            Self::Journal => "journal".into(),
            Self::File(path) => {
                let mut text = OsString::from("file:");
                text.push(path);
                text
            }
        }
    }
}

impl fmt::Display for AnnouncementTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal => f.write_str("journal"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Formats of announcements in a file: those of an export that are lines of JSON.
const FILE_FORMATS: [ExportFormat; 4] =
    [ExportFormat::Ecs, ExportFormat::Ocsf, ExportFormat::Otlp, ExportFormat::Timesketch];

/// Reads the name of a format.
///
/// # Errors
/// There is no such format.
pub fn parse_file_format(name: &str) -> Result<ExportFormat, String> {
    let names = FILE_FORMATS.map(ExportFormat::name).join(", ");
    let found = FILE_FORMATS.into_iter().find(|format| format.name() == name);
    found.ok_or_else(|| format!("'{}' is no format of lines: give one of {names}", printable(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_refused_with_the_reason() {
        assert_eq!(AnnouncementTarget::parse("journal"), Ok(AnnouncementTarget::Journal));
        assert_eq!(AnnouncementTarget::parse("file:/a:b"), Ok(AnnouncementTarget::File("/a:b".into())));
        assert!(AnnouncementTarget::parse("exec:/bin/true").unwrap_err().contains("starts no programs"));
        for wrong in ["", "file:", "journal:", "/path", "\u{1b}[2J"] {
            let why = AnnouncementTarget::parse(wrong).unwrap_err();
            assert!(why.contains("is no target") && !why.contains('\u{1b}'), "{why}");
        }
    }

    #[test]
    fn formats_of_files_are_lines_of_one_row() {
        assert_eq!(parse_file_format("otlp"), Ok(ExportFormat::Otlp));
        for wrong in ["perfetto", "ecs-bulk", ""] {
            assert!(parse_file_format(wrong).is_err(), "{wrong}");
        }
    }
}
