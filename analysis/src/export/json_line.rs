//! Lines of JSON, written member by member.

use std::collections::BTreeSet;
use std::io;

use obit_schema::text::{json_lines, time};
use obit_schema::value::{Cells, MapValue, Value};

/// A line of JSON that is being written. Names are plain ASCII, values are escaped so that no
/// terminal acts on them.
#[derive(Default)]
pub struct JsonLine {
    bytes: Vec<u8>,
}

impl JsonLine {
    /// Returns what was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Writes the comma before a member or an element, if there is one before it.
    fn separate(&mut self) {
        if !matches!(self.bytes.last(), None | Some(b'{' | b'[' | b':' | b'\n')) {
            self.bytes.push(b',');
        }
    }

    /// Begins an object, as a line, an element or a member's value.
    pub fn open(&mut self) {
        self.separate();
        self.bytes.push(b'{');
    }

    /// Ends an object.
    pub fn close(&mut self) {
        self.bytes.push(b'}');
    }

    /// Begins a list.
    pub fn open_list(&mut self) {
        self.separate();
        self.bytes.push(b'[');
    }

    /// Ends a list.
    pub fn close_list(&mut self) {
        self.bytes.push(b']');
    }

    /// Ends the line.
    pub fn end(&mut self) {
        self.bytes.push(b'\n');
    }

    /// Writes the name of a member; its value comes next.
    pub fn key(&mut self, name: &str) {
        self.separate();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
    }

    /// Writes a text, as an element or a member's value.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.separate();
        json_lines::push_text(&mut self.bytes, text)
    }

    /// Writes text that is known to be plain ASCII without quotation marks, as it is.
    pub fn plain(&mut self, text: &str) {
        self.separate();
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Writes plain text that ends what is open, so that no comma comes before it.
    pub fn plain_end(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Writes a value.
    pub fn value(&mut self, value: Value<'_>) -> io::Result<()> {
        self.separate();
        match value {
            Value::Map(map) => self.map(map),
            other => json_lines::push_value(&mut self.bytes, other),
        }
    }

    /// Writes a value that ends what is open, so that no comma comes before it.
    pub fn value_end(&mut self, value: Value<'_>) -> io::Result<()> {
        json_lines::push_value(&mut self.bytes, value)
    }

    /// Writes a time by RFC 3339 with nine digits.
    pub fn time(&mut self, ns: i64) {
        self.separate();
        self.bytes.push(b'"');
        time::push_rfc3339(&mut self.bytes, ns);
        self.bytes.push(b'"');
    }

    /// Writes a map as an object. Of entries with one key only the first is written: readers refuse
    /// an object with others.
    fn map(&mut self, map: MapValue<'_>) -> io::Result<()> {
        self.bytes.push(b'{');
        let mut keys = BTreeSet::new();
        for (key, value) in map.iter() {
            let Value::Str(key) = key else { continue };
            if keys.insert(key) {
                self.text(key)?;
                self.bytes.push(b':');
                self.value(value)?;
            }
        }
        self.bytes.push(b'}');
        Ok(())
    }

    /// Writes a map as a list of texts `key=value`.
    pub fn map_as_list(&mut self, map: MapValue<'_>) -> io::Result<()> {
        self.open_list();
        for (key, value) in map.iter() {
            if let (Value::Str(key), Value::Str(value)) = (key, value) {
                self.text(&format!("{key}={value}"))?;
            }
        }
        self.close_list();
        Ok(())
    }

    /// Writes a member that has a text, or nothing if it is absent.
    pub fn text_member(&mut self, name: &str, text: Option<&str>) -> io::Result<()> {
        let Some(text) = text else { return Ok(()) };
        self.key(name);
        self.text(text)
    }
}

/// Members that are copied from columns of one batch, in their order.
pub struct CopiedMembers<'a> {
    /// Each with its name as the line has it.
    members: Vec<(String, Cells<'a>)>,
    maps: MapForm,
}

/// Form of a map in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapForm {
    /// An object.
    Object,
    /// A list of `key=value`: a reader that makes a field of each name gets no new ones.
    List,
}

impl<'a> CopiedMembers<'a> {
    /// Takes the names of the members with their values. Columns of nulls are left out.
    pub fn new(members: impl IntoIterator<Item = (String, Cells<'a>)>, maps: MapForm) -> Self {
        let kept = members.into_iter().filter(|(_, cells)| !cells.are_null());
        Self { members: kept.map(|(name, cells)| (format!("\"{name}\":"), cells)).collect(), maps }
    }

    /// Writes the members of a row that are not absent.
    pub fn write(&self, row: usize, line: &mut JsonLine) -> io::Result<()> {
        for (name, cells) in &self.members {
            let value = cells.value(row);
            if matches!(value, Value::Null) {
                continue;
            }
            line.plain(name);
            match (value, self.maps) {
                (Value::Map(map), MapForm::List) => line.map_as_list(map)?,
                (Value::Map(map), MapForm::Object) => line.map(map)?,
                (value, _) => line.value_end(value)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::{MapBuilder, StringBuilder};

    #[test]
    fn commas_stand_between_members_and_nowhere_else() {
        let mut line = JsonLine::default();
        line.open();
        line.text_member("a", Some("x{")).expect("text");
        line.text_member("b", None).expect("nothing");
        line.key("c");
        line.open_list();
        line.plain("1");
        line.open();
        line.close();
        line.close_list();
        line.key("d");
        line.value(Value::U64(u64::MAX)).expect("a number");
        line.close();
        line.end();
        line.open();
        line.close();
        assert_eq!(line.bytes(), b"{\"a\":\"x{\",\"c\":[1,{}],\"d\":18446744073709551615}\n{}");
    }

    #[test]
    fn a_key_of_a_map_is_written_once() {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for (key, value) in [("k", "1"), ("\"\n", "2"), ("k", "3")] {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true).expect("an entry");
        let array = builder.finish();
        let mut line = JsonLine::default();
        line.value(Cells::new(&array).value(0)).expect("a map");
        assert_eq!(line.bytes(), br#"{"k":"1","\"\n":"2"}"#);
        line.clear();
        let Value::Map(map) = Cells::new(&array).value(0) else { panic!("a map") };
        line.map_as_list(map).expect("a list");
        assert_eq!(line.bytes(), br#"["k=1","\"\n=2","k=3"]"#);
    }
}
