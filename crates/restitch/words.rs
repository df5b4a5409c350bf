//! The very words that a fact was read from, and where in the bytes they stand.

use std::collections::BTreeMap;

use restitch_connect::Connector;
use restitch_connect_calendar::CalendarFiles;
use restitch_connect_mail::{MailFiles, Spot, locate_all};
use restitch_connect_stripe::StripeFiles;
use restitch_connect_table::TableFiles;
use restitch_model::{Evidence, Fact, FactValue, Place};
use serde::Serialize;

/// Of an item with more facts than this, the words of the first are looked for: in a long message
/// that takes a while for each.
const MOST: usize = 2_000;

/// What stands at a fact's place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Words {
    /// The words, where the place is a part of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Where they stand in the bytes of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Bytes>,
}

/// A range of a message's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// The part, numbered as in IMAP; `header`, or `2.header` for that of an attached message.
    pub part: String,
    /// The range in the message as it stands.
    pub range: (usize, usize),
    /// How they are encoded there, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
}

/// What stands at these places of an item with these facts.
pub fn words(evidence: &Evidence, facts: &[Fact], places: &[&Place]) -> Vec<Words> {
    let mut texts: BTreeMap<&str, &str> = BTreeMap::new();
    for fact in facts {
        if let FactValue::Text(text) = &fact.value {
            texts.entry(&fact.name).or_insert(text);
        }
    }
    let said = |place: &Place| {
        let (start, end) = place.range?;
        Some((*texts.get(place.field.as_str())?).get(start..end)?.to_owned())
    };
    let few = &places[..places.len().min(MOST)];
    let mut spots = match evidence.meta.kind.as_str() {
        "mail" => locate_all(&evidence.bytes, few),
        _ => Vec::new(),
    }
    .into_iter();
    let found = |place: &&Place| Words {
        words: said(place),
        bytes: spots.next().flatten().map(|Spot { part, range, encoding }| Bytes {
            part,
            range,
            encoding,
        }),
    };
    places.iter().map(found).collect()
}

/// The facts of an item of the case.
pub fn facts(evidence: &Evidence) -> Vec<Fact> {
    let kind = evidence.meta.kind.as_str();
    let readers: [&dyn Connector; 4] = [
        &MailFiles::default(),
        &CalendarFiles { paths: Vec::new(), timezone: None },
        &StripeFiles { paths: Vec::new() },
        &TableFiles { paths: Vec::new() },
    ];
    let reads = |reader: &&&dyn Connector| {
        let is_it = |known: &str| kind == known || known.ends_with('.') && kind.starts_with(known);
        reader.kinds().iter().any(|known| is_it(known))
    };
    readers.iter().find(reads).map(|reader| reader.read(evidence).facts).unwrap_or_default()
}

impl Words {
    /// The words in quotes and where they stand, after a blank each.
    pub fn shown(&self) -> String {
        let words = self.words.as_ref().map(|words| {
            let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
            format!(" {line:?}")
        });
        let bytes = self.bytes.as_ref().map(|bytes| format!(" {}", bytes.shown()));
        [words, bytes].into_iter().flatten().collect()
    }
}

impl Bytes {
    /// Where that is, for a person.
    pub fn shown(&self) -> String {
        let (start, end) = self.range;
        let encoding = self.encoding.map(|how| format!(" in {how}")).unwrap_or_default();
        format!("part {}, bytes {start}-{end}{encoding}", self.part)
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::{EvidenceId, EvidenceMeta, Instant};

    use super::*;

    fn shown(kind: &str, bytes: &[u8], name: &str) -> String {
        let meta = EvidenceMeta {
            id: EvidenceId::of(bytes),
            source: String::new(),
            kind: kind.to_owned(),
            native_id: String::new(),
            container: String::new(),
            at: None,
            fetched_at: Instant::UNIX_EPOCH,
        };
        let evidence = Evidence { meta, bytes: bytes.to_vec() };
        let facts = facts(&evidence);
        let place = &facts.iter().find(|fact| fact.name == name).expect("it is read").place;
        words(&evidence, &facts, &[place])[0].shown()
    }

    #[test]
    fn a_reviewer_sees_the_very_words_and_where_they_are_encoded() {
        let message = b"From: a@x.example\nContent-Type: text/plain; charset=utf-8\n\
            Content-Transfer-Encoding: quoted-printable\n\nTotal: 149,90 =E2=82=AC\n";
        let shown = shown("mail", message, "text#amount");
        assert_eq!(shown, r#" "149,90 €" part 1, bytes 110-126 in quoted-printable"#);
        let at = &message[110..126];
        assert_eq!(at, b"149,90 =E2=82=AC");
    }

    #[test]
    fn of_an_event_and_of_a_payment_the_field_is_the_place() {
        let event = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:pick-up AB-1234 at 10am\n\
            END:VEVENT\nEND:VCALENDAR\n";
        assert_eq!(shown("calendar.event", event, "summary#time"), r#" "10am""#);
        let charge = br#"{"id":"ch_1","object":"charge","description":"Deposit of $20 paid"}"#;
        assert_eq!(shown("stripe.charge", charge, "/description#amount"), r#" "$20""#);
    }
}
