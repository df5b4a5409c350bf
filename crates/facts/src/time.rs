//! Times of day: `14:30`, `2.30 pm`, `10h30`, `14 Uhr`, with the zone behind them.

use std::ops::Range;

use jiff::civil::Time;

use crate::date::is_link;
use crate::months::weekdays;
use crate::page::{Kind, Page};
use crate::zone::{self, Zone};

/// A time of day in a text.
#[derive(Debug, Clone)]
pub(crate) struct TimeSpan {
    /// Where it stands, with its unit but without its zone.
    pub(crate) tokens: Range<usize>,
    /// The time; midnight for 24:00.
    pub(crate) time: Time,
    /// Whether 24:00 is written, which is the midnight after the day.
    pub(crate) ends_day: bool,
    /// Whether it is a time only beside a date: `10 h` alone may be a duration.
    pub(crate) needs_date: bool,
    /// The zone that is written behind it.
    pub(crate) zone: Zone,
    /// The token after the zone, or after the time where there is none.
    pub(crate) zone_end: usize,
}

/// The parts of a time as they are written.
#[derive(Clone, Copy)]
struct Clock {
    hour: u32,
    minute: u32,
    second: u32,
    nanos: i32,
    shape: Shape,
    end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Hour,
    Colon,
    Dot,
    Iso,
}

/// What stands behind the digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    None,
    Am,
    Pm,
    /// `Uhr`, `o'clock`: nothing but a time.
    Clock,
    /// `h`, `horas`, `uur`: a time or a duration.
    Hours,
}

/// All times, in the order in which they stand.
pub(crate) fn find(page: &mut Page<'_>) -> Vec<TimeSpan> {
    let mut times = Vec::new();
    let mut i = 0;
    while i < page.len() {
        let at = i;
        i += 1;
        if page.kind(at) != Kind::Number || page.is_taken(at) {
            continue;
        }
        let Some((span, unit)) = time(page, at) else { continue };
        if !page.is_free(at..span.zone_end) {
            continue;
        }
        times.extend(first_hour(page, &span, unit));
        i = span.zone_end;
        page.take(at..i);
        times.push(span);
    }
    times
}

fn time(page: &Page<'_>, i: usize) -> Option<(TimeSpan, Unit)> {
    let is_iso = follows_t(page, i);
    if !is_iso && !is_clear_before(page, i) {
        return None;
    }
    let clock = if is_iso && page.str(i).len() > 2 { compact(page, i)? } else { digits(page, i)? };
    let (unit, clock) = unit(page, clock);
    let after = clock.end;
    if page.goes_on(after) && !page.is(after, ',') {
        return None;
    }
    let has_cue = |cues: &[&str]| {
        page.back(i, 1) == Kind::Space && i >= 2 && cues.contains(&page.word(i - 2))
    };
    let needs_date = match (clock.shape, unit) {
        (Shape::Colon | Shape::Iso, _) | (_, Unit::Am | Unit::Pm | Unit::Clock) => false,
        (Shape::Dot, Unit::Hours) => false,
        (Shape::Dot, Unit::None) => {
            if !has_cue(&["um", "alle", "ore", "om", "dalle", "kl"]) {
                return None;
            }
            false
        }
        (Shape::Hour, Unit::Hours) => {
            !has_cue(&["a", "as", "las", "om", "alle", "des", "vers", "at", "ab", "desde", "vanaf"])
        }
        (Shape::Hour, Unit::None) if has_cue(&["ore"]) => false,
        (Shape::Hour, Unit::None) => return None,
    };
    let is_exact = clock.shape == Shape::Iso || is_iso || page.is(i + 3, ':');
    let (zone, zone_end) = zone::after(page, after, is_exact);
    let goes_on = matches!(
        page.kind(zone_end),
        Kind::Word | Kind::Number | Kind::Sign('%' | '€' | '$' | '£')
    );
    if goes_on {
        return None;
    }
    let hour = hour_of_day(clock.hour, unit)?;
    let ends_day = hour == 24;
    if ends_day && (clock.minute, clock.second) != (0, 0) {
        return None;
    }
    let small = |n: u32| i8::try_from(n).ok();
    // A leap second is the second before it: no clock here has a sixty-first.
    let second = small(clock.second.min(59))?;
    let time = Time::new(small(hour % 24)?, small(clock.minute)?, second, clock.nanos).ok()?;
    let tokens = i..after;
    Some((TimeSpan { tokens, time, ends_day, needs_date, zone, zone_end }, unit))
}

fn hour_of_day(hour: u32, unit: Unit) -> Option<u32> {
    match (hour, unit) {
        (12, Unit::Am) => Some(0),
        (1..12, Unit::Pm) => Some(hour + 12),
        (0..=24, _) => Some(hour),
        _ => None,
    }
}

/// Hours, minutes and seconds with `:` `.` or `h` between them, or an hour alone.
fn digits(page: &Page<'_>, i: usize) -> Option<Clock> {
    let hour = page.number(i, 2).filter(|&hour| hour <= 24)?;
    let mut clock = Clock { hour, minute: 0, second: 0, nanos: 0, shape: Shape::Hour, end: i + 1 };
    let shape = match page.kind(i + 1) {
        Kind::Sign(':') => Shape::Colon,
        Kind::Sign('.') => Shape::Dot,
        _ => return Some(clock),
    };
    let Some(minute) = page.pair(i + 2, 60) else {
        // "10. Uhr" is nothing, and in "9: 30" the sign belongs to the text.
        return (shape == Shape::Colon && !page.is_solid(i + 2)).then_some(clock);
    };
    (clock.minute, clock.shape, clock.end) = (minute, shape, i + 3);
    if shape == Shape::Colon && page.is(i + 3, ':') && page.kind(i + 4) == Kind::Number {
        (clock.second, clock.end) = (page.pair(i + 4, 61)?, i + 5);
        if page.goes_on(i + 5) && !page.is(i + 5, ':') {
            (clock.nanos, clock.end) = (nanos(page.str(i + 6)), i + 7);
        }
    }
    Some(clock)
}

/// `103000` after the `T` of ISO 8601's basic form.
fn compact(page: &Page<'_>, i: usize) -> Option<Clock> {
    let all = page.number(i, 6)?;
    let all = match page.str(i).len() {
        4 => all * 100,
        6 => all,
        _ => return None,
    };
    let (hour, minute, second) = (all / 10_000, all / 100 % 100, all % 100);
    (minute < 60 && second < 61).then_some(Clock {
        hour,
        minute,
        second,
        nanos: 0,
        shape: Shape::Iso,
        end: i + 1,
    })
}

fn nanos(digits: &str) -> i32 {
    let nine: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
    nine.parse().unwrap_or(0)
}

/// The unit behind the digits, and the clock with the minutes that may follow it (`10 Uhr
/// 30`, `10h30`).
fn unit(page: &Page<'_>, clock: Clock) -> (Unit, Clock) {
    let at = page.after_space(clock.end);
    let word = page.word(at);
    let with = |unit: Unit, end: usize| (unit, Clock { end, ..clock });
    let is_hour = clock.shape == Shape::Hour;
    match word {
        "am" if clock.hour > 12 || is_german_am(page, at) => (Unit::None, clock),
        "am" => with(Unit::Am, at + 1),
        "pm" => with(Unit::Pm, at + 1),
        // "8:15a", as people type it: right behind the minutes.
        "a" if !is_hour && at == clock.end && clock.hour <= 12 => with(Unit::Am, at + 1),
        "p" if !is_hour && at == clock.end && clock.hour <= 12 => with(Unit::Pm, at + 1),
        "a" | "p" if page.is(at + 1, '.') => {
            let m = page.after_space(at + 2);
            if page.word(m) != "m" {
                return (Unit::None, clock);
            }
            let end = m + 1 + usize::from(page.is(m + 1, '.'));
            with(if word == "a" { Unit::Am } else { Unit::Pm }, end)
        }
        "o" if matches!(page.kind(at + 1), Kind::Sign('\'' | '’'))
            && page.word(at + 2) == "clock" =>
        {
            with(Unit::Clock, at + 3)
        }
        "uhr" | "heures" | "heure" | "h" | "u" if is_hour => {
            let minutes = page.after_space(at + 1);
            // "10 h 30" needs no space or two; "10h 30" may be a count of something.
            let is_even = word == "uhr" || word.len() > 1 || (minutes > at + 1) == (at > clock.end);
            let minute = page.pair(minutes, 60).filter(|_| is_even && !page.goes_on(minutes + 1));
            match minute {
                Some(minute) if !is_more(page, minutes + 1) => {
                    let unit = Unit::Clock;
                    let end =
                        minutes + 1 + usize::from(matches!(page.word(minutes + 1), "min" | "m"));
                    (unit, Clock { minute, end, ..clock })
                }
                _ if word == "uhr" => with(Unit::Clock, at + 1),
                _ if word == "u" && at > clock.end => (Unit::None, clock),
                _ => with(Unit::Hours, at + 1),
            }
        }
        "uhr" => with(Unit::Clock, at + 1),
        "h" | "hs" | "hrs" | "hr" | "horas" | "hora" | "uur" | "heures" | "ore" | "u" => {
            with(Unit::Hours, at + 1)
        }
        _ => (Unit::None, clock),
    }
}

/// Whether what follows makes the two digits before it something else than minutes.
fn is_more(page: &Page<'_>, i: usize) -> bool {
    matches!(page.word(i), "uhr" | "h" | "eur")
        || page.kind(i) == Kind::Number
        || matches!(page.kind(i), Kind::Sign('€' | '$' | '£' | '%'))
}

/// Whether `am` is the German preposition: a day follows it.
fn is_german_am(page: &Page<'_>, am: usize) -> bool {
    let next = page.after_space(am + 1);
    let is_german = matches!(
        page.word(next),
        "montag" | "dienstag" | "mittwoch" | "donnerstag" | "freitag" | "samstag" | "sonntag"
    );
    let is_day = page.kind(next) == Kind::Number && page.is(next + 1, '.');
    let is_short = page.is(next + 1, '.') && weekdays(page.word(next)) != 0;
    page.str(am) == "am" && (is_german || is_day || is_short)
}

/// The first hour of `10-12 Uhr` and `2 to 4 pm`, which shares the unit of the second.
fn first_hour(page: &mut Page<'_>, span: &TimeSpan, unit: Unit) -> Option<TimeSpan> {
    let start = span.tokens.start;
    let number = (1..=5)
        .filter_map(|n| start.checked_sub(n))
        .find(|&j| page.kind(j) == Kind::Number)
        .filter(|&j| page.is_free(j..j + 1) && is_link(page, j + 1..start))?;
    let hour = page.number(number, 2).filter(|&hour| hour <= 24)?;
    if unit == Unit::None || unit == Unit::Hours || !is_clear_before(page, number) {
        return None;
    }
    let mut hour = hour_of_day(hour, unit)?;
    // "11 to 1 pm" begins before noon.
    if unit == Unit::Pm && hour > u32::try_from(span.time.hour()).ok()? {
        hour -= 12;
    }
    let time = Time::new(i8::try_from(hour % 24).ok()?, 0, 0, 0).ok()?;
    page.take(number..number + 1);
    Some(TimeSpan {
        tokens: number..number + 1,
        time,
        zone: Zone::Unsaid,
        zone_end: number + 1,
        ..span.clone()
    })
}

/// Whether a date and the `T` of ISO 8601 stand before a token.
fn follows_t(page: &Page<'_>, i: usize) -> bool {
    i >= 2
        && page.str(i - 1).eq_ignore_ascii_case("t")
        && page.kind(i - 2) == Kind::Number
        && page.is_taken(i - 2)
}

fn is_clear_before(page: &Page<'_>, i: usize) -> bool {
    let is_after_value = page.is_taken(i.wrapping_sub(2));
    !page.comes_on(i)
        && match page.back(i, 1) {
            Kind::Word | Kind::Number => false,
            Kind::Sign('+' | '#' | '$' | '€' | '£' | '−') => false,
            Kind::Sign('/') => is_after_value,
            Kind::Sign('-') => is_after_value || page.back(i, 2) != Kind::Word,
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use crate::check::check;

    /// Each of these, alone, is the time.
    fn all_say(time: &str, texts: &[&str]) {
        for text in texts {
            check(text, &format!("time {time} @0-{}", text.len()));
        }
    }

    #[test]
    fn a_time_is_read_in_every_common_form() {
        all_say(
            "14:30:00",
            &[
                "14:30",
                "14:30 Uhr",
                "14.30 Uhr",
                "14 Uhr 30",
                "14h30",
                "14 h 30",
                "14H30",
                "2:30 pm",
                "2:30PM",
                "2.30 p.m.",
                "2:30 p. m.",
                "14:30h",
                "14:30 hrs",
                "14.30 uur",
                "14u30",
                "14:30:00",
                "14 heures 30",
                "14h30min",
            ],
        );
        all_say("14:00:00", &["14 Uhr", "2pm", "2 PM", "2 p.m."]);
    }

    #[test]
    fn noon_and_midnight_are_where_the_clock_has_them() {
        all_say("12:00:00", &["12 pm", "12:00 PM", "12:00"]);
        all_say("00:00:00", &["12 am", "12:00 a.m.", "0:00", "24:00"]);
    }

    #[test]
    fn the_german_am_is_a_preposition() {
        check("um 10:30 am Montag", "time 10:30:00 @3-8");
    }

    #[test]
    fn hours_alone_are_no_time_but_after_a_word_that_says_so() {
        check("24 h service, 3 heures", "integer 24 @0-2; integer 3 @14-15");
        check("à 10h", "time 10:00:00 @3-6");
        check("a las 10 horas", "time 10:00:00 @6-14");
        check("alle ore 10", "time 10:00:00 @9-11");
        check("alle 10.30", "time 10:30:00 @5-10");
    }

    #[test]
    fn both_ends_of_a_span_are_times() {
        check("10:00-12:30", "time 10:00:00 @0-5; time 12:30:00 @6-11");
        check("10-12 Uhr", "time 10:00:00 @0-2; time 12:00:00 @3-9");
        check("2 to 4 pm", "time 14:00:00 @0-1; time 16:00:00 @5-9");
        check("12:30pm-1:45pm", "time 12:30:00 @0-7; time 13:45:00 @8-14");
        check("11-1pm", "time 11:00:00 @0-2; time 13:00:00 @3-6");
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        check("25:10 10:75 1:2:3:4 10:30:15:20 x10:30", "");
    }

    #[test]
    fn a_dot_needs_a_unit() {
        check("10.30", "amount 10.30 @0-5");
        check("10.30 Uhr", "time 10:30:00 @0-9");
    }
}
