//! Which of a message's parts is its text, and how that text is put down.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use crate::html;
use crate::mime::{Content, Notes, Part};

/// How many bytes of text a message may have.
pub const MAX_TEXT: usize = 1 << 20;

/// What the parts of one message hold, without those of messages attached to it.
#[derive(Debug, Default)]
pub struct Body<'p> {
    /// The text that a person reads.
    pub text: String,
    /// The same as a page shows it, where that says more: amounts, dates or codes that the text
    /// leaves out.
    pub page: Option<String>,
    /// The contents of `application/ld+json` scripts, in order.
    pub ld: Vec<String>,
    /// What pages hold as microdata, in order.
    pub items: Vec<Value>,
    /// Files.
    pub attachments: Vec<&'p Part>,
    /// The texts of iCalendar parts.
    pub calendars: Vec<String>,
    /// The text that Outlook wrapped: the same as the message's, or all that there is.
    wrapped: Option<Text>,
    /// Attached messages, each with the media type of what holds them.
    pub messages: Vec<(&'p Part, &'static str)>,
}

/// Sorts the parts of a message.
pub fn body<'p>(message: &'p Part, notes: &mut Notes) -> Body<'p> {
    let mut body = Body::default();
    let text = read(message, "", &mut body, notes).unwrap_or_default();
    let page = text.html.as_deref().map(tidy);
    body.text = tidy(&text.best());
    body.page = page.filter(|page| says_more(page, &body.text));
    if body.text.is_empty()
        && let Some(text) = body.wrapped.take()
    {
        body.text = tidy(&text.best());
    }
    for text in body.calendars.iter_mut().chain([&mut body.text]).chain(&mut body.page) {
        if text.len() > MAX_TEXT {
            notes.add("only the first MiB of a text was kept");
            text.truncate(text.floor_char_boundary(MAX_TEXT));
        }
    }
    body
}

/// Whether a page holds a number or code that a text does not.
fn says_more(page: &str, text: &str) -> bool {
    let words = |text| str::split(text, |c: char| c.is_whitespace() || "|(),;".contains(c));
    let known: HashSet<&str> = words(text).collect();
    let is_data = |word: &&str| word.bytes().any(|b| b.is_ascii_digit());
    words(page).filter(is_data).any(|word| !known.contains(word))
}

/// A text in the forms that a message gives it.
#[derive(Debug, Default)]
struct Text {
    plain: Option<String>,
    html: Option<String>,
}

impl Text {
    /// The plain form, unless it only says that there is another one.
    fn best(self) -> String {
        match (self.plain, self.html) {
            (Some(plain), Some(html)) if is_placeholder(&plain, &html) => html,
            (Some(plain), _) => plain,
            (None, html) => html.unwrap_or_default(),
        }
    }
}

fn read<'p>(
    part: &'p Part,
    parent: &'static str,
    body: &mut Body<'p>,
    notes: &mut Notes,
) -> Option<Text> {
    match &part.content {
        Content::Message(inner) => {
            body.messages.push((inner, parent));
            None
        }
        Content::Leaf(_) => leaf(part, body, notes),
        Content::Parts(parts) if !part.media_type.starts_with("multipart/") => {
            let mut text = Text::default();
            for one in parts.iter().filter_map(|part| read(part, "wrapped", body, notes)) {
                text.plain = text.plain.or(one.plain);
                text.html = one.html.or(text.html);
            }
            body.wrapped.get_or_insert(text);
            None
        }
        Content::Parts(parts) if part.media_type == "multipart/alternative" => {
            let mut text = Text::default();
            for part in parts {
                if let Some(one) = read(part, "alternative", body, notes) {
                    text.plain = text.plain.or(one.plain);
                    text.html = one.html.or(text.html);
                }
            }
            Some(text)
        }
        Content::Parts(parts) => {
            let kind = match part.media_type.as_str() {
                "multipart/report" => "report",
                "multipart/digest" => "digest",
                _ => "mixed",
            };
            let is_related = part.media_type == "multipart/related";
            let mut texts = Vec::new();
            for part in parts {
                match read(part, kind, body, notes) {
                    // The first part of a related set is its root (RFC 2387).
                    Some(root) if is_related && texts.is_empty() => texts.push(root),
                    Some(_) if is_related => {}
                    Some(text) => texts.push(text),
                    None => {}
                }
            }
            match texts.len() {
                0 | 1 => texts.pop(),
                _ => {
                    let all = texts.into_iter().map(Text::best).filter(|t| !t.trim().is_empty());
                    let plain = all.collect::<Vec<_>>().join("\n");
                    Some(Text { plain: Some(plain), html: None })
                }
            }
        }
    }
}

fn leaf<'p>(part: &'p Part, body: &mut Body<'p>, notes: &mut Notes) -> Option<Text> {
    let kind = part.media_type.as_str();
    let name = part.headers.file_name().unwrap_or_default().to_ascii_lowercase();
    if matches!(kind, "text/calendar" | "application/ics") || name.ends_with(".ics") {
        body.calendars.push(part.text(notes).replace("\r\n", "\n"));
    }
    if kind == "application/ld+json" {
        body.ld.push(part.text(notes));
    }
    if part.is_attachment() {
        body.attachments.push(part);
        return None;
    }
    let text = part.text(notes);
    if is_html(part, &text) {
        let page = html::render(&text);
        body.ld.extend(page.ld);
        body.items.extend(page.items);
        return Some(Text { plain: None, html: Some(page.text) });
    }
    let is_flowed = part.parameter("format").is_some_and(|format| format == "flowed");
    let plain = if is_flowed {
        let delsp = part.parameter("delsp").is_some_and(|delsp| delsp == "yes");
        unflow(&text, delsp)
    } else {
        text
    };
    Some(Text { plain: Some(plain), html: None })
}

/// Whether a part's text is HTML, whatever it is called.
pub fn is_html(part: &Part, text: &str) -> bool {
    let start = text.trim_start().get(..14).unwrap_or_default().to_ascii_lowercase();
    let looks = start.starts_with("<!doctype html") || start.starts_with("<html");
    part.media_type == "text/html" || looks
}

/// Whether a plain text says nothing but that the message is in HTML.
fn is_placeholder(plain: &str, html: &str) -> bool {
    let plain = plain.trim();
    if !html.chars().any(char::is_alphanumeric) {
        return false;
    }
    if !plain.chars().any(char::is_alphanumeric) {
        return true;
    }
    let lower = plain.to_lowercase();
    let speaks_of_html = lower.contains("html") || lower.contains("browser");
    let is_link = !plain.contains(char::is_whitespace) && lower.starts_with("http");
    let is_short = plain.len() < 500 && plain.len() < html.trim().len();
    is_short && (speaks_of_html || is_link)
}

/// Joins the lines that a mail program broke (RFC 3676).
fn unflow(text: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|&byte| byte == b'>').count();
        let content = line[depth..].strip_prefix(' ').unwrap_or(&line[depth..]);
        let continues = open == Some(depth) && content != "-- ";
        if !continues {
            if !out.is_empty() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 {
                out.push(' ');
            }
        }
        let flows = content.ends_with(' ') && content != "-- ";
        out.push_str(if flows && delsp { &content[..content.len() - 1] } else { content });
        open = flows.then_some(depth);
    }
    out
}

/// Lines end with `\n`, without blanks before it; odd spaces are spaces, invisible characters
/// gone, and no more than two lines in a row are blank.
pub fn tidy(text: &str) -> String {
    let unified = match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n")),
        false => Cow::Borrowed(text),
    };
    let mut out = String::with_capacity(unified.len());
    let mut blank = 0;
    for line in unified.split(['\n', '\r']) {
        let is_visible = line.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        let line = match is_visible {
            true => Cow::Borrowed(line),
            false => Cow::Owned(line.chars().filter_map(visible).collect()),
        };
        let line = line.trim_end();
        if line.is_empty() {
            blank += 1;
            continue;
        }
        if !out.is_empty() {
            out.extend(std::iter::repeat_n('\n', blank.min(2) + 1));
        }
        blank = 0;
        out.push_str(line);
    }
    out
}

fn visible(c: char) -> Option<char> {
    match c {
        '\u{A0}' | '\u{202F}' | '\u{2000}'..='\u{200A}' | '\u{3000}' => Some(' '),
        '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}'
        | '\u{34F}' => None,
        '\t' => Some('\t'),
        c if c.is_control() => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mime;

    fn text(message: &str) -> String {
        let mut notes = Notes::default();
        let part = mime::parse(message.as_bytes(), &mut notes);
        body(&part, &mut notes).text
    }

    fn alternative(plain: &str, html: &str) -> String {
        text(&format!(
            "Content-Type: multipart/alternative; boundary=x\n\n--x\n\n{plain}\n--x\n\
             Content-Type: text/html\n\n{html}\n--x--\n"
        ))
    }

    #[test]
    fn plain_text_comes_before_html() {
        assert_eq!(alternative("plain", "<p>html</p>"), "plain");
    }

    #[test]
    fn a_plain_text_that_says_nothing_gives_way_to_html() {
        let html = "<p>Booking AB12 for Anna Meier, picked up in Berlin</p>";
        let text = "Booking AB12 for Anna Meier, picked up in Berlin";
        for plain in ["", " \n--\n", "This is an HTML message", "https://example.com/m/1"] {
            assert_eq!(alternative(plain, html), text, "{plain:?}");
        }
    }

    #[test]
    fn flowed_lines_are_joined() {
        let of = |params: &str, body: &str| {
            text(&format!("Content-Type: text/plain; format=flowed{params}\n\n{body}"))
        };
        assert_eq!(
            of("", "a long \nline\n> quoted \n> too\n-- \nme\n"),
            "a long line\n> quoted too\n--\nme"
        );
        assert_eq!(of("; delsp=yes", "AB \n12\n"), "AB12");
        assert_eq!(of("", " From x\n"), "From x");
    }

    #[test]
    fn a_text_is_tidied() {
        assert_eq!(tidy("\r\n a\u{A0}b \t\r\n\n\n\n\nc\u{200B}d\re\n\n"), " a b\n\n\ncd\ne");
    }

    #[test]
    fn html_in_the_wrong_part_is_still_html() {
        assert_eq!(text("Content-Type: text/plain\n\n<html><b>a</b><br>c"), "a\nc");
    }
}
