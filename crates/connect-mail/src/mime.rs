//! The parts that a message is made of (RFC 2045, RFC 2046).
//!
//! Fields are decoded by mail-parser. The walk over the parts is our own: it bounds depth and
//! number, keeps the raw bytes of a text so that a wrong charset can be put right, and finds
//! the boundary that a header forgot.

use mail_parser::decoders::base64::base64_decode;
use restitch_model::{EvidenceId, Remark};

use crate::charset;
use crate::header::{Headers, field_name, split, split_part};
use crate::quoted_printable;
use crate::tnef::{self, Wrapped};

/// How deep parts may be nested, attached messages counted.
pub const MAX_DEPTH: usize = 8;
/// How many parts of a message are read.
pub const MAX_PARTS: usize = 200;
/// How many bytes of a message are read.
pub const MAX_BYTES: usize = 64 << 20;

/// A message, or a part of one.
#[derive(Debug)]
pub struct Part {
    /// Its header.
    pub headers: Headers,
    /// Its media type in lower case, such as `text/plain`.
    pub media_type: String,
    /// What it holds.
    pub content: Content,
    /// Where it stands in the bytes of the whole message.
    pub span: Span,
}

/// Where a part stands in the bytes of the whole message, as ranges of bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// Its header.
    pub head: (usize, usize),
    /// What follows its header, up to its end.
    pub body: (usize, usize),
    /// Whether it stands there itself. A part of a message that was attached in base64 stands
    /// nowhere as it is: then both ranges are all of that attachment.
    pub is_exact: bool,
}

/// What a part holds.
#[derive(Debug)]
pub enum Content {
    /// Bytes, with the transfer encoding undone.
    Leaf(Vec<u8>),
    /// Further parts.
    Parts(Vec<Part>),
    /// A message of its own.
    Message(Box<Part>),
}

/// What was noticed while a message was read; each once.
#[derive(Debug, Default)]
pub struct Notes {
    texts: Vec<String>,
}

impl Notes {
    /// Keeps a sentence, unless it was said already.
    pub fn add(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.texts.contains(&text) {
            self.texts.push(text);
        }
    }

    /// The notes as remarks about the item with these bytes.
    pub fn into_remarks(self, bytes: &[u8]) -> Vec<Remark> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        let about = EvidenceId::of(bytes).to_string();
        self.texts.into_iter().map(|text| Remark::new(&about, text)).collect()
    }
}

/// Reads a message. Any bytes give one.
pub fn parse(bytes: &[u8], notes: &mut Notes) -> Part {
    let bytes = match bytes.get(..MAX_BYTES) {
        Some(first) if bytes.len() > MAX_BYTES => {
            notes.add(format!("only its first {} MiB were read", MAX_BYTES >> 20));
            first
        }
        _ => bytes,
    };
    let mut walk = Walk { parts: 0, notes, origin: bytes, around: None };
    let message = walk.part(split(bytes), 0, "text/plain");
    if message.headers.names().next().is_none() {
        walk.notes.add("it has no header: all of it was taken as text");
    }
    message
}

struct Walk<'n> {
    parts: usize,
    notes: &'n mut Notes,
    /// The bytes of the whole message.
    origin: &'n [u8],
    /// The encoded part whose decoded bytes are being walked.
    around: Option<(usize, usize)>,
}

impl Walk<'_> {
    /// Where bytes of the message stand in it.
    fn range(&self, bytes: &[u8]) -> (usize, usize) {
        let start = (bytes.as_ptr() as usize).wrapping_sub(self.origin.as_ptr() as usize);
        // An empty header or body may be a constant that stands nowhere.
        if start > self.origin.len() { (0, 0) } else { (start, start + bytes.len()) }
    }

    fn part(&mut self, (head, body): (&[u8], &[u8]), depth: usize, default_type: &str) -> Part {
        self.parts += 1;
        let span = match self.around {
            Some(range) => Span { head: range, body: range, is_exact: false },
            None => Span { head: self.range(head), body: self.range(body), is_exact: true },
        };
        let headers = Headers::parse(head);
        let mut media_type = media_type(&headers, default_type);
        let content = self.content(&headers, &media_type, body, depth);
        if media_type.starts_with("multipart/") && matches!(content, Content::Leaf(_)) {
            // Without its parts it is a text for whoever wants to see what is there.
            "text/plain".clone_into(&mut media_type);
        }
        Part { headers, media_type, content, span }
    }

    fn content(
        &mut self,
        headers: &Headers,
        media_type: &str,
        body: &[u8],
        depth: usize,
    ) -> Content {
        let is_message = matches!(
            media_type,
            "message/rfc822" | "message/global" | "message/news" | "message/partial"
        );
        if media_type == "message/partial" {
            self.notes.add("it is a piece of a longer message (message/partial)");
        }
        let is_multipart = media_type.starts_with("multipart/");
        if depth >= MAX_DEPTH && (is_message || is_multipart) {
            self.notes.add(format!("parts nested deeper than {MAX_DEPTH} were not opened"));
            return Content::Leaf(body.to_vec());
        }
        if is_multipart {
            let declared = headers.content("content-type").and_then(|c| c.attribute("boundary"));
            let boundary = match declared.map(|b| b.trim_end().as_bytes().to_vec()) {
                Some(boundary) if !boundary.is_empty() && delimits(body, &boundary) => boundary,
                _ => match guess_boundary(body) {
                    Some(boundary) => {
                        self.notes
                            .add("its parts' boundary was not declared and was found by looking");
                        boundary
                    }
                    None => {
                        self.notes.add("it says that it has parts, and none were found");
                        return Content::Leaf(self.undo_encoding(headers, "text/plain", body));
                    }
                },
            };
            let child =
                if media_type == "multipart/digest" { "message/rfc822" } else { "text/plain" };
            let mut parts = Vec::new();
            for piece in pieces(body, &boundary) {
                if self.parts >= MAX_PARTS {
                    self.notes.add(format!("only its first {MAX_PARTS} parts were read"));
                    break;
                }
                parts.push(self.part(split_part(piece), depth + 1, child));
            }
            return Content::Parts(parts);
        }
        let decoded = self.undo_encoding(headers, media_type, body);
        if let Some(wrapped) = tnef::unwrap(&decoded) {
            return Content::Parts(self.wrapped(wrapped, self.around.unwrap_or(self.range(body))));
        }
        let is_file = media_type == "application/octet-stream"
            && headers.file_name().is_some_and(|name| name.to_ascii_lowercase().ends_with(".eml"));
        if is_message || (is_file && depth < MAX_DEPTH) {
            if self.parts >= MAX_PARTS {
                self.notes.add(format!("only its first {MAX_PARTS} parts were read"));
                return Content::Leaf(decoded);
            }
            if decoded == body {
                return Content::Message(Box::new(self.part(split(body), depth + 1, "text/plain")));
            }
            let outside = self.around;
            self.around = outside.or(Some(self.range(body)));
            let message = self.part(split(&decoded), depth + 1, "text/plain");
            self.around = outside;
            return Content::Message(Box::new(message));
        }
        Content::Leaf(decoded)
    }

    /// What Outlook wrapped, as parts: the text first, then the files.
    fn wrapped(&mut self, wrapped: Wrapped, range: (usize, usize)) -> Vec<Part> {
        if wrapped.is_broken {
            self.notes.add(
                "what Outlook wrapped (winmail.dat) is broken: what can be read of it was read",
            );
        }
        let texts = [("text/plain", wrapped.text), ("text/html", wrapped.html)];
        let texts = texts.into_iter().filter_map(|(media_type, text)| {
            Some((
                media_type.to_owned(),
                None,
                text.filter(|text| !text.trim().is_empty())?.into_bytes(),
            ))
        });
        let files = wrapped.files.into_iter().map(|file| {
            let media_type = file.media_type.filter(|name| name.contains('/'));
            let name = file.name.unwrap_or_default();
            (
                media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                Some(name),
                file.bytes,
            )
        });
        let mut parts = Vec::new();
        for (media_type, name, bytes) in texts.chain(files) {
            if self.parts >= MAX_PARTS {
                self.notes.add(format!("only its first {MAX_PARTS} parts were read"));
                break;
            }
            self.parts += 1;
            let headers = Headers::of_file(&media_type, name.as_deref());
            let span = Span { head: range, body: range, is_exact: false };
            parts.push(Part { headers, media_type, content: Content::Leaf(bytes), span });
        }
        parts
    }

    fn undo_encoding(&mut self, headers: &Headers, media_type: &str, body: &[u8]) -> Vec<u8> {
        match Encoding::of(headers) {
            Encoding::Base64 => base64_decode(body).unwrap_or_else(|| {
                self.notes.add("a part's base64 is broken: what can be read of it was read");
                lenient_base64(body)
            }),
            Encoding::QuotedPrintable => quoted_printable::decode(body),
            Encoding::Uuencode => uudecode(body).unwrap_or_else(|| body.to_vec()),
            Encoding::None if media_type.starts_with("text/") => without_from_quotes(body),
            Encoding::None => body.to_vec(),
        }
    }
}

/// How the bytes of a part were made fit to be sent (RFC 2045, 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all: `7bit`, `8bit`, `binary`, or something that nobody knows.
    None,
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `x-uuencode`, from before MIME.
    Uuencode,
}

impl Encoding {
    fn of(headers: &Headers) -> Self {
        let named = headers.text("content-transfer-encoding").unwrap_or_default();
        match named.trim_matches([';', '"', ' ']).to_ascii_lowercase().as_str() {
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            "x-uuencode" | "uuencode" | "x-uue" => Self::Uuencode,
            _ => Self::None,
        }
    }
}

impl Part {
    /// How its bytes stand in the message.
    pub fn encoding(&self) -> Encoding {
        Encoding::of(&self.headers)
    }

    /// The charset that it declares, in its header or in its page.
    pub fn charset(&self) -> Option<String> {
        let declared = self.headers.content("content-type").and_then(|c| c.attribute("charset"));
        match (declared, &self.content) {
            (Some(declared), _) => Some(declared.to_owned()),
            (None, Content::Leaf(bytes)) if self.media_type == "text/html" => {
                charset::named_in_html(bytes)
            }
            _ => None,
        }
    }

    /// The text of a leaf, by its charset or a better one.
    pub fn text(&self, notes: &mut Notes) -> String {
        let Content::Leaf(bytes) = &self.content else { return String::new() };
        let (text, note) = charset::decode(bytes, self.charset().as_deref());
        if let Some(note) = note {
            notes.add(note);
        }
        text
    }

    /// A parameter of its Content-Type, in lower case.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let content = self.headers.content("content-type")?;
        content.attribute(name).map(str::to_ascii_lowercase)
    }

    /// Whether it is meant to be kept as a file rather than read in place.
    pub fn is_attachment(&self) -> bool {
        let disposition = self.headers.content("content-disposition");
        disposition.is_some_and(|d| d.ctype().eq_ignore_ascii_case("attachment"))
            || (!matches!(self.media_type.as_str(), "text/plain" | "text/html")
                && matches!(self.content, Content::Leaf(_)))
            || (disposition.is_none() && self.headers.file_name().is_some())
    }
}

fn media_type(headers: &Headers, default: &str) -> String {
    let Some(content) = headers.content("content-type") else { return default.to_owned() };
    let kind = content.ctype().trim().to_ascii_lowercase();
    match content.subtype().map(|sub| sub.trim().to_ascii_lowercase()) {
        // A missing semicolon leaves the parameters in the subtype.
        Some(sub) if !sub.is_empty() => {
            format!("{kind}/{}", sub.split_whitespace().next().unwrap_or_default())
        }
        // `Content-Type: text` of old programs.
        _ if kind == "text" || kind.is_empty() => "text/plain".to_owned(),
        _ if kind == "multipart" => "multipart/mixed".to_owned(),
        _ => kind,
    }
}

/// What a line is to a boundary: nothing, the beginning of a part, or the end of all.
enum Line {
    Other,
    Begins,
    Ends,
}

fn line_kind(line: &[u8], boundary: &[u8]) -> Line {
    let Some(rest) = line.strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary)) else {
        return Line::Other;
    };
    match rest.trim_ascii() {
        b"" => Line::Begins,
        b"--" => Line::Ends,
        _ => Line::Other,
    }
}

fn delimits(body: &[u8], boundary: &[u8]) -> bool {
    let mut lines = body.split(|&byte| byte == b'\n');
    lines.any(|line| matches!(line_kind(line, boundary), Line::Begins))
}

/// The bytes between the delimiter lines, without the line end that belongs to a delimiter.
fn pieces<'b>(body: &'b [u8], boundary: &[u8]) -> Vec<&'b [u8]> {
    let mut found = Vec::new();
    let mut begun: Option<usize> = None;
    let mut at = 0;
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let kind = line_kind(line, boundary);
        if !matches!(kind, Line::Other) {
            if let Some(start) = begun.take() {
                let piece = &body[start..at.max(start)];
                let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
                found.push(piece.strip_suffix(b"\r").unwrap_or(piece));
            }
            if matches!(kind, Line::Ends) {
                return found;
            }
            begun = Some(at + line.len());
        }
        at += line.len();
    }
    found.extend(begun.map(|start| &body[start..]));
    found
}

/// The first line that looks like a delimiter, with a Content- field or an empty line after it.
fn guess_boundary(body: &[u8]) -> Option<Vec<u8>> {
    let mut lines = body.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end).peekable();
    while let Some(line) = lines.next() {
        let Some(boundary) = line.strip_prefix(b"--").filter(|b| !b.is_empty()) else { continue };
        let is_dashes = boundary.iter().all(|&byte| byte == b'-');
        let next = lines.peek().copied().unwrap_or_default();
        let has_field = field_name(next).is_some_and(|name| name.starts_with("content-"));
        if has_field && !is_dashes && !boundary.contains(&b' ') {
            return Some(boundary.to_vec());
        }
    }
    None
}

/// Base64 with what is not base64 left out.
fn lenient_base64(body: &[u8]) -> Vec<u8> {
    let clean: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .collect();
    // A lone last sextet carries no byte.
    let whole = clean.len() - usize::from(clean.len() % 4 == 1);
    let mut padded = clean[..whole].to_vec();
    padded.resize(whole.div_ceil(4) * 4, b'=');
    base64_decode(&padded).unwrap_or_default()
}

/// The bytes between `begin` and `end` (POSIX uuencode). `None` where nothing begins.
fn uudecode(body: &[u8]) -> Option<Vec<u8>> {
    let mut lines = body.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.find(|line| line.starts_with(b"begin "))?;
    let mut out = Vec::new();
    for line in lines {
        let Some((&count, digits)) = line.split_first().filter(|_| line != b"end") else { break };
        let length = usize::from(count.wrapping_sub(32) & 63);
        let mut decoded = Vec::with_capacity(length + 2);
        for four in digits.chunks(4) {
            let digit = |i: usize| u32::from(four.get(i).unwrap_or(&b' ').wrapping_sub(32) & 63);
            let bits = digit(0) << 18 | digit(1) << 12 | digit(2) << 6 | digit(3);
            decoded.extend_from_slice(&bits.to_be_bytes()[1..]);
        }
        // Blanks at the end of a line are often lost.
        decoded.resize(length, 0);
        out.extend(decoded);
    }
    Some(out)
}

/// Undoes the `>` that an mbox writer put before `From ` at the start of a line. A line among
/// other quoted lines is a quote.
fn without_from_quotes(body: &[u8]) -> Vec<u8> {
    if !body.windows(6).any(|window| window == b">From ") {
        return body.to_vec();
    }
    let lines: Vec<&[u8]> = body.split_inclusive(|&byte| byte == b'\n').collect();
    let is_quote =
        |i: Option<usize>| i.and_then(|i| lines.get(i)).is_some_and(|line| line.starts_with(b">"));
    let mut out = Vec::with_capacity(body.len());
    for (i, line) in lines.iter().enumerate() {
        let depth = line.iter().take_while(|&&byte| byte == b'>').count();
        let is_quoted_from = depth > 0 && line[depth..].starts_with(b"From ");
        let alone = !is_quote(i.checked_sub(1)) && !is_quote(Some(i + 1));
        out.extend_from_slice(if is_quoted_from && alone { &line[1..] } else { line });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree of parts: media types, with texts of leaves.
    fn tree(message: &str) -> String {
        let mut notes = Notes::default();
        let part = parse(message.as_bytes(), &mut notes);
        let mut out = String::new();
        show(&part, 0, &mut out);
        for note in notes.texts {
            out.push_str(&format!("! {note}\n"));
        }
        out
    }

    fn show(part: &Part, depth: usize, out: &mut String) {
        let pad = " ".repeat(depth);
        match &part.content {
            Content::Leaf(_) => {
                let text = part.text(&mut Notes::default());
                out.push_str(&format!("{pad}{} {text:?}\n", part.media_type));
            }
            Content::Parts(parts) => {
                out.push_str(&format!("{pad}{}\n", part.media_type));
                parts.iter().for_each(|part| show(part, depth + 1, out));
            }
            Content::Message(inner) => {
                out.push_str(&format!("{pad}{}\n", part.media_type));
                show(inner, depth + 1, out);
            }
        }
    }

    #[test]
    fn parts_are_told_apart_by_their_boundary() {
        let message = "Content-Type: multipart/mixed; boundary=ab\n\nhello\n--ab\n\none\n--abc\n\
                       --ab\nContent-Type: text/html\n\n<p>\n--ab--\nbye\n";
        assert_eq!(
            tree(message),
            "multipart/mixed\n text/plain \"one\\n--abc\"\n text/html \"<p>\"\n"
        );
    }

    #[test]
    fn a_forgotten_boundary_is_found() {
        let message =
            "Content-Type: multipart/alternative\n\n--x1\nContent-Type: text/plain\n\na\n--x1--\n";
        assert_eq!(
            tree(message),
            "multipart/alternative\n text/plain \"a\"\n\
             ! its parts' boundary was not declared and was found by looking\n"
        );
    }

    #[test]
    fn transfer_encodings_are_undone_even_when_broken() {
        let of = |encoding: &str, body: &str| {
            tree(&format!("Content-Transfer-Encoding: {encoding}\n\n{body}"))
        };
        assert_eq!(of("base64", "w7xiZXI="), "text/plain \"über\"\n");
        assert!(of("base64", "aGVs*bG8=").starts_with("text/plain \"hello\"\n!"));
        assert_eq!(of("quoted-printable", "=C3=BCber=\n all =ZZ"), "text/plain \"über all =ZZ\"\n");
        assert_eq!(of("x-uuencode", "begin 644 a\n%:&5L;&\\\n`\nend\n"), "text/plain \"hello\"\n");
        assert_eq!(of("8bit", "hi\n>From me\n"), "text/plain \"hi\\nFrom me\\n\"\n");
        assert_eq!(of("8bit", "> a\n>From me\n"), "text/plain \"> a\\n>From me\\n\"\n");
    }

    #[test]
    fn nesting_is_bounded() {
        let message = "Content-Type: message/rfc822\n\n".repeat(20_000);
        assert!(tree(&message).contains("nested deeper than 8"));
    }

    #[test]
    fn the_number_of_parts_is_bounded() {
        let parts = "--x\n\na\n".repeat(1000);
        let message = format!("Content-Type: multipart/mixed; boundary=x\n\n{parts}");
        assert!(tree(&message).contains("only its first 200 parts"));
    }
}
