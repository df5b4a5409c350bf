//! What must hold of whatever bytes come from outside: fuzz targets for messages, events and texts.
//!
//! A target takes bytes and panics where a promise is broken: that reading gives an answer, the
//! same one again, in time that follows the length, and places that lie inside of what they are
//! places of. `crates/fuzz/run` has libFuzzer look for such bytes; what it found once lies in
//! `corpus/`, which the tests go through.

use std::collections::BTreeMap;

use restitch_connect::{Basket, Reading};
use restitch_connect_calendar::{list_events, occurrences, read_event};
use restitch_connect_mail::{
    Keys, key_names, locate_all, looks_like_mail, message_view, read_message_with,
};
use restitch_facts::{Context, scan, scan_field};
use restitch_model::{Fact, FactValue, Place, TimeWindow};

/// Of a message, the places of so many facts are looked for: each takes a walk over it.
const PLACES: usize = 50;
/// So many occurrences of a series are asked for.
const OCCURRENCES: usize = 100;

/// A message: reading it, showing it, and finding the words of its facts again.
pub fn message(bytes: &[u8]) {
    let keys = Keys::parse(KEYS).expect("the keys of this file are well written");
    let reading = read_message_with(bytes, &keys);
    assert_eq!(reading, read_message_with(bytes, &keys), "reading again says the same");
    check_places(&reading);
    message_view(bytes);
    key_names(bytes);
    looks_like_mail(bytes);
    let places: Vec<&Place> = reading.facts.iter().map(|fact| &fact.place).take(PLACES).collect();
    for spot in locate_all(bytes, &places).into_iter().flatten() {
        let (start, end) = spot.range;
        assert!(start <= end && end <= bytes.len(), "{start}-{end} of {}", bytes.len());
    }
}

/// A calendar: its events, each as an item of its own, and when they happen.
pub fn event(bytes: &[u8]) {
    let mut sink = Basket::default();
    list_events("calendar", bytes, &mut sink).expect("a basket refuses nothing");
    for item in &sink.items {
        let reading = read_event(&item.bytes, Some("Europe/Berlin"));
        assert_eq!(reading, read_event(&item.bytes, Some("Europe/Berlin")));
        check_places(&reading);
    }
    check_places(&read_event(bytes, None));
    let moment = |text: &str| text.parse().expect("a moment of this file is well written");
    let window =
        TimeWindow { start: moment("2020-01-01T00:00:00Z"), end: moment("2030-01-01T00:00:00Z") };
    let found = occurrences(bytes, None, window, OCCURRENCES);
    let mut of_uid: BTreeMap<&str, usize> = BTreeMap::new();
    for occurrence in found.occurrences.iter().filter(|occurrence| !occurrence.uid.is_empty()) {
        *of_uid.entry(&occurrence.uid).or_default() += 1;
    }
    assert!(of_uid.into_values().all(|count| count <= OCCURRENCES), "bounded as asked");
}

/// A text: all that scanners find in it, before a day of writing and without one.
pub fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let days = [None, Some(jiff::civil::date(2026, 3, 6))];
    for context in days.map(|written_on| Context { written_on }) {
        let found = scan(&text, context);
        for one in &found {
            assert!(one.start < one.end, "a value has characters");
            text.get(one.start..one.end).expect("a value lies between characters");
        }
        let facts = scan_field("text", &text, context);
        assert!(facts.len() >= found.len());
        for range in facts.iter().filter_map(|fact| fact.place.range) {
            text.get(range.0..range.1).expect("a fact lies between characters");
        }
    }
}

/// The ranges of facts lie inside of the texts that they are ranges of.
fn check_places(reading: &Reading) {
    let texts = |fact: &'_ Fact| match &fact.value {
        FactValue::Text(text) => Some((fact.name.clone(), text.clone())),
        _ => None,
    };
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in reading.facts.iter().filter_map(texts) {
        by_name.entry(name.to_string()).or_default().push(text);
    }
    for place in reading.facts.iter().map(|fact| &fact.place) {
        let (Some((start, end)), Some(texts)) = (place.range, by_name.get(place.field.as_str()))
        else {
            continue;
        };
        let holds = |text: &String| text.get(start..end).is_some();
        assert!(texts.iter().any(holds), "{place} lies outside of its text");
    }
}

/// The keys of RFC 8463, appendix A.
const KEYS: &str = "\
brisbane._domainkey.football.example.com v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
test._domainkey.football.example.com v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
";
