//! Words without case and accents, for comparing what people wrote.

use unicode_normalization::UnicodeNormalization;

/// The words of a text, lower case, without diacritics: runs of letters and digits in any
/// script. `Größe, Z-12` gives `grosse`, `z`, `12`.
pub fn words(text: &str) -> Vec<String> {
    plain(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(String::from)
        .collect()
}

/// A text for comparison: trimmed, lower case, without diacritics, every run of white space
/// one space.
pub fn fold(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lower case without diacritics, white space as it is.
pub(crate) fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Compatibility forms (full width, ligatures) become ordinary letters; what is left is
    // composed again, so that scripts whose syllables were taken apart stay whole.
    let bare = text.to_lowercase();
    let bare = bare.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc();
    let mut out = String::with_capacity(text.len());
    for c in bare {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'ħ' => out.push('h'),
            'ı' => out.push('i'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_case_and_accents_but_no_letter() {
        assert_eq!(words("Größe, Z-12 / ŁÓDŹ"), ["grosse", "z", "12", "lodz"]);
        assert_eq!(words("O'Brien Søren Ægir"), ["o", "brien", "soren", "aegir"]);
        assert_eq!(words("  \n"), Vec::<String>::new());
    }

    #[test]
    fn accents_fold_alike_composed_or_not() {
        assert_eq!(fold("Mu\u{308}ller"), fold("Müller"));
        assert_eq!(fold("ÉÈÊË"), "eeee");
        assert_eq!(fold("İstanbul"), "istanbul");
    }

    #[test]
    fn white_space_of_any_kind_becomes_one_space() {
        assert_eq!(fold("  Anna\u{a0}\u{202f} Maria\r\n\tRossi "), "anna maria rossi");
    }

    #[test]
    fn other_scripts_keep_their_letters() {
        assert_eq!(words("서울 Москва 東京"), ["서울", "москва", "東京"]);
    }
}
