use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Decimal, Instant, LocalTime, Name};

/// One typed value read out of an evidence item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Which value of its kind of evidence this is, the same for all items of the kind:
    /// `/metadata/booking_ref` of a charge, `summary` of an event, `header:subject` or
    /// `text` of a message. What a scanner found inside a text has the text's name, `#` and
    /// the type: `text#amount`.
    pub name: Name,
    /// The value.
    pub value: FactValue,
    /// Where it stands.
    pub place: Place,
}

/// A value with its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum FactValue {
    /// Any text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a point, as a source gave it.
    Number(Decimal),
    /// True or false.
    Bool(bool),
    /// An amount in major units as a text shows it, with its currency where one is named.
    Amount {
        /// The number.
        major: Decimal,
        /// ISO 4217, upper case.
        currency: Option<String>,
    },
    /// An e-mail address, lower case.
    Email(String),
    /// A phone number: digits only, with a leading `+` where the country is given.
    Phone(String),
    /// A code that names a thing: letters and digits mixed, or a long number.
    Reference(String),
    /// A moment.
    Instant(Instant),
    /// A date with a time of day, in a zone or in none.
    Local(LocalTime),
    /// A date alone.
    Date(jiff::civil::Date),
    /// A time of day alone.
    Time(jiff::civil::Time),
}

impl FactValue {
    /// The type's name, as `read --json` and fact names give it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "integer",
            Self::Number(_) => "number",
            Self::Bool(_) => "bool",
            Self::Amount { .. } => "amount",
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
            Self::Reference(_) => "reference",
            Self::Instant(_) => "instant",
            Self::Local(_) => "local",
            Self::Date(_) => "date",
            Self::Time(_) => "time",
        }
    }
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(s) | Self::Email(s) | Self::Phone(s) | Self::Reference(s) => f.write_str(s),
            Self::Integer(n) => n.fmt(f),
            Self::Number(n) => n.fmt(f),
            Self::Bool(b) => b.fmt(f),
            Self::Amount { major, currency: Some(code) } => write!(f, "{major} {code}"),
            Self::Amount { major, currency: None } => major.fmt(f),
            Self::Instant(t) => t.fmt(f),
            Self::Local(LocalTime { civil, zone: Some(zone) }) => write!(f, "{civil}[{zone}]"),
            Self::Local(LocalTime { civil, zone: None }) => civil.fmt(f),
            Self::Date(d) => d.fmt(f),
            Self::Time(t) => t.fmt(f),
        }
    }
}

/// Where in an evidence item a value stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The field: a JSON pointer, an event's property, `header:subject`, `text`.
    pub field: Name,
    /// The range of bytes inside the field's decoded text (UTF-8), where it is not the whole.
    pub range: Option<(usize, usize)>,
}

impl Place {
    /// The whole of a field.
    pub fn whole(field: impl Into<Name>) -> Self {
        Self { field: field.into(), range: None }
    }

    /// A range of bytes of a field's text.
    pub fn range(field: impl Into<Name>, start: usize, end: usize) -> Self {
        Self { field: field.into(), range: Some((start, end)) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            Some((start, end)) => write!(f, "{}@{start}-{end}", self.field),
            None => f.write_str(&self.field),
        }
    }
}
