//! References: codes of letters and digits, long numbers, and whatever follows a `#`.

use std::ops::Range;

use restitch_model::FactValue;

use crate::page::{Kind, Page};
use crate::{Found, Style};

/// Longer runs are tokens and encoded data, not names of things.
const LENGTH_MAX: usize = 100;

/// Every reference among what is not read yet.
pub(crate) fn find(page: &mut Page<'_>, out: &mut Vec<Found>) {
    let mut address_end = 0;
    let mut i = 0;
    while i < page.len() {
        if i >= address_end && is_address(page, i) {
            address_end = page.skip(i, usize::MAX - i, |j| {
                !matches!(
                    page.kind(j),
                    Kind::Space | Kind::Break | Kind::Sign('<' | '>' | '"' | '(' | ')')
                )
            });
            // The host names nothing but itself.
            let host = if page.is(i + 1, ':') { i + 4 } else { i };
            i = page.skip(host, address_end - host, |j| {
                !matches!(page.kind(j), Kind::Sign('/' | '?' | '#'))
            });
        }
        let in_address = i < address_end;
        let chunk = chunk(page, i, in_address);
        if chunk.is_empty() {
            i += 1;
            continue;
        }
        i = chunk.end;
        // Most words are ordinary ones: without a digit only a platform's id is a reference.
        let text = page.slice(&chunk);
        let may_be = text.bytes().any(|b| b.is_ascii_digit() || b == b'_');
        if !may_be || text.len() > LENGTH_MAX || is_elsewhere(page, &chunk) {
            continue;
        }
        let is_numbered = page.back(chunk.start, 1) == Kind::Sign('#')
            && !matches!(page.back(chunk.start, 2), Kind::Sign('&'))
            && text.contains(|c: char| c.is_ascii_digit());
        let is_list = || {
            let parts = pieces(page, &chunk, '/');
            parts.len() > 1
                && parts.iter().all(|part| part.len() > 1 && is_reference(page.slice(part)))
        };
        if is_numbered || (is_reference(text) && !is_list()) {
            accept(page, chunk, out);
        } else {
            for sign in ['/', '-', '_'] {
                for piece in pieces(page, &chunk, sign) {
                    if page.is_free(piece.clone()) && is_reference(page.slice(&piece)) {
                        accept(page, piece, out);
                    }
                }
            }
        }
    }
}

/// Whether a word is a unit or an ordinal's ending, so that a number before it is a number.
pub(crate) fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 42] = [
        "st", "nd", "rd", "th", "er", "ere", "e", "o", "a", "x", "km", "kms", "m", "cm", "mm",
        "mi", "kg", "g", "lb", "lbs", "t", "l", "cl", "ml", "gb", "mb", "kb", "tb", "px", "kw",
        "kwh", "ps", "hp", "cv", "h", "hrs", "min", "sec", "s", "pax", "pers", "mbit",
    ];
    UNITS.contains(&word)
}

fn accept(page: &mut Page<'_>, range: Range<usize>, out: &mut Vec<Found>) {
    let text = page.slice(&range).to_owned();
    out.push(page.found(&range, FactValue::Reference(text), Style::Plain));
    page.take(range);
}

/// Letters and digits from a token on, with single hyphens, strokes and slashes between
/// them; in an address a slash parts.
fn chunk(page: &Page<'_>, start: usize, in_address: bool) -> Range<usize> {
    let is_part = |i: usize| page.is_solid(i) && !page.is_taken(i);
    let mut end = start;
    while is_part(end) || (end > start && is_joint(page, end, in_address) && is_part(end + 1)) {
        end += 1;
    }
    start..end
}

fn is_joint(page: &Page<'_>, i: usize, in_address: bool) -> bool {
    match page.kind(i) {
        Kind::Sign('-' | '_' | '‑') => true,
        Kind::Sign('/') => !in_address,
        _ => false,
    }
}

/// The ranges between a sign.
fn pieces(page: &Page<'_>, chunk: &Range<usize>, sign: char) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = chunk.start;
    for i in chunk.start..=chunk.end {
        if i == chunk.end || page.is(i, sign) {
            if start < i {
                pieces.push(start..i);
            }
            start = i + 1;
        }
    }
    pieces
}

/// Whether a web address begins at a token.
fn is_address(page: &Page<'_>, i: usize) -> bool {
    let has_scheme = page.kind(i) == Kind::Word
        && page.is(i + 1, ':')
        && page.is(i + 2, '/')
        && page.is(i + 3, '/');
    has_scheme || (page.str(i).eq_ignore_ascii_case("www") && page.is(i + 1, '.'))
}

/// Whether the chunk is the rest of a number, a name with `@`, or a part of a host's name.
fn is_elsewhere(page: &Page<'_>, chunk: &Range<usize>) -> bool {
    const HOSTS: [&str; 18] = [
        "com", "org", "net", "de", "at", "ch", "fr", "es", "it", "nl", "be", "pt", "uk", "co",
        "io", "eu", "info", "app",
    ];
    let is_host = page.is(chunk.end, '.') && HOSTS.contains(&page.word(chunk.end + 1));
    let is_named = page.back(chunk.start, 1) == Kind::Sign('@') || page.is(chunk.end, '@');
    let is_rest = page.comes_on(chunk.start) && page.kind(chunk.start) == Kind::Number
        || page.goes_on(chunk.end)
            && page.kind(chunk.end - 1) == Kind::Number
            && !page.is(chunk.end, ':')
        || page.back(chunk.start, 1) == Kind::Number;
    is_host || is_named || is_rest
}

/// Whether a run of letters, digits and joints names a thing.
fn is_reference(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '_', '/', '‑']).collect();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    match (letters, digits) {
        (_, 0) => is_platform_id(text),
        (0, _) => is_long_number(&parts, digits),
        _ if text.contains('_') && !text.contains('/') => text.len() >= 6,
        _ => is_mixed(text, &parts, letters, digits),
    }
}

/// Stripe's ids may have no digit (source: the `id` of each object in Stripe's API reference).
fn is_platform_id(text: &str) -> bool {
    const PREFIXES: [&str; 20] = [
        "ch", "pi", "cus", "re", "txn", "in", "sub", "acct", "evt", "cs", "py", "po", "pm", "src",
        "card", "price", "prod", "si", "seti", "dp",
    ];
    text.split_once('_').is_some_and(|(prefix, rest)| {
        PREFIXES.contains(&prefix)
            && rest.len() >= 8
            && rest.contains(|c: char| c.is_ascii_uppercase())
    })
}

fn is_long_number(parts: &[&str], digits: usize) -> bool {
    let is_year =
        |part: &&str| part.len() == 4 && (part.starts_with("19") || part.starts_with("20"));
    match parts {
        [number] => number.len() >= 5 || (number.len() >= 3 && number.starts_with('0')),
        // "2024/2025", "2024/25" and "12/2025" are spans and months.
        [a, b] if is_year(a) && (is_year(b) || b.len() <= 2) => false,
        [a, b] if a.len() <= 2 && is_year(b) => false,
        _ => digits >= 6,
    }
}

fn is_mixed(text: &str, parts: &[&str], letters: usize, digits: usize) -> bool {
    let is_word = |part: &&str| part.chars().all(char::is_alphabetic) && part.chars().count() >= 4;
    let is_upper = !text.contains(char::is_lowercase);
    // "Check-in-24", "covid-19" and "100-prozentig" are words; "booking-20931" names one.
    let has_word = parts.iter().any(|part| is_word(part) || leading_letters(part) >= 4);
    let ends_in_number =
        parts.last().is_some_and(|part| part.bytes().filter(u8::is_ascii_digit).count() >= 3);
    if has_word
        && !ends_in_number
        && !(is_upper && digits >= 3 && parts.iter().all(|part| !is_word(part)))
    {
        return false;
    }
    // A slash joins only codes: "l/100km" and "Auto/2025" are two things.
    let has_small_words = parts
        .iter()
        .any(|part| part.chars().all(char::is_alphabetic) && part.contains(char::is_lowercase));
    if text.contains('/') && (has_small_words || parts.iter().any(|part| is_measure(part))) {
        return false;
    }
    let is_mask = |c: char| !c.is_alphabetic() || matches!(c, 'x' | 'X');
    if is_measure(text) || (parts.len() <= 2 && text.chars().all(is_mask)) {
        return false;
    }
    match letters + digits {
        0..=3 => false,
        4 => digits >= 2 && letters >= 2 && is_upper,
        5 => digits >= 2,
        _ => digits >= 2 || (is_upper && parts.len() == 1),
    }
}

/// How many letters a part begins with.
fn leading_letters(part: &str) -> usize {
    part.chars().take_while(|c| c.is_alphabetic()).count()
}

/// `100km`, `3rd`, `1920x1080`.
fn is_measure(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == text.len() {
        return false;
    }
    let unit = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    is_unit(&unit.to_lowercase()) && (unit.len() == rest.len() || unit.eq_ignore_ascii_case("x"))
}

#[cfg(test)]
mod tests {
    use crate::check::check;

    #[test]
    fn codes_of_letters_and_digits_are_references() {
        for text in [
            "BK-20931",
            "AB12CD",
            "RES/2025/0042",
            "ch_3NxAbCdEfG",
            "pi_3MtwBwLkdIwHu7ix28a3tqPa",
            "cus_NffrFeUfNV2Hib",
            "cus_NffrFeUfNVHibAB",
            "20931",
            "7ABC123",
            "INV-2025-00042",
            "booking-20931",
            "X7KQJZ",
            "LH1234",
            "R2D2",
            "2025/0042",
            "550e8400-e29b-41d4-a716-446655440000",
            "WBA3A5C51CF256651",
            "Zimmer-2093",
            "RES2025X",
        ] {
            check(text, &format!("reference {text} @0-{}", text.len()));
        }
    }

    #[test]
    fn a_number_sign_makes_any_number_a_reference() {
        check("Booking #1234", "reference 1234 @9-13");
        check("(#B-7)", "reference B-7 @2-5");
    }

    #[test]
    fn words_with_a_digit_are_no_references() {
        check("COVID-19 check-in-24 mp3 4x4 1920x1080 l/100km html5 UTF-8 B2B 5-star 10XX", "");
    }

    #[test]
    fn what_follows_a_rejected_word_may_be_one() {
        check("20931-mueller", "reference 20931 @0-5");
        check("BK-20931/BK-20932", "reference BK-20931 @0-8; reference BK-20932 @9-17");
        check("Auto/BK-20931", "reference BK-20931 @5-13");
    }

    #[test]
    fn an_address_is_taken_apart() {
        check(
            "https://ex123.example.com/b/BK-20931?t=ab12cd34.",
            "reference BK-20931 @28-36; reference ab12cd34 @39-47",
        );
    }

    #[test]
    fn stops_and_brackets_around_a_reference_are_none_of_it() {
        check("(Ref.: BK-20931).", "reference BK-20931 @7-15");
    }

    #[test]
    fn encoded_data_is_no_reference() {
        check(&"A1b2".repeat(40), "");
    }
}
