//! Typed values found in text, with their places.

use restitch_model::{Fact, FactValue};

/// A value found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The value.
    pub value: FactValue,
    /// The first byte of it in the text.
    pub start: usize,
    /// The byte after its last one.
    pub end: usize,
    /// How the text was read, where it can be read in more ways than one.
    pub style: Style,
}

/// Which of several ways to read an ambiguous text gave the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Style {
    /// There is but one way.
    Plain,
    /// `03/04/2025` as the third of April.
    DayFirst,
    /// `03/04/2025` as the fourth of March.
    MonthFirst,
}

/// What helps to read a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// The day on which the text was written: dates without a year lie near it.
    pub written_on: Option<jiff::civil::Date>,
}

/// All typed values in a text, in the order in which they stand.
pub fn scan(_text: &str, _context: Context) -> Vec<Found> {
    Vec::new()
}

/// The values in a text as facts named `field#type`.
pub fn scan_field(_field: &str, _text: &str, _context: Context) -> Vec<Fact> {
    Vec::new()
}
