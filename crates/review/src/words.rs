//! The words that reviewers and headers use, recognised in every language.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::texts::Language;

/// In bytes; no header of ours is half as long.
const LONGEST_HEADER: usize = 100;

/// A column that every table of answers has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fixed {
    Record,
    Answer,
    SameAs,
    Note,
    Reviewer,
    What,
    Sure,
    Why,
    Missing,
    Evidence,
    Zone,
}

impl Fixed {
    pub(crate) const ALL: [Self; 11] = [
        Self::Record,
        Self::Answer,
        Self::SameAs,
        Self::Note,
        Self::Reviewer,
        Self::What,
        Self::Sure,
        Self::Why,
        Self::Missing,
        Self::Evidence,
        Self::Zone,
    ];

    /// Its header.
    pub(crate) fn header(self, language: Language) -> &'static str {
        language.texts().headers[self as usize]
    }

    /// The column of a header, in any language, and the language.
    pub(crate) fn of_header(header: &str) -> Option<(Self, Language)> {
        static HEADERS: LazyLock<BTreeMap<String, (Fixed, Language)>> = LazyLock::new(|| {
            let languages = Language::ALL.into_iter();
            let all = languages.flat_map(|l| Fixed::ALL.into_iter().map(move |fixed| (fixed, l)));
            all.map(|(fixed, language)| (fold(fixed.header(language)), (fixed, language))).collect()
        });
        // Cells of evidence are asked too, and may be long.
        let is_short = header.len() <= LONGEST_HEADER;
        is_short.then(|| HEADERS.get(&fold(header)).copied())?
    }
}

/// What ends the header of a field whose name a column of ours has too.
const OF_FIELD: &str = " (field)";

/// The header of a field's column: its name, marked where one of our columns is called so.
pub(crate) fn field_header(column: &str) -> String {
    match Fixed::of_header(field_of(column)) {
        Some(_) => format!("{column}{OF_FIELD}"),
        None => column.to_owned(),
    }
}

/// The field that a header names.
pub(crate) fn field_of(header: &str) -> &str {
    let bare = header.strip_suffix(OF_FIELD).unwrap_or(header);
    match Fixed::of_header(bare) {
        Some(_) => bare,
        None => header,
    }
}

/// What a reviewer can say, before it is known of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Yes,
    No,
    Corrected,
    SameAs,
    Unknown,
}

impl Said {
    pub(crate) const ALL: [Self; 5] =
        [Self::Yes, Self::No, Self::Corrected, Self::SameAs, Self::Unknown];

    /// How the page and its saved answers call it.
    pub(crate) fn code(self) -> &'static str {
        ["yes", "no", "corrected", "same_as", "unknown"][self as usize]
    }

    /// How a sheet calls it.
    pub(crate) fn word(self, language: Language) -> &'static str {
        language.texts().answers[self as usize]
    }

    /// The answer that a text is, in any language; `None` where it is none.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = fold(text);
        let matches = |said: &Self| {
            fold(said.code()) == text
                || Language::ALL.iter().any(|l| {
                    fold(said.word(*l)) == text || fold(l.texts().choices[*said as usize]) == text
                })
                || said.also().contains(&text.as_str())
        };
        Self::ALL.into_iter().find(matches)
    }

    /// Other words for it, as [`fold`] leaves them.
    fn also(self) -> &'static [&'static str] {
        match self {
            Self::Yes => &["y", "j", "ok", "okay", "true", "right", "correct", "stimmt", "✓", "✔"],
            Self::No => &["n", "false", "wrong", "falsch", "faux", "✗", "✘"],
            Self::Corrected => &["correction", "changed", "geandert", "korrektur", "modifie"],
            Self::SameAs => &["same", "duplicate", "dasselbe", "duplikat", "doublon", "duplicado"],
            Self::Unknown => &[
                "?",
                "dont know",
                "do not know",
                "not sure",
                "unsure",
                "unsicher",
                "weiss ich nicht",
                "keine ahnung",
                "no se",
                "sais pas",
                "ne sais pas",
            ],
        }
    }
}

/// A text without what keyboards and programs do differently: case, accents, kinds of
/// apostrophes and spaces, a full stop at the end.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'á' | 'â' | 'ä' | 'ã' => folded.push('a'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ò' | 'ó' | 'ô' | 'ö' | 'õ' => folded.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => folded.push('u'),
            'ç' => folded.push('c'),
            'ñ' => folded.push('n'),
            'ß' => folded.push_str("ss"),
            // Combining accents, as some programs write them, and marks without a look.
            '\u{300}'..='\u{36f}' | '\u{feff}' | '\u{200b}' => {}
            '\'' | '’' | '‘' | '´' | '`' => {}
            '_' => folded.push(' '),
            c if c.is_whitespace() => folded.push(' '),
            c => folded.push(c),
        }
    }
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").trim_end_matches(['.', '!']).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], expect: Option<Said>) {
        for text in texts {
            assert_eq!(Said::of(text), expect, "{text:?}");
        }
    }

    #[test]
    fn answers_are_recognised_in_four_languages_and_any_case() {
        check(&["yes", "YES ", "Ja", "oui", "Sí", "SI", "si", "si\u{301}", "y"], Some(Said::Yes));
        check(&["No", "nein", "NON", "no."], Some(Said::No));
        check(&["corrected", "Korrigiert", "corrige", "CORREGIDO"], Some(Said::Corrected));
        check(&["same as", "Dasselbe wie", "identique a", "same_as"], Some(Said::SameAs));
        check(&["don’t know", "dont know", "WEISS NICHT", "No lo se", "?"], Some(Said::Unknown));
        check(&["maybe", "", "x", "1"], None);
    }

    #[test]
    fn no_word_means_two_answers() {
        for language in Language::ALL {
            for said in Said::ALL {
                assert_eq!(Said::of(said.word(language)), Some(said));
                assert_eq!(Said::of(said.code()), Some(said));
                assert_eq!(Said::of(language.texts().choices[said as usize]), Some(said));
            }
        }
    }

    #[test]
    fn every_header_is_found_again_in_its_language() {
        for language in Language::ALL {
            for fixed in Fixed::ALL {
                let header = fixed.header(language).to_uppercase();
                assert_eq!(Fixed::of_header(&header), Some((fixed, language)));
            }
        }
    }

    #[test]
    fn a_field_that_is_called_like_a_column_of_ours_is_told_apart() {
        for column in ["answer", "Your note", "email", "x (field)"] {
            let header = field_header(column);
            assert_eq!(Fixed::of_header(&header), None, "{header}");
            assert_eq!(field_of(&header), column);
        }
    }
}
