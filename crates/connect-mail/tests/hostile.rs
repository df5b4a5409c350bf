//! No bytes make reading fail.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use restitch_connect_mail::{message_view, open_file, read_message};

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

/// Bytes that look enough like mail to reach every corner.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
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
    ];
    prop::collection::vec(
        prop_oneof![
            8 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
            1 => prop::collection::vec(any::<u8>(), 0..8),
        ],
        0..60,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_message(&bytes);
        message_view(&bytes);
    }

    #[test]
    fn anything_like_mail_gives_an_answer(bytes in pieces()) {
        let reading = read_message(&bytes);
        message_view(&bytes);
        let text = reading.facts.iter().find(|fact| fact.name == "text");
        let text = text.map(|fact| fact.value.to_string()).unwrap_or_default();
        for fact in reading.facts.iter().filter(|fact| fact.place.field == "text") {
            if let Some((start, end)) = fact.place.range {
                prop_assert!(text.get(start..end).is_some());
            }
        }
    }
}
