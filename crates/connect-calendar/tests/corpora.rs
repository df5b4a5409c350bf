//! Real calendars of other projects, where `RESTITCH_CORPORA` names the folder that holds them:
//! none is in this repository, for their licences differ.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use restitch_connect::{Basket, Connector};
use restitch_connect_calendar::{CalendarFiles, occurrences, read_event};
use restitch_model::{FactValue, Remark, Silent, TimeWindow};

fn pulled() -> Option<Basket> {
    let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
        println!("RESTITCH_CORPORA is not set: the third-party corpora are skipped");
        return None;
    };
    let folder = Path::new(&corpora).join("calendars");
    let mut basket = Basket::default();
    let source = CalendarFiles { paths: vec![folder], timezone: None };
    source.pull(None, &mut basket, &Silent).unwrap();
    Some(basket)
}

#[test]
fn every_event_is_accounted_for_and_read() {
    let Some(Basket { items, remarks, .. }) = pulled() else { return };
    for remark in &remarks {
        eprintln!("{remark}");
    }
    let (mut facts, mut without_start, mut unknown_zone, mut silent) = (0, 0, 0, 0);
    for item in &items {
        let reading = read_event(&item.bytes, None);
        facts += reading.facts.len();
        if !reading.facts.iter().any(|fact| fact.name == "start") {
            without_start += 1;
            let says_why = reading.remarks.iter().any(|remark| remark.text.contains("DTSTART"));
            if has_start(&item.bytes) && !says_why {
                silent += 1;
                eprintln!("{} {}: DTSTART was lost", item.container, item.native_id);
            }
        }
        let unknown = |remark: &Remark| remark.text.starts_with("the time zone");
        unknown_zone += usize::from(reading.remarks.iter().any(unknown));
        for remark in reading.remarks {
            if !remark.text.starts_with("repeats") {
                eprintln!("{} {}", item.container, remark.text);
            }
        }
    }
    eprintln!(
        "{} events, {facts} facts, {without_start} without start, {unknown_zone} with unknown zone",
        items.len()
    );
    assert!(items.len() > 1000);
    assert_eq!(silent, 0, "events whose DTSTART was neither read nor remarked");
    let miscounted = remarks.iter().filter(|remark| remark.text.contains("BEGIN:VEVENT stands"));
    assert_eq!(miscounted.count(), 0);
}

/// Files with bytes changed, cut out and put in twice, the same ones in every run.
#[test]
fn damaged_files_give_an_answer() {
    let Some(Basket { items, .. }) = pulled() else { return };
    let mut random = 1_u64;
    let mut below = |n: usize| {
        // Marsaglia's xorshift.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % n as u64).unwrap()
    };
    let window = TimeWindow {
        start: "2000-01-01T00:00:00Z".parse().unwrap(),
        end: "2030-01-01T00:00:00Z".parse().unwrap(),
    };
    let (mut facts, mut remarks) = (0, 0);
    for item in items.iter().step_by(7).filter(|item| item.bytes.len() < 20_000) {
        let mut bytes = item.bytes.clone();
        for _ in 0..6 {
            let (from, to) = (below(bytes.len()), below(bytes.len()));
            match below(3) {
                0 => bytes[from] = u8::try_from(below(256)).unwrap(),
                1 => drop(bytes.drain(from.min(to)..from.max(to).min(from.min(to) + 9))),
                _ => bytes.extend_from_within(from.min(to)..from.max(to).min(from.min(to) + 99)),
            }
            let reading = read_event(&bytes, None);
            assert_eq!(reading, read_event(&bytes, None), "{} {}", item.container, item.native_id);
            let found = occurrences(&bytes, Some("Europe/Berlin"), window, 50);
            facts += reading.facts.len();
            remarks += reading.remarks.len() + found.remarks.len();
        }
    }
    eprintln!("{facts} facts and {remarks} remarks of damaged events");
    assert!(facts > 10_000 && remarks > 100);
}

/// Whether a whole DTSTART line stands in the event, rather than in a zone before it.
fn has_start(slice: &[u8]) -> bool {
    let text = String::from_utf8_lossy(slice).to_ascii_uppercase();
    let event = text.split("BEGIN:VEVENT").nth(1).unwrap_or_default();
    let mut lines = event.lines().take_while(|line| *line != "BEGIN:VALARM");
    lines.any(|line| line.starts_with("DTSTART:") || line.starts_with("DTSTART;"))
}

/// The `icalendar` crate is the second opinion on what it accepts.
#[test]
fn another_parser_reads_the_same() {
    use icalendar::{Calendar, CalendarComponent, Component, EventLike};

    let Some(Basket { items, .. }) = pulled() else { return };
    let (mut agreed, mut refused, mut differ) = (0, 0, 0);
    for item in &items {
        let Ok(text) = std::str::from_utf8(&item.bytes) else { continue };
        // It is quadratic on bare LF, and panics on a few of the fuzzed files.
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        let parsed = catch_unwind(AssertUnwindSafe(|| text.parse::<Calendar>().ok()));
        let event = parsed.ok().flatten().and_then(|calendar| {
            calendar.components.into_iter().find_map(|component| match component {
                CalendarComponent::Event(event) => Some(event),
                _ => None,
            })
        });
        let Some(event) = event else {
            refused += 1;
            continue;
        };
        let facts = read_event(&item.bytes, None).facts;
        let ours = |name: &str| {
            facts.iter().find_map(|fact| match &fact.value {
                FactValue::Text(text) if fact.name == name => Some(text.trim().to_owned()),
                _ => None,
            })
        };
        let theirs =
            |text: Option<&str>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let same = ours("uid") == theirs(event.get_uid())
            && ours("summary") == theirs(event.get_summary())
            && ours("location") == theirs(event.get_location());
        if same {
            agreed += 1;
        } else {
            differ += 1;
            eprintln!("{} {}:", item.container, item.native_id);
            eprintln!("  {:?} / {:?}", ours("summary"), event.get_summary());
            eprintln!("  {:?} / {:?}", ours("location"), event.get_location());
        }
    }
    eprintln!("{agreed} alike, {differ} differ, {refused} refused by icalendar");
    assert!(differ * 100 <= agreed, "{differ} differ, {agreed} are alike");
}
