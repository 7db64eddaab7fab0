//! The errors of an analysis. An error holds facts; its text says what failed, on what.

use std::io;
use std::path::PathBuf;

use arrow_schema::ArrowError;
use obit_schema::text::printable;

/// Anything that ends an analysis early. Damage of a case does not: it is a
/// [`Problem`](obit_case::Problem) beside the answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The case cannot be opened.
    #[error("cannot open the case")]
    Open(#[source] obit_case::Error),
    /// Reading the case failed.
    #[error(transparent)]
    Case(#[from] obit_case::Error),
    /// Rows cannot be put into columns, or have a value that the digest does not define.
    #[error(transparent)]
    Schema(#[from] obit_schema::Error),
    /// Arrow refused to select columns of a batch.
    #[error("cannot select columns of {table}: {cause}")]
    Columns {
        /// The table.
        table: &'static str,
        /// The reason that Arrow gives.
        cause: ArrowError,
    },
    /// A value cannot be written as JSON.
    #[error("cannot write a value of {table} as JSON: {cause}")]
    Json {
        /// The table.
        table: &'static str,
        /// The reason that the JSON library gives.
        cause: serde_json::Error,
    },
    /// The profile `tracee` needs the host's hierarchies, and case.json does not list them.
    #[error("the profile tracee needs the host's cgroup hierarchies, and {why}")]
    Hierarchies {
        /// The part that is missing or cannot be read.
        why: String,
    },
    /// A derived table has no column of this name, or the profile does not fill it.
    #[error("{table} has no column {} here; it has {}", printable(column), known.join(", "))]
    NoColumn {
        /// The table.
        table: &'static str,
        /// The name that was asked for.
        column: String,
        /// The names of the columns.
        known: Vec<String>,
    },
    /// The values of a column cannot be put in order.
    #[error("the values of {} are lists or the like, and have no order", printable(column))]
    NoOrder {
        /// The name of the column.
        column: String,
    },
    /// There are more rows than can be put in order in bounded memory.
    #[error("more than {limit} rows are to be put in order: take fewer by a filter, or the first ones with --limit")]
    TooManyRows {
        /// Most rows that can be put in order.
        limit: usize,
    },
    /// A case is given twice: each of its rows would be there twice.
    #[error("{} and {} are the same case; give it once", printable(&first.display().to_string()), printable(&second.display().to_string()))]
    SameCase {
        /// Directory of the case.
        first: PathBuf,
        /// The other directory.
        second: PathBuf,
    },
    /// A directory has more below it than is looked through for cases.
    #[error("{} holds more than {limit} directories; give the cases themselves", printable(&path.display().to_string()))]
    TooManyDirectories {
        /// The directory.
        path: PathBuf,
        /// Most directories that are looked through.
        limit: usize,
    },
    /// A container has no rows in the case.
    #[error("there is no container {}: `obit-replay derive` lists those that ended", printable(container_id))]
    NoContainer {
        /// Id of the container.
        container_id: String,
    },
    /// A column has no commitments, so an excerpt cannot leave its values out.
    #[error("the column {} cannot be left out; these can: {}", printable(column), known.join(", "))]
    NotRedactable {
        /// The column that was asked for.
        column: String,
        /// The columns that can be left out.
        known: Vec<String>,
    },
    /// An excerpt is to be taken from an excerpt.
    #[error("this case is an excerpt itself: take the excerpt from the whole case")]
    ExcerptOfExcerpt,
    /// Records of the case are missing or cannot be read.
    #[error("an excerpt of a damaged case would not tell what is missing: {problem}")]
    DamagedCase {
        /// The first problem.
        problem: obit_case::Problem,
    },
    /// The records of a part are not those that its root stands for.
    #[error(
        "the records of {} are not those of its entry in case.json: `obit-replay verify` tells more",
        printable(file)
    )]
    WrongRoot {
        /// The part, relative to the case.
        file: String,
    },
    /// Texts that an excerpt leaves out cannot be disclosed, or compared with it.
    #[error("cannot match the excerpt with the texts that it leaves out: {}", printable(why))]
    NoDisclosure {
        /// The contradiction.
        why: String,
    },
    /// The anchor file cannot be read.
    #[error("cannot read the anchor {}: {cause}", printable(&path.display().to_string()))]
    Anchor {
        /// The file.
        path: PathBuf,
        /// The reason that the operating system gives.
        cause: io::Error,
    },
    /// What was made of a case cannot be written.
    #[error("cannot write what is exported")]
    Output(#[source] io::Error),
}
