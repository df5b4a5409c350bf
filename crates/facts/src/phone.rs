//! Phone numbers: international ones (ITU-T E.123, E.164), and national ones in the shapes
//! that people write.

use std::ops::Range;

use restitch_model::FactValue;

use crate::currency;
use crate::page::{Kind, Page};
use crate::{Found, Style};

/// E.164 allows fifteen digits with the country's.
const DIGITS_MAX: usize = 15;

/// Numbers with their country: `+49 (0)30 123456`, `0049 30 123456`.
pub(crate) fn find_international(page: &mut Page<'_>, out: &mut Vec<Found>) {
    for i in 0..page.len() {
        let start = match page.kind(i) {
            Kind::Sign('+') if page.kind(i + 1) == Kind::Number => i + 1,
            Kind::Number if page.str(i).starts_with("00") => i,
            _ => continue,
        };
        let is_apart = !page.is_solid(i.wrapping_sub(1)) && !page.comes_on(i);
        if page.is_taken(start) || !is_apart || page.back(i, 1) == Kind::Sign('+') {
            continue;
        }
        if let Some((end, digits)) = international(page, start) {
            accept(page, i..end, format!("+{digits}"), out);
        }
    }
}

fn international(page: &Page<'_>, start: usize) -> Option<(usize, String)> {
    let groups = groups(page, start);
    let is_plus = page.back(start, 1) == Kind::Sign('+');
    let first = page.str(start);
    // Without gaps the two zeros are those of a number only before a European country's.
    let is_bare = groups.len() == 1 && !is_plus;
    if is_bare && !(first.len() >= 12 && matches!(first.as_bytes()[2], b'3' | b'4')) {
        return None;
    }
    let mut digits = String::new();
    let mut best = None;
    let limit = DIGITS_MAX + if is_plus { 0 } else { 2 };
    for (n, group) in groups.iter().enumerate() {
        let text = page.str(*group);
        // "(0)" is for those who call from inside the country.
        let is_trunk = n > 0 && text == "0" && page.is(group - 1, '(') && page.is(group + 1, ')');
        if digits.len() + text.len() > limit || (n > 2 && text.len() == 1) {
            break;
        }
        if !is_trunk {
            digits.push_str(text);
            if text.len() > 1 && ends(page, group + 1) {
                best = Some((group + 1, digits.clone()));
            }
        }
    }
    let (end, digits) = best?;
    let digits = if is_plus { digits } else { digits[2..].to_owned() };
    (digits.len() >= 7 && !digits.starts_with('0')).then_some((end, digits))
}

/// Numbers without a country: those with a word such as `Tel` before them, and those in a
/// shape that only phone numbers have.
pub(crate) fn find_national(page: &mut Page<'_>, out: &mut Vec<Found>) {
    let mut i = 0;
    while i < page.len() {
        let at = i;
        i += 1;
        let has_paren =
            page.is(at, '(') && page.kind(at + 1) == Kind::Number && page.is(at + 2, ')');
        let start = at + usize::from(has_paren);
        if page.kind(start) != Kind::Number || page.is_taken(start) || !is_clear_before(page, at) {
            continue;
        }
        let groups = groups(page, start);
        let Some(&last) = groups.last() else { continue };
        let is_called = has_cue(page, at);
        let found = (1..=groups.len()).rev().find(|&n| {
            let groups = &groups[..n];
            let is_shaped = if is_called {
                is_plausible(page, groups)
            } else {
                is_shaped(page, groups, has_paren)
            };
            is_shaped && ends(page, groups[n - 1] + 1)
        });
        // Digits that go on in any other way are no part of a phone number either.
        i = i.max(last + 1);
        if let Some(n) = found {
            let digits = groups[..n].iter().map(|&group| page.str(group)).collect();
            accept(page, at..groups[n - 1] + 1, digits, out);
        }
    }
}

fn accept(page: &mut Page<'_>, mut range: Range<usize>, digits: String, out: &mut Vec<Found>) {
    let text = page.slice(&range);
    // "(0044) 20": the number begins with its bracket.
    if page.back(range.start, 1) == Kind::Sign('(') && text.contains(')') && !text.contains('(') {
        range.start -= 1;
    }
    if page.is_free(range.clone()) {
        out.push(page.found(&range, FactValue::Phone(digits), Style::Plain));
        page.take(range);
    }
}

/// The tokens of the groups of digits from a token on, with at most three signs between two.
fn groups(page: &Page<'_>, start: usize) -> Vec<usize> {
    let mut groups = vec![start];
    let mut at = start;
    while groups.len() < 8 {
        let next = page.skip(at + 1, 3, |i| {
            matches!(
                page.kind(i),
                Kind::Space | Kind::Sign('-' | '‑' | '–' | '/' | '.' | '(' | ')')
            )
        });
        if next == at + 1 || page.kind(next) != Kind::Number || page.is_taken(next) {
            break;
        }
        groups.push(next);
        at = next;
    }
    groups
}

/// With a word that announces a phone number nearly any digits are one.
fn is_plausible(page: &Page<'_>, groups: &[usize]) -> bool {
    let digits: usize = groups.iter().map(|&group| page.str(group).len()).sum();
    let last = groups.last().map_or(0, |&group| page.str(group).len());
    (6..=DIGITS_MAX).contains(&digits) && last > 1
}

fn is_shaped(page: &Page<'_>, groups: &[usize], has_paren: bool) -> bool {
    let text: Vec<&str> = groups.iter().map(|&group| page.str(group)).collect();
    let lengths: Vec<usize> = text.iter().map(|group| group.len()).collect();
    let digits: String = text.concat();
    let first = digits.as_bytes()[0];
    let starts = |i: usize, low: u8| text[i].as_bytes()[0] >= low;
    let is_long = |min: usize| (min..=12).contains(&digits.len());
    let has_year = text
        .iter()
        .any(|group| group.len() == 4 && (group.starts_with("20") || group.starts_with("19")));
    let is_spaced = groups
        .windows(2)
        .all(|pair| pair[1] - pair[0] == 2 && page.kind(pair[0] + 1) == Kind::Space);
    let has_dots = groups.windows(2).any(|pair| page.is(pair[0] + 1, '.'));
    match lengths[..] {
        [] | [_] => false,
        // North America.
        [3, 3, 4] => starts(0, b'2') && starts(1, b'2') || first == b'3' || first == b'0',
        [1, 3, 3, 4] => first == b'1' && starts(1, b'2'),
        // Spain and Portugal.
        [3, 3, 3] | [3, 2, 2, 2] if (b'6'..=b'9').contains(&first) => !has_dots,
        [2, 3, 2, 2] if (b'8'..=b'9').contains(&first) => true,
        // Italy's mobile phones.
        [3, 6 | 7] if first == b'3' => true,
        // Everywhere else in Europe a national number begins with a single zero.
        _ => {
            let is_trunk = first == b'0' && digits.as_bytes()[1] != b'0';
            (is_trunk && is_long(9) || has_paren && is_long(8))
                && lengths[0] <= 6
                && lengths.iter().all(|&length| length > 1)
                && (!has_year || is_spaced)
        }
    }
}

/// Whether a word that announces a phone number stands a little before.
fn has_cue(page: &Page<'_>, at: usize) -> bool {
    const CUES: [&str; 29] = [
        "tel",
        "telefon",
        "telefonnummer",
        "telephone",
        "telefono",
        "telefone",
        "telefoon",
        "telefoonnummer",
        "phone",
        "fon",
        "mobil",
        "mobile",
        "mobilnummer",
        "mobiltelefon",
        "movil",
        "cell",
        "cellulare",
        "celular",
        "telemovel",
        "handy",
        "handynummer",
        "mobiel",
        "gsm",
        "portable",
        "whatsapp",
        "fax",
        "hotline",
        "rufnummer",
        "call",
    ];
    (1..=7)
        .map_while(|n| at.checked_sub(n))
        .take_while(|&i| !matches!(page.kind(i), Kind::Break | Kind::Number))
        .any(|i| CUES.contains(&page.word(i)))
}

fn is_clear_before(page: &Page<'_>, at: usize) -> bool {
    match page.back(at, 1) {
        Kind::Word | Kind::Number | Kind::Sign('#' | '_' | '@' | '+' | '$' | '€' | '£') => false,
        Kind::Sign('-' | '/' | '.') => !page.is_solid(at.wrapping_sub(2)),
        _ => !page.comes_on(at),
    }
}

fn ends(page: &Page<'_>, end: usize) -> bool {
    !page.is_solid(end)
        && !page.goes_on(end)
        && !matches!(page.kind(end), Kind::Sign('%' | '@' | '_'))
        && currency::sign(page, page.after_space(end)).is_none()
}

#[cfg(test)]
mod tests {
    use crate::check::check;

    /// Each of these, alone, is the number.
    fn all_say(phone: &str, texts: &[&str]) {
        for text in texts {
            check(text, &format!("phone {phone} @0-{}", text.len()));
        }
    }

    #[test]
    fn a_number_with_its_country_is_read_in_any_form() {
        all_say(
            "+4930123456",
            &[
                "+49 30 123456",
                "+4930123456",
                "+49 (0)30 123456",
                "+49 (30) 12 34 56",
                "+49-30-12-34-56",
                "+49 30/123456",
                "0049 30 123456",
                "+49.30.123456",
                "+49 30 123 456",
            ],
        );
        all_say("+442079460018", &["(0044) 20 7946 0018", "(+44) 20 7946 0018"]);
        all_say("+493012345678", &["00493012345678"]);
        all_say("+33612345678", &["+33 6 12 34 56 78", "+33 (0)6 12 34 56 78"]);
    }

    #[test]
    fn national_numbers_are_known_by_their_shape() {
        for text in [
            "(415) 555-0132",
            "415-555-0132",
            "415.555.0132",
            "1-800-555-0199",
            "030 1234567",
            "030/1234567",
            "0170-1234567",
            "06 12 34 56 78",
            "06.12.34.56.78",
            "612 345 678",
            "91 123 45 67",
            "333 1234567",
            "020 7946 0018",
            "(030) 123 456 78",
            "06-12345678",
        ] {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            all_say(&digits, &[text]);
        }
    }

    #[test]
    fn a_word_before_them_makes_plain_digits_a_number() {
        check("Tel.: 015112345678", "phone 015112345678 @6-18");
        check("Mobile (private): 5551234", "phone 5551234 @18-25");
    }

    #[test]
    fn what_follows_a_number_is_none_of_it() {
        check("+49 30 1234567 2 Personen", "phone +49301234567 @0-14; integer 2 @15-16");
        check("Tel 030 1234567, 10:30", "phone 0301234567 @4-15; time 10:30:00 @17-22");
    }

    #[test]
    fn other_digits_are_no_phone_number() {
        check("015112345678", "reference 015112345678 @0-12");
        check("4242 4242 4242 4242", "");
        check("+1 234 567,89 EUR", "amount 1234567.89 EUR @1-17");
        check("DE89 3704 0044 0532 0130 00", "reference DE89370400440532013000 @0-27");
    }
}
