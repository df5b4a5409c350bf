//! Dates, times and durations as calendars write them (RFC 5545, 3.3.4 to 3.3.6).

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, Timestamp};
use restitch_model::Instant;

use crate::property::Property;

/// A date or time as written, before any zone is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Written {
    Date(Date),
    Utc(Instant),
    Local(DateTime),
}

/// Reads `20260131`, `20260131T090000`, the same with `Z` or an offset, and the forms with
/// hyphens and colons that ISO 8601 also has.
pub(crate) fn parse_time(text: &str) -> Option<Written> {
    let text = text.trim();
    if !text.is_ascii() {
        return None;
    }
    let (date, rest) = match text.split_once(['T', 't', ' ']) {
        Some((date, rest)) => (date, Some(rest)),
        // A day in UTC, as Google writes birthdays, is a day.
        None => (text.trim_end_matches(['Z', 'z']), None),
    };
    let digits = without(date, '-');
    if digits.len() != 8 {
        return None;
    }
    let date =
        Date::new(number(&digits[..4])?, number(&digits[4..6])?, number(&digits[6..])?).ok()?;
    let Some(rest) = rest else { return Some(Written::Date(date)) };
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (&rest[..at], Some(&rest[at..])),
        None => (rest, None),
    };
    let digits = without(clock, ':');
    let whole = digits.split('.').next().unwrap_or_default();
    let (hour, minute, second): (i8, i8, i8) = match whole.len() {
        4 => (number(&whole[..2])?, number(&whole[2..])?, 0),
        6 => (number(&whole[..2])?, number(&whole[2..4])?, number(&whole[4..])?),
        _ => return None,
    };
    // A leap second has no place in jiff, and midnight may be written as the end of a day.
    let (date, hour) = match (hour, minute, second) {
        (24, 0, 0) => (date.tomorrow().ok()?, 0),
        _ => (date, hour),
    };
    let local = date.to_datetime(Time::new(hour, minute, second.min(59), 0).ok()?);
    match offset {
        None => Some(Written::Local(local)),
        Some(offset) => at_offset(local, offset_seconds(offset)?).map(Written::Utc),
    }
}

/// The moment at which the clock of that offset, in seconds east of UTC, shows the time.
pub(crate) fn at_offset(local: DateTime, seconds: i64) -> Option<Instant> {
    let utc = Offset::UTC.to_timestamp(local).ok()?.as_second();
    Timestamp::from_second(utc.checked_sub(seconds)?).ok()
}

/// A time that must be in UTC, such as DTSTAMP; where the `Z` is missing, it is meant.
pub(crate) fn stamp(property: &Property<'_>) -> Option<Instant> {
    match parse_time(&property.raw())? {
        Written::Utc(instant) => Some(instant),
        Written::Local(local) => at_offset(local, 0),
        Written::Date(date) => at_offset(date.to_datetime(Time::midnight()), 0),
    }
}

/// A length of time: days on the calendar, then seconds on the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Length {
    pub(crate) days: i64,
    pub(crate) seconds: i64,
}

/// Reads `P2D`, `PT1H30M`, `P1W`. A negative length is no length of an event.
pub(crate) fn parse_length(text: &str) -> Option<Length> {
    let text = text.trim().to_ascii_uppercase();
    let body = text.strip_prefix('+').unwrap_or(&text).strip_prefix('P')?;
    let (mut length, mut digits, mut seen) = (Length { days: 0, seconds: 0 }, String::new(), false);
    for c in body.chars() {
        let (days, seconds) = match c {
            'T' if digits.is_empty() => continue,
            '0'..='9' if digits.len() < 9 => {
                digits.push(c);
                continue;
            }
            'W' => (7, 0),
            'D' => (1, 0),
            'H' => (0, 3600),
            'M' => (0, 60),
            'S' => (0, 1),
            _ => return None,
        };
        let n: i64 = digits.parse().ok()?;
        digits.clear();
        seen = true;
        length.days += n * days;
        length.seconds += n * seconds;
    }
    (seen && digits.is_empty()).then_some(length)
}

impl Length {
    /// So long after a moment; a day is 24 hours here.
    pub(crate) fn after_instant(self, start: Instant) -> Option<Instant> {
        let seconds = self.days.checked_mul(86_400)?.checked_add(self.seconds)?;
        start.checked_add(SignedDuration::from_secs(seconds)).ok()
    }

    /// So long after a time on the wall. Hours are real hours: with a zone, they pass over a
    /// change of the clock as they should.
    pub(crate) fn after_local(self, start: DateTime, zone: Option<&str>) -> Option<DateTime> {
        let day = start.checked_add(Span::new().try_days(self.days).ok()?).ok()?;
        let seconds = SignedDuration::from_secs(self.seconds);
        match zone {
            Some(zone) if self.seconds != 0 => {
                Some(day.in_tz(zone).ok()?.checked_add(seconds).ok()?.datetime())
            }
            _ => day.checked_add(seconds).ok(),
        }
    }

    /// So many days after a date. `None` where the length is not of whole days.
    pub(crate) fn after_date(self, start: Date) -> Option<Date> {
        let days = self.days + self.seconds / 86_400;
        let whole = self.seconds % 86_400 == 0;
        whole.then(|| start.checked_add(Span::new().try_days(days).ok()?).ok())?
    }
}

fn without(text: &str, sign: char) -> Cow<'_, str> {
    if text.contains(sign) { text.replace(sign, "").into() } else { text.into() }
}

fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn offset_seconds(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text[1..].replace(':', "");
    let (hours, minutes): (i64, i64) = match digits.len() {
        2 => (number(&digits)?, 0),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse_time(text) {
            None => "-".to_owned(),
            Some(Written::Date(date)) => date.to_string(),
            Some(Written::Utc(instant)) => instant.to_string(),
            Some(Written::Local(local)) => local.to_string(),
        }
    }

    #[test]
    fn times_are_read_in_the_forms_that_calendars_write() {
        for (text, want) in [
            ("20260131", "2026-01-31"),
            ("20260131Z", "2026-01-31"),
            ("20260131T090000", "2026-01-31T09:00:00"),
            ("20260131T090000Z", "2026-01-31T09:00:00Z"),
            ("2026-01-31T09:00:00+02:00", "2026-01-31T07:00:00Z"),
            ("20260131T240000", "2026-02-01T00:00:00"),
            ("20260131T235960Z", "2026-01-31T23:59:59Z"),
            ("20260131T0900", "2026-01-31T09:00:00"),
        ] {
            assert_eq!(shown(text), want);
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "2026", "20261301", "20260131T", "20260131T2500", "today", "2026013é"] {
            assert_eq!(shown(text), "-", "{text}");
        }
    }

    #[test]
    fn lengths_are_read_and_added() {
        assert_eq!(parse_length("P1DT2H"), Some(Length { days: 1, seconds: 7200 }));
        assert_eq!(parse_length("+P2W"), Some(Length { days: 14, seconds: 0 }));
        for text in ["P", "PT", "-P1D", "P1", "1D", "P9999999999D"] {
            assert_eq!(parse_length(text), None, "{text}");
        }
        let start = "2026-03-28T12:00".parse().unwrap();
        let end =
            |text| parse_length(text).unwrap().after_local(start, Some("Europe/Berlin")).unwrap();
        assert_eq!(end("P1D").to_string(), "2026-03-29T12:00:00");
        assert_eq!(end("PT24H").to_string(), "2026-03-29T13:00:00");
    }
}
