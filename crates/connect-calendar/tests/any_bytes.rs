//! Whatever the bytes, pulling and reading give an answer.

use jiff::Timestamp;
use proptest::prelude::*;
use restitch_connect::{Basket, Connector};
use restitch_connect_calendar::{CalendarFiles, list_events, occurrences, read_event};
use restitch_model::{Evidence, EvidenceId, EvidenceMeta, TimeWindow};

/// Pieces that calendars are made of, in any order and number.
fn calendar_like() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static [u8]> = vec![
        b"BEGIN:VCALENDAR",
        b"END:VCALENDAR",
        b"BEGIN:VEVENT",
        b"END:VEVENT",
        b"BEGIN:VALARM",
        b"END:VALARM",
        b"BEGIN:VTIMEZONE",
        b"END:VTIMEZONE",
        b"BEGIN:STANDARD",
        b"END:STANDARD",
        b"TZID:Own",
        b"TZOFFSETFROM:+0100",
        b"TZOFFSETTO:-9999",
        b"DTSTART:16010101T000000",
        b"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        b"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        b"RRULE:FREQ=SECONDLY",
        b"RRULE:FREQ=SECONDLY;BYSETPOS=2",
        b"RRULE:FREQ=DAILY;UNTIL=20260301",
        b"RRULE:FREQ=WEEKLY;COUNT=-1;BYDAY=MO, TU",
        b"RDATE;VALUE=PERIOD:20260105T000000/PT1H,99991231T000000Z/-P1D",
        b"EXDATE;VALUE=DATE:20260102",
        b"EXDATE;TZID=Own:20260102T000000,soon",
        b"RECURRENCE-ID;RANGE=THISANDFUTURE:20260102T000000",
        b"SEQUENCE:2",
        b"DTSTART;TZID=Own:20260101T000000",
        b"DTEND:99991231T235959Z",
        b"DURATION:P999999999W",
        b"DTSTART;VALUE=DATE:99991231",
        b"DTEND;TZID=Own:00010101T000000",
        b"SUMMARY;ENCODING=QUOTED-PRINTABLE:a=",
        b"SUMMARY;CHARSET=utf-16:\xff\xfe",
        b"DESCRIPTION:<a href=\"&#x110000;",
        b"ATTENDEE;CN=\":mailto:<a@b",
        b"UID:1",
        b"\xef\xbb\xbf",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n ",
        b"\n\t",
        b":",
        b";",
        b"=",
        b"\"",
    ];
    let piece = prop_oneof![
        9 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn pull_and_read(bytes: &[u8]) {
    let mut basket = Basket::default();
    list_events("c", bytes, &mut basket).unwrap();
    read_event(bytes, Some("Europe/Berlin"));
    let window = TimeWindow {
        start: "2025-12-01T00:00:00Z".parse().unwrap(),
        end: "2026-02-01T00:00:00Z".parse().unwrap(),
    };
    let found = occurrences(bytes, None, window, 20);
    assert_eq!(found, occurrences(bytes, None, window, 20));
    for item in basket.items {
        let once = read_event(&item.bytes, None);
        let mut again = Basket::default();
        list_events("c", &item.bytes, &mut again).unwrap();
        assert_eq!(again.items.len(), 1, "a slice holds one event");
        assert_eq!(again.items[0].native_id, item.native_id);
        assert_eq!(once, read_event(&item.bytes, None));
    }
}

proptest! {
    // A failing input becomes a test of its own; no file of seeds is kept.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        pull_and_read(&bytes);
    }

    #[test]
    fn any_heap_of_calendar_pieces_gives_an_answer(bytes in calendar_like()) {
        pull_and_read(&bytes);
    }
}

/// What made other parsers quadratic or overflow the stack; in a debug build each of these
/// ends at once or not at all.
#[test]
fn long_files_take_linear_time() {
    let n = 100_000;
    for text in [
        "BEGIN:VEVENT\n".repeat(n),
        "<".repeat(n * 10),
        format!("BEGIN:VEVENT\nDESCRIPTION:{}\nEND:VEVENT\n", "<b".repeat(n * 5)),
        format!("BEGIN:VEVENT\nDESCRIPTION:a\n{}END:VEVENT\n", " a\n".repeat(n)),
        format!("BEGIN:VEVENT\nSUMMARY;QUOTED-PRINTABLE:a=\n{}\nEND:VEVENT\n", "a=\n".repeat(n)),
        format!("BEGIN:VEVENT\nDESCRIPTION:<b>{}\nEND:VEVENT\n", "&".repeat(n)),
        format!("BEGIN:VEVENT\n{}", "BEGIN:VALARM\n".repeat(n)),
        format!("BEGIN:VEVENT\n{}END:VEVENT\n", "X-A:b\nDTSTART:no\n".repeat(n)),
        format!("BEGIN:VEVENT\nDTSTART:20260101\n{}END:VEVENT\n", "RRULE:FREQ=DAILY\n".repeat(n)),
        format!("BEGIN:VEVENT\nDTSTART:20260101\nRDATE:{}\nEND:VEVENT\n", "20260102,".repeat(n)),
        format!(
            "BEGIN:VEVENT\nDTSTART:20260101T000000\nRRULE:FREQ=DAILY\nEXDATE:{}\nEND:VEVENT\n",
            "20260102T000000,".repeat(n)
        ),
        "BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20260101\nDTSTART:20260101\nEND:VEVENT\n"
            .repeat(n / 10),
        "BEGIN:VEVENT\nDTSTART:20260101T000000\nRRULE:FREQ=SECONDLY;BYSETPOS=2\nEND:VEVENT\n"
            .repeat(n / 100),
    ] {
        let mut count = Counted::default();
        list_events("c", text.as_bytes(), &mut count).unwrap();
        read_event(text.as_bytes(), None);
        let window = TimeWindow { start: Timestamp::MIN, end: Timestamp::MAX };
        occurrences(text.as_bytes(), None, window, 100);
    }
}

#[derive(Default)]
struct Counted(usize);

impl restitch_connect::Sink for Counted {
    fn put(&mut self, _: restitch_connect::Item) -> Result<bool, restitch_connect::PullError> {
        self.0 += 1;
        Ok(true)
    }

    fn remark(&mut self, _: restitch_model::Remark) {}

    fn checkpoint(&self) -> Option<String> {
        None
    }

    fn set_checkpoint(&mut self, _: &str) -> Result<(), restitch_connect::PullError> {
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_export_gives_an_answer(text in "\\{(\"(kind|iCalUID|iCalUId|start|end|status|recurrence|uri|date|dateTime|timeZone|isAllDay|originalStart|pattern|range)\"|:|,|\\{|\\}|\\[|\\]|\"calendar#event\"|\"cancelled\"|\"2026-01-10\"|\"9999-12-31T23:59:59Z\"|\"2026-01-10T25:00:00\"|\"W. Europe Standard Time\"|\"/invitees/\"|\"RRULE:FREQ=DAILY\"|true|null|1e999){0,40}\\}") {
        let bytes = text.into_bytes();
        let meta = EvidenceMeta {
            id: EvidenceId::of(&bytes),
            source: String::new(),
            kind: String::new(),
            native_id: String::new(),
            container: String::new(),
            at: None,
            fetched_at: Timestamp::UNIX_EPOCH,
        };
        let evidence = Evidence { meta, bytes };
        let calendars = CalendarFiles::default();
        assert_eq!(calendars.read(&evidence), calendars.read(&evidence));
    }
}
