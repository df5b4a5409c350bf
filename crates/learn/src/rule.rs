//! The language of rules: how a value of an item becomes the value of a column.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use restitch_model::{FactValue, Share, Value};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::decimal_format::{to_whole, units, whole};
use crate::shape::ColumnKind;

/// How a column is filled from one form of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The column, or a path through references to one.
    pub column: String,
    /// The form of evidence that it reads.
    pub form: String,
    /// The value of the item that it reads: see [`crate::source::Source`].
    pub from: String,
    /// What it makes of it.
    pub read: Read,
    /// On how many rows of the overlap it was tried.
    #[serde(default)]
    pub support: u64,
    /// How often it gave the row's value, on rows that did not help to find it where there
    /// are enough of them.
    #[serde(default = "unmeasured", deserialize_with = "rate")]
    pub accuracy: f64,
    /// On how many rows the accuracy was measured.
    #[serde(default)]
    pub measured_on: u64,
    /// Written or confirmed by a person: learning again keeps it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// The form whose rule this was, where no row shows how to read this one: a new generation
    /// of a template. The accuracy is that rule's, a little less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kin: Option<String>,
}

/// What a rule that nothing measures is taken for: a person had a reason to write it, and it
/// should not outdo one that was seen to be right.
pub const UNMEASURED: f64 = 0.9;

fn unmeasured() -> f64 {
    UNMEASURED
}

/// A share of one, as a person may have edited it.
fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(deserializer)?;
    match rate {
        0.0..=1.0 => Ok(rate),
        _ => Err(D::Error::custom(format!("an accuracy is a number from 0 to 1, not {rate}"))),
    }
}

impl Rule {
    /// How often it was right, of the rows that its accuracy was measured on.
    pub fn measured(&self) -> Share {
        let n = self.measured_on;
        Share { hits: (self.accuracy * n as f64).round() as u64, n }
    }

    /// A name for plans and explanations.
    pub fn name(&self) -> String {
        format!("{} ← {}:{}", self.column, self.form, self.from)
    }
}

/// What a rule makes of a value. The simpler ones come first: among equals the first wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Read {
    /// The text or number as it stands.
    Same,
    /// An amount in minor units of its currency.
    Minor,
    /// A number of minor units, in major ones.
    Major,
    /// A time, by one of three clocks.
    Time(Clock),
    /// The day of a time, by one of three clocks.
    Day(Clock),
    /// The text in lower case.
    Lower,
    /// The text in upper case.
    Upper,
    /// All words but the last.
    ButLast,
    /// The last word.
    LastWord,
    /// The first word.
    FirstWord,
    /// All words but the first.
    ButFirst,
    /// The words but so many at the beginning and so many at the end: the name in `Room 3 Ann Lee
    /// x2`.
    Inner {
        /// Words left out at the beginning.
        but_first: usize,
        /// Words left out at the end.
        but_last: usize,
    },
    /// What stands behind the last slash or sign of an address or path: `…/bookings/7QX2M`.
    LastPiece,
    /// The number or amount (minor units) with the other sign.
    Negative,
    /// A number of minor units, in major ones and with the other sign.
    NegativeMajor,
    /// A telephone number that has the same last digits as the column's, however that is
    /// written.
    Digits,
    /// A text that names all that a list of the record holds, and nothing else that is on
    /// offer.
    Mentions,
    /// A time that is about the column's: so many minutes away at most.
    Near {
        /// The most minutes by which it was off in the overlap.
        within_minutes: i64,
        /// The clock that the column shows.
        #[serde(default, skip_serializing_if = "Clock::is_utc")]
        clock: Clock,
    },
    /// A text that stands for a value.
    Dictionary(Vec<(String, Value)>),
}

/// Which clock a column of times shows.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The column shows UTC; a source without zone is meant in the record's own.
    #[default]
    Utc,
    /// The column shows the clock of the record's own zone.
    Record,
    /// The column shows what the source shows.
    AsWritten,
}

impl Clock {
    fn is_utc(&self) -> bool {
        *self == Self::Utc
    }
}

/// A value in the form in which it is compared, before the column's format is put on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Plain {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// An exact number, in ten-thousandths.
    Units(i64),
    /// What a clock shows.
    Time(DateTime),
    /// The last digits of a telephone number.
    Digits(String),
}

/// A number of a column in ten-thousandths, whole or with a point.
pub fn amount(value: &Value, kind: &ColumnKind) -> Option<i64> {
    match (kind, value) {
        (ColumnKind::Decimal(format), value) => format.parse(value),
        (ColumnKind::Integer, Value::Integer(n)) => whole(*n),
        _ => None,
    }
}

impl Plain {
    /// The plain form of a column's value.
    pub fn of(value: &Value, kind: &ColumnKind) -> Option<Self> {
        match (kind, value) {
            (ColumnKind::Time(format), value) => format.parse(value).map(Self::Time),
            (ColumnKind::Decimal(format), value) => format.parse(value).map(Self::Units),
            (_, Value::Integer(n)) => Some(Self::Integer(*n)),
            (_, Value::Text(text)) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }

    /// The value as a column of this kind holds it; `None` where it cannot.
    pub fn value(self, kind: &ColumnKind) -> Option<Value> {
        match (kind, self) {
            (ColumnKind::Time(format), Self::Time(civil)) => Some(format.format(civil)),
            (ColumnKind::Time(_), _) | (_, Self::Time(_) | Self::Digits(_)) => None,
            (ColumnKind::Decimal(format), Self::Units(units)) => format.format(units),
            (ColumnKind::Integer, Self::Units(units)) => to_whole(units).map(Value::Integer),
            (ColumnKind::Decimal(_), _) | (_, Self::Units(_)) => None,
            (ColumnKind::Integer, Self::Integer(n)) => Some(Value::Integer(n)),
            (ColumnKind::Integer, Self::Text(_)) => None,
            (ColumnKind::Text | ColumnKind::Zone, Self::Text(text)) => Some(Value::Text(text)),
            (ColumnKind::Text | ColumnKind::Zone, Self::Integer(_)) => None,
            (_, Self::Integer(n)) => Some(Value::Integer(n)),
            (_, Self::Text(text)) => Some(Value::Text(text)),
        }
    }
}

/// All that a value can be read as without a dictionary, for a record of this zone.
pub fn readings(value: &FactValue, zone: &TimeZone) -> Vec<(Read, Plain)> {
    let mut found = Vec::new();
    match value {
        FactValue::Text(text) => text_readings(text.trim(), &mut found),
        FactValue::Email(text) | FactValue::Phone(text) | FactValue::Reference(text) => {
            found.push((Read::Same, Plain::Text(text.clone())));
            found.extend(text.parse().map(|n| (Read::Same, Plain::Integer(n))));
            if matches!(value, FactValue::Phone(_)) {
                found.extend(last_digits(text).map(|d| (Read::Digits, Plain::Digits(d))));
            }
        }
        FactValue::Integer(n) => number_readings(*n, &mut found),
        FactValue::Number(major) | FactValue::Amount { major, .. } => {
            let places = match value {
                FactValue::Amount { currency: Some(code), .. } => {
                    code.parse().map_or(2, restitch_model::Currency::places)
                }
                _ => 2,
            };
            if let Some(minor) = major.rescale(places) {
                found.push((Read::Minor, Plain::Integer(minor)));
                found.extend(minor.checked_neg().map(|n| (Read::Negative, Plain::Integer(n))));
            }
            found.extend(major.rescale(0).map(|n| (Read::Same, Plain::Integer(n))));
            if let Some(units) = units(*major) {
                found.push((Read::Same, Plain::Units(units)));
                found.push((Read::Negative, Plain::Units(-units)));
            }
        }
        FactValue::Instant(instant) => instant_readings(*instant, zone, &mut found),
        FactValue::Local(local) => match local.zone.as_deref() {
            Some(named) => {
                found.extend(local.instant(named).into_iter().flat_map(|instant| {
                    let mut found = Vec::new();
                    instant_readings(instant, zone, &mut found);
                    found
                }));
            }
            None => {
                if let Ok(instant) = zone.to_timestamp(local.civil) {
                    let utc = TimeZone::UTC.to_datetime(instant);
                    found.push((Read::Time(Clock::Utc), Plain::Time(utc)));
                }
                found.push((Read::Time(Clock::AsWritten), Plain::Time(local.civil)));
                found.push((Read::Day(Clock::AsWritten), day(local.civil)));
            }
        },
        FactValue::Date(date) => {
            found.push((Read::Time(Clock::AsWritten), Plain::Time(date.at(0, 0, 0, 0))));
        }
        FactValue::Bool(_) | FactValue::Time(_) => {}
    }
    found
}

/// What one way of reading makes of a value, as a column of this kind holds it.
pub fn read(how: &Read, value: &FactValue, zone: &TimeZone, kind: &ColumnKind) -> Option<Value> {
    match how {
        Read::Dictionary(entries) => {
            let key = dictionary_key(value)?;
            let (_, value) = entries.iter().find(|(text, _)| *text == key)?;
            Some(value.clone())
        }
        Read::Near { clock, .. } => as_read(&Read::Time(*clock), value, zone, kind),
        Read::Digits => match (value, kind) {
            (FactValue::Phone(text), ColumnKind::Text) => Some(Value::Text(text.clone())),
            _ => None,
        },
        _ => as_read(how, value, zone, kind),
    }
}

fn as_read(how: &Read, value: &FactValue, zone: &TimeZone, kind: &ColumnKind) -> Option<Value> {
    readings(value, zone).into_iter().filter(|(r, _)| r == how).find_map(|(_, p)| p.value(kind))
}

/// Numbers are one when so many of their last digits agree: what stands before them is the
/// country's, which some leave out.
const LAST_DIGITS: usize = 9;
/// A number of fewer digits is no telephone's.
const FEWEST_DIGITS: usize = 7;

/// The last digits of a telephone number; `None` for a text that is none.
pub fn last_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_number = digits.len() >= FEWEST_DIGITS && !text.chars().any(char::is_alphabetic);
    is_number.then(|| digits[digits.len().saturating_sub(LAST_DIGITS)..].to_owned())
}

/// The text under which a dictionary knows a value: short texts, truths and small numbers.
pub fn dictionary_key(value: &FactValue) -> Option<String> {
    match value {
        FactValue::Text(text) if text.len() <= 60 => Some(text.trim().to_owned()),
        FactValue::Email(text) | FactValue::Reference(text) => Some(text.clone()),
        FactValue::Bool(b) => Some(b.to_string()),
        FactValue::Integer(n) if (0..100).contains(n) => Some(n.to_string()),
        _ => None,
    }
}

fn number_readings(n: i64, found: &mut Vec<(Read, Plain)>) {
    found.push((Read::Same, Plain::Integer(n)));
    found.extend(n.checked_neg().map(|n| (Read::Negative, Plain::Integer(n))));
    found.push((Read::Same, Plain::Text(n.to_string())));
    if let Some(units) = whole(n) {
        found.push((Read::Same, Plain::Units(units)));
        found.push((Read::Negative, Plain::Units(-units)));
        if units % MINOR == 0 {
            found.push((Read::Major, Plain::Units(units / MINOR)));
            found.push((Read::NegativeMajor, Plain::Units(-units / MINOR)));
        }
    }
}

/// Minor units in a major one, in all currencies in which the two are told apart by a reading:
/// those without minor units are read as they stand.
const MINOR: i64 = 100;

fn text_readings(text: &str, found: &mut Vec<(Read, Plain)>) {
    if text.is_empty() {
        return;
    }
    let mut push = |read, text: &str| found.push((read, Plain::Text(text.to_owned())));
    push(Read::Same, text);
    push(Read::Lower, &text.to_lowercase());
    push(Read::Upper, &text.to_uppercase());
    if let Some((first, rest)) = text.split_once(' ') {
        push(Read::FirstWord, first);
        push(Read::ButFirst, rest.trim_start());
    }
    if let Some((rest, last)) = text.rsplit_once(' ') {
        push(Read::LastWord, last);
        push(Read::ButLast, rest.trim_end());
    }
    if let Some((_, last)) = text.trim_end_matches('/').rsplit_once(['/', '=', '#', ':']) {
        push(Read::LastPiece, last.trim());
    }
    inner_readings(text, found);
    if let Ok(n) = text.parse::<i64>() {
        found.push((Read::Same, Plain::Integer(n)));
    } else if let Ok(major) = text.parse::<restitch_model::Decimal>() {
        found.extend(major.rescale(2).map(|minor| (Read::Minor, Plain::Integer(minor))));
        found.extend(units(major).map(|units| (Read::Same, Plain::Units(units))));
    }
}

/// A text of fewer words has no inner ones that a simpler reading does not give …
const FEWEST_WORDS: usize = 3;
/// … and one of more is a sentence.
const MOST_WORDS: usize = 8;
/// So many words are left out at most at either end.
const LEFT_OUT: usize = 3;

fn inner_readings(text: &str, found: &mut Vec<(Read, Plain)>) {
    let words: Vec<&str> = text.split_whitespace().take(MOST_WORDS + 1).collect();
    if !(FEWEST_WORDS..=MOST_WORDS).contains(&words.len()) {
        return;
    }
    for but_first in 0..=LEFT_OUT {
        for but_last in 0..=LEFT_OUT {
            // One word less at one end is read more simply.
            if but_first + but_last >= 2 && but_first + but_last < words.len() {
                let inner = words[but_first..words.len() - but_last].join(" ");
                found.push((Read::Inner { but_first, but_last }, Plain::Text(inner)));
            }
        }
    }
}

fn instant_readings(
    instant: restitch_model::Instant,
    zone: &TimeZone,
    found: &mut Vec<(Read, Plain)>,
) {
    found.push((Read::Time(Clock::Utc), Plain::Time(TimeZone::UTC.to_datetime(instant))));
    found.push((Read::Time(Clock::Record), Plain::Time(zone.to_datetime(instant))));
    found.push((Read::Day(Clock::Record), day(zone.to_datetime(instant))));
}

fn day(civil: DateTime) -> Plain {
    Plain::Time(civil.date().at(0, 0, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(value: &FactValue) -> String {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let shown = |(read, plain): &(Read, Plain)| match plain {
            Plain::Text(text) => format!("{read:?} {text:?}"),
            Plain::Integer(n) => format!("{read:?} {n}"),
            Plain::Units(units) => format!("{read:?} {units} units"),
            Plain::Time(civil) => format!("{read:?} {civil}"),
            Plain::Digits(digits) => format!("{read:?} {digits}"),
        };
        readings(value, &zone).iter().map(shown).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_time_without_zone_is_meant_in_the_records_zone() {
        let civil = "2026-01-15T10:00:00".parse().unwrap();
        let local = FactValue::Local(restitch_model::LocalTime { civil, zone: None });
        assert_eq!(
            all(&local),
            "Time(Utc) 2026-01-15T09:00:00; Time(AsWritten) 2026-01-15T10:00:00; \
             Day(AsWritten) 2026-01-15T00:00:00"
        );
    }

    #[test]
    fn an_amount_is_read_in_minor_units_of_its_currency() {
        let amount = |major: &str, code: &str| FactValue::Amount {
            major: major.parse().unwrap(),
            currency: Some(code.to_owned()),
        };
        assert_eq!(
            all(&amount("12.50", "EUR")),
            "Minor 1250; Negative -1250; Same 125000 units; Negative -125000 units"
        );
        assert!(all(&amount("1200", "JPY")).starts_with("Minor 1200;"));
    }

    #[test]
    fn a_name_can_be_taken_apart() {
        assert_eq!(
            read(
                &Read::ButLast,
                &FactValue::Text("Ana María Gil".into()),
                &TimeZone::UTC,
                &ColumnKind::Text
            ),
            Some(Value::Text("Ana María".into()))
        );
    }
}
