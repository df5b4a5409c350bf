use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Brings a text to the form that is compared: lower case, without diacritics, white space
/// as single blanks. Letters that decompose into nothing simpler are spelled out as people
/// type them: ß as ss, ø as o.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut blank = false;
    let mut keep = |c: char| {
        if c.is_whitespace() || c.is_control() {
            blank = !folded.is_empty();
            return;
        }
        if std::mem::take(&mut blank) {
            folded.push(' ');
        }
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            '’' | '‘' | '`' | '´' => folded.push('\''),
            '–' | '—' | '‐' | '‑' => folded.push('-'),
            c => folded.push(c),
        }
    };
    if text.is_ascii() {
        text.chars().for_each(|c| keep(c.to_ascii_lowercase()));
    } else {
        let plain = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
        plain.filter(|c| !is_combining_mark(*c)).for_each(&mut keep);
    }
    folded
}

/// Whether a text is surely folded already, by a look at its bytes. Of some folded texts, as of
/// all with letters beyond ASCII, it cannot be told.
pub(crate) fn is_folded(text: &str) -> bool {
    let plain =
        |byte: u8| (b' '..=b'~').contains(&byte) && !byte.is_ascii_uppercase() && byte != b'`';
    text.bytes().all(plain) && has_single_blanks(text)
}

/// Whether no blank stands at an end or after another.
pub(crate) fn has_single_blanks(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
        && !bytes.windows(2).any(|two| two == b"  ")
}

/// The words of a folded text: runs of letters and digits. An apostrophe joins.
pub fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(fold(text), expect);
        assert_eq!(fold(expect), expect, "folding twice");
    }

    #[test]
    fn case_and_diacritics_go() {
        check("  Zoë  MÜLLER-Groß ", "zoe muller-gross");
        check("Łukasz Ørsted İnan", "lukasz orsted inan");
        check("O’Brien", "o'brien");
    }

    #[test]
    fn blank_is_nothing() {
        check(" \t\u{a0}\n", "");
    }

    #[test]
    fn words_are_letters_and_digits() {
        let found: Vec<_> = words("o'brien, 12-b 'uncle nick's'").collect();
        assert_eq!(found, ["o'brien", "12", "b", "uncle", "nick's"]);
    }

    proptest::proptest! {
        #[test]
        fn folding_is_done_once(text in ".*") {
            let once = fold(&text);
            proptest::prop_assert_eq!(&fold(&once), &once);
            proptest::prop_assert!(!is_folded(&text) || text == once);
            proptest::prop_assert!(!once.is_ascii() || is_folded(&once));
        }
    }
}
