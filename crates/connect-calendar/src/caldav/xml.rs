//! XML as far as WebDAV needs it: elements in their namespaces, with their texts as they came.

use quick_xml::events::{BytesRef, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// No answer of a server is nested deeper.
const DEPTH: usize = 64;

/// The namespaces that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// `DAV:` (RFC 4918).
    Dav,
    /// `urn:ietf:params:xml:ns:caldav` (RFC 4791).
    CalDav,
    /// Another, or none.
    Other,
}

/// An element. Attributes are passed over: no element of WebDAV that is read here has any that
/// matter, but for the `name` of a calendar's component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) space: Space,
    /// Without prefix.
    pub(crate) name: String,
    /// Its attribute `name`.
    pub(crate) called: Option<String>,
    /// Its own text. Line ends are as they came: XML would make each a bare LF (XML 1.0, 2.11),
    /// but a calendar inside is evidence.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// Whether it is the element of this name.
    pub(crate) fn is(&self, space: Space, name: &str) -> bool {
        self.space == space && self.name == name
    }

    /// The children of this name.
    pub(crate) fn all(&self, space: Space, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.is(space, name))
    }

    /// The first child of this name.
    pub(crate) fn child(&self, space: Space, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(space, name))
    }

    /// The text of the first child of this name, without blanks around it; `None` where there is
    /// none in it.
    pub(crate) fn text_of(&self, space: Space, name: &str) -> Option<&str> {
        self.child(space, name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// Whether an element of this name stands in it, however deep.
    pub(crate) fn holds(&self, space: Space, name: &str) -> bool {
        self.children.iter().any(|child| child.is(space, name) || child.holds(space, name))
    }
}

/// The outermost element of a document; `None` where it is not well formed, not in UTF-8, nested
/// too deep, or uses an entity that it would have to define itself.
pub(crate) fn parse(bytes: &[u8]) -> Option<Element> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = NsReader::from_str(text.trim_start());
    let mut open: Vec<Element> = Vec::new();
    loop {
        let (space, event) = reader.read_resolved_event().ok()?;
        match event {
            Event::Start(start) => {
                if open.len() >= DEPTH {
                    return None;
                }
                open.push(element(&space, &start));
            }
            Event::Empty(start) => {
                let element = element(&space, &start);
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Some(element),
                }
            }
            Event::End(_) => {
                let closed = open.pop()?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => return Some(closed),
                }
            }
            Event::Text(text) => push(&mut open, &text.into_inner()),
            Event::CData(text) => push(&mut open, &text.into_inner()),
            Event::GeneralRef(reference) => {
                let character = resolved(&reference)?;
                push(&mut open, character.encode_utf8(&mut [0; 4]));
            }
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
            Event::Eof => return None,
        }
    }
}

fn element(space: &ResolveResult<'_>, start: &quick_xml::events::BytesStart<'_>) -> Element {
    let space = match space {
        ResolveResult::Bound(space) if space.as_ref() == "DAV:" => Space::Dav,
        ResolveResult::Bound(space) if space.as_ref() == "urn:ietf:params:xml:ns:caldav" => {
            Space::CalDav
        }
        _ => Space::Other,
    };
    let called = start.try_get_attribute("name").ok().flatten();
    Element {
        space,
        name: start.local_name().as_ref().to_owned(),
        called: called.map(|attribute| attribute.value.into_owned()),
        text: String::new(),
        children: Vec::new(),
    }
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// The character that `&amp;` or `&#13;` stands for.
fn resolved(reference: &BytesRef<'_>) -> Option<char> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character);
    }
    Some(match &*reference.borrow().into_inner() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_their_namespaces_whatever_the_prefix() {
        for text in [
            "<multistatus xmlns='DAV:'><c:x xmlns:c='urn:ietf:params:xml:ns:caldav'/></multistatus>",
            "\u{feff}<?xml version='1.0'?>\n<d:multistatus xmlns:d=\"DAV:\" \
             xmlns:q=\"urn:ietf:params:xml:ns:caldav\"><q:x name=\"VEVENT\"></q:x></d:multistatus>",
        ] {
            let root = parse(text.as_bytes()).unwrap();
            assert!(root.is(Space::Dav, "multistatus"), "{text}");
            assert!(root.child(Space::CalDav, "x").is_some(), "{text}");
        }
        assert_eq!(parse(b"<x:a/>").unwrap().space, Space::Other);
    }

    #[test]
    fn a_text_is_what_the_server_wrote() {
        let text = "<a>one\r\n &amp; &#x41;&#13;\n<![CDATA[<b>\r\n]]></a>";
        assert_eq!(parse(text.as_bytes()).unwrap().text, "one\r\n & A\r\n<b>\r\n");
    }

    #[test]
    fn what_is_no_xml_is_none() {
        for text in ["", "<a>", "<a></b>", "hello", "<a>&own;</a>", "<!DOCTYPE a>"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"<a>\xff</a>"), None);
        assert_eq!(parse(format!("{}x", "<a>".repeat(100_000)).as_bytes()), None);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn any_heap_of_pieces_gives_an_answer(
            text in "(<(/)?(d:)?(multistatus|response|href|prop)( xmlns:d='DAV:')?>|&[a-z#0-9]{0,4};|<!\\[CDATA\\[|\\]\\]>|<!--|-->|x|\r\n){0,40}"
        ) {
            assert_eq!(parse(text.as_bytes()), parse(text.as_bytes()));
        }
    }
}
