//! Dates and times as databases keep them in text, and as people and their programs write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use restitch_model::Instant;

/// A date, a local time or a moment that a database keeps as text, with the way it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    kind: Kind,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Date(Date),
    /// In a zone that nothing names.
    Local(DateTime),
    Moment(Instant, Offset),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    between: char,
    seconds: bool,
    /// Digits of the fraction of a second.
    fraction: usize,
    /// `Z`, `+hh:mm`, `+hhmm` or `+hh`, with what stands before it.
    zulu: bool,
    space: bool,
    colon: bool,
    minutes: bool,
}

impl Stamp {
    /// Reads ISO 8601, RFC 3339 and what SQLite, PostgreSQL and MySQL make of them. Anything
    /// less strict is no stamp: a text that merely looks like a date must stay as it is.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            return None;
        }
        let date: Date = date(text.get(..10)?)?;
        let mut shape = Shape {
            between: 'T',
            seconds: false,
            fraction: 0,
            zulu: false,
            space: false,
            colon: false,
            minutes: false,
        };
        let Some(between) = text[10..].chars().next() else {
            return Some(Self { kind: Kind::Date(date), shape });
        };
        if between != 'T' && between != ' ' {
            return None;
        }
        shape.between = between;
        let (time, rest) = time(&text[11..], &mut shape)?;
        let civil = date.to_datetime(time);
        let kind = match offset(rest, &mut shape)? {
            None => Kind::Local(civil),
            Some(offset) => Kind::Moment(offset.to_timestamp(civil).ok()?, offset),
        };
        Some(Self { kind, shape })
    }

    /// What the calendar and the clock on the wall show of it in a zone.
    pub(crate) fn civil(&self, zone: &TimeZone) -> DateTime {
        match self.kind {
            Kind::Date(date) => date.to_datetime(Time::midnight()),
            Kind::Local(civil) => civil,
            Kind::Moment(instant, _) => zone.to_datetime(instant),
        }
    }

    /// Whether it is a date alone.
    pub(crate) fn is_date(&self) -> bool {
        matches!(self.kind, Kind::Date(_))
    }

    /// Whether what a clock shows of it depends on the zone.
    pub(crate) fn is_moment(&self) -> bool {
        matches!(self.kind, Kind::Moment(..))
    }

    /// The moment that it is, or would be in UTC: good for sorting only.
    pub(crate) fn rough(&self) -> Instant {
        let civil = self.civil(&TimeZone::UTC);
        Offset::UTC.to_timestamp(civil).unwrap_or(Instant::UNIX_EPOCH)
    }

    /// Another time, written the way this one is. A time that daylight saving skips or repeats
    /// takes the earlier offset, as everywhere here.
    pub(crate) fn written(&self, civil: DateTime, zone: &TimeZone) -> Option<String> {
        let (was, had) = match self.kind {
            Kind::Date(_) => return Some(civil.date().to_string()),
            Kind::Local(_) => return Some(self.shape.time(civil)),
            Kind::Moment(was, had) => (was, had),
        };
        let instant = zone.to_ambiguous_zoned(civil).compatible().ok()?.timestamp();
        // Where the text followed the zone's clock, it goes on to.
        let offset = match zone.to_offset(was) == had {
            true => zone.to_offset(instant),
            false => had,
        };
        let text = self.shape.time(offset.to_datetime(instant));
        Some(text + &self.shape.offset(offset))
    }
}

impl Shape {
    fn time(&self, civil: DateTime) -> String {
        let mut text = format!("{}{}{}", civil.date(), self.between, civil.strftime("%H:%M"));
        if self.seconds || civil.second() != 0 {
            text.push_str(&format!(":{:02}", civil.second()));
            if self.fraction > 0 {
                let nanos = format!("{:09}", civil.subsec_nanosecond());
                text.push('.');
                text.push_str(&nanos[..self.fraction.min(9)]);
            }
        }
        text
    }

    fn offset(&self, offset: Offset) -> String {
        let space = if self.space { " " } else { "" };
        if self.zulu {
            return format!("{space}Z");
        }
        let seconds = offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
        let colon = if self.colon || !self.minutes { ":" } else { "" };
        match self.minutes || minutes != 0 {
            true => format!("{space}{sign}{hours:02}{colon}{minutes:02}"),
            false => format!("{space}{sign}{hours:02}"),
        }
    }
}

fn digits(text: &str, from: usize, n: usize) -> Option<i16> {
    let part = text.get(from..from + n)?;
    part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
}

fn date(text: &str) -> Option<Date> {
    let dashes = text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let (month, day) = (digits(text, 5, 2)?, digits(text, 8, 2)?);
    dashes.then(|| Date::new(digits(text, 0, 4)?, month as i8, day as i8).ok())?
}

/// The time of day that a text begins with, and what follows.
fn time<'t>(text: &'t str, shape: &mut Shape) -> Option<(Time, &'t str)> {
    let (hour, minute) = (digits(text, 0, 2)?, digits(text, 3, 2)?);
    if text.as_bytes()[2] != b':' {
        return None;
    }
    let mut rest = &text[5..];
    let (mut second, mut nanos) = (0, 0);
    if rest.starts_with(':') {
        second = digits(rest, 1, 2)?;
        shape.seconds = true;
        rest = &rest[3..];
        if let Some(fraction) = rest.strip_prefix('.') {
            let n = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if n == 0 || n > 9 {
                return None;
            }
            nanos = format!("{:0<9}", &fraction[..n]).parse().ok()?;
            shape.fraction = n;
            rest = &fraction[n..];
        }
    }
    Some((Time::new(hour as i8, minute as i8, second as i8, nanos).ok()?, rest))
}

/// The offset that a text is, if it is not empty. The outer `None` is no offset at all.
fn offset(text: &str, shape: &mut Shape) -> Option<Option<Offset>> {
    if text.is_empty() {
        return Some(None);
    }
    let bare = text.strip_prefix(' ').unwrap_or(text);
    shape.space = bare.len() < text.len();
    if bare == "Z" || bare == "z" {
        shape.zulu = true;
        return Some(Some(Offset::UTC));
    }
    let sign = match bare.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = i32::from(digits(bare, 1, 2)?);
    let minutes = match bare.len() {
        3 => 0,
        5 => i32::from(digits(bare, 3, 2)?),
        6 if bare.as_bytes()[3] == b':' => i32::from(digits(bare, 4, 2)?),
        _ => return None,
    };
    shape.minutes = bare.len() > 3;
    shape.colon = bare.len() == 6;
    Some(Some(Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?))
}

/// A time as a reviewer or a program wrote it in place of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Typed {
    pub(crate) date: Date,
    /// `None` where only a date stands there.
    pub(crate) time: Option<Time>,
    /// `05/06/2026` can be read in two ways; this is not the only one.
    pub(crate) doubtful: bool,
}

/// The readings of a date with or without a time, in the ways in which spreadsheets and people
/// write them: `2026-05-01 10:00`, `1.5.2026, 10:00`, `5/1/26 10:00 AM`, `01/05/2026 10h00`.
/// The likelier one first; empty where it is none.
pub(crate) fn readings(text: &str, day_first: Option<bool>) -> Vec<Typed> {
    let text = text.trim().to_ascii_lowercase();
    let (numbers, rest) = text.split_at(text.find([' ', ',', 't']).unwrap_or(text.len()));
    let Some(time) = clock(rest.trim_start_matches([' ', ',', 't'])) else { return Vec::new() };
    let Some(mark) = numbers.chars().find(|c| !c.is_ascii_digit()) else { return Vec::new() };
    let parts: Vec<Option<i16>> = numbers
        .split(mark)
        .map(|part| (1..=4).contains(&part.len()).then(|| digits(part, 0, part.len()))?)
        .collect();
    let [Some(a), Some(b), Some(c)] = parts[..] else { return Vec::new() };
    if !['-', '.', '/'].contains(&mark) {
        return Vec::new();
    }
    let date = |year: i16, month: i16, day: i16| {
        let year = if year < 100 { year + 2000 } else { year };
        Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
    };
    let found: Vec<Date> = match (numbers.find(mark), mark) {
        (Some(4), _) => vec![date(a, b, c)],
        (_, '.' | '-') => vec![date(c, b, a)],
        _ if day_first == Some(true) => vec![date(c, b, a), date(c, a, b)],
        _ => vec![date(c, a, b), date(c, b, a)],
    }
    .into_iter()
    .flatten()
    .collect();
    let doubtful = found.len() > 1 && found[0] != found[1] && day_first.is_none();
    found.into_iter().map(|date| Typed { date, time, doubtful }).collect()
}

/// A time of day, or nothing at all; the outer `None` is neither.
fn clock(text: &str) -> Option<Option<Time>> {
    let bare = text.trim().trim_end_matches("uhr").trim_end();
    if bare.is_empty() {
        return Some(None);
    }
    let marks = ["a.m.", "am", "p.m.", "pm"];
    let half = marks.iter().position(|mark| bare.ends_with(mark));
    let bare = half.map_or(bare, |i| bare[..bare.len() - marks[i].len()].trim_end());
    let mut parts = bare.split([':', 'h']).filter(|part| !part.is_empty());
    let mut next = |needed: bool| match parts.next() {
        None => (!needed).then_some(0),
        // Fractions of a second are not typed, only shown.
        Some(part) => part.split('.').next()?.parse::<i8>().ok().filter(|n| *n >= 0),
    };
    let (mut hour, minute, second) = (next(true)?, next(false)?, next(false)?);
    if half.is_some() && !(1..=12).contains(&hour) || parts.next().is_some() {
        return None;
    }
    match half {
        Some(0 | 1) if hour == 12 => hour = 0,
        Some(2 | 3) if hour < 12 => hour += 12,
        _ => {}
    }
    Time::new(hour, minute, second, 0).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn moved(text: &str, to: &str) -> String {
        let stamp = Stamp::parse(text).unwrap();
        let same = stamp.written(stamp.civil(&berlin()), &berlin());
        assert_eq!(same.as_deref(), Some(text));
        stamp.written(to.parse().unwrap(), &berlin()).unwrap()
    }

    #[test]
    fn a_moment_is_written_back_the_way_it_was() {
        let to = "2026-12-01T09:30:00";
        for (text, expect) in [
            ("2026-05-01T08:00:00Z", "2026-12-01T08:30:00Z"),
            ("2026-05-01T08:00Z", "2026-12-01T08:30Z"),
            ("2026-05-01 08:00:00.123Z", "2026-12-01 08:30:00.000Z"),
            ("2026-05-01 10:00:00+02:00", "2026-12-01 09:30:00+01:00"),
            ("2026-05-01 08:00:00+00", "2026-12-01 08:30:00+00"),
            ("2026-05-01T03:00:00-0500", "2026-12-01T03:30:00-0500"),
            ("2026-05-01 10:00:00", "2026-12-01 09:30:00"),
            ("2026-05-01", "2026-12-01"),
        ] {
            assert_eq!(moved(text, to), expect, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_date_is_none() {
        for text in ["2026-5-1", "2026-13-01", "2026-05-01x", "2026-05-01 8:00", "R-2026-05-01", ""]
        {
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_read_as_people_and_programs_write_them() {
        let read = |text: &str, day_first| {
            let shown = |t: &Typed| {
                let time = t.time.map_or(String::new(), |time| format!(" {time}"));
                format!("{}{time}{}", t.date, if t.doubtful { "?" } else { "" })
            };
            readings(text, day_first).iter().map(shown).collect::<Vec<_>>().join(" | ")
        };
        for (text, day_first, expect) in [
            ("2026-05-01 10:00", None, "2026-05-01 10:00:00"),
            ("2026-05-01T10:00:30", None, "2026-05-01 10:00:30"),
            ("1.5.2026, 10:00", None, "2026-05-01 10:00:00"),
            ("01.05.26", None, "2026-05-01"),
            ("5/1/2026 10:00 PM", None, "2026-05-01 22:00:00? | 2026-01-05 22:00:00?"),
            ("5/1/2026 12:15 am", Some(true), "2026-01-05 00:15:00 | 2026-05-01 00:15:00"),
            ("25/12/2026 10h30", None, "2026-12-25 10:30:00"),
            ("1-5-2026 10 Uhr", None, "2026-05-01 10:00:00"),
            ("tomorrow", None, ""),
            ("2026-05-01 at ten", None, ""),
            ("1.2", None, ""),
        ] {
            assert_eq!(read(text, day_first), expect, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,40}|[0-9TZ:. /+-]{0,32}") {
            let _ = readings(&text, None);
            if let Some(stamp) = Stamp::parse(&text) {
                let _ = stamp.written(stamp.civil(&berlin()), &berlin());
            }
        }
    }
}
