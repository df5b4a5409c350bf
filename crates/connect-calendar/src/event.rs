//! The facts of one event.

use std::collections::BTreeSet;
use std::ops::Range;

use restitch_connect::Reading;
use restitch_facts::{Context, jotting, scan_field};
use restitch_model::{EvidenceId, Fact, FactValue, Place, Remark};

use crate::clock::Clocks;
use crate::lines::Lines;
use crate::outline::Outline;
use crate::property::Property;
use crate::reader::Reader;

/// Reads the first event of a calendar, such as [`crate::list_events`] slices it, into facts.
/// Any bytes give an answer; what could not be read is remarked.
///
/// Facts are named `uid`, `summary`, `description`, `location`, `status`, `url`, `categories`,
/// `method`, `calendar`, `rrule`, `sequence`, `start`, `end`, `created`, `last-modified`,
/// `dtstamp`, `recurrence-id`, `organizer`, `organizer_name`, `attendee`, `attendee_name`;
/// of an event that repeats, `occurrence` for each start of the first fifty in ten years; any
/// other property gives a text under its name in lower case, such as `x-booking`. What
/// scanners find in summary, description and location follows, named `summary#reference`
/// and so on; of a summary as people type them (`Smith pickup Civic 10am`) also `summary#act`,
/// `pick-up` or `return`, and `summary#name`. HTML in a description is read as its plain text.
///
/// A start or end in UTC, or in a zone that only the calendar itself defines, is an instant;
/// in a zone that is known by name, a local time with its IANA name, also where a `Z` is written
/// behind it, as Google's calendar reads it; without a zone, one in `fallback_zone`, else in
/// the calendar's X-WR-TIMEZONE, else in none. A whole day is a date.
pub fn read_event(bytes: &[u8], fallback_zone: Option<&str>) -> Reading {
    let mut notes = Notes::default();
    let lines = Lines::new(bytes);
    let outline = Outline::of(&lines);
    let mut facts = Vec::new();
    match outline.calendars.iter().find(|calendar| !calendar.events.is_empty()) {
        None => notes.add("there is no event in it"),
        Some(calendar) => {
            let event = &calendar.events[0];
            if !event.closed {
                notes.add("the event has no END:VEVENT");
            }
            let own = properties(&lines, &calendar.properties, &mut notes);
            let clocks = Clocks::new(&lines, calendar, &own, fallback_zone, &mut notes);
            let said = properties(&lines, &event.lines, &mut notes);
            let mut reader = Reader::new(&clocks, &mut notes);
            reader.calendar(&own);
            reader.event(&said);
            facts = reader.into_facts();
            facts.extend(scanned(&facts));
        }
    }
    Reading { facts, remarks: notes.remarks(bytes) }
}

/// Remarks, each once, in the order in which they came up.
#[derive(Default)]
pub(crate) struct Notes {
    texts: Vec<String>,
    known: BTreeSet<String>,
}

impl Notes {
    pub(crate) fn add(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.known.insert(text.clone()) {
            self.texts.push(text);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(crate) fn remarks(self, bytes: &[u8]) -> Vec<Remark> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        let about = EvidenceId::of(bytes).0.short();
        self.texts.into_iter().map(|text| Remark::new(about.as_str(), text)).collect()
    }
}

/// The properties on these lines.
pub(crate) fn properties<'l>(
    lines: &Lines<'l>,
    ranges: &[Range<usize>],
    notes: &mut Notes,
) -> Vec<Property<'l>> {
    let mut read = |range: &Range<usize>| {
        let property = Property::of(lines.unfolded(range.clone()));
        if property.is_none() {
            notes.add("a line without a colon was passed over");
        }
        property
    };
    ranges.iter().filter_map(&mut read).collect()
}

fn scanned(facts: &[Fact]) -> Vec<Fact> {
    let context = Context { written_on: written_on(facts) };
    let texts = facts.iter().filter_map(|fact| match (fact.name.as_str(), &fact.value) {
        (name @ ("summary" | "description" | "location"), FactValue::Text(text)) => {
            Some((name, text))
        }
        _ => None,
    });
    let of = |(name, text): (&str, &String)| {
        let mut found = scan_field(name, text, context);
        if name == "summary" {
            found.extend(jotted(name, text));
        }
        found
    };
    texts.flat_map(of).collect()
}

/// What staff jotted down of a handing over, and with whom: see [`jotting`].
fn jotted(name: &str, text: &str) -> Vec<Fact> {
    let Some(jotting) = jotting(text) else { return Vec::new() };
    let fact = |kind: &str, value: &str, at: Range<usize>| Fact {
        name: format!("{name}#{kind}").into(),
        value: FactValue::Text(value.to_owned()),
        place: Place::range(name, at.start, at.end),
    };
    let names = jotting.names.into_iter().map(|at| fact("name", &text[at.clone()], at));
    std::iter::once(fact("act", jotting.act.name(), jotting.at)).chain(names).collect()
}

/// The day that the text is taken to be from. DTSTAMP comes last: many calendars write the
/// time of the export there.
fn written_on(facts: &[Fact]) -> Option<jiff::civil::Date> {
    let day = |name: &str| {
        let fact = facts.iter().find(|fact| fact.name == name)?;
        match &fact.value {
            FactValue::Instant(instant) => Some(instant.to_zoned(jiff::tz::TimeZone::UTC).date()),
            FactValue::Local(local) => Some(local.civil.date()),
            FactValue::Date(date) => Some(*date),
            _ => None,
        }
    };
    ["last-modified", "created", "start", "dtstamp"].into_iter().find_map(day)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// An event in a calendar, each line ended as calendars end theirs.
    fn calendar(head: &str, event: &str) -> String {
        let text = format!(
            "BEGIN:VCALENDAR\n{head}BEGIN:VEVENT\nUID:u\nDTSTART:20260110T090000Z\n{event}\
             END:VEVENT\nEND:VCALENDAR\n"
        );
        text.replace('\n', "\r\n")
    }

    /// Facts but for the start and the UID that every test has, then remarks, a line each.
    fn shown(text: &str, zone: Option<&str>) -> String {
        let Reading { facts, remarks } = read_event(text.as_bytes(), zone);
        let mut lines = String::new();
        for fact in facts.iter().filter(|f| !f.name.contains('#')) {
            let line =
                format!("{} {} {:?}\n", fact.name, fact.value.type_name(), fact.value.to_string());
            if line != "uid text \"u\"\n" && line != "start instant \"2026-01-10T09:00:00Z\"\n" {
                lines.push_str(&line);
            }
        }
        for remark in &remarks {
            writeln!(lines, "! {}", remark.text).unwrap();
        }
        lines
    }

    fn event(lines: &str) -> String {
        shown(&calendar("", lines), None)
    }

    /// The start that a DTSTART line gives, and the remarks.
    fn start(head: &str, line: &str, zone: Option<&str>) -> String {
        let text = format!("BEGIN:VCALENDAR\n{head}BEGIN:VEVENT\nUID:u\n{line}\nEND:VEVENT\n");
        shown(&(text + "END:VCALENDAR\n"), zone)
    }

    #[test]
    fn a_booking_is_read_into_its_facts() {
        let head = "METHOD:REQUEST\nX-WR-CALNAME:Vans\\, north\n";
        let lines = "DTEND:20260112T090000Z\nSUMMARY:Van 7 - Müller\nDESCRIPTION:Ref AB-12\\nPaid\n\
            LOCATION:Depot\nSTATUS:CONFIRMED\nSEQUENCE:2\nURL:https://x.org/b/1\n\
            CATEGORIES:van,long\nCREATED:20260101T000000Z\nLAST-MODIFIED:20260102T000000Z\n\
            DTSTAMP:20260103T000000Z\nORGANIZER;CN=Desk:MAILTO:Desk@Example.org\n\
            ATTENDEE;CN=\"Müller, Jo\";RSVP=TRUE:mailto:jo@example.org\n\
            ATTENDEE;CN=an@example.org:mailto:an@example.org\nX-BOOKING:77\n\
            BEGIN:VALARM\nDESCRIPTION:no\nEND:VALARM\n";
        insta::assert_snapshot!(shown(&calendar(head, lines), None), @r#"
        method text "REQUEST"
        calendar text "Vans, north"
        end instant "2026-01-12T09:00:00Z"
        summary text "Van 7 - Müller"
        description text "Ref AB-12\nPaid"
        location text "Depot"
        status text "CONFIRMED"
        sequence integer "2"
        url text "https://x.org/b/1"
        categories text "van"
        categories text "long"
        created instant "2026-01-01T00:00:00Z"
        last-modified instant "2026-01-02T00:00:00Z"
        dtstamp instant "2026-01-03T00:00:00Z"
        organizer email "desk@example.org"
        organizer_name text "Desk"
        attendee email "jo@example.org"
        attendee_name text "Müller, Jo"
        attendee email "an@example.org"
        x-booking text "77"
        "#);
    }

    #[test]
    fn starts_are_typed_by_how_they_are_written() {
        for (line, want) in [
            ("DTSTART:20260110T090000Z", ""),
            ("DTSTART;VALUE=DATE:20260110", "start date \"2026-01-10\"\n"),
            (
                "DTSTART;TZID=Europe/Berlin:20260110T090000",
                "start local \"2026-01-10T09:00:00[Europe/Berlin]\"\n",
            ),
            (
                "DTSTART;TZID=\"W. Europe Standard Time\":20260110T090000",
                "start local \"2026-01-10T09:00:00[Europe/Berlin]\"\n",
            ),
            ("DTSTART;TZID=UTC:20260110T090000", ""),
            ("DTSTART:20260110T090000", "start local \"2026-01-10T09:00:00\"\n"),
            (
                "DTSTART;TZID=Mars/Dune:20260110T090000",
                "start local \"2026-01-10T09:00:00\"\n\
                ! the time zone \"Mars/Dune\" is unknown; read without zone\n",
            ),
            (
                "DTSTART;TZID=Europe/Berlin:20260110T090000Z",
                "start local \"2026-01-10T09:00:00[Europe/Berlin]\"\n\
                ! DTSTART has both a zone and UTC; the zone is read\n",
            ),
            (
                "DTSTART:soon",
                "! DTSTART is no date or time\n\
                ! the event has no start that can be read\n",
            ),
        ] {
            assert_eq!(start("", line, None), want, "{line}");
        }
    }

    #[test]
    fn a_floating_time_takes_the_zone_of_the_settings_then_of_the_calendar() {
        let head = "X-WR-TIMEZONE:America/New_York\n";
        let line = "DTSTART:20260110T090000";
        assert_eq!(
            start(head, line, Some("Europe/Berlin")),
            "start local \"2026-01-10T09:00:00[Europe/Berlin]\"\n"
        );
        assert_eq!(
            start(head, line, None),
            "start local \"2026-01-10T09:00:00[America/New_York]\"\n\
             ! times without a zone are read in the calendar's X-WR-TIMEZONE\n"
        );
    }

    #[test]
    fn a_zone_that_only_the_calendar_knows_gives_a_moment() {
        let head = "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\n\
            DTSTART:16011028T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n\
            TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\n\
            DTSTART:16010325T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n\
            TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
        for (time, want) in [
            ("20260110T090000", "2026-01-10T08:00:00Z"),
            ("20260710T090000", "2026-07-10T07:00:00Z"),
            ("20260329T023000", "2026-03-29T01:30:00Z"),
            ("20261025T023000", "2026-10-25T00:30:00Z"),
        ] {
            let line = format!("DTSTART;TZID=Customized Time Zone:{time}");
            assert_eq!(start(head, &line, None), format!("start instant {want:?}\n"));
        }
        let hostile = head.replace("YEARLY", "SECONDLY");
        let line = "DTSTART;TZID=Customized Time Zone:20260110T090000";
        assert!(start(&hostile, line, None).contains("is unknown"));
        let hinted = head.replace("BEGIN:STANDARD", "X-LIC-LOCATION:Europe/Berlin\nBEGIN:STANDARD");
        assert_eq!(
            start(&hinted, line, None),
            "start local \"2026-01-10T09:00:00[Europe/Berlin]\"\n"
        );
    }

    #[test]
    fn an_end_is_computed_from_a_duration_only_where_there_is_none() {
        assert_eq!(event("DURATION:P1DT1H\n"), "end instant \"2026-01-11T10:00:00Z\"\n");
        assert_eq!(
            event("DURATION:P1D\nDTEND:20260110T100000Z\n"),
            "end instant \"2026-01-10T10:00:00Z\"\n"
        );
        assert_eq!(event("DURATION:-P1D\n"), "! DURATION is no length of time\n");
    }

    #[test]
    fn html_is_read_as_its_text() {
        assert_eq!(
            event("DESCRIPTION:<p>Ref&nbsp\\;<b>AB12</b></p>\n"),
            "description text \"Ref AB12\"\n"
        );
        assert_eq!(
            event("X-ALT-DESC;FMTTYPE=text/html:<html><body>Hi</body></html>\n"),
            "description text \"Hi\"\n"
        );
        assert_eq!(event("DESCRIPTION:a < b &amp\\; c\n"), "description text \"a < b &amp; c\"\n");
    }

    #[test]
    fn what_cannot_be_read_is_remarked_and_the_rest_is_read() {
        assert_eq!(
            event("SEQUENCE:x\nno colon here\nSUMMARY:M\u{fc}\n"),
            "summary text \"Mü\"\n! a line without a colon was passed over\n\
             ! SEQUENCE is no number\n"
        );
        assert_eq!(shown("", None), "! there is no event in it\n");
        let cut = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:a\r\nEND:VCALENDAR\r\n";
        assert_eq!(
            shown(cut, None),
            "summary text \"a\"\n! the event has no END:VEVENT\n! the event has no UID\n\
             ! the event has no start that can be read\n"
        );
    }

    #[test]
    fn a_name_in_another_charset_does_not_hide_its_line() {
        let mut text = calendar("", "ATTENDEE;CN=M?ller:mailto:m@example.org\n").into_bytes();
        let at = text.iter().position(|b| *b == b'?').unwrap();
        text[at] = 0xfc;
        let facts = read_event(&text, None).facts;
        let name = facts.iter().find(|fact| fact.name == "attendee_name").unwrap();
        assert_eq!(name.value, FactValue::Text("Müller".to_owned()));
    }

    #[test]
    fn what_is_nested_however_deep_is_none_of_the_event() {
        let deep = format!("SUMMARY:a\n{}SUMMARY:b\n", "BEGIN:VALARM\n".repeat(20_000));
        assert_eq!(event(&deep), "summary text \"a\"\n");
        let zone =
            format!("BEGIN:VTIMEZONE\nTZID:Own\n{}END:VTIMEZONE\n", "BEGIN:X\n".repeat(20_000));
        let line = "DTSTART;TZID=Own:20260110T090000";
        assert!(start(&zone, line, None).contains("is unknown"));
    }
}
