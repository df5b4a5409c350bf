//! What people of all countries do with names: addresses made of them, and slips.

use crate::dice::Dice;

const DOMAINS: &[&str] = &[
    "example.com",
    "example.net",
    "example.org",
    "mail.example",
    "post.example",
    "inbox.example",
    "webmail.example",
];
/// An address made from a name, as people choose them. The domains are reserved ones.
pub(crate) fn email(first: &str, last: &str, dice: &mut Dice) -> String {
    let (first, last) = (ascii(first), ascii(last));
    let initial = &first[..1.min(first.len())];
    let local = match dice.below(6) {
        0 | 1 => format!("{first}.{last}"),
        2 => format!("{initial}{last}{}", dice.within(1, 99)),
        3 => format!("{first}{}", dice.within(1950, 2007)),
        4 => format!("{last}.{first}{}", dice.within(2, 999)),
        _ => format!("{initial}.{last}"),
    };
    format!("{local}@{}", dice.pick(DOMAINS))
}

/// The text with one slip of the fingers: two letters swapped, one lost, or one twice.
pub(crate) fn typo(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 4 {
        return text.to_owned();
    }
    let at = 1 + dice.below(letters.len() - 2);
    match dice.below(3) {
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        _ => letters.insert(at, letters[at]),
    }
    letters.into_iter().collect()
}

/// Lower-case ASCII letters of a name: `Müller` is `mueller`, `Muñoz` is `munoz`.
pub(crate) fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => plain.push(letter),
            'ä' => plain.push_str("ae"),
            'ö' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'á' | 'à' | 'â' | 'ã' | 'ą' | 'å' => plain.push('a'),
            'ç' | 'ć' | 'č' => plain.push('c'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' => plain.push('e'),
            'í' | 'ı' | 'ì' | 'î' | 'ï' => plain.push('i'),
            'ł' => plain.push('l'),
            'ñ' | 'ń' => plain.push('n'),
            'ó' | 'ò' | 'ô' | 'õ' | 'ø' => plain.push('o'),
            'œ' => plain.push_str("oe"),
            'ş' | 'ś' | 'š' => plain.push('s'),
            'ú' | 'ù' | 'û' => plain.push('u'),
            'ý' | 'ÿ' => plain.push('y'),
            'ź' | 'ż' | 'ž' => plain.push('z'),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_changes_a_name_by_one_slip() {
        let mut dice = Dice::new(1, 0);
        for name in ["Hoffmann", "Müller", "Smith"] {
            let wrong = typo(name, &mut dice);
            let longer = wrong.chars().count().abs_diff(name.chars().count());
            assert!(longer <= 1 && !wrong.is_empty(), "{wrong}");
        }
        assert_eq!(typo("Lee", &mut dice), "Lee");
    }

    #[test]
    fn a_name_in_plain_letters_has_no_others() {
        assert_eq!(ascii("Muñoz Weiß"), "munozweiss");
        assert_eq!(ascii("Łukasz Ćwiąkała"), "lukaszcwiakala");
    }
}
