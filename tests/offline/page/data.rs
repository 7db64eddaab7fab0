//! The data of a page, read as the page itself reads it.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use flate2::read::GzDecoder;
use serde_json::Value;

/// Reads the data of a page.
pub fn read(page: &Path) -> Value {
    let text = fs::read_to_string(page).expect("a page in UTF-8");
    let (_, rest) = text.split_once("id=\"data\">").expect("data");
    let (encoded, _) = rest.split_once("</script>").expect("its end");
    let packed = STANDARD.decode(encoded).expect("base64");
    let mut json = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut json).expect("gzip");
    serde_json::from_str(&json).expect("JSON")
}

/// Returns the values of a column, as `derive --format jsonl` has them.
pub fn column(column: &Value, texts: &[Value]) -> Vec<Value> {
    let list = |name: &str| column.get(name).and_then(Value::as_array);
    if let Some(places) = list("text") {
        let text = |place: &Value| place.as_u64().map_or(Value::Null, |place| texts[place as usize].clone());
        return places.iter().map(text).collect();
    }
    if let Some(numbers) = list("number") {
        let mut last = 0;
        let sum = |number: &Value| match number.as_i64() {
            Some(difference) => {
                last += difference;
                last.into()
            }
            // A number that JavaScript does not count exactly.
            None => number.as_str().map_or(Value::Null, |text| serde_json::from_str(text).expect("a number")),
        };
        return numbers.iter().map(sum).collect();
    }
    if let Some(time) = column.get("time") {
        let list = |name: &str| time[name].as_array().expect("a list").iter();
        let mut last = 0;
        let sum = |(ms, ns): (&Value, &Value)| match ms.as_i64() {
            Some(difference) => {
                last += difference;
                let at = DateTime::from_timestamp_nanos(last * 1_000_000 + ns.as_i64().expect("nanoseconds"));
                at.to_rfc3339_opts(SecondsFormat::Nanos, true).into()
            }
            None => Value::Null,
        };
        return list("ms").zip(list("ns")).map(sum).collect();
    }
    list("json").expect("a kind of column").clone()
}
