//! The occurrences of all events in a file.

use std::collections::BTreeMap;

use restitch_model::{FactValue, Remark, TimeWindow};

use crate::clock::Clocks;
use crate::event::{Notes, properties};
use crate::lines::Lines;
use crate::outline::Outline;
use crate::series::{Series, Telling};

/// One time at which an event happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// The UID of the event; empty where it has none.
    pub uid: String,
    /// Which VEVENT of the bytes describes it, counted from 0: that of the series, or the one
    /// that changes this instance of it.
    pub event: usize,
    /// The start: a date, a moment, or a local time, as in [`crate::read_event`].
    pub start: FactValue,
    /// The end, of the same type.
    pub end: FactValue,
}

/// What [`occurrences`] found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Occurrences {
    /// By start, then UID.
    pub occurrences: Vec<Occurrence>,
    /// What was noticed.
    pub remarks: Vec<Remark>,
}

/// When the events of a calendar file happen, as far as they touch the window: rules expanded
/// (RRULE, RDATE, EXDATE), changed instances (RECURRENCE-ID, also THISANDFUTURE) in the place
/// of those that they change, of several versions the one with the highest SEQUENCE. Events
/// belong together by their UID, so that slices of [`crate::list_events`] put one behind
/// another are read as the file that they came from. Cancelled events are there as well; their
/// STATUS tells.
///
/// Of one UID at most `most` occurrences are given, with a remark where there are more. Days
/// and times without a zone are held against the window as if in UTC. Any bytes give an answer.
pub fn occurrences(
    bytes: &[u8],
    fallback_zone: Option<&str>,
    window: TimeWindow,
    most: usize,
) -> Occurrences {
    let mut notes = Notes::default();
    let lines = Lines::new(bytes);
    let outline = Outline::of(&lines);
    let mut series: BTreeMap<String, Series> = BTreeMap::new();
    let mut index = 0;
    for calendar in &outline.calendars {
        let own = properties(&lines, &calendar.properties, &mut notes);
        let clocks = Clocks::new(&lines, calendar, &own, fallback_zone, &mut notes);
        for event in &calendar.events {
            let said = properties(&lines, &event.lines, &mut notes);
            if let Some(telling) = Telling::of(index, &said, &clocks, &mut notes) {
                // Events without a UID are each a series of their own.
                let key = telling.uid.clone().unwrap_or_else(|| format!("\0{index}"));
                series.entry(key).or_default().add(telling);
            }
            index += 1;
        }
    }
    let mut found = Vec::new();
    for (uid, series) in series {
        let uid = if uid.starts_with('\0') { String::new() } else { uid };
        for one in series.expand(window, most, &mut notes) {
            let at = one.start.instant();
            let (start, end) = (one.start.value(), one.end.value());
            found.push((at, Occurrence { uid: uid.clone(), event: one.event, start, end }));
        }
    }
    found.sort_by(|(a, one), (b, other)| {
        (a, &one.uid, one.event).cmp(&(b, &other.uid, other.event))
    });
    let occurrences = found.into_iter().map(|(_, occurrence)| occurrence).collect();
    Occurrences { occurrences, remarks: notes.remarks(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Event, start and end of what happens in the first week of 2026, then the remarks.
    fn starts(events: &str) -> Vec<String> {
        let text = format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n");
        let window = TimeWindow {
            start: "2026-01-01T00:00:00Z".parse().unwrap(),
            end: "2026-01-08T00:00:00Z".parse().unwrap(),
        };
        let found = occurrences(text.as_bytes(), None, window, 10);
        let line = |o: &Occurrence| format!("{} {} {}", o.event, o.start, o.end);
        let lines = found.occurrences.iter().map(line).map(|l| l.replace("2026-01-", ""));
        lines.chain(found.remarks.iter().map(|remark| remark.text.clone())).collect()
    }

    /// One event from nine to ten on the first of January, and what else it says.
    fn event(lines: &str) -> String {
        format!(
            "BEGIN:VEVENT\nUID:u\nDTSTART:20260101T090000\nDTEND:20260101T100000\n{lines}END:VEVENT\n"
        )
    }

    /// What is said of one instance.
    fn change(lines: &str) -> String {
        format!("BEGIN:VEVENT\nUID:u\n{lines}END:VEVENT\n")
    }

    #[test]
    fn a_rule_gives_starts_to_the_end_of_the_window() {
        assert_eq!(
            starts(&event("RRULE:FREQ=DAILY;INTERVAL=3\n")),
            ["0 01T09:00:00 01T10:00:00", "0 04T09:00:00 04T10:00:00", "0 07T09:00:00 07T10:00:00"]
        );
    }

    #[test]
    fn dates_are_added_and_left_out() {
        let lines = "RRULE:FREQ=DAILY;COUNT=3\nRDATE;VALUE=PERIOD:20260105T120000/PT3H\n\
            EXDATE:20260101T090000\nEXDATE;VALUE=DATE:20260103\n";
        assert_eq!(
            starts(&event(lines)),
            ["0 02T09:00:00 02T10:00:00", "0 05T12:00:00 05T15:00:00"]
        );
    }

    #[test]
    fn an_instance_is_known_by_its_moment_before_its_time_on_the_wall() {
        // Eight o'clock in UTC is nine in Berlin, and both are due.
        let lines = |date: &str| {
            format!(
                "BEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Berlin:20260105T080000\n\
                 RRULE:FREQ=HOURLY;COUNT=2\n{date}\nEND:VEVENT\n"
            )
        };
        let eight = "0 05T08:00:00[Europe/Berlin] 05T08:00:00[Europe/Berlin]";
        let nine = "0 05T09:00:00[Europe/Berlin] 05T09:00:00[Europe/Berlin]";
        assert_eq!(starts(&lines("EXDATE:20260105T080000Z")), [eight]);
        assert_eq!(starts(&lines("EXDATE:20260105T080000")), [nine]);
        let unread = "EXDATE holds what is no date or time";
        assert_eq!(starts(&lines("EXDATE:soon")), [eight, nine, unread]);
    }

    #[test]
    fn a_changed_instance_takes_the_place_of_its_own() {
        let moved = |sequence: u8, hour: u8| {
            change(&format!(
                "RECURRENCE-ID:20260102T090000\nSEQUENCE:{sequence}\nDTSTART:20260102T{hour}0000\n"
            ))
        };
        let all = [event("RRULE:FREQ=DAILY;COUNT=2\n"), moved(2, 12), moved(1, 11)].concat();
        assert_eq!(starts(&all), ["0 01T09:00:00 01T10:00:00", "1 02T12:00:00 02T12:00:00"]);
        assert_eq!(starts(&moved(0, 12)), ["0 02T12:00:00 02T12:00:00"]);
    }

    #[test]
    fn this_and_future_moves_what_comes_after() {
        let later = change(
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20260102T090000\n\
             DTSTART:20260102T110000\nDTEND:20260102T113000\n",
        );
        assert_eq!(
            starts(&[event("RRULE:FREQ=DAILY;COUNT=3\n"), later].concat()),
            ["0 01T09:00:00 01T10:00:00", "1 02T11:00:00 02T11:30:00", "1 03T11:00:00 03T11:30:00"]
        );
    }

    #[test]
    fn of_two_versions_the_one_with_the_higher_sequence_counts() {
        let all = [event("SEQUENCE:1\n"), event("SEQUENCE:3\nSTATUS:CANCELLED\n"), event("")];
        assert_eq!(starts(&all.concat()), ["1 01T09:00:00 01T10:00:00"]);
    }

    #[test]
    fn an_older_change_counts_only_where_its_instance_is_still_due() {
        let series = event("RRULE:FREQ=DAILY;UNTIL=20260103T090000\nSEQUENCE:2\n");
        let moved = |day: &str, sequence: &str| {
            change(&format!("RECURRENCE-ID:{day}T090000\n{sequence}DTSTART:20260105T120000\n"))
        };
        let (first, second) = ("0 01T09:00:00 01T10:00:00", "0 02T09:00:00 02T10:00:00");
        let third = "0 03T09:00:00 03T10:00:00";
        let other = "1 05T12:00:00 05T12:00:00";
        let passed_over = "a change is passed over: a later version has not what it changes";
        for (change, want) in [
            (moved("20260103", "SEQUENCE:1\n"), vec![first, second, other]),
            (moved("20260105", "SEQUENCE:2\n"), vec![first, second, third, other]),
            (moved("20260105", "SEQUENCE:1\n"), vec![first, second, third, passed_over]),
            (moved("20260105", ""), vec![first, second, third, passed_over]),
        ] {
            assert_eq!(starts(&[series.clone(), change].concat()), want);
        }
        // What was put off into the window from before it is due all the same.
        let long = event("RRULE:FREQ=DAILY\nSEQUENCE:2\n").replace("20260101", "20251201");
        let late = starts(&[long, moved("20251202", "SEQUENCE:1\n")].concat());
        assert!(late.contains(&other.to_owned()), "{late:?}");
        // Of a series whose rule cannot be read, nobody knows what is due.
        let unread = event("RRULE:FREQ=OFTEN\nSEQUENCE:2\n");
        let found = starts(&[unread, moved("20260105", "SEQUENCE:1\n")].concat());
        assert_eq!(found[..2], [first, other]);
    }

    #[test]
    fn a_series_keeps_to_the_clock_on_the_wall() {
        let text = "BEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Berlin:20260326T090000\n\
            RRULE:FREQ=WEEKLY;COUNT=2\nEND:VEVENT\n";
        let window = TimeWindow {
            start: "2026-03-01T00:00:00Z".parse().unwrap(),
            end: "2026-05-01T00:00:00Z".parse().unwrap(),
        };
        let found = occurrences(text.as_bytes(), None, window, 10).occurrences;
        let starts: Vec<String> = found.iter().map(|o| o.start.to_string()).collect();
        assert_eq!(
            starts,
            ["2026-03-26T09:00:00[Europe/Berlin]", "2026-04-02T09:00:00[Europe/Berlin]"]
        );
    }

    #[test]
    fn what_a_rule_says_wrongly_is_read_as_it_was_meant() {
        let days = |rule: &str| starts(&event(&format!("RRULE:{rule}\n"))).len();
        assert_eq!(days("FREQ=DAILY;COUNT=-1;UNTIL=20260104T000000Z"), 3);
        assert_eq!(days("FREQ=DAILY;BYDAY=TH, FR"), 2);
        assert_eq!(days("FREQ=DAILY;UNTIL=20251231"), 0);
        let unread = "repeats by a rule that cannot be read: it is passed over";
        assert_eq!(starts(&event("RRULE:FREQ=OFTEN\n")), ["0 01T09:00:00 01T10:00:00", unread]);
    }

    #[test]
    fn a_series_without_end_is_cut_and_remarked() {
        let starts = starts(&event("RRULE:FREQ=SECONDLY\n"));
        assert_eq!(starts.len(), 11);
        assert_eq!(starts[10], "repeats more than 10 times: the first 10 are read");
    }
}
