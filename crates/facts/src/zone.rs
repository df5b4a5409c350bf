//! The zone behind a time: an offset, UTC, an IANA name, or an abbreviation.

use crate::page::{Kind, Page};

/// What a text says of the zone of a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Nothing that can be relied on. `CET` and its like are here: in a mail they stand all
    /// year, whatever the clocks show.
    Unsaid,
    /// Seconds east of UTC.
    Offset(i32),
    /// An IANA name.
    Named(String),
}

/// The zone that begins at a token, perhaps after a space, and the token behind it.
/// `is_exact` says that the time has seconds or a `T`: only then is a `-` no dash.
pub(crate) fn after(page: &Page<'_>, i: usize, is_exact: bool) -> (Zone, usize) {
    let none = (Zone::Unsaid, i);
    if matches!(page.str(i), "Z" | "z") {
        return (Zone::Offset(0), i + 1);
    }
    if page.is(i, '[') {
        return named(page, i + 1)
            .filter(|&(_, end)| page.is(end, ']'))
            .map_or(none, |(zone, end)| (zone, end + 1));
    }
    let at = page.after_space(i);
    if let Some((seconds, end)) = offset(page, at, is_exact) {
        // RFC 9557: the name in brackets says more than the offset, which it agrees with.
        if page.is(end, '[')
            && let (Zone::Named(name), end) = after(page, end, false)
        {
            return (Zone::Named(name), end);
        }
        return (Zone::Offset(seconds), end);
    }
    let has_paren = page.is(at, '(');
    let word = at + usize::from(has_paren);
    let found = match page.str(word) {
        "UTC" | "GMT" | "UT" => match offset(page, page.after_space(word + 1), true) {
            Some((seconds, end)) => Some((Zone::Offset(seconds), end)),
            None => Some((Zone::Named("UTC".to_owned()), word + 1)),
        },
        "CET" | "CEST" | "MEZ" | "MESZ" | "WET" | "WEST" | "EET" | "EEST" | "BST" | "IST"
        | "MSK" | "EST" | "EDT" | "ET" | "CST" | "CDT" | "MST" | "MDT" | "PST" | "PDT" => {
            Some((Zone::Unsaid, word + 1))
        }
        _ => named(page, word),
    };
    match found {
        Some((zone, end)) if has_paren => {
            if page.is(end, ')') {
                (zone, end + 1)
            } else {
                none
            }
        }
        Some((zone, end)) if !page.is_solid(end) => (zone, end),
        _ => none,
    }
}

/// `+02:00`, `+0200`, and after `UTC` also `+2`.
fn offset(page: &Page<'_>, i: usize, is_exact: bool) -> Option<(i32, usize)> {
    let sign = match page.kind(i) {
        Kind::Sign('+') => 1,
        Kind::Sign('-' | '−') if is_exact => -1,
        _ => return None,
    };
    let is_after_name = page.back(i, 1) == Kind::Word || page.back(i, 2) == Kind::Word;
    let digits = page.number(i + 1, 4)?;
    let (hours, minutes, end) = match page.str(i + 1).len() {
        4 => (digits / 100, digits % 100, i + 2),
        1 | 2 => match page.pair(i + 3, 60).filter(|_| page.is(i + 2, ':')) {
            Some(minutes) => (digits, minutes, i + 4),
            None if is_after_name || page.str(i + 1).len() == 2 => (digits, 0, i + 2),
            None => return None,
        },
        _ => return None,
    };
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    (hours <= 14 && minutes < 60 && !page.is_solid(end)).then_some((sign * seconds, end))
}

/// `Europe/Berlin`, `America/New_York`.
fn named(page: &Page<'_>, i: usize) -> Option<(Zone, usize)> {
    const AREAS: [&str; 10] = [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    ];
    if !AREAS.contains(&page.str(i)) || !page.is(i + 1, '/') {
        return None;
    }
    let end = page.skip(i + 2, 9, |j| {
        page.kind(j) == Kind::Word
            || (matches!(page.kind(j), Kind::Sign('_' | '/' | '-'))
                && page.kind(j + 1) == Kind::Word)
    });
    (end > i + 2).then(|| (Zone::Named(page.slice(&(i..end)).to_owned()), end))
}
