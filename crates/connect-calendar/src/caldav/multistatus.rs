//! What a server says of several resources at once (RFC 4918, 13).

use super::xml::{Element, Space, parse};

/// An answer with status 207.
#[derive(Debug, Default)]
pub(crate) struct Multistatus {
    /// What it says of each resource, in its order.
    pub(crate) responses: Vec<Response>,
    /// Where the next `sync-collection` goes on (RFC 6578, 6.4).
    pub(crate) sync_token: Option<String>,
}

/// What it says of one resource.
#[derive(Debug)]
pub(crate) struct Response {
    /// Its address as the server writes it.
    pub(crate) href: String,
    /// The status of the resource as a whole, where one is told.
    pub(crate) status: Option<u16>,
    /// The properties that the resource has: those that are told with status 200, or with none.
    pub(crate) properties: Vec<Element>,
}

impl Multistatus {
    /// Reads an answer's body; `None` where it is something else.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let root = parse(bytes)?;
        if !root.is(Space::Dav, "multistatus") {
            return None;
        }
        let sync_token = root.text_of(Space::Dav, "sync-token").map(str::to_owned);
        let responses = root.all(Space::Dav, "response").flat_map(responses).collect();
        Some(Self { responses, sync_token })
    }
}

impl Response {
    /// The property of this name, where the resource has it.
    pub(crate) fn property(&self, space: Space, name: &str) -> Option<&Element> {
        self.properties.iter().find(|property| property.is(space, name))
    }

    /// The text of a property, where there is one.
    pub(crate) fn text(&self, space: Space, name: &str) -> Option<&str> {
        let text = self.property(space, name)?.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The addresses that a property names.
    pub(crate) fn hrefs(&self, space: Space, name: &str) -> Vec<String> {
        let property = self.property(space, name);
        let hrefs = property.into_iter().flat_map(|property| property.all(Space::Dav, "href"));
        hrefs.map(|href| href.text.trim().to_owned()).filter(|href| !href.is_empty()).collect()
    }

    /// Whether the resource is of this type.
    pub(crate) fn is_a(&self, space: Space, name: &str) -> bool {
        let kind = self.property(Space::Dav, "resourcetype");
        kind.is_some_and(|kind| kind.child(space, name).is_some())
    }

    /// Whether the server says that there is no such resource (any more).
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.status, Some(404 | 410))
    }
}

/// A response may name several resources where it tells a status alone.
fn responses(element: &Element) -> Vec<Response> {
    let status = element.text_of(Space::Dav, "status").and_then(status);
    let mut properties = Vec::new();
    for propstat in element.all(Space::Dav, "propstat") {
        let told = propstat.text_of(Space::Dav, "status").and_then(self::status);
        if told.is_none_or(|told| (200..300).contains(&told)) {
            let props = propstat.all(Space::Dav, "prop");
            properties.extend(props.flat_map(|prop| prop.children.iter().cloned()));
        }
    }
    let hrefs = element.all(Space::Dav, "href").map(|href| href.text.trim().to_owned());
    let mut responses: Vec<_> = hrefs
        .filter(|href| !href.is_empty())
        .map(|href| Response { href, status, properties: Vec::new() })
        .collect();
    if let [only] = &mut responses[..] {
        only.properties = properties;
    }
    responses
}

/// The number in `HTTP/1.1 200 OK`.
fn status(line: &str) -> Option<u16> {
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(inside: &str) -> Multistatus {
        let text = format!(
            "<multistatus xmlns='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'>{inside}\
             </multistatus>"
        );
        Multistatus::of(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_property_that_is_not_there_is_none() {
        let answer = of("<response><href> /c/ </href>\
            <propstat><prop><displayname>Vans</displayname></prop>\
            <status>HTTP/1.1 200 OK</status></propstat>\
            <propstat><prop><getetag>x</getetag></prop>\
            <status>HTTP/1.1 404 Not Found</status></propstat></response>");
        let response = &answer.responses[0];
        assert_eq!(response.href, "/c/");
        assert_eq!(response.text(Space::Dav, "displayname"), Some("Vans"));
        assert_eq!(response.text(Space::Dav, "getetag"), None);
    }

    #[test]
    fn a_status_alone_may_be_about_several_resources() {
        let answer = of("<response><href>/a</href><href>/b</href>\
            <status>HTTP/1.1 404 Not Found</status></response>\
            <sync-token>t2</sync-token>");
        let gone: Vec<_> = answer.responses.iter().filter(|r| r.is_gone()).collect();
        assert_eq!(gone.len(), 2);
        assert_eq!(answer.sync_token.as_deref(), Some("t2"));
    }

    #[test]
    fn another_document_is_no_multistatus() {
        assert!(Multistatus::of(b"<html><body>Sign in</body></html>").is_none());
    }
}
