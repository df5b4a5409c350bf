//! How a rebuilt value is shown to a reviewer: the same in every format, so that a change can be
//! told from what a program made of it.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use restitch_model::{Cell, Value};

use crate::moment::Stamp;
use crate::texts::Language;

/// A cell of a workbook holds 32,767 UTF-16 units at most.
const LONGEST: usize = 30_000;

/// A value as a reviewer sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shown {
    Empty,
    Integer(i64),
    Real(f64),
    /// A date, or a time in the tenant's zone.
    When {
        civil: DateTime,
        is_date: bool,
    },
    Text(String),
    /// Not all of it is shown, or it is no text: it cannot be corrected in place.
    Partly(String),
}

impl Shown {
    /// A rebuilt field; a reference to another candidate's row shows that candidate's name.
    pub(crate) fn of_cell(cell: &Cell, zone: &TimeZone) -> Self {
        match cell {
            Cell::Is(value) => Self::of(value, zone),
            Cell::KeyOf(id) => Self::Text(id.0.clone()),
        }
    }

    /// A value; a moment as the clock in the zone shows it.
    pub(crate) fn of(value: &Value, zone: &TimeZone) -> Self {
        match value {
            Value::Null => Self::Empty,
            Value::Integer(n) => Self::Integer(*n),
            Value::Real(x) => Self::Real(*x),
            Value::Bytes(_) => Self::Partly(value.to_string()),
            Value::Text(text) => Self::of_text(text, zone),
        }
    }

    fn of_text(text: &str, zone: &TimeZone) -> Self {
        if let Some(stamp) = Stamp::parse(text.trim()) {
            return Self::When { civil: stamp.civil(zone), is_date: stamp.is_date() };
        }
        let text = plain(text);
        match text.trim().is_empty() {
            true => Self::Empty,
            false if text.encode_utf16().count() <= LONGEST => Self::Text(text),
            false => Self::Partly(cut(&text, LONGEST / 2)),
        }
    }

    /// As a text that any program reads the same way: dates as ISO 8601 has them.
    pub(crate) fn text(&self) -> String {
        self.written("%Y-%m-%d", "%Y-%m-%d %H:%M")
    }

    /// As a text for people who speak a language.
    pub(crate) fn spoken(&self, language: Language) -> String {
        let texts = language.texts();
        self.written(texts.date_shown, texts.time_shown)
    }

    fn written(&self, date: &str, time: &str) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Integer(n) => n.to_string(),
            Self::Real(x) => x.to_string(),
            Self::Text(text) | Self::Partly(text) => text.clone(),
            Self::When { civil, is_date: true } => civil.strftime(date).to_string(),
            Self::When { civil, is_date: false } => {
                let seconds = if has_seconds(civil.time()) {
                    civil.strftime(":%S").to_string()
                } else {
                    String::new()
                };
                format!("{}{seconds}", civil.strftime(time))
            }
        }
    }
}

/// Whether minutes do not tell all of a time of day.
pub(crate) fn has_seconds(time: Time) -> bool {
    time.second() != 0
}

/// A text without control characters, with one kind of line end.
pub(crate) fn plain(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let keep = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    lines.chars().map(keep).collect()
}

/// The beginning of a text, of so many characters, marked where it is not all.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: impl Into<Value>, language: Language) -> String {
        Shown::of(&value.into(), &TimeZone::get("Europe/Berlin").unwrap()).spoken(language)
    }

    #[test]
    fn moments_are_shown_on_the_tenants_clock_and_in_its_language() {
        let text = "2026-05-01T08:00:00Z";
        assert_eq!(shown(text, Language::English), "2026-05-01 10:00");
        assert_eq!(shown(text, Language::German), "01.05.2026 10:00");
        assert_eq!(shown("2026-05-01T08:00:07Z", Language::French), "01/05/2026 10:00:07");
        assert_eq!(shown("2026-05-01", Language::Spanish), "01/05/2026");
    }

    #[test]
    fn amounts_and_texts_are_shown_as_they_are() {
        assert_eq!(shown(45_000, Language::German), "45000");
        assert_eq!(shown("00123", Language::German), "00123");
        assert_eq!(shown("a\r\nb\u{7}", Language::German), "a\nb\u{fffd}");
        assert_eq!(shown(Value::Null, Language::German), "");
    }

    #[test]
    fn a_text_that_no_cell_can_hold_is_cut() {
        let long = "é".repeat(40_000);
        let zone = TimeZone::UTC;
        assert!(
            matches!(Shown::of(&long.into(), &zone), Shown::Partly(text) if text.ends_with('…'))
        );
        let name = "x".repeat(10_000);
        assert_eq!(Shown::of(&name.as_str().into(), &zone), Shown::Text(name));
    }
}
