//! Template files cut into text and tags.

/// A piece of a template file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// Text.
    Text(&'t str),
    /// `{{{ value }}}`.
    Value(&'t str),
    /// What stands in `{{ … }}`.
    Mustache(&'t str),
    /// What stands in `{% … %}`.
    Statement(&'t str),
    /// A sign that opens a tag which is never closed.
    Unclosed(&'static str),
}

/// A template file being cut.
pub(super) struct Lexer<'t> {
    rest: &'t str,
    line: usize,
    /// The last tag takes the white space behind it away.
    trims: bool,
    /// A tag that was found behind the text that was given last.
    next: Option<(usize, Token<'t>)>,
    /// Whether `{# … #}` is a comment of this file.
    has_comments: bool,
}

impl<'t> Lexer<'t> {
    /// A text whose first line has this number.
    pub(super) fn new(text: &'t str, line: usize) -> Self {
        Self { rest: text, line, trims: false, next: None, has_comments: text.contains("{%") }
    }

    /// The next piece, with the line on which it begins.
    pub(super) fn next_token(&mut self) -> Option<(usize, Token<'t>)> {
        if let Some(next) = self.next.take() {
            return Some(next);
        }
        while !self.rest.is_empty() {
            let at = self.opening();
            let (line, mut text) = (self.line, self.take(at));
            if self.trims {
                text = text.trim_start();
            }
            self.trims = false;
            if self.rest[2.min(self.rest.len())..].starts_with(['-', '~']) {
                text = text.trim_end();
            }
            let tag_line = self.line;
            self.next = if self.rest.is_empty() { None } else { self.tag().map(|t| (tag_line, t)) };
            if !text.is_empty() {
                return Some((line, Token::Text(text)));
            }
            if let Some(next) = self.next.take() {
                return Some(next);
            }
        }
        None
    }

    /// The text as it stands up to the statement that ends this block; `None` without one.
    pub(super) fn literal(&mut self, name: &str) -> Option<&'t str> {
        let rest = self.rest;
        for (at, _) in rest.match_indices("{%") {
            let tag = rest[at + 2..].trim_start_matches(['-', '+', '~']).trim_start();
            let Some(after) = tag.strip_prefix("end").and_then(|t| t.strip_prefix(name)) else {
                continue;
            };
            let after = after.trim_start().trim_start_matches(['-', '~']);
            if after.starts_with("%}") {
                let text = self.take(at);
                self.take(self.rest.len() - after.len() + 2);
                return Some(text);
            }
        }
        None
    }

    /// Where the next tag begins, or the text ends.
    fn opening(&self) -> usize {
        let is_tag = |at: &usize| match self.rest.as_bytes().get(at + 1) {
            Some(b'{' | b'%') => true,
            Some(b'#') => self.has_comments,
            _ => false,
        };
        let mut braces = self.rest.match_indices('{').map(|(at, _)| at);
        braces.find(is_tag).unwrap_or(self.rest.len())
    }

    /// Takes the tag that the rest begins with; `None` for a comment.
    fn tag(&mut self) -> Option<Token<'t>> {
        let (open, close): (&'static str, &'static str) = match self.rest {
            rest if rest.starts_with("{{{") => ("{{{", "}}}"),
            rest if rest.starts_with("{{") => ("{{", "}}"),
            rest if rest.starts_with("{%") => ("{%", "%}"),
            _ => ("{#", "#}"),
        };
        let body = &self.rest[open.len()..];
        let mut ends = body.match_indices(close).map(|(at, _)| at);
        let is_long_comment = open == "{{" && body.trim_start_matches('~').starts_with("!--");
        let end = if is_long_comment {
            ends.find(|&at| body[..at].trim_end_matches('~').ends_with("--"))
        } else {
            ends.next()
        };
        let Some(end) = end else {
            self.take(self.rest.len());
            return Some(Token::Unclosed(open));
        };
        let inner = &body[..end];
        self.take(open.len() + end + close.len());
        self.trims = inner.ends_with('~') || (inner.ends_with('-') && !is_long_comment);
        let inner = inner.trim_start_matches(['-', '~', '+']).trim_end_matches(['-', '~', '+']);
        let inner = inner.trim();
        match open {
            "{{{" => Some(Token::Value(inner)),
            "{{" if inner.starts_with('!') => None,
            "{{" => Some(Token::Mustache(inner)),
            "{%" => Some(Token::Statement(inner)),
            _ => None,
        }
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.bytes().filter(|b| *b == b'\n').count();
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> String {
        let mut lexer = Lexer::new(text, 1);
        let next = || lexer.next_token().map(|(line, token)| format!("{line} {token:?}"));
        std::iter::from_fn(next).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_file_is_cut_into_text_and_tags_with_their_lines() {
        assert_eq!(
            cut("Hi {{ a }},\n{% if b %}{{{c}}}{%endif%}"),
            "1 Text(\"Hi \"); 1 Mustache(\"a\"); 1 Text(\",\\n\"); 2 Statement(\"if b\"); \
             2 Value(\"c\"); 2 Statement(\"endif\")"
        );
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(
            cut("a{{! x }}b{{!-- {{y}} --}}c"),
            "1 Text(\"a\"); 1 Text(\"b\"); 1 Text(\"c\")"
        );
        assert_eq!(cut("a{# x #}b{% c %}"), "1 Text(\"a\"); 1 Text(\"b\"); 1 Statement(\"c\")");
    }

    #[test]
    fn a_dash_takes_the_space_beside_a_tag_away() {
        assert_eq!(cut("a \n{{- b -}}\n c"), "1 Text(\"a\"); 2 Mustache(\"b\"); 2 Text(\"c\")");
    }

    #[test]
    fn a_tag_that_is_never_closed_is_told() {
        assert_eq!(cut("a\n{{ b"), "1 Text(\"a\\n\"); 2 Unclosed(\"{{\")");
    }
}
