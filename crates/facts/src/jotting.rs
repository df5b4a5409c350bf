//! What people jot down of a handing over: `Smith pickup Civic 10am`.

use std::ops::Range;

use crate::names::name;
use crate::page::{Kind, Page};

/// A longer text is no jotting.
const LONGEST: usize = 120;

/// What a jotting says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jotting {
    /// Where the word stands that says what is done.
    pub at: Range<usize>,
    /// What that is.
    pub act: Act,
    /// Who it may be with, as ranges of bytes: where a surname cannot be told from what follows
    /// it, each of the two.
    pub names: Vec<Range<usize>>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It begins: a car is picked up, a guest arrives.
    PickUp,
    /// It ends.
    Return,
}

impl Act {
    /// Its name in facts.
    pub fn name(self) -> &'static str {
        match self {
            Self::PickUp => "pick-up",
            Self::Return => "return",
        }
    }
}

const PICK_UP: [&str; 20] = [
    "pickup",
    "pick up",
    "pick-up",
    "pu",
    "collection",
    "check-in",
    "checkin",
    "arrival",
    "abholung",
    "holt",
    "anreise",
    "retrait",
    "arrivee",
    "recogida",
    "llegada",
    "ritiro",
    "arrivo",
    "ophalen",
    "retirada",
    "levantamento",
];
const RETURN: [&str; 24] = [
    "return",
    "returns",
    "dropoff",
    "drop off",
    "drop-off",
    "do",
    "check-out",
    "checkout",
    "departure",
    "ruckgabe",
    "rueckgabe",
    "bringt",
    "abreise",
    "retour",
    "restitution",
    "depart",
    "devolucion",
    "salida",
    "riconsegna",
    "restituzione",
    "partenza",
    "inleveren",
    "terugbrengen",
    "devolucao",
];

/// What a short text says of a handing over; `None` where no word tells of one.
pub fn jotting(text: &str) -> Option<Jotting> {
    if text.len() > LONGEST || text.trim().contains('\n') {
        return None;
    }
    let page = Page::new(text);
    let (tokens, act) = (0..page.len()).find_map(|i| act(&page, i))?;
    Some(Jotting { at: page.bytes(&tokens), act, names: beside(&page, &tokens) })
}

fn act(page: &Page<'_>, i: usize) -> Option<(Range<usize>, Act)> {
    if page.kind(i) != Kind::Word {
        return None;
    }
    let first = page.word(i);
    let joint = match page.kind(i + 1) {
        Kind::Space => " ",
        Kind::Sign('-') => "-",
        _ => "",
    };
    let both = format!("{first}{joint}{}", page.word(i + 2));
    // Of two letters that are words as well, only capitals are meant.
    let is_meant = first.len() > 2 || page.str(i).chars().all(char::is_uppercase);
    for (words, act) in [(&PICK_UP[..], Act::PickUp), (&RETURN[..], Act::Return)] {
        if !joint.is_empty() && words.contains(&both.as_str()) {
            return Some((i..i + 3, act));
        }
        if is_meant && words.contains(&first) {
            return Some((i..i + 1, act));
        }
    }
    None
}

/// The names before the word, from the beginning on, or else those behind it.
fn beside(page: &Page<'_>, act: &Range<usize>) -> Vec<Range<usize>> {
    let is_between =
        |i: usize| matches!(page.kind(i), Kind::Space | Kind::Sign(':' | '-' | '–' | '/' | ','));
    let leads = name(page, 0).filter(|name| (name.end..act.start).all(is_between));
    // `Anna Rossi pickup` is one name: what is picked up comes behind.
    if let Some(name) = leads.filter(|name| name.end <= act.start) {
        return vec![page.bytes(&name)];
    }
    let start = page.skip(act.end, 3, is_between);
    let Some(whole) = name(page, start) else { return Vec::new() };
    let first = (whole.start..whole.end).find(|&i| page.str(i).starts_with(char::is_uppercase));
    let alone = whole.start..first.map_or(whole.end, |first| first + 1);
    let mut names = vec![page.bytes(&whole)];
    let is_shorter = alone.end < whole.end && page.kind(alone.end) == Kind::Space;
    names.extend(is_shorter.then(|| page.bytes(&alone)));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is done, and with whom.
    fn check(text: &str, expect: &str) {
        let shown = jotting(text).map(|jotting| {
            let names = jotting.names.into_iter().map(|range| text[range].to_owned());
            let words: Vec<String> =
                std::iter::once(jotting.act.name().to_owned()).chain(names).collect();
            words.join(" | ")
        });
        assert_eq!(shown.unwrap_or_default(), expect, "{text}");
    }

    #[test]
    fn who_comes_stands_before_or_behind_what_is_done() {
        check("Smith pickup Civic 10am", "pick-up | Smith");
        check("Anna O'Brien pick up Civic", "pick-up | Anna O'Brien");
        check("J. Meier return Golf 17:30", "return | J. Meier");
        check("Return: Dupont, Clio AB-123-CD 14h30", "return | Dupont");
        check("PU Nguyen 8:15a Yaris #4471", "pick-up | Nguyen");
        check("ophalen de Vries 10.30u", "pick-up | de Vries");
    }

    #[test]
    fn a_name_that_may_be_shorter_is_there_twice() {
        check("Abholung Müller Golf", "pick-up | Müller Golf | Müller");
        check("Recogida García Fiat 500 9:30", "pick-up | García Fiat | García");
    }

    #[test]
    fn other_texts_are_no_jottings() {
        for text in ["dentist", "do the books", "Smith Civic 10-12", "BLOCKED"] {
            check(text, "");
        }
        check(&format!("Return {}", "of the king ".repeat(20)), "");
        check("check-in 15:00", "pick-up");
    }
}
