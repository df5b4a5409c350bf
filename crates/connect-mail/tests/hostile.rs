//! No bytes make reading fail.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use restitch_connect_mail::{locate, message_view, open_file, read_message};
use restitch_model::{Fact, FactValue};

fn messages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            messages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            found.push(path);
        }
    }
}

#[test]
fn the_hard_messages_of_other_projects_are_read() {
    let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
        println!("RESTITCH_CORPORA is not set: the third-party corpora are skipped");
        return;
    };
    let root = Path::new(&corpora).join("mail");
    let mut found = Vec::new();
    messages(&root, &mut found);
    assert!(!found.is_empty(), "RESTITCH_CORPORA is set, but {} has no .eml", root.display());
    let mut with_text = 0;
    for path in &found {
        let bytes = fs::read(path).unwrap();
        let reading = read_message(&bytes);
        assert_eq!(reading, read_message(&bytes), "{}", path.display());
        message_view(&bytes);
        with_text += usize::from(reading.facts.iter().any(|fact| fact.name == "text"));
    }
    println!("{} messages, {with_text} with a text", found.len());
    assert!(with_text * 10 > found.len() * 8);
    assert!(!open_file(&root).unwrap().items.is_empty());
}

/// Words that mail is made of.
const WORDS: &[&[u8]] = &[
    b"From: ",
    b"To: ",
    b"Subject: Fwd: ",
    b"Date: ",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"Message-ID: <",
    b">",
    b"Content-Type: multipart/mixed; boundary=x\n\n",
    b"--x\n",
    b"--x--\n",
    b"text/html",
    b"; charset=",
    b"Content-Type: message/rfc822\n\n",
    b"Content-Transfer-Encoding: base64\n\n",
    b"quoted-printable",
    b"=?utf-8?Q?",
    b"=?utf-8?B?",
    b"?=",
    b"=\n",
    b"=C3",
    b"(",
    b")",
    b"\"",
    b"\\",
    b"<",
    b"@",
    b",",
    b";",
    b":",
    b"filename*0*=",
    b"Content-Disposition: attachment; ",
    b"'",
    b"%",
    b"<table><tr><td>",
    b"</td>",
    b"<pre>",
    b"<div style=display:none>",
    b"<blockquote type=cite>",
    b"&#",
    b"&amp",
    b"<!--",
    b"> ",
    b">From ",
    b"wrote:",
    b"---------- Forwarded message ---------\nFrom: a@b\nSubject: c\nDate: 1/2/2025\n\n",
    b"{\"a\":[1,]}",
    b"<script type=application/ld+json>",
    b"</script>",
    b"format=flowed",
    b" \n",
    b"\x00",
    b"\xFF",
    b"\xC3\xA9",
    b"\xE2\x80",
    b"1",
    b"99",
    b"a",
    b"itemscope ",
    b"itemprop=a ",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=x; s=y; h=from; bh=; b=\n",
    b"begin 644 a\n",
];

/// Bytes that look enough like mail to reach every corner.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![
            8 => prop::sample::select(WORDS).prop_map(<[u8]>::to_vec),
            1 => prop::collection::vec(any::<u8>(), 0..8),
        ],
        0..60,
    )
    .prop_map(|pieces| pieces.concat())
}

/// Reads bytes in all ways, and checks that every fact points into what it was read from.
fn read_whole(bytes: &[u8]) {
    let reading = read_message(bytes);
    message_view(bytes);
    let text = |name: &str| {
        let named = |fact: &&Fact| fact.name == name;
        reading.facts.iter().find(named).and_then(|fact| match &fact.value {
            FactValue::Text(text) => Some(text.as_str()),
            _ => None,
        })
    };
    let ranged = || reading.facts.iter().filter(|fact| fact.place.range.is_some());
    for fact in ranged() {
        let (start, end) = fact.place.range.unwrap();
        let words = text(&fact.place.field).and_then(|text| text.get(start..end));
        assert!(words.is_some_and(|words| !words.is_empty()), "{fact:?} points to nothing");
    }
    let ends = ranged().next().into_iter().chain(ranged().next_back()).chain(reading.facts.last());
    for spot in ends.filter_map(|fact| locate(bytes, &fact.place)) {
        assert!(bytes.get(spot.range.0..spot.range.1).is_some(), "{spot:?} is not in the message");
    }
}

/// Changes that happen to mail and worse ones, the same in every run.
struct Mutations {
    state: u64,
}

impl Mutations {
    /// A number below `limit` (xorshift, Marsaglia 2003).
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % limit.max(1)
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let upto = (at + 1 + self.below(60)).min(bytes.len());
        match self.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at.min(upto)..upto)),
            2 => {
                let piece = bytes[at.min(upto)..upto].repeat(1 + self.below(20));
                bytes.splice(at..at, piece);
            }
            3 => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            4 => {
                let other = self.below(bytes.len());
                let piece: Vec<u8> = bytes[at.min(upto)..upto].to_vec();
                bytes.splice(other..other, piece);
            }
            _ => {
                let byte = self.below(256) as u8;
                bytes.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
        }
    }
}

/// How many broken messages are made of those that are there.
const MUTATIONS: usize = 600;

#[test]
fn broken_messages_are_read_without_a_panic() {
    let mut seeds: Vec<Vec<u8>> = SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    match std::env::var_os("RESTITCH_CORPORA") {
        Some(corpora) => {
            let mut found = Vec::new();
            messages(&Path::new(&corpora).join("mail"), &mut found);
            found.sort();
            let small = found.iter().map(|path| fs::read(path).unwrap());
            seeds.extend(small.filter(|bytes| bytes.len() < 20_000));
        }
        None => println!("RESTITCH_CORPORA is not set: only messages made up here are broken"),
    }
    let mut mutations = Mutations { state: 0x9E37_79B9_7F4A_7C15 };
    for i in 0..MUTATIONS {
        let mut bytes = seeds[i % seeds.len()].clone();
        for _ in 0..=mutations.below(6) {
            mutations.change(&mut bytes);
        }
        read_whole(&bytes);
    }
    println!("{MUTATIONS} messages broken from {}", seeds.len());
}

/// Messages that reach the corners of reading.
const SEEDS: [&str; 3] = [
    "From: \"Rent & Ride\" <b@rent.example>\nTo: =?utf-8?q?J=C3=B6rg?= <j@x.example>\n\
     Subject: =?iso-8859-1?Q?Buchung_best=E4tigt?= AB-12\nDate: Fri, 6 Mar 2026 10:15:00 +0100\n\
     DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=rent.example; s=a; h=from:to; bh=AA==; b=AA==\n\
     Content-Type: multipart/alternative; boundary=\"=_1\"\n\n--=_1\nContent-Type: text/plain;\n \
     charset=utf-8; format=flowed\nContent-Transfer-Encoding: quoted-printable\n\nPick-up: =\n\
     12.03.2026, 10:00 Uhr =E2=82=AC 149,90\n--=_1\nContent-Type: text/html\n\
     Content-Transfer-Encoding: base64\n\nPGI+QUItMTI8L2I+PHA+MTQ5LDkwJm5ic3A7JmV1cm87PC9wPg==\n--=_1--\n",
    "From: a@x.example\nContent-Type: text/html; charset=utf-8\n\n<html><table><tr><td>Ref<td>AB12</table>\
     <script type=\"application/ld+json\">[{\"@type\":\"RentalCarReservation\",\"reservationNumber\":\"AB12\",\
     \"pickupTime\":\"2026-03-12T10:00:00+01:00\",\"totalPrice\":149.9,\"priceCurrency\":\"EUR\"},]</script>\
     <div itemscope itemtype='http://schema.org/EventReservation'><meta itemprop=reservationNumber \
     content=X1><p itemprop=reservationFor itemscope><time itemprop=startDate datetime='2026-03-12'></p></div>",
    "From: bo@x.example\nSubject: Fwd: hi\nARC-Seal: i=1; a=rsa-sha256; cv=none; d=x; s=y; b=AA==\n\
     Content-Type: multipart/mixed; boundary=m\n\n--m\n\nnote\n--m\nContent-Type: message/rfc822\n\n\
     From: c@x.example\nSubject: Re: in\n\nyes\n\nOn 6 March 2026 Anna <a@x.example> wrote:\n> 12.50 EUR?\n\
     --m\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--m--\n",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_whole(&bytes);
    }

    #[test]
    fn anything_like_mail_gives_an_answer(bytes in pieces()) {
        read_whole(&bytes);
    }
}
