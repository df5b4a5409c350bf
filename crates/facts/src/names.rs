//! Names of people, where a title, a greeting or a label says that one follows.

use std::ops::Range;

use crate::page::{Kind, Page};

/// So many words, at most, make a name.
const WORDS: usize = 4;
/// A name ends after so many tokens.
const REACH: usize = 24;
/// "Herr Prof. Dr."
const TITLES: usize = 3;

/// The names in a text, as ranges of bytes, each once in the order in which they stand.
/// `Dear Ms Anna de Vries,` gives `Anna de Vries`. A name that nothing leads in is not found:
/// to a program that knows no dictionary, it is a word in capitals like any other.
pub fn names(text: &str) -> Vec<Range<usize>> {
    find(&Page::new(text))
}

/// The same of a text that is cut into tokens already.
pub(crate) fn find(page: &Page<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < page.len() {
        let start = lead(page, i).map(|after| titles(page, after));
        match start.and_then(|start| name(page, start)) {
            Some(tokens) => {
                i = tokens.end;
                found.push(page.bytes(&tokens));
            }
            None => i += 1,
        }
    }
    found
}

/// The token behind a title, a greeting or a label that begins at a token.
fn lead(page: &Page<'_>, i: usize) -> Option<usize> {
    const GREETINGS: [&str; 24] = [
        "dear", "hello", "hi", "hallo", "lieber", "liebe", "geehrter", "geehrte", "bonjour",
        "cher", "chere", "hola", "estimado", "estimada", "querido", "querida", "ciao", "gentile",
        "caro", "cara", "beste", "geachte", "ola", "prezado",
    ];
    const LABELS: [&str; 27] = [
        "name",
        "guest",
        "driver",
        "passenger",
        "customer",
        "renter",
        "traveler",
        "traveller",
        "fahrer",
        "fahrerin",
        "gast",
        "kunde",
        "mieter",
        "fahrgast",
        "nom",
        "conducteur",
        "passager",
        "nombre",
        "conductor",
        "pasajero",
        "nome",
        "conducente",
        "passeggero",
        "naam",
        "bestuurder",
        "passageiro",
        "condutor",
    ];
    if page.kind(i) != Kind::Word || page.is_solid(i.wrapping_sub(1)) || page.str(i).len() > 12 {
        return None;
    }
    // Looking at what follows is cheaper than looking the word up.
    let next = page.skip(i + 1, 3, |j| matches!(page.kind(j), Kind::Space | Kind::Sign('.' | ':')));
    let is_capital = |j: usize| page.str(j).starts_with(char::is_uppercase);
    let may_lead = is_capital(next) || is_capital(i) && page.str(next).len() <= 5;
    if !may_lead {
        return None;
    }
    let word = page.word(i);
    if LABELS.contains(&word) {
        let sign = page.after_space(i + 1);
        return page.is(sign, ':').then(|| page.after_space(sign + 1));
    }
    if is_title(page, i, word) {
        return Some(i);
    }
    (GREETINGS.contains(&word) && page.kind(i + 1) == Kind::Space).then_some(i + 2)
}

/// The token behind the titles that begin at a token, at most so many; the token itself where
/// none does.
fn titles(page: &Page<'_>, mut i: usize) -> usize {
    for _ in 0..TITLES {
        if page.kind(i) != Kind::Word || !is_title(page, i, page.word(i)) {
            break;
        }
        i = page.after_space(i + 1 + usize::from(page.is(i + 1, '.')));
    }
    i
}

fn is_title(page: &Page<'_>, i: usize, word: &str) -> bool {
    const LONG: [&str; 18] = [
        "mr", "mrs", "ms", "miss", "mx", "herr", "herrn", "frau", "monsieur", "madame", "senor",
        "senora", "signor", "signora", "mevrouw", "senhor", "senhora", "mme",
    ];
    const SHORT: [&str; 8] = ["dr", "prof", "sr", "sra", "sig", "dhr", "mevr", "m"];
    let is_short = SHORT.contains(&word) && page.is(i + 1, '.');
    (LONG.contains(&word) || is_short) && page.str(i).starts_with(char::is_uppercase)
}

/// The name that begins at a token: one to four words that begin with a capital, with small
/// words between them, up to the end of the line or a sign.
pub(crate) fn name(page: &Page<'_>, start: usize) -> Option<Range<usize>> {
    const BETWEEN: [&str; 13] =
        ["von", "van", "de", "der", "den", "del", "della", "di", "da", "dos", "du", "la", "zu"];
    const NOBODY: [&str; 36] = [
        "dear",
        "homeowner",
        "support",
        "office",
        "grusse",
        "gruesse",
        "customer",
        "guest",
        "sir",
        "madam",
        "all",
        "team",
        "valued",
        "traveller",
        "traveler",
        "friend",
        "friends",
        "member",
        "kunde",
        "kundin",
        "gast",
        "gaste",
        "damen",
        "herren",
        "client",
        "cliente",
        "clienti",
        "klant",
        "everyone",
        "there",
        "partner",
        "host",
        "again",
        "colleague",
        "kollegen",
        "user",
    ];
    let mut end = None;
    let mut words = 0;
    let mut i = start;
    while words < WORDS && i < start + REACH && page.kind(i) == Kind::Word {
        let word = page.word(i);
        if NOBODY.contains(&word) {
            return None;
        }
        let mut after = i + 1;
        if page.str(i).starts_with(char::is_uppercase) {
            // "Jean-Luc", "O'Brien", "J."
            while after < start + REACH
                && matches!(page.kind(after), Kind::Sign('-' | '\'' | '’'))
                && page.kind(after + 1) == Kind::Word
            {
                after += 2;
            }
            let is_initial = after == i + 1 && page.str(i).chars().nth(1).is_none();
            after += usize::from(is_initial && page.is(after, '.'));
            words += 1;
            end = Some(after).filter(|_| !is_initial || words > 1).or(end);
        } else if !BETWEEN.contains(&word) {
            break;
        }
        if page.kind(after) != Kind::Space {
            break;
        }
        i = after + 1;
    }
    let end = end?;
    let is_apart = !matches!(page.kind(end), Kind::Number | Kind::Sign('@' | '_' | '/'));
    is_apart.then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found: Vec<&str> = names(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expect, "in {text:?}");
    }

    #[test]
    fn a_name_follows_a_title_a_greeting_or_a_label() {
        for text in [
            "Dear Anna Rossi,",
            "Sehr geehrte Frau Dr. Anna Rossi,",
            "Hallo Anna Rossi!",
            "Bonjour Madame Anna Rossi\nmerci",
            "Driver: Anna Rossi",
            "Name : Mrs Anna Rossi (1 bag)",
            "Passeggero: Anna Rossi, 2 bagagli",
            "pick up Ms. Anna Rossi at the station",
        ] {
            check(text, &["Anna Rossi"]);
        }
    }

    #[test]
    fn names_have_many_forms() {
        check("Dear Jean-Luc O'Brien,", &["Jean-Luc O'Brien"]);
        check("Dear Mr O'Brien,", &["O'Brien"]);
        check("Herr von der Heide", &["von der Heide"]);
        check("Guest: Anna J. van Dijk-Smit", &["Anna J. van Dijk-Smit"]);
        check("Fahrer: MÜLLER Jürgen\nGast: Bo Li", &["MÜLLER Jürgen", "Bo Li"]);
    }

    #[test]
    fn nobody_is_no_name() {
        check("Dear Customer, Dear Valued Guest, Hello there, Sehr geehrte Damen und Herren", &[]);
        check("name of the driver; Hi, your car is ready; Name: 12", &[]);
    }
}
