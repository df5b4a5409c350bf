//! The facts of a message.

use restitch_connect::Reading;
use restitch_facts::{Context, scan_field};
use restitch_model::{Fact, FactValue, Place};

use crate::header::{Headers, Mailbox};
use crate::ld;
use crate::letter::{Letter, letter};
use crate::mime::{self, Notes};

/// How many `X-` fields are kept.
const MAX_EXTENSIONS: usize = 200;

/// The facts of one message. Total: any bytes give an answer.
///
/// A message that was passed on, as an attachment or inside of the text, is unwrapped:
/// `header:*`, `text` and what was scanned in them speak of the original, `forwarded_by`,
/// `forwarded_at`, `outer:subject` and `outer:text` of the passing on. Of an answer, `text` is
/// the new words and `quoted:text` the rest. The cells of an HTML table's row are parted by a
/// tab.
pub fn read_message(bytes: &[u8]) -> Reading {
    let mut notes = Notes::default();
    let root = mime::parse(bytes, &mut notes);
    let letter = letter(&root, &mut notes);
    let mut facts = Facts::default();
    headers(&letter, &mut facts, &mut notes);
    passing_on(&letter, &mut facts);
    class(&letter, &mut facts);
    facts.text("text", Some(&letter.text));
    facts.text("quoted:text", letter.quoted.as_deref());
    for script in &letter.extras.ld {
        facts.list.extend(ld::facts(script, &mut notes));
    }
    for part in &letter.extras.attachments {
        facts.text("attachment:name", part.headers.file_name().as_deref());
        facts.text("attachment:type", Some(&part.media_type));
    }
    for calendar in &letter.extras.calendars {
        facts.text("calendar:text", Some(calendar));
    }
    let context = Context { written_on: letter.sent.map(|sent| sent.day()) };
    if let Some(subject) = &letter.subject {
        facts.list.extend(scan_field("header:subject", subject, context));
    }
    facts.list.extend(scan_field("text", &letter.text, context));
    Reading { facts: facts.list, remarks: notes.into_remarks(bytes) }
}

#[derive(Default)]
struct Facts {
    list: Vec<Fact>,
}

impl Facts {
    fn add(&mut self, name: &str, value: FactValue) {
        self.list.push(Fact { name: name.to_owned(), value, place: Place::whole(name) });
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.add(name, FactValue::Text(text.to_owned()));
        }
    }

    fn people(&mut self, name: &str, shown_name: Option<&str>, people: &[Mailbox]) {
        for person in people {
            if let Some(address) = &person.address {
                self.add(name, FactValue::Email(address.clone()));
            }
            if let Some(shown_name) = shown_name {
                self.text(shown_name, person.name.as_deref());
            }
        }
    }
}

fn headers(letter: &Letter<'_>, facts: &mut Facts, notes: &mut Notes) {
    let headers = letter.headers;
    facts.people("header:from", Some("header:from_name"), &letter.from);
    facts.people("header:to", Some("header:to_name"), &letter.to);
    facts.people("header:cc", None, &letter.cc);
    facts.people("header:reply-to", None, &headers.mailboxes("reply-to"));
    facts.text("header:subject", letter.subject.as_deref());
    if let Some(sent) = letter.sent {
        facts.add("header:date", FactValue::Instant(sent.at));
    }
    facts.text("header:message-id", headers.id("message-id").as_deref());
    facts.text("header:in-reply-to", headers.id("in-reply-to").as_deref());
    for name in ["list-id", "list-unsubscribe", "auto-submitted"] {
        facts.text(&format!("header:{name}"), headers.text(name).as_deref());
    }
    for (i, (name, text)) in headers.starting("x-").enumerate() {
        if i == MAX_EXTENSIONS {
            notes.add(format!("only its first {MAX_EXTENSIONS} X- fields were kept"));
            break;
        }
        facts.text(&format!("header:{name}"), Some(&text));
    }
}

fn passing_on(letter: &Letter<'_>, facts: &mut Facts) {
    for hop in &letter.hops {
        facts.people("forwarded_by", None, hop.by.as_slice());
        if let Some(at) = hop.at {
            facts.add("forwarded_at", FactValue::Instant(at));
        }
        facts.text("outer:subject", hop.subject.as_deref());
        facts.text("outer:message-id", hop.id.as_deref());
        facts.text("outer:text", Some(&hop.note));
    }
}

fn class(letter: &Letter<'_>, facts: &mut Facts) {
    for (name, holds) in
        [("is_reply", letter.is_reply), ("bulk", is_bulk(letter.headers)), ("auto", letter.is_auto)]
    {
        if holds {
            facts.add(name, FactValue::Bool(true));
        }
    }
}

/// Whether the message went to many (RFC 2369, RFC 2919).
fn is_bulk(headers: &Headers) -> bool {
    let precedence = headers.text("precedence").unwrap_or_default().to_ascii_lowercase();
    headers.names().any(|name| matches!(name, "list-unsubscribe" | "list-id"))
        || matches!(precedence.as_str(), "bulk" | "list" | "junk")
}
