//! Dates: how those that were read get their year, their weekday and their first days.
//! [`crate::numeric_date`] and [`crate::worded_date`] read them.

use std::ops::Range;

use jiff::civil::Date;

use crate::months::weekdays;
use crate::page::{Kind, Page};
use crate::time::TimeSpan;
use crate::{Context, Style, numeric_date, pairing, worded_date};

/// A date in a text with all ways to read it.
#[derive(Debug, Clone)]
pub(crate) struct DateSpan {
    /// Where it stands.
    pub(crate) tokens: Range<usize>,
    /// What it may mean; never empty.
    pub(crate) readings: Vec<(Date, Style)>,
}

/// A date as it was read, perhaps without a year.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) tokens: Range<usize>,
    pub(crate) readings: Vec<Reading>,
    /// The weekdays that stand before it, as bits; none where none does.
    pub(crate) weekdays: u8,
}

/// One way to read a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) year: Option<u32>,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) style: Style,
}

impl Reading {
    /// The date, where the calendar has it and its year is known.
    fn date(&self) -> Option<Date> {
        self.in_year(self.year?)
    }

    fn in_year(&self, year: u32) -> Option<Date> {
        let small = |n: u32| i8::try_from(n).ok();
        Date::new(i16::try_from(year).ok()?, small(self.month)?, small(self.day)?).ok()
    }

    /// Whether the calendar has the day, in a leap year where no year is named.
    pub(crate) fn is_possible(&self) -> bool {
        self.in_year(self.year.unwrap_or(2000)).is_some()
    }
}

/// All dates but those of two bare numbers, for which [`find_short`] looks when the times
/// are known.
pub(crate) fn find(page: &mut Page<'_>, context: Context) -> Vec<DateSpan> {
    let mut written: Vec<Written> = Vec::new();
    let mut i = 0;
    while i < page.len() {
        let found = match page.kind(i) {
            _ if page.is_taken(i) => Vec::new(),
            Kind::Number => {
                let date = numeric_date::full(page, i, context);
                date.or_else(|| worded_date::day_first(page, i, context)).into_iter().collect()
            }
            Kind::Word => worded_date::month_first(page, i, context),
            _ => Vec::new(),
        };
        i += 1;
        let count = found.len();
        for (n, mut date) in found.into_iter().enumerate() {
            if !page.is_free(date.tokens.clone()) {
                continue;
            }
            if n == 0 {
                add_weekday(page, &mut date);
                // "12. bis 15. März": the first day has no month of its own.
                if count == 1
                    && let Some(mut first) = first_day(page, &date)
                {
                    add_weekday(page, &mut first);
                    page.take(first.tokens.clone());
                    written.push(first);
                }
            }
            page.take(date.tokens.clone());
            i = i.max(date.tokens.end);
            written.push(date);
        }
    }
    settle(page, written, context)
}

/// Dates of day and month in bare numbers, `12.03.` or `12/03`: only where the context knows
/// the year, and a weekday, a preposition or a time beside them says that they are dates.
pub(crate) fn find_short(
    page: &mut Page<'_>,
    times: &[TimeSpan],
    context: Context,
) -> Vec<DateSpan> {
    let mut written = Vec::new();
    if context.written_on.is_none() {
        return Vec::new();
    }
    for i in 0..page.len() {
        if page.kind(i) != Kind::Number || page.is_taken(i) {
            continue;
        }
        let Some(mut date) = numeric_date::short(page, i) else { continue };
        if !page.is_free(date.tokens.clone()) {
            continue;
        }
        add_weekday(page, &mut date);
        let next = times.partition_point(|time| time.tokens.start < date.tokens.end);
        let has_time = times
            .get(next)
            .is_some_and(|time| pairing::belong(page, date.tokens.end..time.tokens.start));
        if date.tokens.start < i || has_time || has_preposition(page, i) {
            page.take(date.tokens.clone());
            written.push(date);
        }
    }
    settle(page, written, context)
}

/// Gives every date its year: its own, that of the date which it leads to ("12.03. bis
/// 15.03.2025"), or the one nearest to the context's day. A date that gets none is let go.
fn settle(page: &mut Page<'_>, written: Vec<Written>, context: Context) -> Vec<DateSpan> {
    let mut spans: Vec<DateSpan> = Vec::new();
    for date in written.into_iter().rev() {
        let led_to = spans
            .last()
            .filter(|next| is_link(page, date.tokens.end..next.tokens.start))
            .map(|next| next.readings[0].0);
        let mut readings: Vec<_> = date
            .readings
            .iter()
            .filter_map(|r| {
                let found = r
                    .date()
                    .or_else(|| before(*r, led_to?))
                    .or_else(|| nearest(*r, context.written_on?))?;
                Some((found, r.style))
            })
            .collect();
        if readings.iter().any(|&(found, _)| is_one_of(found, date.weekdays)) {
            readings.retain(|&(found, _)| is_one_of(found, date.weekdays));
        }
        if readings.is_empty() {
            page.release(date.tokens);
        } else {
            spans.push(DateSpan { tokens: date.tokens, readings });
        }
    }
    spans.reverse();
    spans
}

/// The last such day up to a date.
fn before(reading: Reading, end: Date) -> Option<Date> {
    let year = u32::try_from(end.year()).ok()?;
    [year, year - 1].into_iter().filter_map(|y| reading.in_year(y)).find(|&date| date <= end)
}

/// Such a day of the year in which it is nearest to another one. The years looked at reach
/// far enough for a leap day.
fn nearest(reading: Reading, to: Date) -> Option<Date> {
    let year = u32::try_from(to.year()).ok()?;
    (year.saturating_sub(4)..=year + 4)
        .filter_map(|y| reading.in_year(y))
        .min_by_key(|date| (to.until(*date).map_or(i32::MAX, |span| span.get_days().abs()), *date))
}

/// Takes the weekday before a date into it.
fn add_weekday(page: &Page<'_>, date: &mut Written) {
    let Some((start, days)) = weekday_before(page, date.tokens.start) else { return };
    let agrees = |r: &Reading| r.date().is_none_or(|found| is_one_of(found, days));
    // Two letters such as "so" or "do" are a weekday only where they are the right one.
    let is_sure = page.str(start).chars().count() > 2;
    if is_sure || date.readings.iter().any(agrees) {
        date.tokens.start = start;
        date.weekdays = days;
    }
}

fn is_one_of(date: Date, weekdays: u8) -> bool {
    weekdays >> date.weekday().to_monday_zero_offset() & 1 == 1
}

/// The token of the weekday before a date, as in "Dienstag, den 3.", "terça-feira, 3", and
/// the days that it may mean.
fn weekday_before(page: &Page<'_>, date: usize) -> Option<(usize, u8)> {
    let is_space = |i: usize| page.back(i, 1) == Kind::Space;
    let mut i = date - usize::from(is_space(date));
    const ARTICLES: [&str; 9] = ["the", "den", "dem", "le", "el", "il", "dia", "de", "der"];
    if i < date && i > 0 && ARTICLES.contains(&page.word(i - 1)) {
        i -= 1;
        i -= usize::from(is_space(i));
    }
    for sign in [',', '.'] {
        i -= usize::from(page.back(i, 1) == Kind::Sign(sign));
    }
    if i >= 2 && page.word(i - 1) == "feira" && page.is(i - 2, '-') {
        i -= 2;
    }
    let word = i.checked_sub(1)?;
    let days = weekdays(page.word(word));
    let is_apart = match page.back(word, 1) {
        Kind::Number => false,
        Kind::Sign('-' | '/' | '.' | '@' | '_') => !(word >= 2 && page.is_solid(word - 2)),
        _ => true,
    };
    (i < date && days != 0 && is_apart && !page.is_taken(word)).then_some((word, days))
}

/// The first day of "12.–15. März 2025", "12.03. bis 15.03.2025" or "3 - 5 March": one that
/// shares what it lacks with the date after it.
fn first_day(page: &Page<'_>, date: &Written) -> Option<Written> {
    let start = date.tokens.start;
    // The nearest number before the date, with nothing that makes a span between.
    let number = (1..=6)
        .map_while(|n| start.checked_sub(n))
        .take_while(|&i| page.kind(i) != Kind::Break)
        .find(|&i| page.kind(i) == Kind::Number)?;
    let has_dot = page.is(number + 1, '.');
    let end = number + 1 + usize::from(has_dot);
    let link = end..start;
    if end > start || !is_link(page, link.clone()) {
        return None;
    }
    let is_in_styles = |r: &Reading| date.readings.iter().any(|own| own.style == r.style);
    if let Some(mut first) = number.checked_sub(2).and_then(|i| numeric_date::short(page, i)) {
        first.readings.retain(is_in_styles);
        let is_whole = first.tokens.end == end && page.is_free(first.tokens.clone());
        return (is_whole && !first.readings.is_empty()).then_some(first);
    }
    let has_words = date.readings[0].style == Style::Plain;
    let day = page.number(number, 2).filter(|_| has_words || has_dot || link.len() == 1)?;
    let is_apart = !page.comes_on(number)
        && !matches!(page.back(number, 1), Kind::Word | Kind::Sign('-' | '/' | '#' | '+' | '_'));
    let readings: Vec<_> = date
        .readings
        .iter()
        .filter(|r| day < r.day)
        .map(|r| Reading { day, ..*r })
        .filter(Reading::is_possible)
        .collect();
    let tokens = number..end;
    (is_apart && !readings.is_empty() && page.is_free(tokens.clone())).then_some(Written {
        tokens,
        readings,
        weekdays: 0,
    })
}

/// Whether what stands between two dates or times makes a span of them.
pub(crate) fn is_link(page: &Page<'_>, gap: Range<usize>) -> bool {
    let mut links = 0;
    for i in gap.clone() {
        match page.kind(i) {
            Kind::Space => {}
            Kind::Sign('-' | '–' | '—' | '→' | '>') => links += 1,
            Kind::Word if is_until(page, i) => links += 1,
            _ => return false,
        }
    }
    gap.len() <= 5 && (1..=2).contains(&links)
}

fn is_until(page: &Page<'_>, i: usize) -> bool {
    const UNTIL: [&str; 14] = [
        "to", "until", "till", "through", "thru", "bis", "zum", "au", "al", "hasta", "a", "ao",
        "tot", "ate",
    ];
    UNTIL.contains(&page.word(i))
}

/// Whether a word stands before a token that in one of the languages leads in a date.
fn has_preposition(page: &Page<'_>, i: usize) -> bool {
    const PREPOSITIONS: [&str; 26] = [
        "on", "from", "until", "till", "by", "since", "am", "vom", "bis", "zum", "den", "dem",
        "ab", "seit", "le", "du", "au", "el", "del", "al", "il", "dal", "dia", "op", "van", "tot",
    ];
    page.back(i, 1) == Kind::Space && i >= 2 && PREPOSITIONS.contains(&page.word(i - 2))
}
