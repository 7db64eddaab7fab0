//! Problems of a case that can still be read.

use std::fmt;

use obit_schema::text::printable;

/// A problem of a case, which costs at most a part of it. Each names the file and its consequence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// case.json could not be read; the parts were found by their names.
    Manifest {
        /// The defect.
        why: String,
    },
    /// A part is not there, though case.json lists it or the numbers of other parts ask for it.
    MissingPart {
        /// The file, relative to the case.
        file: String,
    },
    /// A file is damaged: its rows are left out from there on.
    Damaged {
        /// The file, relative to the case.
        file: String,
        /// The defect.
        why: String,
    },
    /// A file does not belong to this case, or is not of this table; it is left out.
    Foreign {
        /// The file, relative to the case.
        file: String,
        /// The contradiction.
        why: String,
    },
    /// A file was written with a newer version of the tables; columns that this build does not know
    /// are overlooked.
    NewerSchema {
        /// The file, relative to the case.
        file: String,
        /// The version it states.
        found: u32,
    },
    /// The last batch of a journal is not whole, as after a power cut; it is left out.
    TornJournal {
        /// The file, relative to the case.
        file: String,
        /// Rows before the tear, which are read.
        rows: u64,
    },
    /// A file has another sum than SHA256SUMS lists: it was changed after the case was closed.
    Changed {
        /// The file, relative to the case.
        file: String,
    },
    /// A part has another sum than its entry in case.json.
    NotAsListed {
        /// The file, relative to the case.
        file: String,
    },
    /// A file is in a closed case and in no list of its files.
    Unlisted {
        /// The file, relative to the case.
        file: String,
        /// The list.
        list: &'static str,
    },
    /// A part's entry in case.json does not follow from the one before.
    Unchained {
        /// The file, relative to the case.
        file: String,
    },
    /// The head of the chain of parts does not hold.
    Head {
        /// The contradiction.
        why: String,
    },
    /// A signature is missing or does not hold.
    Signature {
        /// The thing signed, and the defect.
        why: String,
    },
    /// The anchor contradicts the case.
    Anchor {
        /// The contradiction.
        why: String,
    },
    /// The proof of an excerpt does not hold.
    Excerpt {
        /// The defect.
        why: String,
    },
    /// The time stamp does not hold.
    TimeStamp {
        /// The defect.
        why: String,
    },
    /// The log of hand-overs does not hold.
    Handover {
        /// The record, and the defect.
        why: String,
    },
    /// Records are missing.
    Hole {
        /// The first that is missing.
        first_seq: u64,
        /// The last that is missing.
        last_seq: u64,
    },
    /// A record is out of order; it is left out.
    Disorder {
        /// The file, relative to the case.
        file: String,
        /// Place of the record.
        seq: u64,
        /// Place of the record before it.
        after_seq: u64,
    },
    /// A row lacks what its kind must have; it is read as a record of an unknown kind.
    BadRow {
        /// The file, relative to the case.
        file: String,
        /// Place of the row.
        seq: u64,
        /// The defect.
        why: String,
    },
    /// More problems than are listed.
    More {
        /// Number of problems that are not listed.
        count: u64,
    },
}

impl Problem {
    /// Returns true if rows of the case may be missing because of this problem.
    pub fn loses_rows(&self) -> bool {
        match self {
            Self::Manifest { .. }
            | Self::NewerSchema { .. }
            | Self::Changed { .. }
            | Self::NotAsListed { .. }
            | Self::Unlisted { .. }
            | Self::Unchained { .. }
            | Self::Head { .. }
            | Self::Signature { .. }
            | Self::Anchor { .. }
            | Self::Excerpt { .. }
            | Self::TimeStamp { .. }
            | Self::Handover { .. } => false,
            Self::MissingPart { .. }
            | Self::Damaged { .. }
            | Self::Foreign { .. }
            | Self::TornJournal { .. }
            | Self::Hole { .. }
            | Self::Disorder { .. }
            | Self::BadRow { .. }
            | Self::More { .. } => true,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest { why } => write!(f, "case.json: {}; parts are read by their names", printable(why)),
            Self::MissingPart { file } => write!(f, "{}: missing; its rows are not in what follows", printable(file)),
            Self::Damaged { file, why } => {
                write!(f, "{}: damaged ({}); its rows are left out from there on", printable(file), printable(why))
            }
            Self::Foreign { file, why } => {
                write!(f, "{}: does not belong here ({}); it is left out", printable(file), printable(why))
            }
            Self::NewerSchema { file, found } => {
                let known = obit_schema::SCHEMA_VERSION;
                let file = printable(file);
                write!(f, "{file}: schema {found} is newer than this build's {known}; what it adds is overlooked")
            }
            Self::TornJournal { file, rows } => {
                write!(f, "{}: ends within a batch; the {rows} rows before it are read", printable(file))
            }
            Self::Changed { file } => {
                write!(f, "{}: its checksum differs: it was changed after the case was closed", printable(file))
            }
            Self::NotAsListed { file } => {
                write!(f, "{}: its checksum is not the one in case.json: one of them was changed", printable(file))
            }
            Self::Unlisted { file, list } => {
                write!(f, "{}: not listed in {list}: it was added, or taken out of the list", printable(file))
            }
            Self::Unchained { file } => write!(
                f,
                "{}: its entry in case.json does not follow from the one before: entries were changed, swapped or taken out",
                printable(file)
            ),
            Self::Head { why } => write!(f, "case.json: the chain of parts does not hold: {}", printable(why)),
            Self::Signature { why } => write!(f, "signature: {}", printable(why)),
            Self::Anchor { why } => write!(f, "anchor: {}", printable(why)),
            Self::TimeStamp { why } => write!(f, "time stamp: {}", printable(why)),
            Self::Handover { why } => write!(f, "hand-overs: {}", printable(why)),
            Self::Excerpt { why } => write!(f, "excerpt: {}", printable(why)),
            Self::Hole { first_seq, last_seq } if first_seq == last_seq => write!(f, "record {first_seq} is missing"),
            Self::Hole { first_seq, last_seq } => write!(f, "records {first_seq} to {last_seq} are missing"),
            Self::Disorder { file, seq, after_seq } => {
                write!(f, "{}: record {seq} comes after {after_seq}; it is left out", printable(file))
            }
            Self::BadRow { file, seq, why } => {
                write!(f, "{}: record {seq}: {}; it decides nothing", printable(file), printable(why))
            }
            Self::More { count } => write!(f, "{count} more problems"),
        }
    }
}
