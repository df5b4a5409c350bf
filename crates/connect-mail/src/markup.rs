//! Tags of HTML and their attributes, as they come.

use crate::entity::unescape;

/// A start tag's name and attributes, or an end tag's name.
pub struct Tag<'h> {
    /// Lower case.
    pub name: String,
    /// Whether it is an end tag.
    pub closes: bool,
    /// What stands between the name and the `>`.
    pub attributes: &'h str,
}

/// The tag that this text begins with, and what follows. A tag that never ends reaches to the
/// end of the text.
pub fn tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let body = &text[1..];
    let (closes, body) = match body.strip_prefix('/') {
        Some(body) => (true, body),
        None => (false, body),
    };
    if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end = body.find(|c: char| c.is_whitespace() || c == '/' || c == '>').unwrap_or(body.len());
    let name = body[..end].to_ascii_lowercase();
    let attributes = &body[end..];
    let mut quote = None;
    let mut after_equals = false;
    for (at, byte) in attributes.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if after_equals => quote = Some(byte),
            (None, b'>') => {
                let tag = Tag { name, closes, attributes: &attributes[..at] };
                return Some((tag, &attributes[at + 1..]));
            }
            (None, _) => {}
        }
        if !byte.is_ascii_whitespace() {
            after_equals = byte == b'=';
        }
    }
    Some((Tag { name, closes, attributes: "" }, ""))
}

/// The value of an attribute; empty where it has none.
pub fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            match after.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                Some(quote) => {
                    let close = after[1..].find(quote).map_or(after.len(), |at| at + 1);
                    value = &after[1..close];
                    rest = after.get(close + 1..).unwrap_or("");
                }
                None => {
                    let close = after.find(char::is_whitespace).unwrap_or(after.len());
                    value = &after[..close];
                    rest = &after[close..];
                }
            }
        }
        if name.eq_ignore_ascii_case(wanted) {
            return Some(unescape(value));
        }
        if name.is_empty() && value.is_empty() {
            rest = rest.get(1..).unwrap_or("");
        }
    }
}

/// Whether an element has no content and no end tag.
pub fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// What stands before the end tag of this name, and what follows it.
pub fn raw_text<'h>(name: &str, text: &'h str) -> (&'h str, &'h str) {
    for (at, _) in text.match_indices("</") {
        let candidate = &text[at + 2..];
        let is_it = candidate.get(..name.len()).is_some_and(|c| c.eq_ignore_ascii_case(name));
        if is_it {
            let after = candidate.find('>').map_or("", |end| &candidate[end + 1..]);
            return (&text[..at], after);
        }
    }
    (text, "")
}
