//! What is read out of whole messages.

use restitch_connect_mail::read_message;
use restitch_model::Fact;

/// The facts of a message, one a line, but for those that scanners found and
/// those about genuineness; then the remarks.
fn facts(message: &str) -> String {
    let reading = read_message(message.as_bytes());
    let is_read = |fact: &&Fact| !fact.name.contains('#') && !fact.name.contains("genuine:");
    let one = |fact: &Fact| {
        let stands_elsewhere = ["mail:class", "booking:kind"].contains(&fact.name.as_str());
        assert!(fact.place.field == fact.name || stands_elsewhere, "{}", fact.name);
        format!("{} {} {:?}", fact.name, fact.value.type_name(), fact.value.to_string())
    };
    let facts = reading.facts.iter().filter(is_read).map(one);
    let remarks = reading.remarks.iter().map(|remark| format!("! {}", remark.text));
    facts.chain(remarks).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_confirmation_gives_its_headers_and_its_text() {
    let message = "From: \"Rent & Ride\" <Booking@Rent.Example>\r\nTo: Anna Meier <anna@x.de>\r\n\
        Cc: office@rent.example\r\nReply-To: help@rent.example\r\n\
        Subject: =?utf-8?Q?Best=C3=A4tigung?= AB12\r\nDate: Fri, 6 Mar 2026 10:15:00 +0100\r\n\
        Message-ID: <1@rent.example>\r\nX-Booking-Ref: AB12\r\n\r\nHello\u{A0}Anna, \r\n\r\nsee you!\r\n";
    assert_eq!(
        facts(message),
        r#"header:from email "booking@rent.example"
header:from_name text "Rent & Ride"
header:to email "anna@x.de"
header:to_name text "Anna Meier"
header:cc email "office@rent.example"
header:reply-to email "help@rent.example"
header:subject text "Bestätigung AB12"
header:date instant "2026-03-06T09:15:00Z"
header:message-id text "1@rent.example"
header:x-booking-ref text "AB12"
text text "Hello Anna,\n\nsee you!""#
    );
}

#[test]
fn structured_data_attachments_and_calendars_are_read() {
    let message = "From: a@x.de\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\
        Content-Type: text/html; charset=utf-8\n\n<script type='application/ld+json'>{\"reservationNumber\":\"AB12\",}</script>\
        <table><tr><td>Ref</td><td>AB12</td></tr></table>\n--m\n\
        Content-Type: text/calendar; name=\"a.ics\"\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--m\n\
        Content-Type: application/pdf\nContent-Disposition: attachment; filename*=utf-8''R%C3%A9.pdf\n\nx\n--m--\n";
    assert_eq!(
        facts(message),
        r#"header:from email "a@x.de"
text text "Ref\tAB12"
ld:/reservationNumber text "AB12"
attachment:name text "a.ics"
attachment:type text "text/calendar"
attachment:name text "Ré.pdf"
attachment:type text "application/pdf"
calendar:text text "BEGIN:VCALENDAR\nEND:VCALENDAR""#
    );
}

#[test]
fn an_inline_forward_is_unwrapped() {
    let message = "From: Bo <bo@x.de>\nTo: me@x.de\nSubject: Fwd: Booking AB12\n\
        Date: Sat, 7 Mar 2026 12:00:00 +0100\n\nfor your files\n\n\
        ---------- Forwarded message ---------\nFrom: *Rent* <booking@rent.example>\n\
        Date: Fri, Mar 6, 2026 at 10:15\u{202F}AM\nSubject: Booking AB12\nTo: <anna@x.de>\n\n\nSee you!\n";
    assert_eq!(
        facts(message),
        r#"header:from email "booking@rent.example"
header:from_name text "Rent"
header:to email "anna@x.de"
header:subject text "Booking AB12"
header:date instant "2026-03-06T09:15:00Z"
forwarded_by email "bo@x.de"
forwarded_at instant "2026-03-07T11:00:00Z"
outer:subject text "Fwd: Booking AB12"
outer:text text "for your files"
text text "See you!""#
    );
}

#[test]
fn an_html_forward_of_outlook_is_unwrapped() {
    let message = "From: bo@x.de\nSubject: WG: Buchung AB12\nDate: Sat, 7 Mar 2026 12:00:00 +0100\n\
        Content-Type: text/html\n\n<p>Zur Info</p><hr><div><p><b>Von:</b> Rent &lt;booking@rent.example&gt;<br>\
        <b>Gesendet:</b> Freitag, 6. M&auml;rz 2026 10:15<br><b>An:</b> anna@x.de<br>\
        <b>Betreff:</b> Buchung AB12</p></div><p>Bis bald!</p>";
    assert_eq!(
        facts(message),
        r#"header:from email "booking@rent.example"
header:from_name text "Rent"
header:to email "anna@x.de"
header:subject text "Buchung AB12"
header:date instant "2026-03-06T09:15:00Z"
forwarded_by email "bo@x.de"
forwarded_at instant "2026-03-07T11:00:00Z"
outer:subject text "WG: Buchung AB12"
outer:text text "Zur Info"
text text "Bis bald!""#
    );
}

#[test]
fn an_attached_message_is_unwrapped() {
    let message = "From: bo@x.de\nSubject: Fwd: hi\nMessage-ID: <out@x>\n\
        Content-Type: multipart/mixed; boundary=m\n\n--m\n\nnote\n--m\nContent-Type: message/rfc822\n\n\
        From: Rent <booking@rent.example>\nSubject: Booking\nMessage-ID: <in@x>\nX-Ref: AB12\n\nSee you!\n--m--\n";
    assert_eq!(
        facts(message),
        r#"header:from email "booking@rent.example"
header:from_name text "Rent"
header:subject text "Booking"
header:message-id text "in@x"
header:x-ref text "AB12"
forwarded_by email "bo@x.de"
outer:subject text "Fwd: hi"
outer:message-id text "out@x"
outer:text text "note"
text text "See you!""#
    );
}

#[test]
fn an_answer_is_parted_from_what_it_answers() {
    let message = "From: anna@x.de\nSubject: Re: Booking\nIn-Reply-To: <1@rent.example>\n\n\
        I will be late.\n\nOn Fri, 6 Mar 2026 at 10:15, Rent <booking@rent.example> wrote:\n> See you!\n";
    assert_eq!(
        facts(message),
        r#"header:from email "anna@x.de"
header:subject text "Re: Booking"
header:in-reply-to text "1@rent.example"
is_reply bool "true"
text text "I will be late."
quoted:text text "See you!""#
    );
}

#[test]
fn bulk_and_automatic_mail_is_told() {
    let list = "From: news@x.de\nList-Unsubscribe: <https://x.de/u>\nPrecedence: bulk\n\nbuy\n";
    assert!(facts(list).contains("bulk bool \"true\""));
    let away = "From: a@x.de\nAuto-Submitted: auto-replied\n\naway\n";
    assert!(
        facts(away).contains("header:auto-submitted text \"auto-replied\"\nauto bool \"true\"")
    );
    let bounce = "From: MAILER-DAEMON@x.de\nContent-Type: multipart/report; boundary=m\n\n--m\n\nfailed\n\
        --m\nContent-Type: message/rfc822\n\nFrom: me@x.de\n\nhi\n--m--\n";
    assert!(facts(bounce).contains("auto bool \"true\"\ntext text \"failed\""));
    assert!(facts(bounce).contains("header:from email \"mailer-daemon@x.de\""));
}

#[test]
fn what_is_odd_is_remarked() {
    let message = "Date: Fri, 6 Mar 2026 10:15:00\nContent-Type: text/plain; charset=utf-8\n\n";
    let bytes = [message.as_bytes(), b"K\xF6ln"].concat();
    let reading = read_message(&bytes);
    let remarks: Vec<&str> = reading.remarks.iter().map(|remark| remark.text.as_str()).collect();
    assert_eq!(
        remarks,
        [
            "its text is not in the charset that it declares",
            "its Date names no zone and was read as UTC"
        ]
    );
    assert!(facts("").contains("! it has no header"));
}
