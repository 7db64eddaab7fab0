//! The segments of a log that rows of a later time do not rest on.

use obit_derivation::WallNs;
use obit_schema::kind;
use obit_schema::tables::Table;
use obit_schema::value::{self, Value};

use super::case::Case;
use super::records::Records;

impl Case {
    /// Returns the records that rows of this time or later follow from: the log from the last
    /// segment on before which every record is older, by the statistics of its files. The time of a
    /// row is that of a record of its segment, and a segment derives alone.
    ///
    /// Without segments, or where statistics are missing, these are all records.
    pub fn records_since(&self, since: WallNs) -> Records {
        match self.segment_since(since) {
            Some(first_seq) => self.records_after(first_seq.checked_sub(1)),
            None => self.records(),
        }
    }

    /// Returns the first record of that segment; `None` if the log has to be read from its
    /// beginning.
    fn segment_since(&self, since: WallNs) -> Option<u64> {
        let parts = || Table::RAW.into_iter().flat_map(|table| self.parts(table)).filter(|part| part.rows > 0);
        let is_late = |last_ts: Option<i64>| last_ts.is_none_or(|last| last >= since.0);
        let first_late = parts().filter(|part| is_late(part.last_ts)).map(|part| part.first_seq.unwrap_or(0)).min();
        let segments = self.manifest()?.segments.iter().skip(1).map(|segment| segment.first_seq);
        let first_seq = segments.filter(|first| first_late.is_none_or(|late| *first <= late)).max()?;
        let is_apart = |first: Option<u64>, last: Option<u64>| {
            first >= Some(first_seq) || last.is_some_and(|last| last < first_seq)
        };
        let begins = parts().all(|part| is_apart(part.first_seq, part.last_seq)) && self.has_mark(first_seq);
        begins.then_some(first_seq)
    }

    /// Returns true if this record begins a segment, and a file. case.json alone is not believed.
    fn has_mark(&self, first_seq: u64) -> bool {
        let part = self.parts(Table::Events).iter().find(|part| part.first_seq == Some(first_seq));
        let batch = part.and_then(|part| self.batches_of(Table::Events, part).next()?.ok());
        batch.is_some_and(|batch| {
            let first = |name| batch.column_by_name(name).map_or(Value::Null, |array| value::cell(array.as_ref(), 0));
            first("seq") == Value::U64(first_seq) && first("kind") == Value::Str(kind::SEGMENT_BEGIN)
        })
    }
}
