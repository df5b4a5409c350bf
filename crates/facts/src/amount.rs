//! Amounts of money.

use restitch_model::{Currency, FactValue};

use crate::currency::{self, Sign};
use crate::number::{self, Gaps, Written};
use crate::page::{Kind, Page};
use crate::reference::is_unit;
use crate::{Found, Style};

/// Every number with a currency beside it, with two decimals, or with a dash in the place of
/// its cents.
pub(crate) fn find(page: &mut Page<'_>, out: &mut Vec<Found>) {
    let mut i = 0;
    while i < page.len() {
        let at = i;
        i += 1;
        if page.kind(at) != Kind::Number || page.is_taken(at) || page.comes_on(at) {
            continue;
        }
        let found = amount(page, at, Gaps::Any).or_else(|| amount(page, at, Gaps::Unbreakable));
        let Some((range, value)) = found else { continue };
        if page.is_free(range.clone()) {
            i = range.end;
            out.push(page.found(&range, value, Style::Plain));
            page.take(range);
        }
    }
}

fn amount(page: &Page<'_>, at: usize, gaps: Gaps) -> Option<(std::ops::Range<usize>, FactValue)> {
    let number = number::read(page, at, gaps)?;
    let (dashed, is_dashed) = dash_for_cents(page, &number);
    let (before, mut is_negative, start) = currency_before(page, at);
    let behind = currency_behind(page, &number, dashed, before.as_ref());
    let end = behind.as_ref().map_or(dashed, |sign| sign.tokens.end);
    let has_cents = number.places == 2;
    let signs = [before, behind];
    let sign = signs.iter().flatten().max_by_key(|sign| sign.is_code);
    // A plain space parts thousands where cents stand behind a comma or the currency behind
    // the number; else it is the gap between a count and a price.
    let has_plain_gap = page.slice(&(at..number.end)).contains(' ');
    if has_plain_gap && !(number.point == Some(',') || number.point.is_none() && signs[1].is_some())
    {
        return None;
    }
    if sign.is_none_or(|sign| sign.is_doubtful) && !has_cents && !is_dashed {
        return None;
    }
    let is_bare = sign.is_none();
    if !is_clear_before(page, start, is_bare) || !is_clear_after(page, end, is_bare) {
        return None;
    }
    let code = sign.and_then(|sign| sign.code);
    let number = match code.and_then(|code| code.parse::<Currency>().ok()) {
        Some(currency) if number.is_ambiguous && currency.places() == 3 => number.with_decimals(),
        _ => number,
    };
    let mut start = start;
    if !is_negative && is_minus(page, start) {
        (start, is_negative) = (start - 1, true);
    }
    let major = number.decimal(is_negative)?;
    Some((start..end, FactValue::Amount { major, currency: code.map(str::to_owned) }))
}

/// The token behind `99,-` or `99.–`, and whether there is such a dash.
fn dash_for_cents(page: &Page<'_>, number: &Written) -> (usize, bool) {
    let is_dash = |i: usize| matches!(page.kind(i), Kind::Sign('-' | '–' | '—'));
    let end = page.skip(number.end + 1, 2, is_dash);
    let is_dashed = number.places == 0
        && matches!(page.kind(number.end), Kind::Sign(',' | '.'))
        && end > number.end + 1
        && !page.is_solid(end);
    if is_dashed { (end, true) } else { (number.end, false) }
}

/// The currency before the number, whether a minus stands between them, and the first token
/// of both.
fn currency_before(page: &Page<'_>, at: usize) -> (Option<Sign>, bool, usize) {
    let none = (None, false, at);
    let is_negative = matches!(page.back(at, 1), Kind::Sign('-' | '−' | '–'));
    let near = at - usize::from(is_negative);
    let beside = near - usize::from(page.back(near, 1) == Kind::Space);
    let Some(mut sign) = currency::sign_before(page, beside) else { return none };
    if !page.is_free(sign.tokens.clone()) {
        return none;
    }
    // "USD $10": the code before the symbol.
    let next = sign.tokens.start;
    let further = next - usize::from(page.back(next, 1) == Kind::Space);
    if !sign.is_code
        && let Some(code) = currency::sign_before(page, further)
        && code.is_code
        && page.is_free(code.tokens.clone())
    {
        sign = Sign { tokens: code.tokens.start..sign.tokens.end, ..code };
    }
    let start = sign.tokens.start;
    (Some(sign), is_negative, start)
}

/// The currency behind the number that ends at a token. One that stands before it already is
/// only made more exact, `$10 CAD`; one that belongs to the next number is left to it.
fn currency_behind(
    page: &Page<'_>,
    number: &Written,
    end: usize,
    before: Option<&Sign>,
) -> Option<Sign> {
    let sign = currency::sign(page, page.after_space(end))
        .filter(|sign| page.is_free(sign.tokens.clone()))?;
    let next = page.after_space(sign.tokens.end);
    let leads = || {
        let next =
            number::read(page, next, Gaps::Unbreakable).filter(|_| page.kind(next) == Kind::Number);
        next.is_some_and(|next| {
            next.places == 2 && currency::sign(page, page.after_space(next.end)).is_none()
        })
    };
    let is_wanted = match before {
        Some(before) => !before.is_code && sign.is_code && !leads(),
        None => number.places > 0 || !leads(),
    };
    (is_wanted && !page.is_solid(sign.tokens.end)).then_some(sign)
}

/// Whether the token before is a minus and not a dash or a hyphen.
fn is_minus(page: &Page<'_>, start: usize) -> bool {
    matches!(page.back(start, 1), Kind::Sign('-' | '−' | '–'))
        && matches!(
            page.back(start, 2),
            Kind::End | Kind::Space | Kind::Break | Kind::Sign('(' | ':' | '|' | '=' | '>')
        )
        && !page.is_taken(start - 1)
}

fn is_clear_before(page: &Page<'_>, start: usize, is_bare: bool) -> bool {
    match page.back(start, 1) {
        // "2x49.00"
        Kind::Word => {
            matches!(page.str(start - 1), "x" | "X") && page.back(start, 2) == Kind::Number
        }
        Kind::Number => !is_bare,
        Kind::Sign('#' | '_' | '@') => false,
        Kind::Sign('/') => !is_bare || page.back(start, 2) == Kind::Space,
        Kind::Sign('-') => !is_bare || !page.is_solid(start.wrapping_sub(2)),
        _ => !page.comes_on(start),
    }
}

fn is_clear_after(page: &Page<'_>, end: usize, is_bare: bool) -> bool {
    let is_other = |i: usize| page.is(i, '%') || page.is(i, '°') || page.is(i, '‰');
    let beside = page.after_space(end);
    if is_bare && (is_other(beside) || is_unit(page.word(beside)) && page.word(beside) != "x") {
        return false;
    }
    !page.is_solid(end) && !page.goes_on(end) && !is_other(end)
}

#[cfg(test)]
mod tests {
    use crate::check::check;

    /// Each of these, alone, is the amount.
    fn all_say(amount: &str, texts: &[&str]) {
        for text in texts {
            check(text, &format!("amount {amount} @0-{}", text.len()));
        }
    }

    #[test]
    fn an_amount_is_read_in_every_style() {
        all_say(
            "1234.50 EUR",
            &[
                "1.234,50 €",
                "€1,234.50",
                "€ 1.234,50",
                "EUR 1234.50",
                "1234,50 EUR",
                "1234.50€",
                "1 234,50 €",
                "1\u{202f}234,50\u{a0}€",
                "1'234.50 EUR",
                "1’234.50 EUR",
                "1.234,50 Euro",
                "1234,50 euros",
                "eur 1234.50",
                "€1,234.50 EUR",
            ],
        );
        all_say("99 EUR", &["EUR 99", "99 €", "99,- €", "99,-- €", "€ 99,-", "99.– EUR"]);
    }

    #[test]
    fn currencies_are_known_by_symbol_code_and_word() {
        for (text, amount) in [
            ("$1,234.50", "1234.50 USD"),
            ("US$ 10", "10 USD"),
            ("A$10.00", "10.00 AUD"),
            ("$149.00 CAD", "149.00 CAD"),
            ("CAD $149.00", "149.00 CAD"),
            ("R$ 1.234,50", "1234.50 BRL"),
            ("£12.5", "12.5 GBP"),
            ("¥12,000", "12000 JPY"),
            ("CHF 1'234.50", "1234.50 CHF"),
            ("Fr. 99.–", "99 CHF"),
            ("1 234,50 zł", "1234.50 PLN"),
            ("12 345 Ft", "12345 HUF"),
            ("1.234 KWD", "1.234 KWD"),
            ("1.234 EUR", "1234 EUR"),
            ("0.125 EUR", "0.125 EUR"),
            ("₹1,00,000.00", "100000.00 INR"),
            ("250 kr", "250"),
        ] {
            check(text, &format!("amount {amount} @0-{}", text.len()));
        }
    }

    #[test]
    fn a_minus_is_a_minus_and_a_dash_a_dash() {
        all_say(
            "-12.50 EUR",
            &["-12.50 €", "−12,50 €", "–12,50 €", "-€12.50", "€-12.50", "EUR -12,50"],
        );
        check("Total - 12.50 €", "amount 12.50 EUR @8-17");
        check("10-12 €", "integer 10 @0-2; amount 12 EUR @3-9");
    }

    #[test]
    fn two_decimals_are_an_amount_without_a_currency() {
        check("Total 149.00", "amount 149.00 @6-12");
        check("Gesamt: 1.149,00.", "amount 1149.00 @8-16");
        check("19.00 % 3.75 km 1.5 52.1253 v1.20 1.20.3", "");
    }

    #[test]
    fn a_count_before_a_price_is_not_part_of_it() {
        check("Seat 1 149.00", "integer 1 @5-6; amount 149.00 @7-13");
        check("2 EUR 49,00", "integer 2 @0-1; amount 49.00 EUR @2-11");
        check("2x49.00 EUR", "amount 49.00 EUR @2-11");
        check("2 x 49,00 €", "integer 2 @0-1; amount 49.00 EUR @4-13");
    }

    #[test]
    fn a_word_that_is_also_a_code_needs_cents() {
        check("TOP 10, ALL 5", "integer 10 @4-6; integer 5 @12-13");
        check("TRY 10.00", "amount 10.00 TRY @0-9");
    }

    #[test]
    fn magnitudes_are_not_cut_off() {
        check("$5M", "");
    }
}
