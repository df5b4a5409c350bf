//! Whether a cell that came back is what was shown, what a program made of it, or a correction.

use jiff::Span;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use crate::moment::{Stamp, Typed, readings};
use crate::shown::{Shown, plain};
use crate::words::fold;

/// A cell as it came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Typing {
    Empty,
    Text(String),
    Number(f64),
    Bool(bool),
    /// A workbook's date, with or without a time.
    When(DateTime),
    /// A workbook's `#REF!` and its kin.
    Broken,
}

impl Typing {
    /// What stands there, as a text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Empty | Self::Broken => String::new(),
            Self::Text(text) => plain(text).trim().to_owned(),
            Self::Number(x) => x.to_string(),
            Self::Bool(is) => is.to_string(),
            Self::When(civil) => civil.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            other => *other == Self::Empty,
        }
    }
}

/// What was made of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It is what was shown.
    Same,
    /// It is a correction, written the way the column writes it.
    Changed(String),
    /// It is another, and cannot be read; why, as a sentence without full stop.
    Unreadable(&'static str),
}

/// Where and how a file's times were written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    /// The zone in which times were shown; `None` where the file does not say any more.
    pub(crate) zone: Option<TimeZone>,
    /// Whether `05/06` is a day in June; `None` where nobody can know.
    pub(crate) day_first: Option<bool>,
}

/// Compares a cell with what was shown. `raw` is what the field holds; `like` another text of
/// the same column, for a field that holds nothing.
pub(crate) fn judge(
    typing: &Typing,
    shown: &Shown,
    raw: Option<&str>,
    like: Option<&Stamp>,
    clock: &Clock,
) -> Judged {
    if *typing == Typing::Broken {
        return Judged::Unreadable("the cell holds an error of the spreadsheet");
    }
    if typing.is_empty() {
        return if *shown == Shown::Empty { Judged::Same } else { Judged::Changed(String::new()) };
    }
    let text = typing.text();
    // A spreadsheet saves what it shows, and it shows a row of # where a column is too narrow.
    let is_too_narrow = text.len() > 2 && text.bytes().all(|byte| byte == b'#');
    if is_too_narrow || raw.is_some_and(|raw| raw == text) {
        return Judged::Same;
    }
    let own = raw.and_then(|raw| Stamp::parse(raw.trim()));
    if let Some(stamp) = own.as_ref().or(like.filter(|_| *shown == Shown::Empty)) {
        return judge_time(typing, &text, own.is_some(), stamp, clock);
    }
    match shown {
        Shown::Partly(part) if is_same(part, &text) => Judged::Same,
        Shown::Partly(_) => Judged::Unreadable("only a part of the value was shown"),
        shown if is_same(&shown.text(), &text) => Judged::Same,
        _ => Judged::Changed(text),
    }
}

/// `has_own`: the stamp is what the field itself holds.
fn judge_time(typing: &Typing, text: &str, has_own: bool, stamp: &Stamp, clock: &Clock) -> Judged {
    let zone = clock.zone.clone().unwrap_or(TimeZone::UTC);
    let shown = stamp.civil(&zone);
    let typed: Vec<Typed> = match typing {
        Typing::When(civil) => vec![in_workbook(*civil)],
        Typing::Number(serial) => serial_time(*serial).map(in_workbook).into_iter().collect(),
        _ => match Stamp::parse(text).filter(Stamp::is_moment) {
            Some(moment) => vec![in_workbook(moment.civil(&zone))],
            None => readings(text, clock.day_first),
        },
    };
    let Some(first) = typed.first() else {
        return Judged::Unreadable("it is no date or time; write it as 2026-05-01 10:00");
    };
    if has_own && typed.iter().any(|typed| is_at(typed, shown, stamp.is_date())) {
        return Judged::Same;
    }
    if clock.zone.is_none() && stamp.is_moment() {
        let known = has_own && typed.iter().any(|typed| is_a_zone_away(typed, shown));
        return match known {
            true => Judged::Same,
            false => Judged::Unreadable(
                "the column with the time zone is missing, so that the time cannot be understood",
            ),
        };
    }
    if first.doubtful {
        return Judged::Unreadable("it can be read as two dates; write it as 2026-05-01 10:00");
    }
    let time = match first.time {
        Some(time) => time,
        None if stamp.is_date() => Time::midnight(),
        None => {
            return Judged::Unreadable("the time of day is missing; write it as 2026-05-01 10:00");
        }
    };
    match stamp.written(first.date.to_datetime(time), &zone) {
        Some(text) => Judged::Changed(text),
        None => Judged::Unreadable("there is no such time"),
    }
}

/// A workbook's date is at midnight where no time was typed.
fn in_workbook(civil: DateTime) -> Typed {
    let time = Some(civil.time()).filter(|time| *time != Time::midnight());
    Typed { date: civil.date(), time, doubtful: false }
}

/// The time of a workbook's day number (1900 system), which is what is left of a date where its
/// format was taken away.
fn serial_time(serial: f64) -> Option<DateTime> {
    if !(1.0..2_958_466.0).contains(&serial) {
        return None;
    }
    let epoch = jiff::civil::date(1899, 12, 30).to_datetime(Time::midnight());
    epoch.checked_add(Span::new().try_seconds((serial * 86_400.0).round() as i64).ok()?).ok()
}

/// Whether a typed time is the shown one, as far as it goes: a program may have cut off the
/// seconds, or the time of day.
fn is_at(typed: &Typed, shown: DateTime, is_date: bool) -> bool {
    let to_minute = |time: Time| (time.hour(), time.minute());
    typed.date == shown.date()
        && match typed.time {
            None => true,
            Some(_) if is_date => false,
            Some(time) if time.second() == 0 => to_minute(time) == to_minute(shown.time()),
            Some(time) => {
                time.second() == shown.second() && to_minute(time) == to_minute(shown.time())
            }
        }
}

/// Whether a typed time could be the shown one on the clock of some zone: all of them are whole
/// quarters of an hour, and none more than 14 hours, from UTC.
fn is_a_zone_away(typed: &Typed, utc: DateTime) -> bool {
    let Some(time) = typed.time else {
        return typed.date.duration_since(utc.date()).as_hours().abs() <= 24;
    };
    let away = typed.date.to_datetime(time).duration_since(utc).as_secs().abs();
    away <= 14 * 3600 && (away % 900 == 0 || away % 900 + i64::from(utc.second()) == 900)
}

/// Whether a program, not a person, made the one of the other.
fn is_same(shown: &str, text: &str) -> bool {
    let bare = |text: &str| plain(text).trim().trim_start_matches('\'').trim().to_owned();
    let (shown, text) = (bare(shown), bare(text));
    shown == text || is_truth(&shown, &text) || is_number(&shown, &text)
}

/// `true` becomes `TRUE`, or `WAHR` in a German program.
fn is_truth(shown: &str, text: &str) -> bool {
    let words = [["true", "wahr", "vrai", "verdadero"], ["false", "falsch", "faux", "falso"]];
    let (shown, text) = (fold(shown), fold(text));
    let holds = |list: &[&str; 4], word: &str| list.contains(&word);
    words.iter().any(|list| holds(list, &shown) && holds(list, &text))
}

/// Numbers lose leading zeros and plus signs, gain separators of thousands or decimal places,
/// keep fifteen digits only, or are shown as 1.23E+15.
fn is_number(shown: &str, text: &str) -> bool {
    let Some(was) = number(shown) else { return false };
    let grouped = ungrouped(text);
    let comma = text.replace(',', ".");
    [text, comma.as_str(), grouped.as_deref().unwrap_or(text)].into_iter().any(|text| {
        let Some(is) = number(text) else { return false };
        let scientific = text.contains(['e', 'E']);
        let digits = shown.bytes().filter(u8::is_ascii_digit).count();
        match scientific || digits > 15 {
            true => (is - was).abs() <= was.abs() * if scientific { 5e-3 } else { 1e-14 },
            false => is == was,
        }
    })
}

fn number(text: &str) -> Option<f64> {
    let looks = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    text.chars().all(looks).then(|| text.parse().ok())?
}

/// `45.000`, `45,000`, `45 000` and `45'000` without their separators.
fn ungrouped(text: &str) -> Option<String> {
    let mark = text.chars().find(|c| !c.is_ascii_digit() && !matches!(c, '+' | '-'))?;
    if !matches!(mark, '.' | ',' | ' ' | '\'' | '\u{a0}' | '\u{202f}' | '’') {
        return None;
    }
    let mut groups = text.split(mark);
    let first = groups.next()?.trim_start_matches(['+', '-']);
    let whole = (1..=3).contains(&first.len()) && groups.all(|g| g.len() == 3);
    whole.then(|| text.replace(mark, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use restitch_model::Value;

    fn check(value: impl Into<Value>, typed: &str, expect: &str) {
        let clock = Clock { zone: TimeZone::get("Europe/Berlin").ok(), day_first: None };
        let found = judged(&value.into(), &Typing::Text(typed.to_owned()), &clock);
        assert_eq!(found, expect, "{typed:?}");
    }

    fn judged(value: &Value, typing: &Typing, clock: &Clock) -> String {
        let zone = clock.zone.clone().unwrap_or(TimeZone::UTC);
        match judge(typing, &Shown::of(value, &zone), value.as_text(), None, clock) {
            Judged::Same => "same".to_owned(),
            Judged::Changed(to) => format!("to {to}"),
            Judged::Unreadable(why) => why.split([' ', ';']).take(6).collect::<Vec<_>>().join(" "),
        }
    }

    #[test]
    fn what_programs_do_to_values_is_no_correction() {
        check("Ana\r\nPérez", " Ana\nPérez ", "same");
        check("00123", "123", "same");
        check("+491701234567", "491701234567", "same");
        check("4917012345678901", "4.91701E+15", "same");
        check("4917012345678901", "4917012345678900", "same");
        check(45_000, "45.000", "same");
        check(45_000, "45,000", "same");
        check("true", "WAHR", "same");
        check("2026-05-01", "########", "same");
        check("2026-05-01T08:00:27Z", "01.05.2026 10:00", "same");
        check("2026-05-01T08:00:00Z", "5/1/2026 10:00 AM", "same");
        check("2026-05-01T08:00:00Z", "2026-05-01T08:00:00Z", "same");
        check("2026-05-01", "5/1/26", "same");
    }

    #[test]
    fn what_people_change_is_a_correction_in_the_columns_own_writing() {
        check("Ana", "Anna", "to Anna");
        check("ana", "Ana", "to Ana");
        check(45_000, "46000", "to 46000");
        check("x", "", "to ");
        check("2026-05-01T08:00:00Z", "2026-05-01 11:00", "to 2026-05-01T09:00:00Z");
        check("2026-05-01 10:00:00+02:00", "1.12.2026 11:00", "to 2026-12-01 11:00:00+01:00");
        check("2026-05-01", "2026-05-02", "to 2026-05-02");
    }

    #[test]
    fn what_can_be_read_in_two_ways_or_in_none_is_said() {
        check("2026-05-01T08:00:00Z", "05/06/2026 10:00", "it can be read as two");
        check("2026-05-01T08:00:00Z", "2026-05-02", "the time of day is missing");
        check("2026-05-01T08:00:00Z", "on Friday", "it is no date or time");
    }

    #[test]
    fn without_its_zone_a_time_is_the_same_where_some_clock_shows_it_so() {
        let value = Value::from("2026-05-01T08:00:00Z");
        let of = |text: &str| judged(&value, &Typing::Text(text.into()), &Clock::default());
        assert_eq!(of("2026-05-01 10:00"), "same");
        assert_eq!(of("2026-05-01 10:07"), "the column with the time zone");
        assert_eq!(of("2026-05-03 10:00"), "the column with the time zone");
    }

    #[test]
    fn a_day_number_is_the_time_that_a_workbook_lost_the_format_of() {
        let clock = Clock { zone: TimeZone::get("Europe/Berlin").ok(), day_first: None };
        let of = |serial| judged(&"2026-05-01T08:00:00Z".into(), &Typing::Number(serial), &clock);
        assert_eq!(of(46_143.0 + 10.0 / 24.0), "same");
        assert_eq!(of(46_143.0 + 10.5 / 24.0), "to 2026-05-01T08:30:00Z");
    }
}
