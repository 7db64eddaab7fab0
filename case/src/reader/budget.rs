//! The work that the files of a case may ask for, by their size: a file of some kilobytes can hold
//! a billion nulls, and reading each would take minutes. A recorder's files are far from these
//! bounds, also where somebody on its host tries to make it write such files.

/// Rows that a case may have whatever its size.
const FREE_ROWS: u64 = 256 << 10;
/// Most rows for each byte of the files. A recorder's rows take several bytes each.
const ROWS_PER_BYTE: u64 = 2;
/// Elements of lists that a case may have whatever its size.
const FREE_ELEMENTS: u64 = 4 << 20;
/// Most elements of lists for each byte. A row may have a thousand short arguments.
const ELEMENTS_PER_BYTE: u64 = 512;
/// Bytes that the files may unfold to whatever their size.
const FREE_UNFOLDED_BYTES: u64 = 256 << 20;
/// Most bytes that a byte may unfold to: pages and messages by decompression, texts by the
/// dictionaries of their pages. A path has up to 4 KiB once it is escaped, and a row may have
/// several.
const UNFOLDED_BYTES_PER_BYTE: u64 = 2048;

/// The work that files ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ReadCost {
    /// Rows.
    pub(super) rows: u64,
    /// Elements of lists and maps.
    pub(super) elements: u64,
    /// Bytes after decompression.
    pub(super) unfolded_bytes: u64,
}

/// The work that the files of a case have asked for so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadBudget {
    file_bytes: u64,
    asked: ReadCost,
}

impl ReadBudget {
    /// Takes a file of so many bytes.
    ///
    /// # Errors
    /// The reason why it asks for too much: it is not to be read.
    pub(super) fn take(&mut self, file_bytes: u64, cost: ReadCost) -> Result<(), String> {
        let bytes = self.file_bytes.saturating_add(file_bytes);
        let asked = ReadCost {
            rows: self.asked.rows.saturating_add(cost.rows),
            elements: self.asked.elements.saturating_add(cost.elements),
            unfolded_bytes: self.asked.unfolded_bytes.saturating_add(cost.unfolded_bytes),
        };
        let exceeds = |asked: u64, free: u64, each: u64| asked > bytes.saturating_mul(each).saturating_add(free);
        if exceeds(asked.rows, FREE_ROWS, ROWS_PER_BYTE) {
            return Err(format!("{} rows in {file_bytes} bytes: no recorder writes so many", cost.rows));
        }
        if exceeds(asked.elements, FREE_ELEMENTS, ELEMENTS_PER_BYTE) {
            return Err(format!(
                "lists of {} elements in {file_bytes} bytes: no recorder writes so many",
                cost.elements
            ));
        }
        if exceeds(asked.unfolded_bytes, FREE_UNFOLDED_BYTES, UNFOLDED_BYTES_PER_BYTE) {
            return Err(unfolds(file_bytes, cost.unfolded_bytes));
        }
        (self.file_bytes, self.asked) = (bytes, asked);
        Ok(())
    }
}

/// The bytes of text that a file's batches have unfolded to so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TextBudget {
    file_bytes: u64,
    unfolded_bytes: u64,
}

impl TextBudget {
    /// Returns the budget of a file of so many bytes.
    pub(super) fn of(file_bytes: u64) -> Self {
        Self { file_bytes, unfolded_bytes: 0 }
    }

    /// Takes the texts of a batch.
    ///
    /// # Errors
    /// The reason why the file unfolds to too much.
    pub(super) fn take(&mut self, bytes: u64) -> Result<(), String> {
        self.unfolded_bytes = self.unfolded_bytes.saturating_add(bytes);
        let limit = self.file_bytes.saturating_mul(UNFOLDED_BYTES_PER_BYTE).saturating_add(FREE_UNFOLDED_BYTES);
        match self.unfolded_bytes <= limit {
            true => Ok(()),
            false => Err(unfolds(self.file_bytes, self.unfolded_bytes)),
        }
    }
}

fn unfolds(file_bytes: u64, unfolded_bytes: u64) -> String {
    format!("its {file_bytes} bytes unfold to {} MiB and more: no recorder writes such", unfolded_bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_files_ask_for_no_more_than_one_large_one() {
        let rows = |rows| ReadCost { rows, ..ReadCost::default() };
        let mut budget = ReadBudget::default();
        // A recorder's parts: a million rows of eight bytes.
        for _ in 0..1000 {
            assert_eq!(budget.take(8 << 20, rows(1 << 20)), Ok(()));
        }
        let mut budget = ReadBudget::default();
        assert_eq!(budget.take(3_000, rows(200_000)), Ok(()));
        let why = budget.take(3_000, rows(200_000)).expect_err("what is free is free once");
        assert_eq!(why, "200000 rows in 3000 bytes: no recorder writes so many");
        // The file that asked for too much is left out, and does not count.
        assert_eq!(budget.take(3_000, rows(2_000)), Ok(()));
    }

    #[test]
    fn texts_are_counted_as_they_unfold() {
        let mut texts = TextBudget::of(1 << 10);
        assert_eq!(texts.take(257 << 20), Ok(()));
        assert!(texts.take(2 << 20).expect_err("past the limit").contains("unfold to 259 MiB"));
        assert!(TextBudget::of(u64::MAX).take(u64::MAX).is_ok(), "no sum overflows");
    }
}
