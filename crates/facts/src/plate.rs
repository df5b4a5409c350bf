//! References with a gap in them: licence plates, IBANs; and card numbers, which are passed
//! over.

use std::ops::Range;

use restitch_model::FactValue;

use crate::page::{Kind, Page};
use crate::{Found, Style};

/// Bank accounts, whole and without gaps. Card numbers are marked as read and given to
/// nobody.
pub(crate) fn find_accounts(page: &mut Page<'_>, out: &mut Vec<Found>) {
    for i in 0..page.len() {
        if page.is_taken(i) || page.is_solid(i.wrapping_sub(1)) {
            continue;
        }
        if let Some((range, iban)) = iban(page, i) {
            out.push(page.found(&range, FactValue::Reference(iban), Style::Plain));
            page.take(range);
        } else if let Some(range) = card(page, i) {
            page.take(range);
        }
    }
}

/// Licence plates with a space in them. Those without are references as they stand.
pub(crate) fn find_plates(page: &mut Page<'_>, out: &mut Vec<Found>) {
    for i in 0..page.len() {
        if !page.is_solid(i) || page.is_taken(i) || !is_clear_before(page, i) {
            continue;
        }
        let Some(end) = plate(page, i) else { continue };
        let range = i..end;
        let is_joined =
            matches!(page.kind(end), Kind::Sign('-' | '/' | '_')) && page.is_solid(end + 1);
        let ends = !page.is_solid(end) && !page.goes_on(end);
        if ends && !is_joined && page.is_free(range.clone()) {
            let text = page.slice(&range).to_owned();
            out.push(page.found(&range, FactValue::Reference(text), Style::Plain));
            page.take(range);
        }
    }
}

/// The token behind a plate of Germany, Britain, France, Italy, Spain, Portugal or
/// Switzerland.
fn plate(page: &Page<'_>, i: usize) -> Option<usize> {
    if !page.str(i).starts_with(|c: char| c.is_ascii_digit() || c.is_uppercase()) {
        return None;
    }
    let upper = |at: usize, min: usize, max: usize| {
        let text = page.str(at);
        page.kind(at) == Kind::Word
            && (min..=max).contains(&text.chars().count())
            && text.chars().all(char::is_uppercase)
    };
    let digits = |at: usize, min: usize, max: usize| {
        page.kind(at) == Kind::Number && (min..=max).contains(&page.str(at).len())
    };
    let space = |at: usize| page.kind(at) == Kind::Space && page.str(at).chars().count() == 1;
    // B-MW 1234, B-MW 1234E
    if upper(i, 1, 3)
        && page.is(i + 1, '-')
        && upper(i + 2, 1, 2)
        && space(i + 3)
        && digits(i + 4, 1, 4)
    {
        return Some(i + 5 + usize::from(matches!(page.str(i + 5), "E" | "H")));
    }
    // AA 123 BB
    if upper(i, 2, 2) && space(i + 1) && digits(i + 2, 3, 3) && space(i + 3) && upper(i + 4, 2, 2) {
        return Some(i + 5);
    }
    // B MW 1234
    if upper(i, 1, 3) && space(i + 1) && upper(i + 2, 1, 2) && space(i + 3) && digits(i + 4, 2, 4) {
        let is_words = [i, i + 2].into_iter().any(|at| is_word(page.str(at)));
        let in_capitals = i >= 2 && upper(i - 2, 2, 24) && space(i - 1);
        return (!is_words && !in_capitals).then_some(i + 5);
    }
    // AB12 CDE
    if upper(i, 2, 2)
        && digits(i + 1, 2, 2)
        && space(i + 2)
        && upper(i + 3, 3, 3)
        && !is_word(page.str(i + 3))
    {
        return Some(i + 4);
    }
    // 1234 BCD: Spain uses no vowels. A year before an abbreviation is more likely a year.
    if digits(i, 4, 4) && space(i + 1) && upper(i + 2, 3, 3) {
        let is_letters = page.str(i + 2).chars().all(|c| "BCDFGHJKLMNPRSTVWXYZ".contains(c));
        let is_year = matches!(&page.str(i)[..2], "19" | "20");
        return (is_letters && !is_year && !is_word(page.str(i + 2))).then_some(i + 3);
    }
    // 12 AB 34
    if digits(i, 2, 2) && space(i + 1) && upper(i + 2, 2, 2) && space(i + 3) && digits(i + 4, 2, 2)
    {
        return (!is_word(page.str(i + 2))).then_some(i + 5);
    }
    // ZH 123456
    const CANTONS: &str =
        "AG AI AR BE BL BS FR GE GL GR JU LU NE NW OW SG SH SO SZ TG TI UR VD VS ZG ZH";
    let is_canton = upper(i, 2, 2) && CANTONS.split(' ').any(|canton| canton == page.str(i));
    (is_canton && space(i + 1) && digits(i + 2, 5, 6)).then_some(i + 3)
}

/// Short words that stand in capitals in ordinary texts, and abbreviations.
fn is_word(text: &str) -> bool {
    const WORDS: &str = "A AM AN AND AS AT BEI BIS BY CET CST DA DAS DE DEL DER DES DI DIE DO DU DVD \
        EL EN ET EST FOR GMT GO ID IF IL IM IN IS IT KM LA LE LES LOS MAX MHZ MIN MST MWST NO NR OF \
        ON OR PDF PLZ PM PST SMS SO TEL THE TO UHR UM UND UP UTC VAT VON WE ZU EUR USD GBP CHF HTTP";
    WORDS.split_ascii_whitespace().any(|word| word == text)
}

fn is_clear_before(page: &Page<'_>, i: usize) -> bool {
    match page.back(i, 1) {
        Kind::Word | Kind::Number | Kind::Sign('_' | '@' | '#') => false,
        Kind::Sign('-' | '/') => !page.is_solid(i.wrapping_sub(2)),
        _ => !page.comes_on(i),
    }
}

/// An IBAN (ISO 13616): two letters, two check digits, and groups that prove right.
fn iban(page: &Page<'_>, i: usize) -> Option<(Range<usize>, String)> {
    let country = page.str(i);
    let is_start = country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && page.kind(i + 1) == Kind::Number;
    if !is_start {
        return None;
    }
    let mut text = String::new();
    let mut best = None;
    for at in i..page.len().min(i + 40) {
        match page.kind(at) {
            Kind::Word | Kind::Number => text.push_str(page.str(at)),
            Kind::Space if page.str(at).chars().count() == 1 => {}
            _ => break,
        }
        if text.len() > 34 {
            break;
        }
        let is_end = page.is_solid(at) && !page.is_solid(at + 1);
        if is_end && text.len() >= 15 && proves_right(&text) {
            best = Some((i..at + 1, text.clone()));
        }
    }
    best.filter(|(range, _)| page.is_free(range.clone()))
}

/// The check of ISO 7064 MOD 97-10.
fn proves_right(iban: &str) -> bool {
    if !iban.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return false;
    }
    let rest = iban.bytes().skip(4).chain(iban.bytes().take(4)).fold(0u32, |rest, b| match b {
        b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
        _ => (rest * 100 + u32::from(b - b'A') + 10) % 97,
    });
    rest == 1
}

/// A card number in its groups (ISO 7812: the last digit is Luhn's check).
fn card(page: &Page<'_>, i: usize) -> Option<Range<usize>> {
    let groups = |lengths: &[usize]| {
        lengths.iter().enumerate().all(|(n, &length)| {
            let at = i + 2 * n;
            let is_joined = n == 0 || matches!(page.kind(at - 1), Kind::Space | Kind::Sign('-'));
            is_joined && page.kind(at) == Kind::Number && page.str(at).len() == length
        })
    };
    let end = match () {
        () if groups(&[4, 4, 4, 4]) => i + 7,
        () if groups(&[4, 6, 5]) => i + 5,
        () => return None,
    };
    let digits =
        (i..end).step_by(2).flat_map(|at| page.str(at).bytes()).map(|b| u32::from(b - b'0'));
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(n, digit)| if n % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    (sum.is_multiple_of(10) && page.is_free(i..end)).then_some(i..end)
}

#[cfg(test)]
mod tests {
    use crate::check::check;

    #[test]
    fn a_plate_is_one_reference_in_whatever_form() {
        for text in [
            "B-MW 1234",
            "B-MW-1234",
            "B-MW1234",
            "B MW 1234",
            "M-AB 12E",
            "LÖ-AB 123",
            "AB12 CDE",
            "AB12CDE",
            "AA 123 BB",
            "AA-123-BB",
            "1234 BCD",
            "1234BCD",
            "12-AB-34",
            "12 AB 34",
            "7ABC123",
            "ZH 123456",
            "12-ABC-3",
        ] {
            check(&format!("Car: {text}."), &format!("reference {text} @5-{}", 5 + text.len()));
        }
    }

    #[test]
    fn capitals_before_a_number_are_not_always_a_plate() {
        check("WE DO 24 HOURS, OPEN IN MAY 20", "integer 24 @6-8; integer 20 @28-30");
        check("1030 GMT", "integer 1030 @0-4");
    }

    #[test]
    fn an_account_is_a_reference_only_where_its_check_is_right() {
        check("GB82 WEST 1234 5698 7654 32", "reference GB82WEST12345698765432 @0-27");
        check("FR7630006000011234567890189", "reference FR7630006000011234567890189 @0-27");
    }

    #[test]
    fn a_card_number_is_given_to_nobody() {
        check("Card 4242 4242 4242 4242 or 4242-4242-4242-4242 or 3782 822463 10005", "");
        check("Visa •••• 4242", "integer 4242 @18-22");
    }
}
