//! What messages are about, what they are, and which of them say the same.

use restitch_connect_mail::read_message;
use restitch_model::Fact;

/// The facts of this name, each with its place.
fn told(message: &str, name: &str) -> Vec<String> {
    let facts = read_message(message.as_bytes()).facts;
    let named = facts.iter().filter(|fact| fact.name == name);
    named.map(|fact: &Fact| format!("{} {}", fact.value, fact.place)).collect()
}

#[test]
fn a_booking_message_says_what_happened_with_its_words() {
    let changed = "Subject: Your reservation AB12 has been updated\n\nThank you for booking.\n";
    assert_eq!(told(changed, "booking:kind"), ["changed header:subject@31-38"]);
    let by_text = "Subject: AB12\n\nDear Anna,\nyour booking AB12 has been cancelled.\n";
    assert_eq!(told(by_text, "booking:kind"), ["cancelled text@29-47"]);
    let by_data = "Subject: AB12\nContent-Type: text/html\n\n<script type='application/ld+json'>\
        {\"@type\":\"EventReservation\",\"reservationStatus\":\"http://schema.org/ReservationCancelled\"}\
        </script>Hello";
    assert_eq!(told(by_data, "booking:kind"), ["cancelled ld:/reservationStatus"]);
}

#[test]
fn the_subject_of_an_answer_is_that_of_what_it_answers() {
    let answer = "Subject: Re: Your booking is confirmed\nIn-Reply-To: <1@x>\n\nSee you then.\n";
    assert!(told(answer, "booking:kind").is_empty());
}

#[test]
fn newsletters_bounces_and_spam_are_told_and_kept() {
    let class = |message: &str| told(message, "mail:class").join(", ");
    let news = "Subject: Summer sale\nList-Unsubscribe: <https://x.example/u>\n\nbuy now\n";
    assert_eq!(class(news), "newsletter header:list-unsubscribe");
    let shop =
        "Subject: Your booking is confirmed\nList-Unsubscribe: <https://x.example/u>\n\nhi\n";
    assert_eq!(class(shop), "");
    let spam = "Subject: win\nX-Spam-Flag: YES\n\nx\n";
    assert_eq!(class(spam), "spam header:x-spam-flag");
    let bounce = "From: Mail System <mailer-daemon@x.example>\nSubject: Undelivered Mail Returned\n\n\
        Your booking is confirmed.\n";
    assert_eq!(class(bounce), "bounce header:from");
    let report = "From: postmaster@x.example\nContent-Type: multipart/report; boundary=m;\n \
        report-type=delivery-status\n\n--m\n\nfailed\n--m\nContent-Type: message/delivery-status\n\n\
        Action: failed\n--m--\n";
    assert_eq!(class(report), "bounce header:content-type");
    let plain = "Subject: Cars from 9 euro\n\nHurry!\n\nUnsubscribe here\n";
    assert_eq!(class(plain), "newsletter text@8-19");
    let shop = "Subject: Booking AB12 confirmed\nAuto-Submitted: auto-generated\n\nhi\n";
    assert_eq!(class(shop), "");
    let away = "Subject: Out of office\nAuto-Submitted: auto-replied\n\naway\n";
    assert_eq!(class(away), "auto-reply header:auto-submitted");
    assert!(told(bounce, "booking:kind").is_empty());
    assert!(read_message(spam.as_bytes()).facts.iter().any(|fact| fact.name == "text"));
}

#[test]
fn copies_and_forwards_of_one_message_have_its_digest() {
    let head = "From: Rent <booking@rent.example>\nTo: anna@x.example\nSubject: Booking AB12\n";
    let text = "Dear Anna,\nyour car waits in Berlin on 12 March 2026, 10:00.\n";
    let original = told(&format!("{head}Message-ID: <1@r>\n\n{text}"), "text#digest");
    assert_eq!(original.len(), 1);
    let again = format!("{head}Message-ID: <2@r>\nReceived: elsewhere\n\n{text}\n\n");
    assert_eq!(told(&again, "text#digest"), original);
    let forward = format!(
        "From: bo@x.example\nSubject: Fwd: Booking AB12\n\n---------- Forwarded message ---------\n\
         {head}Date: Fri, Mar 6, 2026 at 10:15 AM\n\n{text}"
    );
    assert_eq!(told(&forward, "text#digest"), original);
    let other = format!("{head}\n{}", text.replace("10:00", "11:00"));
    assert_ne!(told(&other, "text#digest"), original);
}
