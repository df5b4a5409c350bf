//! What a message is, apart from what it says: a bounce, a newsletter, spam.

use std::sync::LazyLock;

use regex::Regex;
use restitch_model::Place;

use crate::header::Headers;
use crate::letter::Letter;
use crate::mime::{Content, Part};
use crate::subject;

/// How much of a text's end is looked at, in bytes.
const LOOKED_AT: usize = 2000;

/// What a message is, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// `bounce`, `receipt-notice`, `complaint`, `auto-reply`, `spam`, `newsletter` or `list`.
    pub name: &'static str,
    /// The field of the header, or the words of the text.
    pub place: Place,
}

impl Class {
    fn new(name: &'static str, field: &str) -> Self {
        Self { name, place: Place::whole(field) }
    }
}

/// What a program wrote about another message: a bounce, a note that somebody is away. What it
/// says of a booking it says for that one.
pub fn answer_of_a_program(letter: &Letter<'_>) -> Option<Class> {
    report(letter.message).or_else(|| returned(letter)).or_else(|| away(letter.headers))
}

/// What a message is beside that. Nothing is thrown away for it.
pub fn others(letter: &Letter<'_>, is_booking: bool) -> Vec<Class> {
    let headers = letter.headers;
    let mut found = Vec::new();
    found.extend(spam(headers).map(|field| Class::new("spam", field)));
    let text = |name: &str| headers.text(name).unwrap_or_default().to_ascii_lowercase();
    if text("list-post").contains("mailto:") {
        found.push(Class::new("list", "header:list-post"));
    } else if !is_booking {
        // Shops send their confirmations with these fields too.
        found.extend(newsletter(headers, &text("precedence"), &letter.text));
    }
    found
}

fn newsletter(headers: &Headers, precedence: &str, text: &str) -> Option<Class> {
    static LEAVE: LazyLock<Regex> = LazyLock::new(|| {
        let words = "unsubscribe|opt out of|abmelden|abbestellen|austragen|désabonner|désinscri|\
            darse de baja|darte de baja|cancelar (?:la |su |tu )?suscripción|disiscriv|\
            annulla(?:re)? (?:l['’])?iscrizione|cancellarsi|uitschrijven|afmelden|\
            cancelar (?:a )?(?:sua )?(?:subscrição|inscrição|assinatura)|descadastr";
        Regex::new(&format!("(?i){words}")).expect("a pattern of this file is well formed")
    });
    let fields = [
        ("header:list-id", headers.text("list-id").is_some()),
        ("header:list-unsubscribe", headers.text("list-unsubscribe").is_some()),
        ("header:precedence", matches!(precedence, "bulk" | "junk")),
    ];
    if let Some((field, _)) = fields.iter().find(|(_, is_there)| *is_there) {
        return Some(Class::new("newsletter", field));
    }
    let from = text.ceil_char_boundary(text.len().saturating_sub(LOOKED_AT));
    let words = LEAVE.find(&text[from..])?;
    let place = Place::range("text", from + words.start(), from + words.end());
    Some(Class { name: "newsletter", place })
}

/// Notes that a program sent in answer (RFC 3834). One that a program wrote of itself
/// (`auto-generated`) is no answer: confirmations are such.
fn away(headers: &Headers) -> Option<Class> {
    let text = |name: &str| headers.text(name).unwrap_or_default().to_ascii_lowercase();
    let found = if text("auto-submitted").starts_with("auto-replied") {
        "header:auto-submitted"
    } else if matches!(text("precedence").as_str(), "auto_reply" | "auto-reply") {
        "header:precedence"
    } else {
        *[("x-autoreply", "header:x-autoreply"), ("x-autorespond", "header:x-autorespond")]
            .iter()
            .find(|(name, _)| headers.text(name).is_some())
            .map(|(_, field)| field)?
    };
    Some(Class::new("auto-reply", found))
}

/// Reports by their parts (RFC 3464, RFC 8098, RFC 5965).
fn report(message: &Part) -> Option<Class> {
    let parts: &[Part] = match &message.content {
        Content::Parts(parts) => parts,
        _ => &[],
    };
    let named = message.parameter("report-type").unwrap_or_default();
    let is = |kind: &str| {
        let wanted = format!("message/{kind}");
        let mut all = parts.iter().chain([message]);
        named == kind || all.any(|part| part.media_type == wanted)
    };
    let name = if is("disposition-notification") {
        "receipt-notice"
    } else if is("feedback-report") {
        "complaint"
    } else if is("delivery-status") {
        "bounce"
    } else {
        return None;
    };
    Some(Class::new(name, "header:content-type"))
}

/// Bounces of servers that write no reports.
fn returned(letter: &Letter<'_>) -> Option<Class> {
    const SUBJECTS: [&str; 14] = [
        "undelivered mail",
        "undeliverable",
        "delivery status notification",
        "mail delivery failed",
        "delivery failure",
        "failure notice",
        "returned mail",
        "mail delivery subsystem",
        "unzustellbar",
        "nicht zustellbar",
        "non remis",
        "échec de la remise",
        "no se puede entregar",
        "onbestelbaar",
    ];
    let sender = letter.from.first().and_then(|one| one.address.as_deref()).unwrap_or_default();
    let local = sender.split('@').next().unwrap_or_default();
    if letter.headers.text("x-failed-recipients").is_some() {
        return Some(Class::new("bounce", "header:x-failed-recipients"));
    }
    let subject = letter.subject.as_deref().unwrap_or_default().to_lowercase();
    let has_subject = SUBJECTS.iter().any(|words| subject.contains(words));
    let is_empty_path = letter.headers.text("return-path").is_some_and(|path| path == "<>");
    if local == "mailer-daemon" || (has_subject && (local == "postmaster" || is_empty_path)) {
        return Some(Class::new("bounce", "header:from"));
    }
    None
}

/// The field by which a filter called the message spam.
fn spam(headers: &Headers) -> Option<&'static str> {
    const YES: [(&str, &str); 5] = [
        ("x-spam-flag", "header:x-spam-flag"),
        ("x-spam-status", "header:x-spam-status"),
        ("x-spam", "header:x-spam"),
        ("x-barracuda-spam-status", "header:x-barracuda-spam-status"),
        ("x-barracuda-spam-flag", "header:x-barracuda-spam-flag"),
    ];
    let text = |name: &str| headers.text(name).unwrap_or_default().to_ascii_lowercase();
    if let Some((_, field)) = YES.iter().find(|(name, _)| text(name).starts_with("yes")) {
        return Some(field);
    }
    if text("x-gmail-labels").split(',').any(|label| label.trim() == "spam") {
        return Some("header:x-gmail-labels");
    }
    if text("x-forefront-antispam-report").contains("sfv:spm") {
        return Some("header:x-forefront-antispam-report");
    }
    let level: Option<i64> = text("x-ms-exchange-organization-scl").parse().ok();
    if level.is_some_and(|level| level >= 5) {
        return Some("header:x-ms-exchange-organization-scl");
    }
    let subject = headers.text("subject").unwrap_or_default();
    let marked = subject::marked_as_spam(&subject);
    marked.then_some("header:subject")
}
