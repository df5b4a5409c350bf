//! Cell values as plain JSON, exact and readable: a text and a whole number as themselves,
//! `{"real":"12.5"}` and `{"hex":"00ff"}` for what JSON has no exact form of.

use std::fmt::Write;

use restitch_model::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value as Json;

/// What has a plain form: a value, a row or key, an old value that may be missing.
pub(crate) trait Plain: Sized {
    /// As JSON.
    fn to_plain(&self) -> Json;
    /// Back from JSON; `None` where it is not such a thing.
    fn from_plain(json: &Json) -> Option<Self>;
}

impl Plain for Value {
    fn to_plain(&self) -> Json {
        let tagged = |tag: &str, text: String| {
            Json::Object([(tag.into(), text.into())].into_iter().collect())
        };
        match self {
            Self::Null => Json::Null,
            Self::Integer(n) => (*n).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Real(x) => tagged("real", format!("{x:?}")),
            Self::Bytes(bytes) => {
                tagged("hex", bytes.iter().map(|byte| format!("{byte:02x}")).collect())
            }
        }
    }

    fn from_plain(json: &Json) -> Option<Self> {
        Some(match json {
            Json::Null => Self::Null,
            Json::Number(n) => Self::Integer(n.as_i64()?),
            Json::String(text) => Self::Text(text.clone()),
            Json::Object(object) => match (object.iter().next()?, object.len()) {
                ((tag, Json::String(text)), 1) if tag == "real" => Self::Real(text.parse().ok()?),
                ((tag, Json::String(text)), 1) if tag == "hex" => Self::Bytes(bytes(text)?),
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// Adds a value's plain form to a text, without making it first.
pub(crate) fn push(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        // A `String` takes all that is written to it.
        Value::Integer(n) => _ = write!(text, "{n}"),
        Value::Text(words) => push_text(words, text),
        other => text.push_str(&other.to_plain().to_string()),
    }
}

/// Adds a text as JSON writes it (RFC 8259, section 7).
pub(crate) fn push_text(words: &str, text: &mut String) {
    let is_special = |b: u8| b < 0x20 || b == b'"' || b == b'\\';
    text.push('"');
    let mut rest = words;
    while let Some(at) = rest.bytes().position(is_special) {
        text.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x08 => text.push_str("\\b"),
            0x0c => text.push_str("\\f"),
            // A `String` takes all that is written to it.
            control => _ = write!(text, "\\u{control:04x}"),
        }
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
    text.push('"');
}

impl Plain for Vec<Value> {
    fn to_plain(&self) -> Json {
        self.iter().map(Plain::to_plain).collect()
    }

    fn from_plain(json: &Json) -> Option<Self> {
        json.as_array()?.iter().map(Value::from_plain).collect()
    }
}

/// Missing and NULL are told apart by the field's being there at all.
impl Plain for Option<Value> {
    fn to_plain(&self) -> Json {
        self.as_ref().map_or(Json::Null, Plain::to_plain)
    }

    fn from_plain(json: &Json) -> Option<Self> {
        Value::from_plain(json).map(Some)
    }
}

pub(crate) fn serialize<T: Plain, S: Serializer>(plain: &T, to: S) -> Result<S::Ok, S::Error> {
    plain.to_plain().serialize(to)
}

pub(crate) fn deserialize<'de, T: Plain, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let json = Json::deserialize(from)?;
    T::from_plain(&json).ok_or_else(|| D::Error::custom("not a value of a database cell"))
}

/// The bytes of hexadecimal digits.
pub(crate) fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>().prop_map(Value::Real),
            any::<String>().prop_map(Value::Text),
            "[ -~\\x00-\\x1f\\x7f\"\\\\é]{0,12}".prop_map(Value::Text),
            any::<Vec<u8>>().prop_map(Value::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn every_value_survives_being_written_and_read(value in any_value()) {
            let text = value.to_plain().to_string();
            let mut pushed = String::new();
            push(&value, &mut pushed);
            prop_assert_eq!(&text, &pushed);
            let back = Value::from_plain(&serde_json::from_str(&text).unwrap()).unwrap();
            // NaN's sign and payload are nothing that SQL can hold.
            let nan = |v: &Value| matches!(v, Value::Real(x) if x.is_nan());
            prop_assert!(back == value || nan(&back) && nan(&value));
        }

        #[test]
        fn any_json_gives_an_answer(text in ".{0,40}") {
            if let Ok(json) = serde_json::from_str(&text) {
                let _ = Value::from_plain(&json);
            }
        }
    }
}
