//! One property: its name, its parameters and its value, decoded to text.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::lines::{colon, name_of};

/// A property, apart from any component.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Property<'l> {
    /// In upper case.
    pub(crate) name: Cow<'l, str>,
    /// Names in upper case, values without quotes.
    params: Vec<(String, Vec<String>)>,
    value: Cow<'l, [u8]>,
}

impl<'l> Property<'l> {
    /// A property from an unfolded line; `None` where there is no colon. Parameters are split
    /// without regard to commas, which only lists of addresses need.
    pub(crate) fn of(line: Cow<'l, [u8]>) -> Option<Self> {
        let at = colon(&line)?;
        let params = match line[..at].contains(&b';') {
            true => params(&decode_bytes(&line[..at], None)),
            false => Vec::new(),
        };
        Some(match line {
            Cow::Borrowed(line) => {
                Self { name: name_of(line), params, value: Cow::Borrowed(&line[at + 1..]) }
            }
            Cow::Owned(mut line) => {
                let name = Cow::Owned(name_of(&line).into_owned());
                line.drain(..=at);
                Self { name, params, value: Cow::Owned(line) }
            }
        })
    }

    /// The first value of a parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let (_, values) = self.params.iter().find(|(key, _)| key == name)?;
        values.first().map(String::as_str)
    }

    /// The value as written: escapes stand, transfer encoding and charset are undone.
    pub(crate) fn raw(&self) -> String {
        let charset = self.param("CHARSET");
        if self.has_encoding("QUOTED-PRINTABLE") {
            decode_bytes(&unquote_printable(&self.value), charset)
        } else {
            decode_bytes(&self.value, charset)
        }
    }

    /// The value as TEXT (RFC 5545, 3.3.11).
    pub(crate) fn text(&self) -> String {
        let raw = self.raw();
        if raw.contains('\\') { unescape(&raw) } else { raw }
    }

    /// The values of a list of TEXT, such as CATEGORIES.
    pub(crate) fn texts(&self) -> Vec<String> {
        let raw = self.raw();
        let mut parts = Vec::new();
        let (mut start, mut escaped) = (0, false);
        for (at, c) in raw.char_indices() {
            if c == ',' && !escaped {
                parts.push(&raw[start..at]);
                start = at + 1;
            }
            escaped = c == '\\' && !escaped;
        }
        parts.push(&raw[start..]);
        parts.into_iter().map(|part| unescape(part).trim().to_owned()).collect()
    }

    /// Whether the value is a file rather than a text.
    pub(crate) fn is_binary(&self) -> bool {
        self.has_encoding("BASE64")
            || self.has_encoding("B")
            || self.param("VALUE").is_some_and(|kind| kind.eq_ignore_ascii_case("BINARY"))
    }

    /// vCalendar 1.0 also writes the encoding as a parameter without a name.
    fn has_encoding(&self, encoding: &str) -> bool {
        self.param("ENCODING").is_some_and(|value| value.eq_ignore_ascii_case(encoding))
            || self.params.iter().any(|(name, values)| name == encoding && values.is_empty())
    }
}

fn params(head: &str) -> Vec<(String, Vec<String>)> {
    let param = |param: &str| {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        let values = if value.is_empty() { Vec::new() } else { vec![plain_param(value)] };
        (name.trim().to_ascii_uppercase(), values)
    };
    split_outside_quotes(head, ';').into_iter().skip(1).map(param).collect()
}

/// Bytes as text: by their charset where one is named, else UTF-8, else Windows-1252, in which
/// every byte means something.
fn decode_bytes(bytes: &[u8], charset: Option<&str>) -> String {
    let named = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
    match (named, std::str::from_utf8(bytes)) {
        (Some(encoding), Err(_)) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        // Seven-bit bytes may still be ISO-2022 or another that switches by escapes.
        (Some(encoding), Ok(_)) if bytes.contains(&0x1b) => {
            encoding.decode_without_bom_handling(bytes).0.into_owned()
        }
        (_, Ok(text)) => text.to_owned(),
        (None, Err(_)) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.peek().copied() } else { None };
        match escaped {
            Some('n' | 'N') => plain.push('\n'),
            Some(e @ (',' | ';' | '\\' | '"' | ':')) => plain.push(e),
            _ => {
                plain.push(c);
                continue;
            }
        }
        chars.next();
    }
    plain
}

/// A parameter's value without its quotes and with the escapes of RFC 6868 undone.
fn plain_param(value: &str) -> String {
    let value = value.trim();
    let value = value.strip_prefix('"').unwrap_or(value);
    let value = value.strip_suffix('"').unwrap_or(value);
    let mut plain = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        let after = rest.as_str();
        let (undone, taken) = match (c, after.chars().next()) {
            ('^', Some('n')) => ('\n', true),
            ('^', Some('\'')) => ('"', true),
            ('^', Some('^')) => ('^', true),
            _ => (c, false),
        };
        plain.push(undone);
        if taken {
            rest.next();
        }
    }
    plain
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

fn unquote_printable(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let coded = (bytes[at] == b'=')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(coded.unwrap_or(bytes[at]));
        at += if coded.is_some() { 3 } else { 1 };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[u8]) -> Property<'_> {
        Property::of(Cow::Borrowed(line)).unwrap()
    }

    #[test]
    fn escapes_of_text_are_undone() {
        assert_eq!(read(br"SUMMARY:Van\, red\; \\ \nNext \x").text(), "Van, red; \\ \nNext \\x");
    }

    #[test]
    fn a_list_is_split_only_at_its_own_commas() {
        assert_eq!(
            read(br"CATEGORIES:vans,trailers\, small, ").texts(),
            ["vans", "trailers, small", ""]
        );
    }

    #[test]
    fn parameters_lose_their_quotes_and_carets() {
        let property = read(b"ATTENDEE;CN=\"Doe; ^'Jo^'\";ROLE=CHAIR:mailto:jo@example.org");
        assert_eq!(property.param("CN"), Some("Doe; \"Jo\""));
        assert_eq!(property.param("ROLE"), Some("CHAIR"));
        assert_eq!(property.text(), "mailto:jo@example.org");
    }

    #[test]
    fn charsets_and_quoted_printable_are_decoded() {
        for line in [
            b"SUMMARY;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller".as_slice(),
            b"SUMMARY;QUOTED-PRINTABLE:M=C3=BCller",
            b"SUMMARY:M\xfcller",
            "SUMMARY:Müller".as_bytes(),
        ] {
            assert_eq!(read(line).text(), "Müller");
        }
    }
}
