//! Dates: of a Date header (RFC 5322, 3.3) and of the headers that a mail program writes
//! into a text when it forwards.

use std::sync::LazyLock;

use jiff::civil;
use jiff::tz::Offset;
use regex::Regex;
use restitch_model::Instant;

/// A moment, and the clock that it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The moment.
    pub at: Instant,
    /// How far the writer's clock was from UTC.
    pub offset: Offset,
    /// Whether the text says so. Where it does not, UTC was assumed.
    pub zoned: bool,
}

impl Sent {
    /// The day on the writer's calendar.
    pub fn day(&self) -> civil::Date {
        self.offset.to_datetime(self.at).date()
    }
}

/// The moment of a Date header, given what the first parser made of it and the raw text.
pub fn sent(parsed: Option<&mail_parser::DateTime>, raw: &str) -> Option<Sent> {
    parsed.and_then(strict).or_else(|| lenient(raw)).or_else(|| {
        let shown = shown(raw, None)?;
        let offset = shown.offset.unwrap_or(Offset::UTC);
        let at = offset.to_timestamp(shown.civil).ok()?;
        Some(Sent { at, offset, zoned: shown.offset.is_some() })
    })
}

fn strict(date: &mail_parser::DateTime) -> Option<Sent> {
    if !(1970..2200).contains(&date.year) {
        return None;
    }
    let civil = civil::DateTime::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
        i8::try_from(date.hour).ok()?,
        i8::try_from(date.minute).ok()?,
        // A leap second is the last one before it.
        i8::try_from(date.second.min(59)).ok()?,
        0,
    );
    let seconds = i32::from(date.tz_hour) * 3600 + i32::from(date.tz_minute) * 60;
    let sign = if date.tz_before_gmt { -1 } else { 1 };
    let offset = Offset::from_seconds(sign * seconds).ok()?;
    let at = offset.to_timestamp(civil.ok()?).ok()?;
    Some(Sent { at, offset, zoned: true })
}

/// The second parser takes dates without a zone and years of two digits.
fn lenient(raw: &str) -> Option<Sent> {
    static NO_ZONE: LazyLock<Regex> = LazyLock::new(|| pattern(r":\d\d\s*$"));
    // It answers 1970 to a text without a date.
    static WHOLE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^\D*\d{1,2}\s+\p{L}+\s+\d+\s+\d{1,2}:\d{1,2}"));
    let raw = raw.split('(').next()?.trim();
    if raw.len() > 100 || !WHOLE.is_match(raw) {
        return None;
    }
    let at = Instant::from_second(mailparse::dateparse(raw).ok()?).ok()?;
    let is_plausible = (1970..2200).contains(&Offset::UTC.to_datetime(at).year());
    let zoned = !NO_ZONE.is_match(raw);
    is_plausible.then_some(Sent { at, offset: Offset::UTC, zoned })
}

/// A date and time as a text shows it to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// What calendar and clock show; midnight where no time is given.
    pub civil: civil::DateTime,
    /// The zone's distance from UTC, where one is named.
    pub offset: Option<Offset>,
}

impl Shown {
    /// The moment, on a clock with this offset where the text names none.
    pub fn instant(&self, fallback: Offset) -> Option<Instant> {
        self.offset.unwrap_or(fallback).to_timestamp(self.civil).ok()
    }
}

/// Finds a date in the words of a forwarded header, in the languages of the larger mail
/// programs. `03/04/2025` is taken as the reading that lies nearer before `not_after`.
pub fn shown(text: &str, not_after: Option<civil::Date>) -> Option<Shown> {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)\b(\d{1,2})(?::|h)(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*(?:([ap])\.?m\b)?")
    });
    if text.len() > 400 {
        return None;
    }
    let date = date(text, not_after)?;
    let Some(found) = TIME.captures(text) else {
        return Some(Shown { civil: date.to_datetime(civil::Time::midnight()), offset: None });
    };
    let number = |i: usize| found.get(i).map_or(Some(0), |m| m.as_str().parse::<i8>().ok());
    let hour = match (number(1)?, found.get(4).map(|m| m.as_str().to_ascii_lowercase())) {
        (12, Some(half)) if half == "a" => 0,
        (hour, Some(half)) if half == "p" && hour < 12 => hour + 12,
        (hour, _) => hour,
    };
    let time = civil::Time::new(hour, number(2)?, number(3)?.min(59), 0).ok()?;
    let rest = &text[found.get(0)?.end()..];
    Some(Shown { civil: date.to_datetime(time), offset: offset(rest) })
}

fn date(text: &str, not_after: Option<civil::Date>) -> Option<civil::Date> {
    static ISO: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\b(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})"));
    static NUMERIC: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\b(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})\b"));
    static DAY_FIRST: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(\d{1,2})(?:\.|st|nd|rd|th|er|º)?[\s-]*(?:de\s+|of\s+)?(\p{L}{3,})\.?,?[\s-]*(?:de\s+|del\s+)?(\d{4})\b",
        )
    });
    static MONTH_FIRST: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(\p{L}{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b"));

    let build = |year: &str, month: i8, day: &str| {
        let year: i16 = year.parse().ok()?;
        let year = if year < 100 { 2000 + year } else { year };
        civil::Date::new(year, month, day.parse().ok()?).ok()
    };
    if let Some(found) = ISO.captures(text) {
        return build(&found[1], found[2].parse().ok()?, &found[3]);
    }
    for found in DAY_FIRST.captures_iter(text) {
        if let Some(month) = month(&found[2]) {
            return build(&found[3], month, &found[1]);
        }
    }
    for found in MONTH_FIRST.captures_iter(text) {
        if let Some(month) = month(&found[1]) {
            return build(&found[3], month, &found[2]);
        }
    }
    let found = NUMERIC.captures(text)?;
    let day_first = build(&found[4], found[3].parse().ok()?, &found[1]);
    if &found[2] == "." {
        return day_first;
    }
    let month_first = build(&found[4], found[1].parse().ok()?, &found[3]);
    match (day_first, month_first, not_after) {
        (Some(a), Some(b), Some(limit)) => {
            let (early, late) = (a.min(b), a.max(b));
            Some(if late <= limit { late } else { early })
        }
        (a, b, _) => a.or(b),
    }
}

/// The month that a word names, whole or cut to at least three letters.
fn month(word: &str) -> Option<i8> {
    // English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish.
    const MONTHS: [&[&str]; 12] = [
        &["january", "januar", "jänner", "janvier", "enero", "gennaio", "janeiro", "januari"],
        &["february", "februar", "février", "fevrier", "febrero", "febbraio", "fevereiro"],
        &["march", "märz", "maerz", "mars", "marzo", "março", "maart", "mrz"],
        &["april", "avril", "abril", "aprile"],
        &["may", "mai", "mayo", "maggio", "maio", "mei", "maj"],
        &["june", "juni", "juin", "junio", "giugno", "junho"],
        &["july", "juli", "juillet", "julio", "luglio", "julho"],
        &["august", "août", "aout", "agosto", "augustus", "augusti"],
        &["september", "septembre", "septiembre", "settembre", "setembro"],
        &["october", "oktober", "octobre", "octubre", "ottobre", "outubro"],
        &["november", "novembre", "noviembre", "novembro"],
        &["december", "dezember", "décembre", "diciembre", "dicembre", "dezembro"],
    ];
    let word = word.to_lowercase();
    let at = MONTHS.iter().position(|names| names.iter().any(|name| name.starts_with(&word)))?;
    i8::try_from(at + 1).ok()
}

/// The zone at the beginning of what follows a time.
fn offset(rest: &str) -> Option<Offset> {
    static NUMERIC: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^\W*?(?i:uhr)?\W*?(?i:gmt|utc)?\s*([+\u{2212}-])(\d{1,2}):?(\d{2})?\b")
    });
    const NAMES: [(&str, i8); 17] = [
        ("utc", 0),
        ("gmt", 0),
        ("z", 0),
        ("wet", 0),
        ("bst", 1),
        ("west", 1),
        ("cet", 1),
        ("mez", 1),
        ("cest", 2),
        ("mesz", 2),
        ("est", -5),
        ("edt", -4),
        ("cst", -6),
        ("cdt", -5),
        ("mdt", -6),
        ("pst", -8),
        ("pdt", -7),
    ];
    if let Some(found) = NUMERIC.captures(rest) {
        let hours: i32 = found[2].parse().ok()?;
        let minutes: i32 = found.get(3).map_or(Some(0), |m| m.as_str().parse().ok())?;
        let seconds = hours * 3600 + minutes * 60;
        return Offset::from_seconds(if &found[1] == "+" { seconds } else { -seconds }).ok();
    }
    let mut words = rest.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let word = words.find(|word| !word.eq_ignore_ascii_case("uhr"))?.to_ascii_lowercase();
    let (_, hours) = NAMES.iter().find(|(name, _)| *name == word)?;
    Offset::from_hours(*hours).ok()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(raw: &str) -> String {
        let parsed = mail_parser::DateTime::parse_rfc822(&format!("{raw}\n"));
        match sent(parsed.as_ref(), raw) {
            Some(sent) => format!("{} zoned={}", sent.at, sent.zoned),
            None => "none".to_owned(),
        }
    }

    fn written(text: &str) -> String {
        let limit = "2026-03-20".parse().ok();
        match shown(text, limit) {
            Some(Shown { civil, offset: Some(offset) }) => format!("{civil} {offset}"),
            Some(Shown { civil, offset: None }) => civil.to_string(),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn date_headers_with_and_without_zone() {
        assert_eq!(header("Fri, 6 Mar 2026 10:15:00 +0100"), "2026-03-06T09:15:00Z zoned=true");
        assert_eq!(header("6 Mar 2026 10:15 EST"), "2026-03-06T15:15:00Z zoned=true");
        assert_eq!(header("Fri, 06 Mar 2026 10:15:00"), "2026-03-06T10:15:00Z zoned=false");
        assert_eq!(header("6 Mar 05 10:15:00 +0000"), "2005-03-06T10:15:00Z zoned=true");
        assert_eq!(header("2026-03-06 10:15:00 +0100"), "2026-03-06T09:15:00Z zoned=true");
        assert_eq!(header("yesterday"), "none");
        assert_eq!(header("Fri, 99 Mar 2026 10:15:00 +9999"), "none");
    }

    #[test]
    fn forwarded_dates_of_the_larger_mail_programs() {
        let same = "2026-03-06T10:15:00";
        for text in [
            "Fri, Mar 6, 2026 at 10:15\u{202F}AM",
            "Friday, March 6, 2026 10:15 AM",
            "Freitag, 6. März 2026 10:15",
            "Am Fr., 6. März 2026 um 10:15 Uhr",
            "vendredi 6 mars 2026 à 10:15",
            "viernes, 6 de marzo de 2026 10:15",
            "venerdì 6 marzo 2026 10:15",
            "06.03.2026 10:15",
            "3/6/2026, 10:15 AM",
            "2026-03-06 10:15",
        ] {
            assert_eq!(written(text), same, "{text}");
        }
    }

    #[test]
    fn a_named_zone_is_kept() {
        assert_eq!(written("6 March 2026 at 10:15:00 GMT+1"), "2026-03-06T10:15:00 +01");
        assert_eq!(written("6. März 2026 um 10:15:00 MEZ"), "2026-03-06T10:15:00 +01");
        assert_eq!(written("6 Mar 2026 22:15:00 -0530"), "2026-03-06T22:15:00 -05:30");
    }

    #[test]
    fn a_text_without_a_date_gives_none() {
        for text in ["", "soon", "32/13/2026 10:00", "12 apples 2026"] {
            assert_eq!(written(text), "none", "{text}");
        }
    }
}
