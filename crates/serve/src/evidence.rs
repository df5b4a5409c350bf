//! Evidence as text, with the words marked that a record was read from.

use serde::Serialize;

/// So many characters of an item are shown.
pub(crate) const LONGEST: usize = 20_000;
/// Words that stand in an item more often than this are marked so often.
const MOST_MARKS: usize = 20;

/// A piece of a text.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Piece {
    pub(crate) text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) marked: bool,
}

/// A text without control characters, and without those that turn the direction of a line
/// around, with which a text can look like another.
pub(crate) fn safe(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let keep = |c: char| match c {
        '\n' | '\t' => c,
        '\r' => '\n',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(keep).collect()
}

/// The beginning of a text.
pub(crate) fn cut(text: &str, longest: usize) -> (&str, bool) {
    match text.char_indices().nth(longest) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

/// The text in pieces, those marked in which any of the words stands. Where two overlap, the one
/// that begins first is marked, and of those the longer.
pub(crate) fn marked(text: &str, words: &[String]) -> Vec<Piece> {
    let mut found: Vec<(usize, usize)> = words
        .iter()
        .map(|words| words.trim())
        .filter(|words| !words.is_empty())
        .flat_map(|words| places(text, words))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut push = |text: &str, marked| {
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), marked });
        }
    };
    for (start, end) in found {
        if start >= at {
            push(&text[at..start], false);
            push(&text[start..end], true);
            at = end;
        }
    }
    push(&text[at..], false);
    pieces
}

/// Where the words stand by themselves: a `4` is no part of `2024`.
fn places(text: &str, words: &str) -> Vec<(usize, usize)> {
    let is_inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let stands_alone = |start: usize, end: usize| {
        let begins = words.chars().next().is_some_and(char::is_alphanumeric);
        let ends = words.chars().next_back().is_some_and(char::is_alphanumeric);
        !(begins && is_inside(text[..start].chars().next_back())
            || ends && is_inside(text[end..].chars().next()))
    };
    text.match_indices(words)
        .map(|(start, words)| (start, start + words.len()))
        .filter(|(start, end)| stands_alone(*start, *end))
        .take(MOST_MARKS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, words: &[&str], expect: &str) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let pieces = marked(text, &words);
        let shown = |p: &Piece| if p.marked { format!("[{}]", p.text) } else { p.text.clone() };
        assert_eq!(pieces.iter().map(shown).collect::<String>(), expect);
    }

    #[test]
    fn the_words_are_marked_where_they_stand_by_themselves() {
        check("4 nights, 2024, 4", &["4"], "[4] nights, 2024, [4]");
        check("from 3 March to 5 March", &["3 March", "March"], "from [3 March] to 5 [March]");
        check("€45.00", &["€45.00", "", "absent"], "[€45.00]");
    }

    #[test]
    fn a_text_cannot_turn_its_line_around() {
        assert_eq!(safe("a\u{202e}b\u{0}\r\nc\rd"), "a\u{fffd}b\u{fffd}\nc\nd");
    }

    #[test]
    fn all_of_the_text_is_there_whatever_is_marked() {
        let text = "aaaa éé aa";
        for words in [&["a", "aa", "é"][..], &["éé aa", "aa"], &[""]] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let whole: String = marked(text, &words).into_iter().map(|p| p.text).collect();
            assert_eq!(whole, text);
        }
    }
}
