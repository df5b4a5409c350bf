//! Codes of capital letters alone, such as an airline's `XKQWPT`: references only where a label
//! stands before them, for any word in capitals looks like one.

use restitch_model::FactValue;

use crate::page::{Kind, Page};
use crate::{Found, Style};

/// How many tokens may stand between a label and its code.
const GAP: usize = 5;
/// How many tokens before a label's last word are looked at for its first.
const LABEL: usize = 6;

/// Every code of five to ten capital letters after a label.
pub(crate) fn find(page: &mut Page<'_>, out: &mut Vec<Found>) {
    for i in 0..page.len() {
        if page.kind(i) != Kind::Word || page.is_taken(i) || !is_code(page, i) {
            continue;
        }
        if is_labelled(page, i) {
            let range = i..i + 1;
            let text = page.slice(&range).to_owned();
            out.push(page.found(&range, FactValue::Reference(text), Style::Plain));
            page.take(range);
        }
    }
}

fn is_code(page: &Page<'_>, i: usize) -> bool {
    const WORDS: &str = "ABOVE BELOW BOOKED BOOKING CANCELED CANCELLED CODE CONFIRMED DETAILS EMAIL \
        HOTEL NUMBER NUMERO NUMMER ONLINE PENDING PLEASE REFERENCE STATUS TICKET UNKNOWN VOUCHER";
    let text = page.str(i);
    let is_apart =
        |sign: Kind| !matches!(sign, Kind::Number | Kind::Sign('-' | '_' | '/' | '@' | '.'));
    let is_end = matches!(page.kind(i + 1), Kind::Sign('.')) && !page.is_solid(i + 2);
    (5..=10).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase())
        && is_apart(page.back(i, 1))
        && (is_apart(page.kind(i + 1)) || is_end)
        && !is_heading(page, i + 1)
        && !WORDS.split_ascii_whitespace().any(|word| word == text)
}

/// Whether words in capitals go on behind a token.
fn is_heading(page: &Page<'_>, end: usize) -> bool {
    let next = page.str(end + 1);
    page.kind(end) == Kind::Space
        && page.kind(end + 1) == Kind::Word
        && next.len() > 2
        && next.chars().all(char::is_uppercase)
}

fn is_last_on_line(page: &Page<'_>, i: usize) -> bool {
    let end = i + 1 + usize::from(page.is(i + 1, '.'));
    matches!(page.kind(page.after_space(end)), Kind::Break | Kind::End)
}

/// Whether what stands before the code on its line, or alone on the line before, is its label.
fn is_labelled(page: &Page<'_>, i: usize) -> bool {
    let mut has_sign = false;
    let mut breaks = 0;
    for n in 1..=GAP {
        let Some(at) = i.checked_sub(n) else { return false };
        match page.kind(at) {
            Kind::Space => {}
            Kind::Break => breaks += 1,
            Kind::Sign(':' | '#' | '=' | '|' | '*' | '°' | 'º' | '(') => has_sign = true,
            Kind::Sign('.') => {}
            Kind::Word => {
                let word = page.word(at);
                if is_verb(word) {
                    has_sign = true;
                    continue;
                }
                // In a line of capitals the next word of the label looks like a code.
                let is_shout =
                    page.str(at).bytes().all(|b| b.is_ascii_uppercase()) && word != "pnr";
                let is_below = breaks == 1 && has_sign && is_last_on_line(page, i);
                return (breaks == 0 || is_below)
                    && (has_sign || !is_shout)
                    && ends_label(page, at, word, has_sign);
            }
            _ => return false,
        }
    }
    false
}

fn is_verb(word: &str) -> bool {
    matches!(word, "is" | "lautet" | "ist" | "est" | "es" | "e" | "nr" | "no" | "n")
}

/// Whether a word, with those before it, is the label of a booking's code.
fn ends_label(page: &Page<'_>, at: usize, word: &str, has_sign: bool) -> bool {
    const WHOLE: [&str; 18] = [
        "pnr",
        "localizador",
        "buchungscode",
        "buchungsnummer",
        "buchungsreferenz",
        "buchungskennung",
        "reservierungsnummer",
        "reservierungscode",
        "bestatigungscode",
        "bestatigungsnummer",
        "boekingscode",
        "boekingsnummer",
        "boekingsreferentie",
        "reserveringsnummer",
        "reserveringscode",
        "bevestigingscode",
        "bevestigingsnummer",
        "dossiernummer",
    ];
    const REFERENCES: [&str; 8] = [
        "reference",
        "referencia",
        "referentie",
        "riferimento",
        "referenz",
        "ref",
        "locator",
        "dossier",
    ];
    const NUMBERS: [&str; 7] = ["code", "codigo", "codice", "number", "numero", "nummer", "num"];
    const BOOKINGS: [&str; 14] = [
        "booking",
        "reservation",
        "confirmation",
        "record",
        "reserva",
        "prenotazione",
        "boeking",
        "reservering",
        "buchung",
        "reservierung",
        "order",
        "itinerary",
        "conferma",
        "trip",
    ];
    if WHOLE.contains(&word) || (has_sign && REFERENCES.contains(&word)) {
        return true;
    }
    let is_last = NUMBERS.contains(&word) || REFERENCES.contains(&word) || BOOKINGS.contains(&word);
    let mut named = (1..=LABEL)
        .map_while(|n| at.checked_sub(n))
        .take_while(|&j| matches!(page.kind(j), Kind::Word | Kind::Space | Kind::Sign('\'' | '’')))
        .map(|j| page.word(j));
    is_last
        && named.any(|before| {
            let is_other = NUMBERS.contains(&before) || REFERENCES.contains(&before);
            if BOOKINGS.contains(&word) { is_other } else { BOOKINGS.contains(&before) }
        })
}

#[cfg(test)]
mod tests {
    use crate::check::check;

    #[test]
    fn a_code_of_letters_is_a_reference_after_its_label() {
        for label in [
            "PNR: ",
            "PNR ",
            "Booking reference: ",
            "BOOKING REFERENCE: ",
            "Your booking reference is ",
            "Confirmation code ",
            "Record locator: ",
            "Buchungscode ",
            "Ihr Buchungscode lautet ",
            "Reservierungsnummer: ",
            "Code de réservation : ",
            "Référence : ",
            "Localizador: ",
            "Código de reserva: ",
            "Codice prenotazione: ",
            "Boekingsnummer: ",
            "Código da reserva: ",
            "Booking reference:\n",
        ] {
            let text = format!("{label}XKQWPT.");
            let (start, end) = (label.len(), label.len() + 6);
            check(&text, &format!("reference XKQWPT @{start}-{end}"));
        }
    }

    #[test]
    fn a_word_in_capitals_is_no_code() {
        check("BOOKING REFERENCE NUMBER", "");
        check("Booking reference: PENDING", "");
        check("Promo code: SUMMER", "");
        check("PLEASE NOTE: YOUR BOOKING CONFIRMATION FOLLOWS", "");
        check("Confirmation\nWELCOME ABOARD", "");
        check("Booking reference:\nFAMILY, dear", "");
        check("Your trip to LISBON, reservation for FAMILY", "");
    }
}
