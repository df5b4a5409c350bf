//! What can be proved of where a message comes from, as facts.

use std::collections::BTreeSet;

use restitch_model::{Fact, FactValue, Place};

use crate::arc::arc;
use crate::dkim::{MAX_SIGNATURES, Proof, Signed, Tags, Verdict, is_aligned};
use crate::header::Headers;
use crate::keys::{Keys, record_name};
use crate::letter::Letter;
use crate::mime::{self, Content, Notes, Part};

/// The checks whose results are told, as a receiving server names them (RFC 8601).
const METHODS: [&str; 4] = ["dkim", "spf", "dmarc", "arc"];

/// The names of the key records that a message's signatures want, and those of messages attached
/// to it: `selector._domainkey.example.com`. Total: any bytes give an answer.
pub fn key_names(message: &[u8]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![mime::parse(message, &mut Notes::default())];
    while let Some(part) = open.pop() {
        let head = message.get(part.span.head.0..part.span.head.1);
        let head = head.filter(|_| part.span.is_exact).unwrap_or_default();
        let fields = Signed::new(head).fields;
        let is_signature =
            |name: &str| matches!(name, "dkim-signature" | "arc-seal" | "arc-message-signature");
        let signatures = fields.iter().filter(|field| is_signature(&field.name));
        for field in signatures.take(3 * MAX_SIGNATURES) {
            let tags = Tags::of(field.value());
            let wanted = tags.get("s").zip(tags.domain());
            names.extend(wanted.map(|(selector, domain)| record_name(selector, &domain)));
        }
        match part.content {
            Content::Leaf(_) => {}
            Content::Parts(parts) => open.extend(parts),
            Content::Message(inner) => open.push(*inner),
        }
    }
    names
}

/// The facts: `genuine:dkim` always; of who signed, whether that is the sender's domain, of ARC,
/// and of what the receiving server noted (`genuine:reported`) where there is any.
pub fn facts(bytes: &[u8], root: &Part, letter: &Letter<'_>, keys: &Keys) -> Vec<Fact> {
    let mut facts = Vec::new();
    let is_wrapped = !letter.hops.is_empty();
    let mut tell = |name: &str, field: &str, value: FactValue| {
        facts.push(Fact { name: name.into(), value, place: Place::whole(field) });
    };
    if letter.is_hearsay {
        let absent = FactValue::Text(Proof::Absent.name().to_owned());
        tell("genuine:dkim", "text", absent);
    } else {
        check(bytes, letter.message, "", keys, &mut tell);
    }
    if is_wrapped {
        check(bytes, root, "outer:", keys, &mut tell);
    }
    facts
}

fn check(
    bytes: &[u8],
    message: &Part,
    prefix: &str,
    keys: &Keys,
    tell: &mut impl FnMut(&str, &str, FactValue),
) {
    let text = |text: &str| FactValue::Text(text.to_owned());
    let at = |name: &str| match prefix {
        "" => format!("header:{name}"),
        prefix => format!("{prefix}{name}"),
    };
    let signature = at("dkim-signature");
    let sender = message.headers.mailboxes("from").into_iter().find_map(|one| one.address);
    let span = &message.span;
    let is_signed =
        message.headers.names().any(|name| name == "dkim-signature" || name.starts_with("arc-"));
    let whole = bytes.get(span.head.0..span.body.1).filter(|_| span.is_exact && is_signed);
    let signed = Signed::new(whole.unwrap_or_default());
    let dkim = signed.dkim(keys, sender.as_deref());
    tell(&format!("{prefix}genuine:dkim"), &signature, text(dkim.proof.name()));
    if let Some(domain) = &dkim.domain {
        tell(&format!("{prefix}genuine:dkim_domain"), &signature, text(domain));
        let is_senders = sender.is_some_and(|sender| is_aligned(domain, &sender));
        let name = format!("{prefix}genuine:aligned");
        tell(&name, &signature, FactValue::Bool(is_senders));
    }
    let Verdict { proof, domain } = arc(&signed, keys);
    if proof != Proof::Absent {
        tell(&format!("{prefix}genuine:arc"), &at("arc-seal"), text(proof.name()));
        if let Some(domain) = domain {
            tell(&format!("{prefix}genuine:arc_domain"), &at("arc-seal"), text(&domain));
        }
    }
    if let Some(told) = reported(&message.headers) {
        tell(&format!("{prefix}genuine:reported"), &at("authentication-results"), text(&told));
    }
}

/// What the receiving server noted of its checks: `dkim=pass spf=pass`.
fn reported(headers: &Headers) -> Option<String> {
    let noted = headers.text("authentication-results")?.to_ascii_lowercase();
    let results: Vec<&str> = noted
        .split(|c: char| c.is_whitespace() || c == ';')
        .filter(|word| {
            word.split_once('=').is_some_and(|(method, result)| {
                METHODS.contains(&method) && result.bytes().all(|byte| byte.is_ascii_alphabetic())
            })
        })
        .take(20)
        .collect();
    (!results.is_empty()).then(|| results.join(" "))
}
