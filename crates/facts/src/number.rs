//! Numbers as people write them, in any style of points, commas and gaps.

use restitch_model::{Decimal, FactValue};

use crate::page::{Kind, Page};
use crate::reference::is_unit;
use crate::{Found, Style};

/// A number at some tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// The token behind it.
    pub(crate) end: usize,
    /// Its digits without any sign between them.
    digits: String,
    /// How many digits stand behind the decimal sign.
    pub(crate) places: usize,
    /// The decimal sign.
    pub(crate) point: Option<char>,
    /// Whether it is one sign and three digits, `1.234`: more probably thousands.
    pub(crate) is_ambiguous: bool,
}

impl Written {
    /// The number, where it is not too long to hold.
    pub(crate) fn decimal(&self, is_negative: bool) -> Option<Decimal> {
        let unscaled: i64 = self.digits.parse().ok()?;
        let unscaled = if is_negative { -unscaled } else { unscaled };
        Some(Decimal { unscaled, scale: u8::try_from(self.places).ok()? })
    }

    /// The same number with its one sign read as the decimal sign.
    pub(crate) fn with_decimals(self) -> Self {
        Self { places: 3, ..self }
    }
}

/// Whether a plain space may part thousands, as a space that does not break always may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gaps {
    Any,
    Unbreakable,
}

/// The number that begins at a token; `None` for digits in no style of number, such as
/// `1.2.3`.
pub(crate) fn read(page: &Page<'_>, i: usize, gaps: Gaps) -> Option<Written> {
    let head = page.str(i);
    let mut parts: Vec<(char, &str)> = Vec::new();
    let mut end = i + 1;
    while page.kind(end + 1) == Kind::Number && !page.is_taken(end + 1) {
        let part = page.str(end + 1);
        let sign = match page.kind(end) {
            Kind::Sign(c @ ('.' | ',')) => c,
            Kind::Sign('\'' | '’') => '\'',
            Kind::Space if part.len() == 3 && head.len() <= 3 && is_gap(page.str(end), gaps) => ' ',
            _ => break,
        };
        // After the decimal sign a gap ends the number: "150,00 234".
        let is_after_point =
            parts.last().is_some_and(|&(last, part)| last != ' ' && part.len() != 3);
        if sign == ' ' && is_after_point {
            break;
        }
        parts.push((sign, part));
        end += 2;
        if parts.len() > 6 {
            return None;
        }
    }
    let whole = |parts: &[(char, &str)]| {
        let sign = parts.first().map(|part| part.0);
        let three = parts.iter().all(|&(c, part)| Some(c) == sign && part.len() == 3);
        // India parts its thousands once and then by hundreds.
        let indian = sign == Some(',')
            && parts.iter().all(|part| part.0 == ',')
            && parts.split_last().is_some_and(|(last, rest)| {
                last.1.len() == 3 && !rest.is_empty() && rest.iter().all(|part| part.1.len() == 2)
            });
        parts.is_empty() || ((three || indian) && head.len() <= 3 && !head.starts_with('0'))
    };
    let (places, is_ambiguous, point) = match parts.split_last() {
        None => (0, false, None),
        Some((&(sign, part), rest)) => {
            let is_point = matches!(sign, '.' | ',');
            let differs = rest.iter().all(|part| part.0 != sign);
            let only = rest.is_empty();
            if whole(&parts) {
                (0, only && is_point, (only && is_point).then_some(sign))
            } else if is_point && differs && whole(rest) && part.len() <= 6 {
                (part.len(), false, Some(sign))
            } else {
                return None;
            }
        }
    };
    let digits = parts.iter().fold(head.to_owned(), |all, part| all + part.1);
    (digits.len() <= 18).then_some(Written { end, digits, places, point, is_ambiguous })
}

fn is_gap(space: &str, gaps: Gaps) -> bool {
    let mut chars = space.chars();
    match (chars.next(), chars.next()) {
        (Some(' '), None) => gaps == Gaps::Any,
        (Some('\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}'), None) => true,
        _ => false,
    }
}

/// Every whole number with its thousands parted, `12.000`.
pub(crate) fn find_parted(page: &mut Page<'_>, out: &mut Vec<Found>) {
    find_where(page, out, |_, parts| parts > 1);
}

/// Every whole number of one to four digits that stands alone.
pub(crate) fn find(page: &mut Page<'_>, out: &mut Vec<Found>) {
    find_where(page, out, |digits, parts| digits <= 4 && parts == 1);
}

fn find_where(page: &mut Page<'_>, out: &mut Vec<Found>, test: impl Fn(usize, usize) -> bool) {
    let mut i = 0;
    while i < page.len() {
        let at = i;
        i += 1;
        if page.kind(at) != Kind::Number || page.is_taken(at) {
            continue;
        }
        let Some(number) = read(page, at, Gaps::Unbreakable) else { continue };
        i = number.end;
        let is_wanted = number.places == 0 && test(page.str(at).len(), number.end - at);
        if !is_wanted || !stands_alone(page, at, number.end) {
            continue;
        }
        let Some(value) = number.decimal(false).map(|decimal| decimal.unscaled) else { continue };
        out.push(page.found(&(at..i), FactValue::Integer(value), Style::Plain));
        page.take(at..i);
    }
}

fn stands_alone(page: &Page<'_>, start: usize, end: usize) -> bool {
    let before = match page.back(start, 1) {
        // "xxxx4242": what is left of a card's number.
        Kind::Word => is_mask(page.str(start - 1)) && page.back(start, 2) != Kind::Number,
        Kind::Sign('#' | '@' | '&' | '_' | '$' | '€' | '£') => false,
        Kind::Sign('-' | '/') => {
            page.back(start, 2) != Kind::Word
                || (page.str(start - 2).len() > 1 && is_mask(page.str(start - 2)))
        }
        _ => !page.comes_on(start),
    };
    let after = match page.kind(end) {
        Kind::Word => {
            // "14A" is a seat.
            let is_letter = page.str(end).len() == 1 && page.str(end) != page.word(end);
            is_unit(page.word(end)) && !is_letter && !page.is_solid(end + 1)
        }
        Kind::Sign('-' | '/' | '_') => page.kind(end + 1) != Kind::Word,
        _ => !page.goes_on(end),
    };
    before && after
}

fn is_mask(word: &str) -> bool {
    word.bytes().all(|b| matches!(b, b'x' | b'X'))
}

#[cfg(test)]
mod tests {
    use crate::check::check;

    #[test]
    fn short_numbers_alone_are_integers() {
        check("2 adults, 1 child", "integer 2 @0-1; integer 1 @10-11");
        check("2x 4WD 100km", "integer 2 @0-1; integer 100 @7-10");
        check(
            "3/4 and 10-12",
            "integer 3 @0-1; integer 4 @2-3; integer 10 @8-10; integer 12 @11-13",
        );
    }

    #[test]
    fn the_rest_of_a_card_number_is_an_integer() {
        check(
            "xxxx4242, XXXX-4242, *4242",
            "integer 4242 @4-8; integer 4242 @15-19; integer 4242 @22-26",
        );
    }

    #[test]
    fn thousands_make_one_number() {
        check("12,000 km", "integer 12000 @0-6");
        check("12.000 km", "integer 12000 @0-6");
        check("12\u{a0}000 km", "integer 12000 @0-7");
    }

    #[test]
    fn digits_of_something_else_are_no_integers() {
        check("A4 3.5l v1.2.3 x-2 covid19 52.5200", "");
    }
}
