//! The header of a message or of one of its parts, decoded.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use mail_parser::{Addr, ContentType, DateTime, HeaderName, HeaderValue, MessageParser};

use crate::charset;
use crate::date::{self, Sent};

/// A person or an office that mail comes from or goes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mailbox {
    /// The name shown.
    pub name: Option<String>,
    /// The address, lower case, with an `@`.
    pub address: Option<String>,
}

/// One header field.
#[derive(Debug, Clone)]
struct Field {
    name: String,
    value: HeaderValue<'static>,
    raw: String,
}

/// The fields of one header, in the order in which they stand.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    fields: Vec<Field>,
}

static PARSER: LazyLock<MessageParser> = LazyLock::new(|| {
    MessageParser::new()
        .with_mime_headers()
        .with_date_headers()
        .with_address_headers()
        .with_message_ids()
        .header_text(HeaderName::Subject)
        .default_header_text()
});

/// Parts the header from the body: at the first empty line, after any byte order mark, blank
/// lines and mbox `From ` lines before the first field. Bytes that hold no header are all body.
pub fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut start = 0;
    let mut first_stray = None;
    let mut seen_field = false;
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let line = trim_line(&bytes[at..end]);
        if !seen_field {
            let is_envelope = line.starts_with(b"From ") || line.starts_with(b">From ");
            if line.trim_ascii().is_empty() || is_envelope {
                start = end;
            } else if is_field(line) {
                seen_field = true;
            } else {
                return (&[], bytes);
            }
        } else if line.is_empty() {
            return (&bytes[start..at], &bytes[end..]);
        } else if first_stray.is_none() && !is_field(line) && !line[0].is_ascii_whitespace() {
            first_stray = Some(at);
        }
        at = end;
    }
    // No empty line anywhere: the body begins where the fields end.
    match (seen_field, first_stray) {
        (true, Some(stray)) => (&bytes[start..stray], &bytes[stray..]),
        (true, None) => (&bytes[start..], &[]),
        (false, _) => (&[], bytes),
    }
}

/// Parts the header of a part from its body. A part, unlike a message, may well have no header:
/// then it begins with the empty line.
pub fn split_part(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes {
        [b'\n', body @ ..] | [b'\r', b'\n', body @ ..] => (&[], body),
        _ => split(bytes),
    }
}

/// Whether a line begins a header field: a name of printable ASCII, and a colon.
pub fn is_field(line: &[u8]) -> bool {
    match line.iter().position(|&byte| byte == b':') {
        None | Some(0) => false,
        Some(colon) => {
            let name = line[..colon].trim_ascii_end();
            !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
        }
    }
}

/// The name of the field that a line begins, lower case.
pub fn field_name(line: &[u8]) -> Option<String> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    is_field(line).then(|| String::from_utf8_lossy(line[..colon].trim_ascii()).to_ascii_lowercase())
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at + 1)
}

fn trim_line(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl Headers {
    /// Decodes a header as [`split`] gives it.
    pub fn parse(head: &[u8]) -> Self {
        let mut block = String::with_capacity(head.len() + 1);
        match std::str::from_utf8(head) {
            Ok(text) if text.is_ascii() => block.push_str(text),
            _ => {
                for line in head.split_inclusive(|&byte| byte == b'\n') {
                    block.push_str(&charset::decode(line, None).0);
                }
            }
        }
        // The parser takes a field for ended only at a line end.
        block.push('\n');
        let Some(message) = PARSER.parse_headers(block.as_bytes()) else {
            return Self::default();
        };
        let headers = message.parts.into_iter().next().map(|part| part.headers);
        let fields = headers.unwrap_or_default().into_iter().map(|header| {
            let range = header.offset_start() as usize..header.offset_end() as usize;
            Field {
                name: header.name().to_ascii_lowercase(),
                raw: block.get(range).unwrap_or_default().trim().to_owned(),
                value: header.value.into_owned(),
            }
        });
        Self { fields: fields.collect() }
    }

    /// The header of a part in UTF-8 that had none of its own; of a file where it has a name.
    pub fn of_file(media_type: &str, name: Option<&str>) -> Self {
        let safe =
            |text: &str| -> String { text.chars().filter(|c| c.is_ascii_graphic()).collect() };
        let mut head = format!("Content-Type: {}; charset=utf-8\n", safe(media_type));
        if let Some(name) = name {
            let name: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            head.push_str(&format!("Content-Disposition: attachment; filename*=utf-8''{name}\n"));
        }
        Self::parse(head.as_bytes())
    }

    /// The names of all fields, lower case.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// The first field of this name that is not blank, decoded, on one line.
    pub fn text(&self, name: &str) -> Option<String> {
        self.all(name).map(Field::text).find(|text| !text.is_empty())
    }

    /// All fields whose names begin so, with their names.
    pub fn starting(&self, start: &str) -> impl Iterator<Item = (&str, String)> {
        self.fields
            .iter()
            .filter(move |field| field.name.starts_with(start))
            .map(|field| (field.name.as_str(), field.text()))
    }

    /// The people that the fields of this name list.
    pub fn mailboxes(&self, name: &str) -> Vec<Mailbox> {
        let mut found: Vec<Mailbox> = Vec::new();
        let mut seen = BTreeSet::new();
        for field in self.all(name) {
            let plain = without_comments(&field.raw).map(|raw| format!("From: {raw}\n"));
            let again = plain.as_deref().and_then(|text| PARSER.parse_headers(text.as_bytes()));
            let value = again.as_ref().and_then(|message| message.header(HeaderName::From));
            let HeaderValue::Address(list) = value.unwrap_or(&field.value) else { continue };
            let mut name_begun: Option<String> = None;
            let count = list.iter().count();
            for (i, addr) in list.iter().enumerate() {
                let mailbox = mailbox(addr);
                // `Meier, Anna <anna@example.com>` without quotes: the name was cut at its comma.
                if mailbox.address.is_none() && mailbox.name.is_some() && i + 1 < count {
                    let name = mailbox.name.unwrap_or_default();
                    match &mut name_begun {
                        Some(begun) => {
                            begun.push_str(", ");
                            begun.push_str(&name);
                        }
                        None => name_begun = Some(name),
                    }
                    continue;
                }
                let mut mailbox = mailbox;
                if let Some(begun) = name_begun.take() {
                    mailbox.name = Some(match mailbox.name {
                        Some(rest) => format!("{begun}, {rest}"),
                        None => begun,
                    });
                }
                if mailbox != Mailbox::default() && seen.insert(mailbox.clone()) {
                    found.push(mailbox);
                }
            }
        }
        found
    }

    /// When the message says that it was sent.
    pub fn date(&self) -> Option<Sent> {
        self.all("date").find_map(|field| {
            let parsed: Option<&DateTime> = field.value.as_datetime();
            date::sent(parsed, &field.raw)
        })
    }

    /// The first id of a field such as Message-ID, without its angle brackets.
    pub fn id(&self, name: &str) -> Option<String> {
        self.all(name).find_map(|field| {
            let first = field.value.as_text_list()?.first()?.trim();
            (!first.is_empty()).then(|| one_line(first))
        })
    }

    /// A Content-Type or Content-Disposition.
    pub fn content(&self, name: &str) -> Option<&ContentType<'static>> {
        let mut named = self.fields.iter().filter(|field| field.name == name);
        named.find_map(|field| field.value.as_content_type())
    }

    /// The name that a part gives to the file in it.
    pub fn file_name(&self) -> Option<String> {
        let of = |field: &str, attribute: &str| {
            let all = self.content(field)?.attributes()?.iter();
            let mut named =
                all.filter(|a| a.name.eq_ignore_ascii_case(attribute)).map(|a| &a.value);
            let first = named.next()?;
            // Of `filename` and `filename*`, which both come out under one name, the second
            // is the one that can say more than ASCII (RFC 6266, 4.3).
            Some(one_line(named.find(|value| !value.is_ascii()).unwrap_or(first)))
        };
        of("content-disposition", "filename")
            .or_else(|| of("content-type", "name"))
            .filter(|name| !name.is_empty())
            .map(|name| decode_words(&name).unwrap_or(name))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.name == name)
    }
}

impl Field {
    fn text(&self) -> String {
        let text = match &self.value {
            HeaderValue::Text(text) => one_line(text),
            HeaderValue::TextList(list) => one_line(&list.join(" ")),
            _ => one_line(&self.raw),
        };
        // A character cut in two by an encoded word's end: the other parser may do better.
        let lost = |text: &str| text.matches('\u{FFFD}').count();
        if lost(&text) > 0
            && let Some(other) = decode_words(&self.raw)
            && lost(&other) < lost(&text)
        {
            return other;
        }
        text
    }
}

/// A list of people without comments (RFC 5322, 3.2.2), but for those that are the name: in
/// `a@x.de (Anna)`, which has no angle brackets.
fn without_comments(raw: &str) -> Option<String> {
    if !raw.contains('(') || !raw.contains('<') {
        return None;
    }
    let mut list = String::with_capacity(raw.len());
    let (mut with, mut without) = (String::new(), String::new());
    let (mut depth, mut in_quotes, mut escaped) = (0usize, false, false);
    for c in raw.chars() {
        let is_escaped = escaped;
        escaped = c == '\\' && !is_escaped;
        let was_inside = depth > 0;
        match c {
            '"' if !was_inside && !is_escaped => in_quotes = !in_quotes,
            '(' if !in_quotes && !is_escaped => depth += 1,
            ')' if was_inside && !is_escaped => depth -= 1,
            _ => {}
        }
        with.push(c);
        if depth == 0 && !was_inside {
            without.push(c);
        }
        if depth == 0 && !in_quotes && matches!(c, ',' | ';' | ':') {
            list.push_str(if without.contains('<') { &without } else { &with });
            with.clear();
            without.clear();
        }
    }
    list.push_str(if without.contains('<') { &without } else { &with });
    Some(list)
}

fn decode_words(raw: &str) -> Option<String> {
    if !raw.contains("=?") {
        return None;
    }
    let line = format!("X: {raw}\n");
    let (header, _) = mailparse::parse_header(line.as_bytes()).ok()?;
    Some(one_line(&header.get_value()))
}

fn mailbox(addr: &Addr<'_>) -> Mailbox {
    let shown = addr.name().map(|name| one_line(name.trim().trim_matches(['\'', '"'])));
    let mut name = shown.filter(|name| !name.is_empty());
    let address = addr.address().and_then(address);
    if address.is_none() && name.is_none() {
        name = addr.address().map(one_line).filter(|name| !name.is_empty());
    }
    Mailbox { name, address }
}

/// The address in lower case, if it is one.
pub fn address(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['<', '>', '\'', '"']);
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let (local, domain) = text.rsplit_once('@')?;
    let is_one = !local.is_empty()
        && !domain.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;".contains(c));
    is_one.then(|| text.to_lowercase())
}

/// Without line ends, tabs and doubled spaces.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> Headers {
        Headers::parse(text.as_bytes())
    }

    fn shown(field: &str, value: &str) -> String {
        let boxes = headers(&format!("{field}: {value}\n")).mailboxes(field);
        let one = |b: &Mailbox| {
            format!("{}|{}", b.name.as_deref().unwrap_or("-"), b.address.as_deref().unwrap_or("-"))
        };
        boxes.iter().map(one).collect::<Vec<_>>().join(" ; ")
    }

    #[test]
    fn people_are_read_with_name_and_address() {
        assert_eq!(shown("from", "Anna <Anna@Example.COM>"), "Anna|anna@example.com");
        assert_eq!(shown("from", "bo@example.com"), "-|bo@example.com");
        assert_eq!(shown("to", "a@x.de, B <b@x.de>"), "-|a@x.de ; B|b@x.de");
        assert_eq!(shown("from", "=?utf-8?q?J=C3=B6rg?= <j@x.de>"), "Jörg|j@x.de");
    }

    #[test]
    fn comments_are_left_out_unless_they_are_the_name() {
        assert_eq!(shown("from", "Pete (a \\) (b)) <pete(c)@x.de(d)>"), "Pete|pete@x.de");
        assert_eq!(shown("from", "a@x.de (Anna)"), "Anna|a@x.de");
        assert_eq!(shown("from", "\"A (x)\" <a@x.de>"), "A (x)|a@x.de");
    }

    #[test]
    fn a_comma_without_quotes_does_not_cut_a_name() {
        assert_eq!(shown("from", "Meier, Anna <anna@x.de>"), "Meier, Anna|anna@x.de");
    }

    #[test]
    fn a_subject_is_unfolded_and_decoded() {
        let subject =
            headers("Subject: =?iso-8859-1?Q?K=F6ln?=\n =?utf-8?B?LCA=?= bis\n  morgen\n");
        assert_eq!(subject.text("subject").unwrap(), "Köln, bis morgen");
    }

    #[test]
    fn a_character_cut_between_encoded_words_is_not_worse_than_one_parser() {
        let text = headers("Subject: =?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=\n").text("subject");
        assert!(text.unwrap().starts_with("caf"));
    }

    #[test]
    fn undeclared_8_bit_in_a_header_is_read() {
        let raw = b"Subject: K\xF6ln\nX-City: M\xC3\xBCnchen\n";
        let parsed = Headers::parse(raw);
        assert_eq!(parsed.text("subject").unwrap(), "Köln");
        assert_eq!(parsed.text("x-city").unwrap(), "München");
    }

    #[test]
    fn blank_lines_a_byte_order_mark_and_an_envelope_may_come_first() {
        for start in ["", "\n \r\n", "\u{FEFF}", "From a@b Mon Jan  1 10:00:00 2024\n"] {
            let message = format!("{start}Subject: a\r\n\r\nbody");
            let (head, body) = split(message.as_bytes());
            assert_eq!((head, body), (&b"Subject: a\r\n"[..], &b"body"[..]), "{start:?}");
        }
    }

    #[test]
    fn a_missing_empty_line_ends_the_header_where_the_fields_end() {
        assert_eq!(split(b"A: b\nhello you\n"), (&b"A: b\n"[..], &b"hello you\n"[..]));
        assert_eq!(split(b"hello you\n"), (&b""[..], &b"hello you\n"[..]));
    }

    #[test]
    fn ids_lose_their_brackets() {
        assert_eq!(headers("Message-ID: <a@b>\n").id("message-id").unwrap(), "a@b");
        assert_eq!(headers("Message-ID: a@b\n").id("message-id").unwrap(), "a@b");
    }
}
