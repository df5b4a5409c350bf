//! The leaves of a JSON object as facts.

use std::fmt;

use restitch_connect::Reading;
use restitch_model::{Decimal, EvidenceId, Fact, FactValue, Place, Remark};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How deep objects and arrays are looked into. Each level is read once more than the one
/// around it, so that the bound also keeps the time linear.
const DEPTH: usize = 32;

/// The facts of a JSON object: each leaf under its JSON pointer (RFC 6901), such as
/// `/metadata/booking_ref` or `/lines/0/amount`, in the order in which they stand. A string
/// is a text, a whole number an integer, another number one with the places that it is
/// written with, null nothing. A number too large for either is a text of its digits. Any
/// bytes give an answer; what is no JSON is remarked.
pub fn json_facts(bytes: &[u8]) -> Reading {
    let mut leaves = Leaves::default();
    let trimmed = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice::<&RawValue>(trimmed) {
        Ok(value) if value.get().starts_with('{') => leaves.value("", value, 0),
        Ok(_) => leaves.note("it is JSON, but no object"),
        Err(error) => {
            leaves.note(format!("it is no JSON: line {}, column {}", error.line(), error.column()))
        }
    }
    let about = EvidenceId::of(bytes).0.short();
    let remark = |text| Remark::new(about.as_str(), text);
    Reading { facts: leaves.facts, remarks: leaves.notes.into_iter().map(remark).collect() }
}

/// A key as a token of a JSON pointer.
pub(crate) fn pointer(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[derive(Default)]
struct Leaves {
    facts: Vec<Fact>,
    notes: Vec<String>,
}

impl Leaves {
    fn value(&mut self, name: &str, value: &RawValue, depth: usize) {
        let text = value.get();
        let fact = match text.as_bytes().first() {
            Some(b'{' | b'[') if depth >= DEPTH => {
                self.note(format!("what is nested deeper than {DEPTH} was passed over"));
                return;
            }
            Some(b'{' | b'[') => {
                match serde_json::from_str::<Entries<'_>>(text) {
                    Ok(Entries(entries)) => {
                        for (key, value) in entries {
                            self.value(&pointer(name, &key), value, depth + 1);
                        }
                    }
                    Err(_) => self.note(format!("{name} could not be read")),
                }
                return;
            }
            Some(b'"') => match serde_json::from_str(text) {
                Ok(text) => FactValue::Text(text),
                // Half of a surrogate pair: valid as JSON, but no text.
                Err(_) => {
                    self.note(format!("{name} holds characters that are none"));
                    FactValue::Text(text.trim_matches('"').to_owned())
                }
            },
            Some(b't') => FactValue::Bool(true),
            Some(b'f') => FactValue::Bool(false),
            Some(b'n') | None => return,
            Some(_) => number(text),
        };
        self.facts.push(Fact { name: name.into(), value: fact, place: Place::whole(name) });
    }

    fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }
}

fn number(text: &str) -> FactValue {
    if let Ok(n) = text.parse() {
        return FactValue::Integer(n);
    }
    match text.parse::<Decimal>() {
        Ok(n) => FactValue::Number(n),
        Err(_) => FactValue::Text(text.to_owned()),
    }
}

/// The entries of an object, or of an array under their positions, in their order and with
/// the values as they are written: a map would lose the order of doubles, and a float the
/// places of `12.50`.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(value) = seq.next_element()? {
            entries.push((entries.len().to_string(), value));
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> Vec<String> {
        let Reading { facts, remarks } = json_facts(json.as_bytes());
        let facts = facts.iter().map(|f| format!("{} {} {}", f.name, f.value.type_name(), f.value));
        facts.chain(remarks.iter().map(|remark| format!("! {}", remark.text))).collect()
    }

    #[test]
    fn leaves_are_typed_and_named_by_their_pointers() {
        let json =
            r#"{"id":"a","n":-3,"price":12.50,"ok":true,"none":null,"m":{"x/y~z":[1,{"q":"r"}]}}"#;
        assert_eq!(
            shown(json),
            [
                "/id text a",
                "/n integer -3",
                "/price number 12.50",
                "/ok bool true",
                "/m/x~1y~0z/0 integer 1",
                "/m/x~1y~0z/1/q text r",
            ]
        );
    }

    #[test]
    fn numbers_that_no_type_holds_are_texts() {
        assert_eq!(
            shown(r#"{"a":99999999999999999999,"b":1e5}"#),
            ["/a text 99999999999999999999", "/b text 1e5"]
        );
    }

    #[test]
    fn what_is_no_object_is_remarked() {
        assert_eq!(shown("[1]"), ["! it is JSON, but no object"]);
        assert_eq!(shown("{\"a\":"), ["! it is no JSON: line 1, column 5"]);
        assert_eq!(shown(r#"{"a":"\ud800"}"#)[1], "! /a holds characters that are none");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |n: usize| format!("{{\"a\":{}1{}}}", "[".repeat(n), "]".repeat(n));
        assert_eq!(shown(&deep(20)).len(), 1);
        assert_eq!(shown(&deep(40)), ["! what is nested deeper than 32 was passed over"]);
        assert_eq!(shown(&deep(100_000)).len(), 1);
    }
}
