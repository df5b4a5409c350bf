//! What is read of a message when it is pulled: what it is called, and when it was sent.

use std::borrow::Cow;

use memchr::memchr;
use restitch_connect::Item;
use restitch_model::Digest;

use crate::header::{Headers, is_field, split};

/// A message as an item. Without a Message-ID it is named by its bytes.
pub fn item(bytes: Vec<u8>, container: &str) -> Item {
    let headers = Headers::parse(&fields(split(&bytes).0, &["message-id", "date"]));
    let native_id =
        headers.id("message-id").unwrap_or_else(|| format!("blake3:{}", Digest::of(&bytes)));
    Item {
        kind: "mail".to_owned(),
        native_id,
        container: container.to_owned(),
        at: headers.date().map(|sent| sent.at),
        bytes,
    }
}

/// The first field of this name, as it stands.
pub fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    lines(head).find(|line| is_named(line, name)).map(|line| line[name.len() + 1..].trim_ascii())
}

/// The fields of these names alone: decoding all of them would take longer than the rest of a
/// pull. Of a header that is not made of fields, all of it, since how such a one is read depends
/// on what stands around.
fn fields<'a>(head: &'a [u8], names: &[&str]) -> Cow<'a, [u8]> {
    let mut found = Vec::new();
    let mut is_wanted = false;
    for line in lines(head) {
        let is_continued = line[0].is_ascii_whitespace();
        if !is_continued {
            is_wanted = names.iter().any(|name| is_named(line, name));
        }
        let is_odd = if is_continued { line.trim_ascii().is_empty() } else { !is_field(line) };
        if is_odd {
            return Cow::Borrowed(head);
        }
        if is_wanted {
            found.extend_from_slice(line);
        }
    }
    Cow::Owned(found)
}

/// The lines with their ends.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    std::iter::from_fn(move || {
        let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line).filter(|line| !line.is_empty())
    })
}

/// Whether a line begins the field of this name, lower case. Some write a space before the colon.
fn is_named(line: &[u8], name: &str) -> bool {
    let Some((is, rest)) = line.split_at_checked(name.len()) else { return false };
    is.eq_ignore_ascii_case(name.as_bytes()) && rest.trim_ascii_start().first() == Some(&b':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The id and the moment, where all fields are decoded.
    fn slowly(bytes: &[u8]) -> (Option<String>, Option<restitch_model::Instant>) {
        let headers = Headers::parse(split(bytes).0);
        (headers.id("message-id"), headers.date().map(|sent| sent.at))
    }

    fn check(bytes: &[u8]) {
        let item = item(bytes.to_vec(), "mail");
        let (id, at) = slowly(bytes);
        let id = id.unwrap_or_else(|| format!("blake3:{}", Digest::of(bytes)));
        assert_eq!((item.native_id, item.at), (id, at), "{:?}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn a_message_is_called_what_all_of_its_fields_would_have_it_called() {
        for text in [
            "Subject: a\nMessage-ID: <a@x>\nDate: Fri, 6 Mar 2026 10:00:00 +0100\n\nDate: no\n",
            "message-id:\n\t<a@x>\r\nDATE:\r\n Fri, 6 Mar 2026\r\n 10:00:00 +0100\r\nX: y\r\n\r\n",
            "Date: never\nDate: Fri, 6 Mar 2026 10:00:00 +0100\nMessage-ID: \nMessage-ID: <b@x>\n\n",
            "Message-ID : <a@x>\nDate : Fri, 6 Mar 2026 10:00:00 +0100\n\n",
            "From a@x Mon Jan  1 10:00:00 2024\nX-Message-ID: <b@x>\nMessage-ID: <a@x>",
            "\u{FEFF}Message-ID: a@x\n\n",
            "no header at all\n",
            "",
        ] {
            check(text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn so_of_any_bytes(text in "((Message-ID|Date|X|X-Date) ?:[ <>@a-z0-9:,+\r\n\t]{0,30}\n){0,6}\n?[a-z\n]{0,20}") {
            check(text.as_bytes());
        }
    }
}
