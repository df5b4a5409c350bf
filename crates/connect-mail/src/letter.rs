//! A message as its reader understands it: what was passed on is unwrapped, what was answered
//! is set aside.

use restitch_model::Instant;

use crate::body::{Body, body};
use crate::date::{self, Sent};
use crate::header::{Headers, Mailbox};
use crate::mime::{Content, MAX_DEPTH, Notes, Part};
use crate::subject::{self, Prefix};
use crate::thread::{Thread, take_apart};

/// One message, unwrapped.
pub struct Letter<'p> {
    /// The header of the innermost message that has one of its own.
    pub headers: &'p Headers,
    /// That message.
    pub message: &'p Part,
    /// Whether what is told of it was read out of a text, where whoever passed it on could
    /// write what he liked.
    pub is_hearsay: bool,
    /// Who wrote it.
    pub from: Vec<Mailbox>,
    /// To whom.
    pub to: Vec<Mailbox>,
    /// In copy.
    pub cc: Vec<Mailbox>,
    /// Its subject.
    pub subject: Option<String>,
    /// When it was sent.
    pub sent: Option<Sent>,
    /// Its words.
    pub text: String,
    /// The words that it answers.
    pub quoted: Option<String>,
    /// Whether it is an answer.
    pub is_reply: bool,
    /// Who passed it on, the last one first.
    pub hops: Vec<Hop>,
    /// Its parts other than the text, and those of what it was wrapped in.
    pub extras: Body<'p>,
    /// Whether a program sent it in answer to something: a bounce, a holiday note.
    pub is_auto: bool,
}

/// One passing on.
pub struct Hop {
    /// By whom.
    pub by: Option<Mailbox>,
    /// When.
    pub at: Option<Instant>,
    /// Under which subject.
    pub subject: Option<String>,
    /// With which words.
    pub note: String,
    /// The id of the message that passed it on, where that is a message of its own.
    pub id: Option<String>,
}

/// Unwraps a message.
pub fn letter<'p>(root: &'p Part, notes: &mut Notes) -> Letter<'p> {
    let mut extras = Body::default();
    let mut hops = Vec::new();
    let mut level = root;
    let mut text;
    loop {
        let found = body(level, notes);
        text = found.text;
        extras.page = found.page;
        extras.ld.extend(found.ld);
        extras.items.extend(found.items);
        extras.attachments.extend(found.attachments);
        extras.calendars.extend(found.calendars);
        let mut inner = found.messages.into_iter().filter(|(message, within)| {
            let names = |field: &str| message.headers.text(field).is_some();
            // A report holds the message that it is about, a digest many that are not one's own.
            !matches!(*within, "report" | "digest") && (names("from") || names("subject"))
        });
        let Some((next, _)) = inner.next() else { break };
        if inner.next().is_some() {
            notes.add("of several attached messages the first was read");
        }
        let headers = &level.headers;
        hops.push(Hop {
            by: headers.mailboxes("from").into_iter().next(),
            at: headers.date().map(|sent| sent.at),
            subject: headers.text("subject"),
            note: std::mem::take(&mut text),
            id: headers.id("message-id"),
        });
        level = next;
    }
    let headers = &level.headers;
    let letter = Letter {
        headers,
        message: level,
        is_hearsay: false,
        from: headers.mailboxes("from"),
        to: headers.mailboxes("to"),
        cc: headers.mailboxes("cc"),
        subject: headers.text("subject"),
        sent: headers.date(),
        text,
        quoted: None,
        is_reply: false,
        hops,
        extras,
        is_auto: is_auto(level),
    };
    if letter.sent.is_some_and(|sent| !sent.zoned) {
        notes.add("its Date names no zone and was read as UTC");
    }
    unwrap_text(letter)
}

/// Takes the text apart until only the words of its writer are left.
fn unwrap_text(mut letter: Letter<'_>) -> Letter<'_> {
    let mut answers = letter.headers.id("in-reply-to").is_some();
    for _ in 0..MAX_DEPTH {
        let subject = letter.subject.clone().unwrap_or_default();
        match take_apart(&letter.text, &subject, answers) {
            Thread::Plain => {
                letter.is_reply = subject::prefix(&subject).0 == Prefix::Reply;
                break;
            }
            Thread::Reply { new, quoted } => {
                letter.is_reply = true;
                // Nothing new: what is quoted is all that there is to read.
                if !new.is_empty() {
                    letter.text = new;
                    letter.quoted = Some(quoted).filter(|quoted| !quoted.is_empty());
                }
                break;
            }
            Thread::Forward { note, shown, text } => {
                letter.is_hearsay = true;
                let stripped = subject::without_forward(&subject).to_owned();
                letter.hops.push(Hop {
                    by: letter.from.first().cloned(),
                    at: letter.sent.map(|sent| sent.at),
                    subject: letter.subject.take(),
                    note,
                    id: None,
                });
                letter.subject = Some(shown.subject.clone().unwrap_or(stripped));
                letter.sent = shown_date(shown.date.as_deref(), letter.sent).or(letter.sent);
                letter.from = shown.from;
                letter.to = shown.to;
                letter.cc = shown.cc;
                letter.text = text;
                answers = false;
            }
        }
    }
    if !letter.hops.is_empty() {
        let bare = letter.subject.as_deref().map(subject::without_forward);
        letter.subject = bare.filter(|text| !text.is_empty()).map(str::to_owned);
    }
    letter
}

/// A date without a zone was shown on the clock of who passed the message on.
fn shown_date(text: Option<&str>, outer: Option<Sent>) -> Option<Sent> {
    let shown = date::shown(text?, outer.map(|sent| sent.day()))?;
    let offset = shown.offset.or(outer.map(|sent| sent.offset)).unwrap_or(jiff::tz::Offset::UTC);
    let at = shown.instant(offset)?;
    Some(Sent { at, offset, zoned: true })
}

/// Whether a program wrote the message in answer to another one (RFC 3834, RFC 3464).
fn is_auto(message: &Part) -> bool {
    let headers = &message.headers;
    let is = |name: &str, wanted: &[&str]| {
        let text = headers.text(name).unwrap_or_default().to_ascii_lowercase();
        wanted.iter().any(|word| text == *word)
    };
    let submitted = headers.text("auto-submitted").unwrap_or_default().to_ascii_lowercase();
    let sender = headers.mailboxes("from").into_iter().find_map(|mailbox| mailbox.address);
    let daemon = sender.is_some_and(|address| {
        let local = address.split('@').next().unwrap_or_default();
        matches!(local, "mailer-daemon" | "postmaster")
    });
    let is_report =
        message.media_type == "multipart/report" && matches!(message.content, Content::Parts(_));
    let has = |name: &str| headers.text(name).is_some();
    (!submitted.is_empty() && submitted != "no")
        || is("precedence", &["auto_reply", "auto-reply"])
        || has("x-autoreply")
        || has("x-autorespond")
        || has("x-failed-recipients")
        || daemon
        || is_report
}
