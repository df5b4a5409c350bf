//! Dates of numbers alone: ISO 8601, and day and month in either order.

use crate::date::{Reading, Written};
use crate::page::{Kind, Page};
use crate::{Context, Style};

/// The years that a text of a business speaks of.
pub(crate) const YEARS: std::ops::RangeInclusive<u32> = 1900..=2199;

/// A date of three numbers at a token, or of eight digits before the `T` of ISO 8601's basic
/// form.
pub(crate) fn full(page: &Page<'_>, i: usize, context: Context) -> Option<Written> {
    if page.str(i).len() == 8 {
        return compact(page, i);
    }
    let first = page.number(i, 4)?;
    let Kind::Sign(sign @ ('.' | '/' | '-')) = page.kind(i + 1) else { return None };
    let next = |at: usize| if sign == '.' { page.after_space(at) } else { at };
    let j = next(i + 2);
    let second = page.number(j, 2).filter(|_| page.is(j + 1, sign))?;
    let k = next(j + 2);
    let third = page.number(k, 4)?;
    if !is_clear_before(page, i, sign) || !is_clear_after(page, k + 1, sign) {
        return None;
    }
    let is_spaced = k > i + 4;
    let lengths = [i, j, k].map(|token| page.str(token).len());
    let readings = match lengths {
        [4, ..=2, ..=2] if !is_spaced => {
            vec![Reading { year: Some(first), month: second, day: third, style: Style::Plain }]
        }
        [..=2, ..=2, 4] => both_orders(first, second, Some(third)),
        // One digit at a time and a low number at the end is a version or a section.
        [a, b, 2] if !is_spaced && a <= 2 && b <= 2 && (a + b == 4 || third > 14) => {
            both_orders(first, second, Some(two_digit_year(third, context)))
        }
        _ => return None,
    };
    written(i..k + 1, readings)
}

/// Day and month at a token, with the sign that makes a date of them: `12.03.` or `12/03`.
pub(crate) fn short(page: &Page<'_>, i: usize) -> Option<Written> {
    let first = page.number(i, 2)?;
    let Kind::Sign(sign @ ('.' | '/')) = page.kind(i + 1) else { return None };
    let j = if sign == '.' { page.after_space(i + 2) } else { i + 2 };
    let second = page.number(j, 2)?;
    if !is_clear_before(page, i, sign) {
        return None;
    }
    if sign == '.' {
        let is_closed = page.is(j + 1, '.') && !page.is_solid(j + 2);
        let day = Reading { year: None, month: second, day: first, style: Style::DayFirst };
        return is_closed.then(|| written(i..j + 2, vec![day]))?;
    }
    let ends = is_clear_after(page, j + 1, sign)
        && !page.goes_on(j + 1)
        && !matches!(page.kind(j + 1), Kind::Sign('%' | '/' | '-'));
    ends.then(|| written(i..j + 1, both_orders(first, second, None)))?
}

/// The year that two digits mean: the one nearest to the context's, else one from 1970 on.
pub(crate) fn two_digit_year(digits: u32, context: Context) -> u32 {
    let now = context.written_on.and_then(|date| u32::try_from(date.year()).ok());
    match now {
        Some(now) => (0..=now / 100 + 1)
            .map(|century| century * 100 + digits)
            .min_by_key(|year| year.abs_diff(now))
            .unwrap_or(2000 + digits),
        None if digits < 70 => 2000 + digits,
        None => 1900 + digits,
    }
}

fn compact(page: &Page<'_>, i: usize) -> Option<Written> {
    let all = page.number(i, 8)?;
    let is_iso = page.str(i + 1).eq_ignore_ascii_case("t")
        && matches!(page.str(i + 2).len(), 4 | 6)
        && page.kind(i + 2) == Kind::Number
        && is_clear_before(page, i, '-');
    let (year, month, day) = (Some(all / 10_000), all / 100 % 100, all % 100);
    is_iso.then(|| written(i..i + 1, vec![Reading { year, month, day, style: Style::Plain }]))?
}

fn both_orders(first: u32, second: u32, year: Option<u32>) -> Vec<Reading> {
    vec![
        Reading { year, month: second, day: first, style: Style::DayFirst },
        Reading { year, month: first, day: second, style: Style::MonthFirst },
    ]
}

fn written(tokens: std::ops::Range<usize>, readings: Vec<Reading>) -> Option<Written> {
    let in_reach = |r: &Reading| r.is_possible() && r.year.is_none_or(|y| YEARS.contains(&y));
    let readings: Vec<_> = readings.into_iter().filter(in_reach).collect();
    (!readings.is_empty()).then_some(Written { tokens, readings, weekdays: 0 })
}

/// Whether the numbers are not the rest of something longer: an IP address, a reference, a
/// path.
pub(crate) fn is_clear_before(page: &Page<'_>, i: usize, sign: char) -> bool {
    let before = if page.is_taken(i.wrapping_sub(2)) { Kind::End } else { page.back(i, 2) };
    match (page.back(i, 1), before) {
        (Kind::Word | Kind::Number | Kind::Sign('#' | '@' | '&'), _) => false,
        (Kind::Sign('.' | ',' | ':'), Kind::Number) => false,
        (Kind::Sign('-' | '/'), Kind::Word) => false,
        (Kind::Sign(c @ ('-' | '/')), Kind::Number) => c != sign,
        _ => true,
    }
}

fn is_clear_after(page: &Page<'_>, end: usize, sign: char) -> bool {
    match page.kind(end) {
        Kind::Word => page.str(end).eq_ignore_ascii_case("t") && page.kind(end + 1) == Kind::Number,
        Kind::Sign(c) if c == sign && page.kind(end + 1) == Kind::Number => false,
        Kind::Sign(c @ ('-' | '/')) => c != sign || !page.is_solid(end + 1),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{check, check_on};

    #[test]
    fn iso_dates_have_one_reading() {
        check("on 2025-03-04.", "date 2025-03-04 @3-13");
        check("2025/3/4", "date 2025-03-04 @0-8");
    }

    #[test]
    fn an_ambiguous_date_has_both_readings() {
        let both = "date 2025-04-03 dmy @0-10; date 2025-03-04 mdy @0-10";
        check("03/04/2025", both);
        check("03.04.2025", both);
        check("03-04-2025", both);
        check("3. 4. 2025", both);
    }

    #[test]
    fn a_date_possible_in_one_order_keeps_its_style() {
        check("25/12/2025", "date 2025-12-25 dmy @0-10");
        check("12/25/2025", "date 2025-12-25 mdy @0-10");
        check("29.02.2024", "date 2024-02-29 dmy @0-10");
    }

    #[test]
    fn a_weekday_settles_the_order() {
        check("Tue 03/04/2025", "date 2025-03-04 mdy @0-14");
        check("Do., 03.04.2025", "date 2025-04-03 dmy @0-15");
    }

    #[test]
    fn a_weekday_that_fits_no_reading_settles_nothing() {
        check("Sun 25/12/2025", "date 2025-12-25 dmy @0-14");
        check("so 25/12/2025", "date 2025-12-25 dmy @3-13");
    }

    #[test]
    fn two_digits_mean_a_year_near_the_context() {
        check("25.12.25", "date 2025-12-25 dmy @0-8");
        check("25.12.85", "date 1985-12-25 dmy @0-8");
        check_on("2090-01-01", "25.12.85", "date 2085-12-25 dmy @0-8");
    }

    #[test]
    fn what_only_looks_like_a_date_is_none() {
        check("192.168.1.10 v1.2.10 31.31.2025 1.2.3.2025", "");
    }

    #[test]
    fn day_and_month_need_a_context_and_a_sign_of_being_a_date() {
        check_on("2025-02-20", "am 12.03. um", "date 2025-03-12 dmy @3-9");
        check_on("2025-12-20", "le 03/01", "date 2026-01-03 dmy @3-8; date 2026-03-01 mdy @3-8");
        check_on("2025-02-20", "Mi 12.03.", "date 2025-03-12 dmy @0-9");
        check_on("2025-02-20", "Tuesday 4/3", "date 2025-03-04 dmy @0-11");
        check_on("2025-02-20", "1/2 Portion", "integer 1 @0-1; integer 2 @2-3");
        check("am 12.03.", "amount 12.03 @3-8");
    }

    #[test]
    fn the_first_date_of_a_span_takes_what_it_lacks_from_the_last() {
        check("28.12. bis 15.01.2026", "date 2025-12-28 dmy @0-6; date 2026-01-15 dmy @11-21");
        check(
            "Mo 12.05. bis Do 15.05.2025",
            "date 2025-05-12 dmy @0-9; date 2025-05-15 dmy @14-27",
        );
        check("12/03 - 25/03/2025", "date 2025-03-12 dmy @0-5; date 2025-03-25 dmy @8-18");
        check("12.-15.03.2025", "date 2025-03-12 dmy @0-3; date 2025-03-15 dmy @4-14");
    }
}
