//! Where in a message's bytes the words of a fact stand, also where they were encoded.
//!
//! A text that a person reads has lost line ends, tags and marks of quoting on its way from the
//! bytes; what is left are the characters that can be seen, in the same order. So words are
//! looked for among the visible characters of the parts, by themselves and by what stands around
//! them, and from there the way goes back through charset and transfer encoding.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use restitch_model::{Fact, FactValue, Place};

use crate::body::is_html;
use crate::entity;
use crate::letter::{Letter, letter};
use crate::markup::{raw_text, tag};
use crate::mime::{self, Content, Encoding, Notes, Part};
use crate::origin;
use crate::read::read_message;

/// How many characters around the words help to find them.
const AROUND: usize = 30;

/// Where words stand in the bytes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The part, numbered as in IMAP (RFC 3501, 6.4.5): `1`, `2.1`; `header`, or `2.header` for
    /// that of an attached message.
    pub part: String,
    /// The range of bytes in the message as it stands.
    pub range: (usize, usize),
    /// How they are encoded there: `base64`, `quoted-printable` or `x-uuencode`.
    pub encoding: Option<&'static str>,
}

/// Finds the words of a fact of [`read_message`] in the message that it was read from. `None`
/// where they stand nowhere as such: a digest, a verdict, an attached file. Total: any bytes and
/// any place give an answer.
pub fn locate(message: &[u8], place: &Place) -> Option<Spot> {
    locate_all(message, &[place]).pop().flatten()
}

/// Finds the words of many facts of a message, as [`locate`] does, in their order. The message is
/// taken apart once.
pub fn locate_all(message: &[u8], places: &[&Place]) -> Vec<Option<Spot>> {
    let root = mime::parse(message, &mut Notes::default());
    let letter = letter(&root, &mut Notes::default());
    let found = Found::new(message, &root, &letter);
    places.iter().map(|place| found.locate(place)).collect()
}

/// A message taken apart, with all that is looked for in it made when it is first needed.
struct Found<'m> {
    message: &'m [u8],
    root: &'m Part,
    letter: &'m Letter<'m>,
    /// All parts, with their numbers.
    parts: Vec<(String, &'m Part)>,
    /// The texts among them.
    texts: OnceCell<Vec<Text<'m>>>,
    facts: OnceCell<Vec<Fact>>,
    /// What can be seen of the texts that facts speak of, by their fields.
    wanted: RefCell<BTreeMap<String, Rc<Visible>>>,
}

/// A part's text.
struct Text<'m> {
    path: String,
    part: &'m Part,
    text: String,
    is_html: bool,
    visible: Visible,
}

impl<'m> Found<'m> {
    fn new(message: &'m [u8], root: &'m Part, letter: &'m Letter<'m>) -> Self {
        let mut parts = Vec::new();
        leaves(root, "", &mut parts);
        let (texts, facts, wanted) = Default::default();
        Self { message, root, letter, parts, texts, facts, wanted }
    }

    fn texts(&self) -> &[Text<'m>] {
        self.texts.get_or_init(|| {
            let leaves = self.parts.iter().filter(|(_, part)| {
                matches!(part.content, Content::Leaf(_))
                    && (!part.is_attachment() || part.media_type.starts_with("text/"))
            });
            let text = |(path, part): &(String, &'m Part)| {
                let text = part.text(&mut Notes::default());
                let is_html = is_html(part, &text);
                let visible =
                    if is_html { Visible::of_page(&text) } else { Visible::of_text(&text) };
                Text { path: path.clone(), part, text, is_html, visible }
            };
            leaves.map(text).collect()
        })
    }

    fn locate(&self, place: &Place) -> Option<Spot> {
        let (message, letter) = (self.message, self.letter);
        let field = place.field.as_str();
        if let Some(name) = field.strip_prefix("header:").filter(|_| !letter.is_hearsay) {
            let path = self.parts.iter().find(|(_, part)| std::ptr::eq(*part, letter.message));
            let path = path.map(|(path, _)| path.as_str()).unwrap_or_default();
            let decoded = letter.headers.text(name);
            return in_header(message, letter.message, path, name, decoded.as_deref(), place.range);
        }
        if let Some(name) = field.strip_prefix("outer:").filter(|name| *name != "text") {
            let decoded = self.root.headers.text(name);
            return in_header(message, self.root, "", name, decoded.as_deref(), place.range);
        }
        let whole;
        let (text, is_data) = match field {
            "text" => (letter.text.as_str(), false),
            "page" => (letter.extras.page.as_deref()?, false),
            "quoted:text" => (letter.quoted.as_deref()?, false),
            "outer:text" => {
                let mut notes = letter.hops.iter().map(|hop| hop.note.as_str());
                (notes.find(|note| !note.is_empty())?, false)
            }
            _ => {
                let facts = self.facts.get_or_init(|| read_message(message).facts);
                let fact = facts.iter().find(|fact| fact.name == field)?;
                whole = match &fact.value {
                    FactValue::Text(text) | FactValue::Email(text) => text.clone(),
                    other => other.to_string(),
                };
                // The header of a message passed on inside of a text is a part of that text.
                (whole.as_str(), !field.starts_with("header:"))
            }
        };
        let (start, end) = place.range.filter(|_| !is_data).unwrap_or((0, text.len()));
        text.get(start..end)?;
        if is_data {
            // Structured data stands in pages, and there in what is not shown.
            let key = field.rsplit('/').next().unwrap_or_default();
            let mut pages = self
                .texts()
                .iter()
                .filter(|text| text.is_html || text.part.media_type.ends_with("json"));
            return pages
                .find_map(|page| Some(page.spot(message, in_data(&page.text, key, text)?)));
        }
        let wanted = self.wanted(field, text);
        let words = wanted.between(start, end)?;
        for (before, after) in [(AROUND, AROUND), (AROUND, 0), (0, AROUND), (0, 0)] {
            for page in self.texts() {
                if let Some(range) = page.visible.find(&wanted, words, before, after) {
                    return Some(page.spot(message, range));
                }
            }
        }
        None
    }

    fn wanted(&self, field: &str, text: &str) -> Rc<Visible> {
        let mut known = self.wanted.borrow_mut();
        match known.get(field) {
            Some(visible) => visible.clone(),
            None => {
                let visible = Rc::new(Visible::of_text(text));
                known.insert(field.to_owned(), visible.clone());
                visible
            }
        }
    }
}

impl Text<'_> {
    fn spot(&self, message: &[u8], range: (usize, usize)) -> Spot {
        spot(message, self.part, &self.path, &self.text, range)
    }
}

/// All parts, with their numbers.
fn leaves<'p>(part: &'p Part, path: &str, found: &mut Vec<(String, &'p Part)>) {
    found.push((if path.is_empty() { "1".to_owned() } else { path.to_owned() }, part));
    match &part.content {
        Content::Leaf(_) => {}
        Content::Parts(parts) => {
            let start = if path.is_empty() { String::new() } else { format!("{path}.") };
            for (i, inner) in parts.iter().enumerate() {
                leaves(inner, &format!("{start}{}", i + 1), found);
            }
        }
        Content::Message(inner) => {
            leaves(inner, if path.is_empty() { "1" } else { path }, found);
        }
    }
}

/// The value of a field, or the words of it where it is written plainly.
fn in_header(
    message: &[u8],
    part: &Part,
    path: &str,
    name: &str,
    decoded: Option<&str>,
    range: Option<(usize, usize)>,
) -> Option<Spot> {
    let (start, end) = part.span.head;
    let head = message.get(start..end)?;
    let path =
        if path.is_empty() || path == "1" { "header".to_owned() } else { format!("{path}.header") };
    let mut at = 0;
    let mut found: Option<(usize, usize)> = None;
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let goes_on = line.starts_with(b" ") || line.starts_with(b"\t");
        match (&mut found, goes_on) {
            (Some(value), true) => value.1 = at + line.len(),
            (Some(_), false) => break,
            (None, _) => {
                let is_it = crate::header::field_name(line).is_some_and(|known| known == name);
                let colon = line.iter().position(|&byte| byte == b':');
                if let Some(colon) = colon.filter(|_| is_it) {
                    found = Some((at + colon + 1, at + line.len()));
                }
            }
        }
        at += line.len();
    }
    let (from, upto) = found?;
    let value = &head[from..upto];
    let blank = value.len() - value.trim_ascii_start().len();
    let trimmed = value.trim_ascii();
    let mut place = (from + blank, from + blank + trimmed.len());
    let words = range.and_then(|(a, b)| decoded?.get(a..b)).filter(|words| !words.is_empty());
    if let Some(words) = words {
        let mut windows = trimmed.windows(words.len());
        if let Some(offset) = windows.position(|window| window == words.as_bytes()) {
            place = (place.0 + offset, place.0 + offset + words.len());
        }
    }
    Some(Spot { part: path, range: (start + place.0, start + place.1), encoding: None })
}

/// A range of a part's text as a range of the message.
fn spot(message: &[u8], part: &Part, path: &str, text: &str, range: (usize, usize)) -> Spot {
    let encoding = part.encoding();
    let named = match encoding {
        Encoding::None => None,
        Encoding::Base64 => Some("base64"),
        Encoding::QuotedPrintable => Some("quoted-printable"),
        Encoding::Uuencode => Some("x-uuencode"),
    };
    let (start, end) = part.span.body;
    let mut place = (start, end);
    if part.span.is_exact
        && let Content::Leaf(decoded) = &part.content
    {
        let bytes = origin::of_text(part, text, range);
        let raw = message.get(start..end).unwrap_or_default();
        let (from, upto) = origin::of_bytes(raw, encoding, decoded, bytes);
        place = (start + from, start + upto);
    }
    Spot { part: path.to_owned(), range: place, encoding: named }
}

/// A property's value in a script or in an attribute: after its name, as near as it comes.
fn in_data(page: &str, key: &str, value: &str) -> Option<(usize, usize)> {
    const NEAR: usize = 200;
    const MAX_KEYS: usize = 1000;
    let written =
        [value.to_owned(), serde_json::to_string(value).ok()?.trim_matches('"').to_owned()];
    page.match_indices(key).take(MAX_KEYS).find_map(|(at, _)| {
        let from = at + key.len();
        written.iter().find_map(|written| {
            let start = &written[..written.floor_char_boundary(NEAR)];
            let near = &page[from..page.floor_char_boundary(from + NEAR + start.len())];
            let begin = from + near.find(start)?;
            page[begin..].starts_with(written).then_some((begin, begin + written.len()))
        })
    })
}

/// The characters of a text that can be seen, with their places in it.
struct Visible {
    seen: String,
    /// For each byte of `seen`, the range of the text that it comes from.
    places: Vec<(usize, usize)>,
}

impl Visible {
    fn of_text(text: &str) -> Self {
        let mut visible = Self { seen: String::new(), places: Vec::new() };
        visible.push(text, 0);
        visible
    }

    fn of_page(html: &str) -> Self {
        let mut visible = Self { seen: String::new(), places: Vec::new() };
        let mut rest = html;
        let at = |rest: &str| html.len() - rest.len();
        while let Some(offset) = rest.find('<') {
            visible.push_html(&rest[..offset], at(rest));
            rest = &rest[offset..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            } else if let Some((tag, after)) = tag(rest) {
                let is_raw = !tag.closes
                    && matches!(
                        tag.name.as_str(),
                        "script" | "style" | "title" | "textarea" | "xmp"
                    );
                rest = if is_raw { raw_text(&tag.name, after).1 } else { after };
            } else {
                visible.push_html("<", at(rest));
                rest = &rest[1..];
            }
        }
        visible.push_html(rest, at(rest));
        visible
    }

    fn push_html(&mut self, text: &str, from: usize) {
        let mut rest = text;
        while let Some(offset) = rest.find('&') {
            let at = from + text.len() - rest.len();
            self.push(&rest[..offset], at);
            rest = &rest[offset..];
            let (c, length) = entity::reference(rest).unwrap_or(('&', 1));
            self.push_char(c, (at + offset, at + offset + length));
            rest = &rest[length..];
        }
        self.push(rest, from + text.len() - rest.len());
    }

    fn push(&mut self, text: &str, from: usize) {
        for (at, c) in text.char_indices() {
            self.push_char(c, (from + at, from + at + c.len_utf8()));
        }
    }

    /// Marks that the way to a text adds or takes away are no help in finding it.
    fn push_char(&mut self, c: char, place: (usize, usize)) {
        if c.is_alphanumeric() || (!c.is_whitespace() && !c.is_control() && !">-|".contains(c)) {
            let from = self.seen.len();
            self.seen.push(c);
            self.places.extend(std::iter::repeat_n(place, self.seen.len() - from));
        }
    }

    /// The range of `seen` that lies in a range of the text.
    fn between(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let first = self.places.partition_point(|place| place.0 < start);
        let last = self.places.partition_point(|place| place.1 <= end);
        (first < last).then_some((first, last))
    }

    /// Where words of another text stand in this one, as a range of this text; with so many
    /// bytes of what is around them. Of several places, the one of the same rank.
    fn find(
        &self,
        other: &Self,
        (first, last): (usize, usize),
        before: usize,
        after: usize,
    ) -> Option<(usize, usize)> {
        let from = other.seen.ceil_char_boundary(first.saturating_sub(before)).min(first);
        let upto = other.seen.floor_char_boundary((last + after).min(other.seen.len())).max(last);
        let pattern = &other.seen[from..upto];
        let rank = other.seen[..from].matches(pattern).count();
        let mut matches = self.seen.match_indices(pattern).map(|(at, _)| at);
        let at = matches.clone().nth(rank).or_else(|| matches.next())? + (first - from);
        let places = &self.places[at..at + (last - first)];
        Some((places.first()?.0, places.last()?.1))
    }
}
