//! Days that are told from the day of writing: `tomorrow at 10`, `morgen um 10 Uhr`, `vendredi à
//! 18h`.
//!
//! Such words stand in every advertisement ("book today"), and weekdays in every list of opening
//! hours. They are days only where one time stands beside them.

use std::ops::Range;

use jiff::civil::{Date, Time};
use jiff::{Span, ToSpan};

use crate::date::{DateSpan, is_link};
use crate::months::weekdays;
use crate::page::{Kind, Page};
use crate::pairing::{GAP_TOKENS, belong};
use crate::time::TimeSpan;
use crate::zone::Zone;
use crate::{Context, Style};

/// Every day that is told so, with the time beside it; hours without a unit, which only their
/// place after such a day makes times, are added to `times`.
pub(crate) fn find(
    page: &mut Page<'_>,
    times: &mut Vec<TimeSpan>,
    context: Context,
) -> Vec<DateSpan> {
    let Some(today) = context.written_on else { return Vec::new() };
    let mut dates = Vec::new();
    let mut hours = Vec::new();
    for i in 0..page.len() {
        if page.kind(i) != Kind::Word || page.is_taken(i) {
            continue;
        }
        // Looking at the length and for a number is cheaper than looking the word up.
        let may_be = (3..=12).contains(&page.str(i).len());
        let near = i.saturating_sub(GAP_TOKENS)..i + GAP_TOKENS;
        if !may_be || !near.into_iter().any(|j| page.kind(j) == Kind::Number) {
            continue;
        }
        let Some(date) = day(page, i, today) else { continue };
        let tokens = date.tokens.clone();
        if !page.is_free(tokens.clone()) {
            continue;
        }
        if !has_time(page, &tokens, times) {
            let Some(hour) = bare_hour(page, tokens.end) else { continue };
            page.take(hour.tokens.clone());
            hours.push(hour);
        }
        page.take(tokens);
        dates.push(date);
    }
    times.extend(hours);
    times.sort_by_key(|time| time.tokens.start);
    dates
}

/// The hours without a unit after written dates, `3 March at 10`, are added to `times`.
pub(crate) fn find_hours(page: &mut Page<'_>, dates: &[DateSpan], times: &mut Vec<TimeSpan>) {
    let mut hours = Vec::new();
    for date in dates {
        // "3 March a 10 minute walk"
        let lead = page.word(page.after_space(date.tokens.end));
        let is_led = matches!(lead, "at" | "um" | "alle" | "ore");
        if is_led
            && !has_time(page, &date.tokens, times)
            && let Some(hour) = bare_hour(page, date.tokens.end)
        {
            page.take(hour.tokens.clone());
            hours.push(hour);
        }
    }
    times.extend(hours);
    times.sort_by_key(|time| time.tokens.start);
}

/// Where the words begin that put off the day at a word by one more: `day after tomorrow`,
/// `après-demain`, `pasado mañana`, `depois de amanhã`.
fn put_off(page: &Page<'_>, i: usize, word: &str) -> Option<usize> {
    let begins = |words: &[&str]| {
        let start = i.checked_sub(2 * words.len())?;
        let mut said = words.iter().enumerate();
        said.all(|(n, wanted)| page.word(start + 2 * n) == *wanted).then_some(start)
    };
    match word {
        "tomorrow" => begins(&["day", "after"]),
        "demain" => begins(&["apres"]),
        "manana" => begins(&["pasado"]),
        "amanha" => begins(&["depois", "de"]),
        _ => None,
    }
}

/// The day that begins at a word: where it stands, and what it may mean.
fn day(page: &Page<'_>, i: usize, today: Date) -> Option<DateSpan> {
    if let Some(start) = put_off(page, i, page.word(i)) {
        let date = today.checked_add(2.days()).ok()?;
        return Some(DateSpan { tokens: start..i + 1, readings: vec![(date, Style::Plain)] });
    }
    if matches!(page.back(i, 1), Kind::Number | Kind::Sign('-' | '/' | '@' | '_' | '.')) {
        return None;
    }
    let word = page.word(i);
    let before = if page.back(i, 1) == Kind::Space && i >= 2 { page.word(i - 2) } else { "" };
    let after = |n: usize| page.word(i + n);
    let read = |tokens: Range<usize>, days: i64| {
        let date = today.checked_add(Span::new().try_days(days).ok()?).ok()?;
        Some(DateSpan { tokens, readings: vec![(date, Style::Plain)] })
    };
    match word {
        "today" | "tonight" | "heute" | "vandaag" | "hoy" | "oggi" | "hoje" => read(i..i + 1, 0),
        // "Heute Morgen um 8" is today; "am Morgen", "guten Morgen" and "la mañana" are no day.
        "morgen" | "manana" if is_morning(before) => None,
        "tomorrow" | "morgen" | "demain" | "manana" | "domani" | "amanha" => match before {
            "after" | "apres" | "pasado" => None,
            _ => read(i..i + 1, 1),
        },
        "ubermorgen" | "uebermorgen" | "overmorgen" | "dopodomani" => read(i..i + 1, 2),
        "yesterday" | "gestern" | "ayer" | "ieri" | "gisteren" | "ontem" => read(i..i + 1, -1),
        "aujourd" if after(2) == "hui" => read(i..i + 3, 0),
        _ => weekday(page, i, word, today),
    }
}

fn is_morning(before: &str) -> bool {
    const BEFORE: [&str; 14] = [
        "guten", "am", "jeden", "diesen", "heute", "gestern", "goede", "goeden", "de", "elke",
        "la", "esta", "cada", "jede",
    ];
    BEFORE.contains(&before)
}

/// The next such weekday, today among them: a full name, for two or three letters are other
/// words as well, and none of a list or a span of days.
fn weekday(page: &Page<'_>, i: usize, word: &str, today: Date) -> Option<DateSpan> {
    let is_portuguese = matches!(word, "segunda" | "terca" | "quarta" | "quinta" | "sexta");
    let end = if is_portuguese && page.is(i + 1, '-') && page.word(i + 2) == "feira" {
        i + 3
    } else {
        i + 1
    };
    let days = weekdays(word);
    if word.len() < 5 || days.count_ones() != 1 || (is_portuguese && end == i + 1) {
        return None;
    }
    let is_day = |i: usize| weekdays(page.word(i)) != 0;
    let beside = |at: usize, step: fn(usize, usize) -> usize| (1..=4).any(|n| is_day(step(at, n)));
    if beside(end - 1, usize::saturating_add) || (i > 0 && beside(i, usize::wrapping_sub)) {
        return None;
    }
    let wanted = i64::from(days.trailing_zeros());
    let ahead = (wanted - i64::from(today.weekday().to_monday_zero_offset())).rem_euclid(7);
    let date = today.checked_add(ahead.days()).ok()?;
    Some(DateSpan { tokens: i..end, readings: vec![(date, Style::Plain)] })
}

/// Whether one time, and no span of hours, stands beside the day.
fn has_time(page: &Page<'_>, day: &Range<usize>, times: &[TimeSpan]) -> bool {
    let next = times.partition_point(|time| time.tokens.start < day.end);
    let is_alone = |i: usize| {
        let linked = |a: &TimeSpan, b: &TimeSpan| is_link(page, a.zone_end..b.tokens.start);
        let after = times.get(i + 1).is_some_and(|after| linked(&times[i], after));
        let before = i > 0 && linked(&times[i - 1], &times[i]);
        !(before || after)
    };
    let follows = times.get(next).is_some_and(|time| belong(page, day.end..time.tokens.start))
        && is_alone(next);
    let leads = next.checked_sub(1).is_some_and(|last| {
        times[last].zone_end <= day.start
            && belong(page, times[last].zone_end..day.start)
            && is_alone(last)
    });
    follows || leads
}

/// The hour of "tomorrow at 10": a number after the word that leads in a time.
fn bare_hour(page: &Page<'_>, end: usize) -> Option<TimeSpan> {
    const LEADS: [&str; 9] = ["at", "um", "a", "as", "om", "alle", "ore", "las", "ab"];
    let mut at = page.after_space(end);
    let mut led = false;
    for _ in 0..3 {
        if !LEADS.contains(&page.word(at)) || page.kind(at + 1) != Kind::Space {
            break;
        }
        (led, at) = (true, at + 2);
    }
    let hour = page.number(at, 2).filter(|&hour| led && hour < 24 && !page.is_taken(at))?;
    let next = page.after_space(at + 1);
    let is_more = page.goes_on(at + 1)
        || page.is_solid(at + 1)
        || matches!(
            page.kind(next),
            Kind::Number | Kind::Sign('%' | '€' | '$' | '£' | '-' | '/' | '–')
        )
        // "at 10 Downing Street"
        || page.str(next).starts_with(char::is_uppercase);
    let time = Time::new(i8::try_from(hour).ok()?, 0, 0, 0).ok()?;
    (!is_more).then_some(TimeSpan {
        tokens: at..at + 1,
        time,
        ends_day: false,
        needs_date: false,
        zone: Zone::Unsaid,
        zone_end: at + 1,
    })
}

#[cfg(test)]
mod tests {
    use crate::check::check_on;

    /// What is found in a text of a Thursday.
    fn check(text: &str, expect: &str) {
        check_on("2025-02-20", text, expect);
    }

    /// The moment that a text of that Thursday, as a whole, means.
    fn moment(day: u8, text: &str) {
        let context = crate::Context { written_on: Some(jiff::civil::date(2025, 2, 20)) };
        let found = crate::scan(text, context);
        let moment = found.iter().find(|found| found.value.type_name() == "local");
        let value = moment.map(|found| found.value.to_string());
        assert_eq!(value, Some(format!("2025-02-{day}T10:00:00")), "{text}");
    }

    #[test]
    fn a_day_and_its_time_are_told_from_the_day_of_writing() {
        for text in [
            "tomorrow at 10",
            "tomorrow, 10 am",
            "at 10:00 tomorrow",
            "morgen um 10 Uhr",
            "demain à 10h",
            "mañana a las 10",
            "domani alle 10",
            "morgen om 10 uur",
            "amanhã às 10h",
        ] {
            moment(21, text);
        }
        for text in
            ["heute, 10:00 Uhr", "aujourd'hui à 10 h", "hoy a las 10:00", "vandaag om 10.00 uur"]
        {
            moment(20, text);
        }
    }

    #[test]
    fn a_day_is_put_off_by_one_more() {
        for text in [
            "the day after tomorrow at 10 am",
            "übermorgen um 10 Uhr",
            "après-demain à 10 h",
            "pasado mañana a las 10:00",
            "dopodomani alle 10",
            "overmorgen om 10 uur",
            "depois de amanhã às 10h",
        ] {
            moment(22, text);
        }
    }

    #[test]
    fn a_weekday_is_the_next_one() {
        for text in ["Saturday at 10am", "am Samstag um 10 Uhr", "samedi à 10h", "sábado a las 10"]
        {
            moment(22, text);
        }
        moment(24, "segunda-feira às 10h");
        moment(20, "Thursday 10:00");
    }

    #[test]
    fn an_hour_after_a_written_date_is_its_time() {
        for text in ["21 February at 10", "21.02.2025 um 10", "venerdì 21 febbraio alle 10"] {
            moment(21, text);
        }
        check("21 February at 10 High Street", "date 2025-02-21 @0-11; integer 10 @15-17");
    }

    #[test]
    fn without_a_time_a_word_is_a_word() {
        check("Book today! See you on Friday. Guten Morgen", "");
        check("tomorrow at 10%", "integer 10 @12-14");
    }

    #[test]
    fn opening_hours_are_no_days() {
        check("Monday to Friday 9:00-18:00", "time 09:00:00 @17-21; time 18:00:00 @22-27");
        check("Samstag 9:00-18:00", "time 09:00:00 @8-12; time 18:00:00 @13-18");
    }

    #[test]
    fn without_a_day_of_writing_there_is_no_day() {
        crate::check::check("tomorrow at 10:30", "time 10:30:00 @12-17");
    }
}
