//! How columns write times.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use restitch_model::{Instant, Value};
use serde::{Deserialize, Serialize};

/// How a column writes its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeFormat(String);

const EPOCH_SECONDS: &str = "epoch seconds";
const EPOCH_MILLIS: &str = "epoch milliseconds";

/// In the order in which they are tried. A pattern that ends in a literal zone is UTC.
const PATTERNS: [&str; 10] = [
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.000Z",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y-%m-%d %H:%M:%S+00:00",
    "%Y-%m-%d %H:%M:%S+00",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
];

/// 2001 to 2065: whole numbers outside are no moments in seconds.
const SECONDS: std::ops::Range<i64> = 978_307_200..3_000_000_000;

impl TimeFormat {
    /// The format that all of these values have, if there is one.
    pub fn of(values: &[&Value]) -> Option<Self> {
        let (first, formats) =
            (values.first()?, PATTERNS.iter().chain(&[EPOCH_SECONDS, EPOCH_MILLIS]));
        formats
            .map(|pattern| Self((*pattern).to_owned()))
            .filter(|format| format.parse(first).is_some())
            .find(|format| {
                values.iter().all(|value| {
                    format.parse(value).is_some_and(|civil| format.format(civil) == **value)
                })
            })
    }

    /// What the clock showed, in the column's own zone.
    pub fn parse(&self, value: &Value) -> Option<DateTime> {
        let of_epoch = |instant: Option<Instant>| Some(TimeZone::UTC.to_datetime(instant?));
        match (self.0.as_str(), value) {
            (EPOCH_SECONDS, Value::Integer(n)) if SECONDS.contains(n) => {
                of_epoch(Instant::from_second(*n).ok())
            }
            (EPOCH_MILLIS, Value::Integer(n)) if SECONDS.contains(&(n / 1000)) => {
                of_epoch(Instant::from_millisecond(*n).ok())
            }
            ("%Y-%m-%d", Value::Text(text)) => {
                Some(Date::strptime("%Y-%m-%d", text).ok()?.at(0, 0, 0, 0))
            }
            (EPOCH_SECONDS | EPOCH_MILLIS, _) => None,
            (pattern, Value::Text(text)) => DateTime::strptime(pattern, text).ok(),
            _ => None,
        }
    }

    /// The value that the column holds for this time.
    pub fn format(&self, civil: DateTime) -> Value {
        let instant = || TimeZone::UTC.to_timestamp(civil).unwrap_or_default();
        match self.0.as_str() {
            EPOCH_SECONDS => Value::Integer(instant().as_second()),
            EPOCH_MILLIS => Value::Integer(instant().as_millisecond()),
            pattern => Value::Text(civil.strftime(pattern).to_string()),
        }
    }

    /// Whether its times tell more than the day.
    pub fn has_clock(&self) -> bool {
        self.0.starts_with("epoch") || self.0.contains("%H")
    }

    /// Whether the format itself says that its times are UTC.
    pub fn is_utc(&self) -> bool {
        self.0.ends_with('Z') || self.0.contains("+00") || self.0.starts_with("epoch")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str]) -> Option<String> {
        let values: Vec<Value> = texts.iter().map(|t| Value::from(*t)).collect();
        TimeFormat::of(&values.iter().collect::<Vec<_>>()).map(|format| format.0)
    }

    #[test]
    fn a_column_of_times_shows_its_format() {
        assert_eq!(found(&["2026-01-05T10:00:00Z"]).as_deref(), Some("%Y-%m-%dT%H:%M:%SZ"));
        assert_eq!(
            found(&["2026-01-05 10:00", "2026-02-01 00:30"]).as_deref(),
            Some("%Y-%m-%d %H:%M")
        );
        assert_eq!(found(&["2026-01-05"]).as_deref(), Some("%Y-%m-%d"));
    }

    #[test]
    fn one_odd_value_makes_it_a_column_of_texts() {
        assert_eq!(found(&["2026-01-05T10:00:00Z", "soon"]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn small_numbers_are_no_moments() {
        assert_eq!(TimeFormat::of(&[&Value::Integer(12_500)]), None);
        assert!(TimeFormat::of(&[&Value::Integer(1_760_000_000)]).is_some());
    }
}
