//! The facts of a message.

use restitch_connect::Reading;
use restitch_facts::{Context, scan_field};
use restitch_model::{Fact, FactValue, Place};
use serde_json::Value;

use crate::class::{self, Class};
use crate::copy;
use crate::genuine;
use crate::header::{Headers, Mailbox};
use crate::keys::Keys;
use crate::kind::{self, Kind};
use crate::ld;
use crate::letter::{Letter, letter};
use crate::mime::{self, Notes};
use crate::reservation;

/// How many `X-` fields are kept.
const MAX_EXTENSIONS: usize = 200;

/// The facts of one message. Total: any bytes give an answer.
///
/// A message that was passed on, as an attachment or inside of the text, is unwrapped:
/// `header:*`, `text` and what was scanned in them speak of the original, `forwarded_by`,
/// `forwarded_at`, `outer:subject` and `outer:text` of the passing on. Of an answer, `text` is
/// the new words and `quoted:text` the rest. The cells of an HTML table's row are parted by a
/// tab.
///
/// `booking:kind` is what it says has happened to a booking (`made`, `changed`, `cancelled`,
/// `reminder`, `receipt`, `refund`) and stands where the words stand that say so; `mail:class`
/// is what it is apart from that (`bounce`, `auto-reply`, `newsletter`, `list`, `spam`,
/// `complaint`, `receipt-notice`). Messages with the same `text#digest` say the same: they are
/// copies, or one passes the other on.
///
/// `genuine:dkim` is `absent`, as no key is at hand, `no key`, or `broken`; see
/// [`read_message_with`].
pub fn read_message(bytes: &[u8]) -> Reading {
    read_message_with(bytes, &Keys::default())
}

/// The facts of one message, with its signatures checked by the keys of their senders.
///
/// `genuine:dkim` and `genuine:arc` are `proved`, `partly proved` (what stands after the signed
/// text was added), `no key` (what was signed fits, but the key that signed it is not at hand),
/// `broken` or `absent`; they speak of the original as `header:*` does. Of a message that was
/// passed on inside of a text, nothing can be proved: who passed it on could have written it.
/// What is proved of him has names that begin with `outer:`.
pub fn read_message_with(bytes: &[u8], keys: &Keys) -> Reading {
    let mut notes = Notes::default();
    let root = mime::parse(bytes, &mut notes);
    let letter = letter(&root, &mut notes);
    let mut facts = Facts::default();
    headers(&letter, &mut facts, &mut notes);
    passing_on(&letter, &mut facts);
    flags(&letter, &mut facts);
    facts.text("text", Some(&letter.text));
    // What a page adds to the text of a message that was passed on or answers is not told apart.
    let page = letter.extras.page.as_deref().filter(|_| letter.hops.is_empty() && !letter.is_reply);
    facts.text("page", page);
    facts.text("quoted:text", letter.quoted.as_deref());
    let context = Context { written_on: letter.sent.map(|sent| sent.day()) };
    structured(&letter, context, &mut facts, &mut notes);
    for part in &letter.extras.attachments {
        facts.text("attachment:name", part.headers.file_name().as_deref());
        facts.text("attachment:type", Some(&part.media_type));
    }
    for calendar in &letter.extras.calendars {
        facts.text("calendar:text", Some(calendar));
    }
    about(&letter, &mut facts);
    if let Some(subject) = &letter.subject {
        facts.list.extend(scan_field("header:subject", subject, context));
    }
    facts.list.extend(scan_field("text", &letter.text, context));
    if let Some(page) = page {
        facts.list.extend(scan_field("page", page, context));
    }
    facts.list.extend(genuine::facts(bytes, &root, &letter, keys));
    Reading { facts: facts.list, remarks: notes.into_remarks(bytes) }
}

#[derive(Default)]
struct Facts {
    list: Vec<Fact>,
}

impl Facts {
    fn add(&mut self, name: &str, value: FactValue) {
        self.list.push(Fact { name: name.into(), value, place: Place::whole(name) });
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
    facts.people("header:resent-from", None, &headers.mailboxes("resent-from"));
    facts.text("header:resent-message-id", headers.id("resent-message-id").as_deref());
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

/// Structured data: every value under its pointer, then what it says of reservations.
fn structured(letter: &Letter<'_>, context: Context, facts: &mut Facts, notes: &mut Notes) {
    let scripts = letter.extras.ld.iter().flat_map(|script| ld::objects(script, notes));
    let scripts: Vec<Value> = scripts.collect();
    facts.list.extend(ld::facts(&scripts, "ld:", notes));
    facts.list.extend(ld::facts(&letter.extras.items, "microdata:", notes));
    let told = reservation::facts(&scripts, "ld:", 0, context);
    let count = reservation::count(&told);
    facts.list.extend(told);
    let items = &letter.extras.items;
    facts.list.extend(reservation::facts(items, "microdata:", count, context));
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

/// What the message says of a booking, what it is apart from that, and which other messages
/// say the same.
fn about(letter: &Letter<'_>, facts: &mut Facts) {
    let answer = class::answer_of_a_program(letter);
    let said = if answer.is_none() { booking(letter, facts) } else { None };
    if let Some((kind, place)) = &said {
        let value = FactValue::Text(kind.name().to_owned());
        facts.list.push(Fact { name: "booking:kind".into(), value, place: place.clone() });
    }
    let is_told = said.is_some() || answer.is_some();
    for Class { name, place } in answer.into_iter().chain(class::others(letter, is_told)) {
        let value = FactValue::Text(name.to_owned());
        facts.list.push(Fact { name: "mail:class".into(), value, place });
    }
    if let Some(digest) = copy::digest(letter) {
        let value = FactValue::Text(digest.to_string());
        let place = Place::whole("text");
        facts.list.push(Fact { name: "text#digest".into(), value, place });
    }
}

/// What has happened to a booking: by the subject, unless it is that of what is answered; by
/// structured data; by the text.
fn booking(letter: &Letter<'_>, facts: &Facts) -> Option<(Kind, Place)> {
    let subject = letter.subject.as_deref().filter(|_| !letter.is_reply).unwrap_or_default();
    if let Some((kind, (start, end))) = kind::of_subject(subject, &letter.text) {
        return Some((kind, Place::range("header:subject", start, end)));
    }
    let status = facts.list.iter().find(|fact| fact.name == "reservation:status");
    if let Some(fact) = status
        && fact.value.to_string().to_ascii_lowercase().contains("cancel")
    {
        return Some((Kind::Cancelled, fact.place.clone()));
    }
    let (kind, (start, end)) = kind::of_text(&letter.text)?;
    Some((kind, Place::range("text", start, end)))
}

fn flags(letter: &Letter<'_>, facts: &mut Facts) {
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
