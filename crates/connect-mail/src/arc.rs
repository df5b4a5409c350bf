//! Chains of those who passed a message on (ARC, RFC 8617).

use crate::canonical::{Form, RawField};
use crate::dkim::{Proof, Signed, Tags, Verdict, verified, without_signature};
use crate::keys::Keys;

/// How long a chain may be (RFC 8617, 5.1.1.1).
const MAX_CHAIN: usize = 50;

/// One link: the three fields that a server added.
#[derive(Default)]
struct Link<'f> {
    results: Option<&'f RawField>,
    message: Option<(&'f RawField, Tags)>,
    seal: Option<(&'f RawField, Tags)>,
}

/// Checks the chain of a message. The verdict's domain is that of the last one who sealed it.
pub fn arc(signed: &Signed<'_>, keys: &Keys) -> Verdict {
    let names = ["arc-seal", "arc-message-signature", "arc-authentication-results"];
    if !names.iter().any(|name| signed.has(name)) {
        return Verdict { proof: Proof::Absent, domain: None };
    }
    let links = links(&signed.fields).unwrap_or_default();
    let last = links.last().and_then(|link| link.seal.as_ref());
    let domain = last.and_then(|(_, tags)| tags.domain());
    Verdict { proof: chain(signed, &links, keys).unwrap_or(Proof::Broken), domain }
}

/// The links in order. `None` where one is missing or there twice.
fn links(fields: &[RawField]) -> Option<Vec<Link<'_>>> {
    let mut links: Vec<Link<'_>> = Vec::new();
    for field in fields {
        let is_ours = matches!(
            field.name.as_str(),
            "arc-seal" | "arc-message-signature" | "arc-authentication-results"
        );
        if !is_ours {
            continue;
        }
        let tags = Tags::of(field.value());
        let number = usize::try_from(tags.number("i")?).ok()?;
        if number == 0 || number > MAX_CHAIN {
            return None;
        }
        if links.len() < number {
            links.resize_with(number, Link::default);
        }
        let link = &mut links[number - 1];
        let was_there = match field.name.as_str() {
            "arc-seal" => link.seal.replace((field, tags)).is_some(),
            "arc-message-signature" => link.message.replace((field, tags)).is_some(),
            _ => link.results.replace(field).is_some(),
        };
        if was_there {
            return None;
        }
    }
    Some(links)
}

fn chain(signed: &Signed<'_>, links: &[Link<'_>], keys: &Keys) -> Option<Proof> {
    let mut proof = Proof::Proved;
    for (i, link) in links.iter().enumerate() {
        let (seal, tags) = link.seal.as_ref()?;
        let wanted = if i == 0 { "none" } else { "pass" };
        if tags.get("cv")? != wanted || tags.get("h").is_some() {
            return None;
        }
        let message = &link.message.as_ref()?.1;
        if [tags, message].iter().any(|tags| tags.get("a") == Some("rsa-sha1")) {
            return None;
        }
        let mut sealed = Vec::new();
        for earlier in &links[..i] {
            sealed.extend(earlier.results?.canonical(Form::Relaxed));
            sealed.extend(earlier.message.as_ref()?.0.canonical(Form::Relaxed));
            sealed.extend(earlier.seal.as_ref()?.0.canonical(Form::Relaxed));
        }
        sealed.extend(link.results?.canonical(Form::Relaxed));
        sealed.extend(link.message.as_ref()?.0.canonical(Form::Relaxed));
        sealed.extend(without_signature(seal, Form::Relaxed));
        proof = proof.min(verified(&sealed, tags, keys)?);
    }
    // Only the last one's signature must still fit the message.
    let (field, tags) = links.last()?.message.as_ref()?;
    let message = signed.check(field, tags, keys, true);
    (message != Proof::Broken).then(|| proof.min(message))
}
