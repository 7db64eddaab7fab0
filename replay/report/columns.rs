//! Rows of a table in columns, as a page carries them: a text that comes often is there once, times
//! and numbers are differences from row to row, and gzip does the rest.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use obit_schema::text::Cell;
use obit_schema::value::{Cells, Value};
use serde::Serialize;

/// Greatest whole number that JavaScript counts exactly.
const MAX_EXACT: u64 = (1 << 53) - 1;

/// Nanoseconds of a millisecond.
const NS_PER_MS: i64 = 1_000_000;

/// Texts of all columns, each once.
#[derive(Debug, Default)]
pub struct TextTable {
    places: BTreeMap<String, u32>,
}

impl TextTable {
    /// Returns the place of a text.
    fn place(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.insert(text.to_owned(), place);
        place
    }

    /// Returns the texts by their places.
    pub fn into_texts(self) -> Vec<String> {
        let mut texts: Vec<(u32, String)> = self.places.into_iter().map(|(text, place)| (place, text)).collect();
        texts.sort_unstable();
        texts.into_iter().map(|(_, text)| text).collect()
    }
}

/// The rows of a table.
#[derive(Debug, Default, Serialize)]
pub struct PageTable {
    /// Number of the life of each row.
    pub life: Vec<u32>,
    /// Columns by their names in the table; those that are null in each row are left out.
    pub columns: BTreeMap<String, PageColumn>,
}

/// The values of a column.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageColumn {
    /// Places among the texts.
    Text(Vec<Option<u32>>),
    /// Milliseconds since 1970, each as the difference from the value before it, and the
    /// nanoseconds beyond them.
    Time { ms: Vec<Option<i64>>, ns: Vec<u32> },
    /// Whole numbers, each as the difference from the value before it; one that JavaScript cannot
    /// count exactly is a text.
    Number(Vec<Option<serde_json::Value>>),
    /// Other values, by what they are in JSON.
    Json(Vec<serde_json::Value>),
}

impl PageTable {
    /// Adds the values of a batch that are wanted, by column and life. Each row must have its life
    /// in [`PageTable::life`] already.
    pub fn add(
        &mut self,
        batch: &RecordBatch,
        is_wanted: impl Fn(&str, u32) -> bool,
        texts: &mut TextTable,
    ) -> serde_json::Result<()> {
        let before = self.life.len() - batch.num_rows().min(self.life.len());
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let name = field.name();
            let cells = Cells::new(array.as_ref());
            if cells.are_null() {
                continue;
            }
            for row in 0..batch.num_rows() {
                let value = cells.value(row);
                let life = self.life.get(before + row).copied().unwrap_or_default();
                if matches!(value, Value::Null) || !is_wanted(name, life) {
                    continue;
                }
                let column = self.columns.entry(name.clone()).or_insert_with(|| PageColumn::like(value));
                column.fill(before + row);
                column.push(value, texts)?;
            }
        }
        let rows = self.life.len();
        self.columns.values_mut().for_each(|column| column.fill(rows));
        Ok(())
    }

    /// Turns times and numbers into differences.
    pub fn finish(&mut self) {
        self.columns.values_mut().for_each(PageColumn::finish);
    }
}

impl PageColumn {
    fn like(value: Value<'_>) -> Self {
        match value {
            Value::Str(_) => Self::Text(Vec::new()),
            Value::TimestampNs(_) => Self::Time { ms: Vec::new(), ns: Vec::new() },
            Value::U64(_) | Value::I64(_) => Self::Number(Vec::new()),
            _ => Self::Json(Vec::new()),
        }
    }

    /// Adds absent values up to this many rows.
    fn fill(&mut self, rows: usize) {
        match self {
            Self::Text(places) => places.resize(rows, None),
            Self::Time { ms, ns } => {
                ms.resize(rows, None);
                ns.resize(rows, 0);
            }
            Self::Number(numbers) => numbers.resize(rows, None),
            Self::Json(values) => values.resize(rows, serde_json::Value::Null),
        }
    }

    fn push(&mut self, value: Value<'_>, texts: &mut TextTable) -> serde_json::Result<()> {
        match (self, value) {
            (Self::Text(places), Value::Str(text)) => places.push(Some(texts.place(text))),
            (Self::Time { ms, ns }, Value::TimestampNs(at)) => {
                ms.push(Some(at.div_euclid(NS_PER_MS)));
                ns.push(u32::try_from(at.rem_euclid(NS_PER_MS)).unwrap_or_default());
            }
            (Self::Number(numbers), Value::U64(number)) if number <= MAX_EXACT => numbers.push(Some(number.into())),
            (Self::Number(numbers), Value::I64(number)) if number.unsigned_abs() <= MAX_EXACT => {
                numbers.push(Some(number.into()));
            }
            (Self::Number(numbers), Value::U64(number)) => numbers.push(Some(number.to_string().into())),
            (Self::Number(numbers), Value::I64(number)) => numbers.push(Some(number.to_string().into())),
            (Self::Json(values), other) => values.push(serde_json::to_value(Cell(other))?),
            // A column has values of one type.
            (column, _) => column.fill(column.len() + 1),
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(places) => places.len(),
            Self::Time { ms, .. } => ms.len(),
            Self::Number(numbers) => numbers.len(),
            Self::Json(values) => values.len(),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Time { ms, .. } => {
                let mut last = 0;
                for value in ms.iter_mut().flatten() {
                    let difference = value.wrapping_sub(last);
                    last = *value;
                    *value = difference;
                }
            }
            Self::Number(numbers) => {
                let mut last = 0;
                for number in numbers.iter_mut().flatten() {
                    // Both are exact, so their difference does not overflow.
                    if let Some(value) = number.as_i64() {
                        *number = (value - last).into();
                        last = value;
                    }
                }
            }
            Self::Text(_) | Self::Json(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::Row;
    use obit_derivation::record::{Seq, WallNs};
    use obit_derivation::row::{ContainerExit, Identity};
    use obit_schema::encode::RowsBuilder;

    /// Returns the columns of exits at these times.
    fn table(times: &[i64]) -> (PageTable, Vec<String>) {
        let mut builder = RowsBuilder::new();
        for (seq, ts) in (7..).zip(times) {
            let identity = Identity { container_id: "a".to_owned(), ..Identity::default() };
            let exit = ContainerExit { seq: Seq(seq), ts: WallNs(*ts), identity, ..ContainerExit::default() };
            builder.append(&Row::Exit(exit));
        }
        let (mut table, mut texts) =
            (PageTable { life: vec![0; times.len()], ..PageTable::default() }, TextTable::default());
        for (_, batch) in builder.finish().expect("columns") {
            let wanted = ["seq", "ts", "container_id", "container_name"];
            table.add(&batch, |name, _| wanted.contains(&name), &mut texts).expect("values");
        }
        table.finish();
        (table, texts.into_texts())
    }

    #[test]
    fn times_keep_their_nanoseconds_also_before_1970() {
        let (table, texts) = table(&[1_500_000, 3_000_001, -1]);
        let json = serde_json::to_value(&table).expect("JSON");
        assert_eq!(json["columns"]["ts"]["time"]["ms"], serde_json::json!([1, 2, -4]));
        assert_eq!(json["columns"]["ts"]["time"]["ns"], serde_json::json!([500_000, 1, 999_999]));
        assert_eq!(json["columns"]["seq"]["number"], serde_json::json!([7, 1, 1]));
        assert_eq!(
            (json["columns"]["container_id"]["text"].clone(), texts),
            (serde_json::json!([0, 0, 0]), vec!["a".to_owned()])
        );
        assert_eq!(json["columns"]["container_name"], serde_json::Value::Null, "null in each row");
    }
}
