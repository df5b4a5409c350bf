//! Structured data in the attributes of a page (HTML, Microdata), as the JSON that a JSON-LD
//! script would have said.
//!
//! Mail is full of end tags that close nothing and of elements that nobody closes: an end tag
//! closes the nearest open element of its name, or is passed over.

use serde_json::{Map, Value};

use crate::entity::unescape;
use crate::markup::{Tag, attribute, is_void, raw_text, tag};

/// How deep elements are followed.
const MAX_OPEN: usize = 200;
/// How many properties a page may have.
const MAX_PROPERTIES: usize = 2000;
/// How many bytes of text a property may have.
const MAX_TEXT: usize = 10_000;

/// The items of a page that are not part of another one, in order, without empty ones.
pub fn items(html: &str) -> Vec<Value> {
    if !html.contains("itemscope") && !html.contains("ITEMSCOPE") {
        return Vec::new();
    }
    let mut page = Page::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        page.text(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
        } else if let Some((tag, after)) = tag(rest) {
            let is_raw = !tag.closes && matches!(tag.name.as_str(), "script" | "style");
            rest = if is_raw { raw_text(&tag.name, after).1 } else { after };
            page.tag(&tag);
        } else {
            page.text("<");
            rest = &rest[1..];
        }
    }
    page.text(rest);
    page.close_from(0);
    page.found
}

/// An element that may still hold something.
struct Element {
    name: String,
    /// What it is, where it is an item of its own.
    item: Option<Map<String, Value>>,
    /// Which properties of the item around it it gives.
    properties: Vec<String>,
    /// Where its text begins, where that is what it gives.
    text_from: Option<usize>,
    /// What it says in an attribute, where its text says nothing.
    fallback: Option<String>,
}

#[derive(Default)]
struct Page {
    open: Vec<Element>,
    text: String,
    texts_wanted: usize,
    properties: usize,
    found: Vec<Value>,
}

impl Page {
    fn text(&mut self, text: &str) {
        if self.texts_wanted > 0 {
            self.text.push_str(&unescape(text));
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        if tag.closes {
            // Parsers close a paragraph where a block begins; its end tag, standing inside of an
            // item, is not that item's end.
            let is_wall = |element: &Element| tag.name == "p" && element.item.is_some();
            let mut inner = self.open.iter().enumerate().rev();
            let found = inner.find(|(_, one)| one.name == tag.name || is_wall(one));
            if let Some((at, _)) = found.filter(|(_, element)| element.name == tag.name) {
                self.close_from(at);
            }
            return;
        }
        let is_item = attribute(tag.attributes, "itemscope").is_some();
        let properties: Vec<String> = attribute(tag.attributes, "itemprop")
            .map(|names| names.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default();
        let stays_open = !is_void(&tag.name) && !tag.attributes.ends_with('/');
        if !is_item && properties.is_empty() {
            if stays_open && self.open.len() < MAX_OPEN {
                self.open.push(Element {
                    name: tag.name.clone(),
                    item: None,
                    properties,
                    text_from: None,
                    fallback: None,
                });
            }
            return;
        }
        let said = if is_item { None } else { said(tag) };
        if said.is_some() || !stays_open || self.open.len() >= MAX_OPEN {
            if let Some(said) = said.or_else(|| attribute(tag.attributes, "content")) {
                self.give(&properties, Value::String(said));
            }
            if stays_open && self.open.len() < MAX_OPEN {
                self.open.push(Element {
                    name: tag.name.clone(),
                    item: None,
                    properties: Vec::new(),
                    text_from: None,
                    fallback: None,
                });
            }
            return;
        }
        self.texts_wanted += usize::from(!is_item);
        self.open.push(Element {
            name: tag.name.clone(),
            item: is_item.then(|| typed(tag)),
            properties,
            text_from: (!is_item).then_some(self.text.len()),
            fallback: attribute(tag.attributes, "content"),
        });
    }

    /// Closes the elements from this one on, the innermost first.
    fn close_from(&mut self, at: usize) {
        while self.open.len() > at {
            let Some(element) = self.open.pop() else { return };
            if let Some(from) = element.text_from {
                let end = self.text.floor_char_boundary(self.text.len().min(from + MAX_TEXT));
                let words = self.text[from..end].split_whitespace().collect::<Vec<_>>().join(" ");
                self.texts_wanted -= 1;
                if self.texts_wanted == 0 {
                    self.text.clear();
                }
                let text = Some(words).filter(|text| !text.is_empty()).or(element.fallback);
                self.give(&element.properties, Value::String(text.unwrap_or_default()));
            } else if let Some(item) = element.item
                && item.keys().any(|name| name != "@type")
            {
                let is_inside = self.open.iter().any(|element| element.item.is_some());
                if is_inside && !element.properties.is_empty() {
                    self.give(&element.properties, Value::Object(item));
                } else {
                    self.found.push(Value::Object(item));
                }
            }
        }
    }

    /// Gives the innermost open item a value under these names; a second one makes a list.
    fn give(&mut self, names: &[String], value: Value) {
        let Some(item) = self.open.iter_mut().rev().find_map(|element| element.item.as_mut())
        else {
            return;
        };
        // Moved up from item to item, a value is not copied at each.
        for (name, value) in names.iter().zip(std::iter::repeat_n(value, names.len())) {
            if self.properties == MAX_PROPERTIES {
                return;
            }
            self.properties += 1;
            match item.get_mut(name) {
                None => {
                    item.insert(name.clone(), value);
                }
                Some(Value::Array(list)) => list.push(value),
                Some(first) => {
                    let both = vec![first.take(), value];
                    *first = Value::Array(both);
                }
            }
        }
    }
}

fn typed(tag: &Tag<'_>) -> Map<String, Value> {
    let mut item = Map::new();
    if let Some(types) = attribute(tag.attributes, "itemtype")
        && let Some(first) = types.split_whitespace().next()
    {
        let name = first.trim_end_matches('/').rsplit(['/', '#']).next().unwrap_or(first);
        item.insert("@type".to_owned(), Value::String(name.to_owned()));
    }
    item
}

/// What an element says in an attribute (HTML, 5.2.4); `None` where its text says it.
fn said(tag: &Tag<'_>) -> Option<String> {
    let names: &[&str] = match tag.name.as_str() {
        "meta" => &["content"],
        "a" | "area" | "link" => &["href", "content"],
        "audio" | "embed" | "iframe" | "img" | "source" | "track" | "video" => &["src"],
        "object" => &["data"],
        "data" | "meter" => &["value"],
        "time" => &["datetime"],
        _ => &[],
    };
    names.iter().find_map(|name| attribute(tag.attributes, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(html: &str) -> String {
        items(html).iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn items_hold_texts_attributes_and_other_items() {
        let html = "<div itemscope itemtype='http://schema.org/RentalCarReservation'>\
            <meta itemprop=reservationNumber content='AB&amp;12'>\
            <time itemprop=pickupTime datetime='2026-03-12T10:00'>12 March</time>\
            <p itemprop=underName itemscope itemtype='https://schema.org/Person'>\
            <span itemprop=name>Anna <b>Meier</b></span></p>\
            <link itemprop=url href='https://x.example/'/></div>";
        assert_eq!(
            json(html),
            r#"{"@type":"RentalCarReservation","reservationNumber":"AB&12","pickupTime":"2026-03-12T10:00","underName":{"@type":"Person","name":"Anna Meier"},"url":"https://x.example/"}"#
        );
    }

    #[test]
    fn what_is_said_twice_is_a_list_and_one_text_may_have_two_names() {
        let html = "<div itemscope><i itemprop='a b'>1</i><i itemprop=a>2</i></div>";
        assert_eq!(json(html), r#"{"a":["1","2"],"b":"1"}"#);
    }

    #[test]
    fn broken_nesting_loses_no_item() {
        let html = "</x><div itemscope><meta itemprop=a content=1><base href=x></p>\
            <div itemprop=b itemscope><i itemprop=c>2";
        assert_eq!(json(html), r#"{"a":"1","b":{"c":"2"}}"#);
        assert_eq!(json("<div itemscope></div><p itemprop=a>b</p>"), "");
        assert_eq!(json(&"<div itemscope itemprop=a>x".repeat(5000)), "");
    }
}
