//! Lower bound of the cost of reading a case: the Parquet decoder alone. It reads every column of
//! every raw event into Arrow arrays in batches, and counts the rows.

use std::fs::{self, File};
use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// First argument of a process that decodes; the folder follows.
const DECODE: &str = "decode-alone";
/// Rows of a batch, as `obit-replay` reads raw records (case/src/reader/batches.rs).
const BATCH_ROWS: usize = 2048;

/// Decodes if this process was started for that. The whole process is measured, like the programs
/// that it is compared with. Must be called first in `main`.
pub fn serve() -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [word, folder] = words.as_slice() else { return false };
    if word != DECODE {
        return false;
    }
    println!("{}", rows(Path::new(folder)));
    true
}

/// Returns the command that decodes the raw events of a case.
pub fn arguments(case: &Path) -> [String; 2] {
    [DECODE.to_owned(), case.join("raw/events").display().to_string()]
}

fn rows(folder: &Path) -> usize {
    let parts = fs::read_dir(folder).expect("the folder of a table").map(|entry| entry.expect("an entry").path());
    parts
        .map(|path| {
            let file = File::open(&path).expect("a part");
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a footer").with_batch_size(BATCH_ROWS);
            let batches = reader.build().expect("columns");
            batches.map(|batch| batch.expect("a batch").num_rows()).sum::<usize>()
        })
        .sum()
}
