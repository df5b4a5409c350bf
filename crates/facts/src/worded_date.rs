//! Dates with the month as a word, in seven languages.

use crate::date::{Reading, Written};
use crate::months::{is_doubtful, month, weekdays};
use crate::numeric_date::{YEARS, is_clear_before, two_digit_year};
use crate::page::{Kind, Page};
use crate::{Context, Style, currency};

/// A date whose day stands at a token, before the month: `3rd of March 2025`, `3. März`,
/// `1er mars 2025`, `3 de marzo del 2025`, `12-Mar-25`, `12MAR25`.
pub(crate) fn day_first(page: &Page<'_>, i: usize, context: Context) -> Option<Written> {
    let day = page.number(i, 2)?;
    if !is_clear_before(page, i, '.') {
        return None;
    }
    let after_day = i + 1 + usize::from(is_ordinal(page, i + 1));
    let name = page.skip(after_day, 4, |j| match page.kind(j) {
        Kind::Space | Kind::Sign('.' | '-' | '/') => true,
        _ => matches!(page.word(j), "de" | "of" | "do" | "di" | "del" | "d"),
    });
    let word = page.word(name);
    let month = month(word)?;
    let is_glued = name == i + 1;
    let (year, end) = match year_after(page, name, is_glued, context) {
        Some((year, end)) => (Some(year), end),
        None => (None, name + 1),
    };
    let has_joint = name > i + 2;
    let is_named = year.is_some() || has_joint || is_firm(page, name, word);
    let is_joined = page.is(end, '-') && page.is_solid(end + 1) && year.is_none();
    let ends = !page.is_solid(end) && !is_joined;
    (is_named && ends && (!is_glued || year.is_some()))
        .then(|| written(i..end, year, month, day))?
}

/// Dates whose month stands at a token, before the day: `March 3rd, 2025`, `Mar. 3`. Two of
/// them for `March 3-5, 2025`.
pub(crate) fn month_first(page: &Page<'_>, i: usize, context: Context) -> Vec<Written> {
    read_month_first(page, i, context).unwrap_or_default()
}

fn read_month_first(page: &Page<'_>, i: usize, context: Context) -> Option<Vec<Written>> {
    // Looking at what follows is cheaper than looking the word up.
    let mut at =
        page.skip(i + 1, 2, |j| matches!(page.kind(j), Kind::Space | Kind::Sign('.' | '-' | '/')));
    if page.str(at).eq_ignore_ascii_case("the") {
        at = page.after_space(at + 1);
    }
    let day = page.number(at, 2).filter(|_| at > i + 1)?;
    let word = page.word(i);
    let month = month(word)?;
    if matches!(page.back(i, 1), Kind::Number | Kind::Sign('-' | '/' | '_' | '@' | '#')) {
        return None;
    }
    let after_day = at + 1 + usize::from(is_ordinal(page, at + 1));
    let last_day = last_day(page, after_day).filter(|&(last, _)| last > day);
    let first_end = after_day;
    let end = last_day.map_or(first_end, |(_, token)| token + 1);
    let (year, end) = match year_after(page, end - 1, false, context) {
        Some((year, end)) => (Some(year), end),
        None => (None, end),
    };
    if year.is_none() {
        // "mar 12" in Spanish may be Tuesday the twelfth; "Dec 10:30" and "Apr 10 €" are no days.
        let is_day = !page.goes_on(end)
            && !page.is_solid(end)
            && !names_a_time(page, page.after_space(end))
            && currency::sign(page, page.after_space(end)).is_none();
        let is_english = matches!(page.str(i), "May" | "March" | "Mar" | "MAY" | "MAR" | "MARCH");
        if !is_day || (is_doubtful(word) && !is_english) {
            return None;
        }
    }
    // "2025 March 3"
    let leading = i.checked_sub(2).filter(|&y| year.is_none() && page.kind(y + 1) == Kind::Space);
    let leading = leading.and_then(|y| Some((y, full_year(page, y)?)));
    let start = leading.map_or(i, |(token, _)| token);
    let year = year.or(leading.map(|(_, year)| year));
    match last_day {
        None => Some(vec![written(start..end, year, month, day)?]),
        Some((last, token)) => Some(vec![
            written(start..first_end, year, month, day)?,
            written(token..end, year, month, last)?,
        ]),
    }
}

/// The last day of `3-5` and the token that it stands at.
fn last_day(page: &Page<'_>, after_day: usize) -> Option<(u32, usize)> {
    let dash = page.after_space(after_day);
    let token = page.after_space(dash + 1);
    let is_dash = matches!(page.kind(dash), Kind::Sign('-' | '–' | '—'));
    let day = page.number(token, 2).filter(|_| is_dash)?;
    (!page.is_solid(token + 1) && !page.goes_on(token + 1)).then_some((day, token))
}

/// The year after the month, or the day, at a token, and the token behind it.
fn year_after(page: &Page<'_>, i: usize, is_glued: bool, context: Context) -> Option<(u32, usize)> {
    let at = page.skip(i + 1, 4, |j| match page.kind(j) {
        Kind::Space | Kind::Sign('.' | ',' | '-' | '/' | '\'' | '’') => true,
        _ => matches!(page.word(j), "de" | "del" | "of" | "do"),
    });
    let end = at + 1;
    if at == i + 1 && !is_glued || page.goes_on(end) && !page.is(end, '.') {
        return None;
    }
    let behind = page.after_space(end);
    if currency::sign(page, behind).is_some() || names_a_time(page, behind) {
        return None;
    }
    let is_iso = page.str(end).eq_ignore_ascii_case("t");
    if page.is_solid(end) && !is_iso {
        return None;
    }
    if let Some(year) = full_year(page, at) {
        return Some((year, end));
    }
    let digits = page.pair(at, 100)?;
    if page.goes_on(end) {
        return None;
    }
    // Two digits are a year where a sign joins them, or where nothing that they might count
    // follows.
    let is_joined = match page.back(at, 1) {
        Kind::Sign('-' | '/' | '.' | '\'' | '’') => true,
        Kind::Space => match page.kind(behind) {
            Kind::End | Kind::Break | Kind::Sign(',' | ';' | ')' | '.' | '|') => at == i + 2,
            _ => false,
        },
        _ => is_glued,
    };
    is_joined.then(|| (two_digit_year(digits, context), end))
}

fn full_year(page: &Page<'_>, i: usize) -> Option<u32> {
    page.number(i, 4).filter(|year| YEARS.contains(year))
}

/// Whether a word says that the number before it was an hour.
fn names_a_time(page: &Page<'_>, i: usize) -> bool {
    matches!(page.word(i), "am" | "pm" | "uhr" | "h" | "uur" | "hrs" | "heures")
}

/// Whether the ending of an ordinal number stands at a token.
fn is_ordinal(page: &Page<'_>, i: usize) -> bool {
    const ENDINGS: [&str; 13] =
        ["st", "nd", "rd", "th", "er", "ere", "ro", "o", "a", "e", "te", "ter", "ten"];
    page.is(i, '°') || page.is(i, 'º') || ENDINGS.contains(&page.word(i))
}

/// Whether the name of a month without a year means one: no ordinary word, or an English one
/// with a capital, or one with a weekday before its day.
fn is_firm(page: &Page<'_>, name: usize, word: &str) -> bool {
    let has_weekday = (2..=6).any(|n| {
        n <= name && page.kind(name - n) == Kind::Word && weekdays(page.word(name - n)) != 0
    });
    !is_doubtful(word) || has_weekday || matches!(page.str(name), "May" | "March" | "Mar")
}

fn written(
    tokens: std::ops::Range<usize>,
    year: Option<u32>,
    month: u32,
    day: u32,
) -> Option<Written> {
    let reading = Reading { year, month, day, style: Style::Plain };
    reading.is_possible().then(|| Written { tokens, readings: vec![reading], weekdays: 0 })
}

#[cfg(test)]
mod tests {
    use crate::check::{check, check_on};

    #[test]
    fn every_language_says_it_in_its_way() {
        for text in [
            "Tuesday, 4 March 2025",
            "Tue, March 4th, 2025",
            "4th of March, 2025",
            "Dienstag, den 4. März 2025",
            "Di., 4. Mrz. 2025",
            "mardi 4 mars 2025",
            "martes, 4 de marzo de 2025",
            "4 de marzo del 2025",
            "martedì 4 marzo 2025",
            "dinsdag 4 maart 2025",
            "di 4 mrt. 2025",
            "terça-feira, 4 de março de 2025",
            "4 MAR 2025",
            "04-Mar-2025",
            "04/Mar/25",
            "04MAR25",
            "4 mars '25",
            "2025 March 4",
        ] {
            check(text, &format!("date 2025-03-04 @0-{}", text.len()));
        }
    }

    #[test]
    fn the_first_of_a_month_may_be_an_ordinal() {
        for text in ["1er mars 2025", "1º de marzo de 2025", "1° marzo 2025", "1st March 2025"] {
            check(text, &format!("date 2025-03-01 @0-{}", text.len()));
        }
    }

    #[test]
    fn without_a_year_the_nearest_one_is_meant() {
        check_on("2025-12-20", "3 January", "date 2026-01-03 @0-9");
        check_on("2026-01-05", "Dec 28", "date 2025-12-28 @0-6");
        check_on("2025-02-01", "le 3 mars prochain", "date 2025-03-03 @3-9");
        check_on("2025-02-01", "29. Februar", "date 2024-02-29 @0-11");
        check("3 January", "integer 3 @0-1");
    }

    #[test]
    fn an_ordinary_word_is_no_month() {
        check_on(
            "2025-02-01",
            "3 out of 5 may 7 set",
            "integer 3 @0-1; integer 5 @9-10; integer 7 @15-16",
        );
        check_on("2025-02-01", "1 de out.", "date 2024-10-01 @0-8");
        check_on("2025-02-01", "on May 7", "date 2025-05-07 @3-8");
    }

    #[test]
    fn a_number_after_the_month_is_not_always_a_year() {
        check_on("2025-02-01", "3 March 20 EUR", "date 2025-03-03 @0-7; amount 20 EUR @8-14");
        check_on(
            "2025-02-01",
            "am 3. März 2000 €",
            "date 2025-03-03 @3-11; amount 2000 EUR @12-20",
        );
        check_on("2025-02-01", "3 Mar 25", "date 2025-03-03 @0-8");
        check_on("2025-02-01", "3 Mar 25 people", "date 2025-03-03 @0-5; integer 25 @6-8");
    }

    #[test]
    fn days_that_share_a_month_are_each_a_date() {
        check("3–5 March 2025", "date 2025-03-03 @0-1; date 2025-03-05 @4-16");
        check("vom 3. bis 5. März 2025", "date 2025-03-03 @4-6; date 2025-03-05 @11-24");
        check("March 3-5, 2025", "date 2025-03-03 @0-7; date 2025-03-05 @8-15");
        check("30 December to 2 January 2026", "date 2025-12-30 @0-11; date 2026-01-02 @15-29");
    }
}
