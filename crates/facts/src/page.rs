//! A text cut into words, numbers, gaps and signs, with a note of what is already read.

use std::cell::OnceCell;
use std::ops::Range;

use restitch_model::FactValue;

use crate::{Found, Style, words};

/// A longer word, in bytes, is in no list.
const LONGEST_WORD: usize = 24;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters, with the accents that follow them.
    Word,
    /// ASCII digits.
    Number,
    /// White space inside a line.
    Space,
    /// White space with a line break in it.
    Break,
    /// Any other character.
    Sign(char),
    /// Before the first token or after the last one.
    End,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

/// A text as tokens. Scanners look at tokens by their index and mark those that they
/// understood, so that a later scanner does not read the same digits as something else.
pub(crate) struct Page<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    taken: Vec<bool>,
    /// The text in lower case, as far as it is ASCII: most words are, and scanners ask for the
    /// same ones again and again.
    lower: String,
    /// The other words without case and accents, by token, once they were asked for.
    plain: Vec<OnceCell<Box<str>>>,
}

impl<'t> Page<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut tokens: Vec<Token> = Vec::new();
        for (at, c) in text.char_indices() {
            let end = at + c.len_utf8();
            let last = tokens.last_mut();
            let kind = match (class(c), last.as_ref().map(|token| token.kind)) {
                (Kind::Sign('\u{300}'..='\u{36f}'), Some(Kind::Word)) => Kind::Word,
                (Kind::Space, Some(Kind::Break)) => Kind::Break,
                (kind, _) => kind,
            };
            match last {
                Some(token) if token.kind == kind && !matches!(kind, Kind::Sign(_)) => {
                    token.end = end;
                }
                Some(token) if kind == Kind::Break && token.kind == Kind::Space => {
                    (token.kind, token.end) = (kind, end);
                }
                _ => tokens.push(Token { kind, start: at, end }),
            }
        }
        let taken = vec![false; tokens.len()];
        let lower = text.to_ascii_lowercase();
        let plain = if text.is_ascii() { Vec::new() } else { vec![OnceCell::new(); tokens.len()] };
        Self { text, tokens, taken, lower, plain }
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// What the token is; `End` outside of the text.
    pub(crate) fn kind(&self, i: usize) -> Kind {
        self.tokens.get(i).map_or(Kind::End, |token| token.kind)
    }

    /// What the token `n` places before `i` is.
    pub(crate) fn back(&self, i: usize, n: usize) -> Kind {
        i.checked_sub(n).map_or(Kind::End, |i| self.kind(i))
    }

    /// The token as it is written; empty outside of the text.
    pub(crate) fn str(&self, i: usize) -> &'t str {
        self.tokens.get(i).map_or("", |token| &self.text[token.start..token.end])
    }

    /// A word without case and accents; empty for what is no word, or longer than
    /// [`LONGEST_WORD`].
    pub(crate) fn word(&self, i: usize) -> &str {
        let Some(&Token { kind: Kind::Word, start, end }) = self.tokens.get(i) else { return "" };
        let lower = &self.lower[start..end];
        if lower.len() > LONGEST_WORD {
            ""
        } else if lower.is_ascii() {
            lower
        } else {
            self.plain[i].get_or_init(|| words::plain(lower).into_boxed_str())
        }
    }

    /// A number of at most `digits` digits.
    pub(crate) fn number(&self, i: usize, digits: usize) -> Option<u32> {
        let text = self.str(i);
        (self.kind(i) == Kind::Number && text.len() <= digits).then(|| text.parse().ok())?
    }

    /// A number of exactly two digits that is less than `limit`.
    pub(crate) fn pair(&self, i: usize, limit: u32) -> Option<u32> {
        self.number(i, 2).filter(|&n| self.str(i).len() == 2 && n < limit)
    }

    /// Whether the token is the sign.
    pub(crate) fn is(&self, i: usize, sign: char) -> bool {
        self.kind(i) == Kind::Sign(sign)
    }

    /// Whether the token is a letter or digit run.
    pub(crate) fn is_solid(&self, i: usize) -> bool {
        matches!(self.kind(i), Kind::Word | Kind::Number)
    }

    /// The index after a space, or the same where there is none.
    pub(crate) fn after_space(&self, i: usize) -> usize {
        i + usize::from(self.kind(i) == Kind::Space)
    }

    /// The index after at most `most` tokens that pass the test.
    pub(crate) fn skip(&self, i: usize, most: usize, test: impl Fn(usize) -> bool) -> usize {
        (i..(i + most).min(self.len())).find(|&j| !test(j)).unwrap_or((i + most).min(self.len()))
    }

    /// Whether a `.` `,` or `:` and a digit follow with no space, so that the number before
    /// `i` goes on.
    pub(crate) fn goes_on(&self, i: usize) -> bool {
        matches!(self.kind(i), Kind::Sign('.' | ',' | ':')) && self.kind(i + 1) == Kind::Number
    }

    /// Whether a digit and a `.` `,` or `:` stand before `i` with no space.
    pub(crate) fn comes_on(&self, i: usize) -> bool {
        matches!(self.back(i, 1), Kind::Sign('.' | ',' | ':'))
            && self.back(i, 2) == Kind::Number
            && !self.is_taken(i.wrapping_sub(2))
    }

    /// Whether the token is already part of a value.
    pub(crate) fn is_taken(&self, i: usize) -> bool {
        self.taken.get(i).copied().unwrap_or(false)
    }

    /// Whether none of the tokens is part of a value yet.
    pub(crate) fn is_free(&self, range: Range<usize>) -> bool {
        range.into_iter().all(|i| !self.is_taken(i))
    }

    /// Marks tokens as part of a value.
    pub(crate) fn take(&mut self, range: Range<usize>) {
        self.taken[range].fill(true);
    }

    /// Takes the mark off again.
    pub(crate) fn release(&mut self, range: Range<usize>) {
        self.taken[range].fill(false);
    }

    /// The bytes that tokens cover. The range of tokens must not be empty.
    pub(crate) fn bytes(&self, range: &Range<usize>) -> Range<usize> {
        self.tokens[range.start].start..self.tokens[range.end - 1].end
    }

    /// What is written there.
    pub(crate) fn slice(&self, range: &Range<usize>) -> &'t str {
        &self.text[self.bytes(range)]
    }

    /// The text from a token on; empty outside of it.
    pub(crate) fn rest(&self, i: usize) -> &'t str {
        self.tokens.get(i).map_or("", |token| &self.text[token.start..])
    }

    /// A value that stands at these tokens.
    pub(crate) fn found(&self, range: &Range<usize>, value: FactValue, style: Style) -> Found {
        let bytes = self.bytes(range);
        Found { value, start: bytes.start, end: bytes.end, style }
    }
}

fn class(c: char) -> Kind {
    match c {
        '0'..='9' => Kind::Number,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Kind::Break,
        c if c.is_alphabetic() => Kind::Word,
        c if c.is_whitespace() => Kind::Space,
        c => Kind::Sign(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<&str> {
        let page = Page::new(text);
        (0..page.len()).map(|i| page.str(i)).collect()
    }

    #[test]
    fn letters_and_digits_part_where_they_meet() {
        assert_eq!(tokens("AB12 x-3"), ["AB", "12", " ", "x", "-", "3"]);
    }

    #[test]
    fn accents_stay_with_their_letter() {
        assert_eq!(tokens("Ma\u{308}rz 3"), ["Ma\u{308}rz", " ", "3"]);
    }

    #[test]
    fn a_gap_with_a_line_break_is_a_break() {
        let page = Page::new("a \r\n b");
        assert_eq!((page.len(), page.kind(1)), (3, Kind::Break));
    }
}
