//! Facts point to their very words, also where these were encoded.

use proptest::prelude::*;
use restitch_connect_mail::{locate, read_message};
use restitch_model::Place;

/// The bytes of the message that the first fact of this name points to, with part and encoding.
fn words(message: &[u8], name: &str) -> String {
    let facts = read_message(message).facts;
    let fact = facts.iter().find(|fact| fact.name == name).expect("there is such a fact");
    let Some(spot) = locate(message, &fact.place) else { return "nowhere".to_owned() };
    let bytes = &message[spot.range.0..spot.range.1];
    let encoding = spot.encoding.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{encoding}: {}", spot.part, String::from_utf8_lossy(bytes))
}

#[test]
fn plain_words_are_where_they_are() {
    let message = b"From: a@x.example\nSubject: Your car, EUR 149.90\n\n\
        Hello,\nyou paid 12.50 EUR today and 12.50 EUR before.\n";
    assert_eq!(words(message, "text#amount"), "1: 12.50 EUR");
    assert_eq!(words(message, "header:subject#amount"), "header: EUR 149.90");
    assert_eq!(words(message, "header:from"), "header: a@x.example");
}

#[test]
fn words_in_base64_and_quoted_printable_are_found_encoded() {
    // "Hello, you paid 12.50 EUR today."
    let message = b"Content-Transfer-Encoding: base64\n\n\
        SGVsbG8sIHlvdSBwYWlkIDEy\nLjUwIEVVUiB0b2RheS4=\n";
    assert_eq!(words(message, "text#amount"), "1 base64: DEy\nLjUwIEVVUi");
    let message = b"Content-Type: text/plain; charset=utf-8\n\
        Content-Transfer-Encoding: quoted-printable\n\nF=C3=BCr Sie: 1=\n2,50=20=E2=82=AC heute\n";
    assert_eq!(words(message, "text#amount"), "1 quoted-printable: 1=\n2,50=20=E2=82=AC");
}

#[test]
fn words_in_other_charsets_are_found() {
    let message = b"Content-Type: text/plain; charset=iso-8859-1\n\nF\xFCr Sie: 12,50 EUR\n";
    assert_eq!(words(message, "text#amount"), "1: 12,50 EUR");
    let message = b"Content-Type: text/plain; charset=shift_jis\n\n\x93\xFA\x96\x7B 12.50 EUR\n";
    assert_eq!(words(message, "text#amount"), "1: 12.50 EUR");
}

#[test]
fn words_of_a_page_are_found_between_its_tags() {
    let message = b"Content-Type: multipart/mixed; boundary=m\n\n--m\n\nsee page\n--m\n\
        Content-Type: text/html\n\n<title>12.50 EUR</title><table><tr><td>Total<td>\
        <b>12.50</b>&nbsp;&euro;</table>\n--m--\n";
    assert_eq!(words(message, "text#amount"), "2: 12.50</b>&nbsp;&euro;");
}

#[test]
fn words_of_a_forward_and_of_an_attached_message_are_found() {
    let inline = b"Subject: Fwd: Hi\n\nfyi 12.50 EUR\n\n---------- Forwarded message ---------\n\
        From: Rent <b@rent.example>\nSubject: Hi\nDate: 6 March 2026\n\n> you paid\n> 12.50 EUR to us\n";
    assert_eq!(words(inline, "text#amount"), "1: 12.50 EUR");
    assert_eq!(words(inline, "header:from"), "1: b@rent.example");
    let facts = read_message(inline).facts;
    let amount = facts.iter().find(|fact| fact.name == "text#amount").unwrap();
    let spot = locate(inline, &amount.place).unwrap();
    assert!(spot.range.0 > 100, "it is the forwarded one");
    let attached = b"Subject: Fwd\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\nnote\n--m\n\
        Content-Type: message/rfc822\n\nFrom: b@rent.example\nSubject: Paid EUR 9.90\n\n12.50 EUR\n--m--\n";
    assert_eq!(words(attached, "text#amount"), "2: 12.50 EUR");
    assert_eq!(words(attached, "header:subject#amount"), "2.header: EUR 9.90");
}

#[test]
fn structured_data_is_found_in_its_script() {
    let message = b"Content-Type: text/html\n\n<p>AB12</p><script type='application/ld+json'>\
        {\"@type\":\"EventReservation\",\"reservationNumber\": \"AB12\"}</script>";
    let facts = read_message(message).facts;
    let told = facts.iter().find(|fact| fact.name == "reservation:reference").unwrap();
    let spot = locate(message, &told.place).unwrap();
    assert_eq!(&message[spot.range.0 - 3..spot.range.1], b": \"AB12");
}

#[test]
fn a_verdict_stands_nowhere() {
    assert_eq!(words(b"Subject: a\n\nx\n", "genuine:dkim"), "nowhere");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_place_in_any_bytes_is_answered(
        body in "[ -~\u{e4}\n<>&=;]{0,200}",
        field in "(text|header:subject|outer:text|ld:/a|quoted:text|x)",
        range in prop::option::of((0usize..300, 0usize..300)),
    ) {
        let message = format!("Subject: =?utf-8?q?a?= b\nContent-Type: text/html\n\n{body}");
        if let Some(spot) = locate(message.as_bytes(), &Place { field: field.into(), range }) {
            prop_assert!(message.as_bytes().get(spot.range.0..spot.range.1).is_some());
        }
    }

    #[test]
    fn every_scanned_value_of_a_plain_text_is_found(words in "[a-z0-9 .:\u{e4}]{0,120}", n in 0..4) {
        let encoded: String = match n {
            0 => format!("\n{words}"),
            1 => format!("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{}",
                words.bytes().map(|byte| format!("={byte:02X}")).collect::<String>()),
            2 => format!("Content-Type: text/html; charset=utf-8\n\n<b>{}</b>", words.replace(' ', " <i>")),
            _ => format!("Content-Type: text/plain; format=flowed; charset=utf-8\n\n{}", words.replace(' ', " \n")),
        };
        let message = format!("Subject: a\n{encoded}\n");
        for fact in read_message(message.as_bytes()).facts {
            if fact.name.starts_with("text#") && fact.place.range.is_some() {
                prop_assert!(locate(message.as_bytes(), &fact.place).is_some(), "{:?}", fact);
            }
        }
    }
}
