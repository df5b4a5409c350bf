//! The events of a calendar file as items that can be understood alone.

use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memchr2_iter;
use restitch_connect::{Item, PullError, Sink};
use restitch_model::{EvidenceId, Instant, Remark};

use crate::KIND;
use crate::lines::Lines;
use crate::outline::{Event, Outline, zone_key};
use crate::property::Property;
use crate::time::stamp;

/// What a slice carries beside its event, at most. A calendar's own lines are a few hundred
/// bytes; without a bound, a hostile file would be kept once more for each of its events.
const FRAME_BYTES: usize = 64 * 1024;

/// Puts each event of one calendar file into the sink, and a remark about whatever was odd.
///
/// An item's bytes are a calendar of their own: `BEGIN:VCALENDAR`, then as they stand in the
/// file the calendar's property lines, the VTIMEZONE blocks whose TZID the event names and
/// the VEVENT, then `END:VCALENDAR`. The first and last line end as the file's lines do. An
/// event without its END is kept without it. The item's name is the UID, with `/` and the
/// RECURRENCE-ID where there is one; an event without UID is named by the hash of its bytes.
pub fn list_events(container: &str, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), PullError> {
    if put_events(container, bytes, sink)? == 0 {
        sink.remark(Remark::new(container, "it holds no event"));
    }
    Ok(())
}

/// Does the same, and says how many events there are instead of remarking that there is none.
pub(crate) fn put_events(
    container: &str,
    bytes: &[u8],
    sink: &mut dyn Sink,
) -> Result<usize, PullError> {
    let lines = Lines::new(bytes);
    let outline = Outline::of(&lines);
    let remark = |text: String| Remark::new(container, text);
    let mut sliced = 0;
    for calendar in &outline.calendars {
        for event in &calendar.events {
            let said = Said::of(&lines, event);
            let zones = said.zones.iter().filter_map(|id| calendar.zones.get(id)).flatten();
            let frame = calendar.properties.iter().chain(zones.map(|zone| &zone.range));
            let (slice, cut) = alone(frame, event, bytes, lines.ending());
            let short = || EvidenceId::of(&slice).0.short();
            if cut {
                let what = "its calendar's own lines are longer than 64 KiB and were cut";
                sink.remark(remark(format!("event {}: {what}", short())));
            }
            if !event.closed {
                sink.remark(remark(format!("event {} has no END:VEVENT; kept as it is", short())));
            }
            sink.put(Item {
                kind: KIND.to_owned(),
                native_id: said.native_id().unwrap_or_else(|| format!("no-uid-{}", short())),
                container: container.to_owned(),
                at: said.modified.or(said.stamped).or(said.created),
                bytes: slice,
            })?;
            sliced += 1;
        }
    }
    let said = count_ignoring_case(bytes, b"BEGIN:VEVENT");
    if said != sliced {
        let text = format!("BEGIN:VEVENT stands in it {said} times, {sliced} events were found");
        sink.remark(remark(text));
    }
    Ok(sliced)
}

/// The event as a calendar of its own, between the lines of a frame, and whether these had to
/// be cut.
fn alone<'r>(
    frame: impl Iterator<Item = &'r Range<usize>>,
    event: &Event,
    bytes: &[u8],
    ending: &[u8],
) -> (Vec<u8>, bool) {
    let mut slice = [b"BEGIN:VCALENDAR", ending].concat();
    let mut cut = false;
    for range in frame {
        if slice.len() + range.len() > FRAME_BYTES {
            cut = true;
            break;
        }
        push_line(&mut slice, &bytes[range.clone()], ending);
    }
    push_line(&mut slice, &bytes[event.range.clone()], ending);
    push_line(&mut slice, b"END:VCALENDAR", ending);
    (slice, cut)
}

/// What names an event, dates it, and says which zones it needs.
#[derive(Default)]
struct Said {
    uid: Option<String>,
    recurrence: Option<String>,
    modified: Option<Instant>,
    stamped: Option<Instant>,
    created: Option<Instant>,
    /// By [`zone_key`].
    zones: BTreeSet<String>,
}

impl Said {
    fn of(lines: &Lines<'_>, event: &Event) -> Self {
        let mut said = Self::default();
        for range in &event.lines {
            let name = lines.name(range.clone());
            let is_wanted = matches!(
                name.as_ref(),
                "UID"
                    | "RECURRENCE-ID"
                    | "LAST-MODIFIED"
                    | "DTSTAMP"
                    | "CREATED"
                    | "DTSTART"
                    | "DTEND"
                    | "EXDATE"
                    | "RDATE"
            );
            let property = is_wanted.then(|| Property::of(lines.unfolded(range.clone()))).flatten();
            let Some(property) = property else { continue };
            if let Some(id) = property.param("TZID") {
                said.zones.insert(zone_key(id));
            }
            match name.as_ref() {
                "UID" => said.uid = Some(property.text().trim().to_owned()),
                "RECURRENCE-ID" => said.recurrence = Some(property.text().trim().to_owned()),
                "LAST-MODIFIED" => said.modified = stamp(&property),
                "DTSTAMP" => said.stamped = stamp(&property),
                "CREATED" => said.created = stamp(&property),
                _ => {}
            }
        }
        said
    }

    /// The UID, with `/` and the RECURRENCE-ID where there is one.
    fn native_id(&self) -> Option<String> {
        let uid = self.uid.as_deref().filter(|uid| !uid.is_empty())?;
        Some(match &self.recurrence {
            Some(instance) => format!("{uid}/{instance}"),
            None => uid.to_owned(),
        })
    }
}

/// The last line of a file may lack its ending.
fn push_line(slice: &mut Vec<u8>, line: &[u8], ending: &[u8]) {
    slice.extend_from_slice(line);
    if !line.ends_with(ending) && !line.ends_with(b"\n") {
        slice.extend_from_slice(ending);
    }
}

fn count_ignoring_case(bytes: &[u8], word: &[u8]) -> usize {
    let first = word[0];
    let places = memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), bytes);
    let stands = |at: &usize| {
        bytes.get(*at..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word))
    };
    places.filter(stands).count()
}

#[cfg(test)]
mod tests {
    use restitch_connect::Basket;

    use super::*;

    fn pulled(text: &str) -> Basket {
        let mut basket = Basket::default();
        list_events("cal", text.as_bytes(), &mut basket).unwrap();
        basket
    }

    /// Each item with its lines joined by blanks, then each remark.
    fn shown(text: &str) -> Vec<String> {
        let basket = pulled(text);
        let lines = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let items = basket.items.iter().map(|i| format!("{} = {}", i.native_id, lines(&i.bytes)));
        items.chain(basket.remarks.iter().map(|remark| remark.text.clone())).collect()
    }

    #[test]
    fn an_event_keeps_its_calendars_lines_and_the_zones_it_names() {
        let text = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:A\nEND:VTIMEZONE\n\
            BEGIN:VTIMEZONE\nTZID:B\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:1\nDTSTART;TZID=b:x\n\
            END:VEVENT\nBEGIN:VEVENT\nUID:2\nEND:VEVENT\nMETHOD:PUBLISH\nEND:VCALENDAR\n";
        let frame = "BEGIN:VCALENDAR VERSION:2.0 METHOD:PUBLISH";
        assert_eq!(
            shown(text),
            [
                format!(
                    "1 = {frame} BEGIN:VTIMEZONE TZID:B END:VTIMEZONE BEGIN:VEVENT UID:1 \
                 DTSTART;TZID=b:x END:VEVENT END:VCALENDAR"
                ),
                format!("2 = {frame} BEGIN:VEVENT UID:2 END:VEVENT END:VCALENDAR"),
            ]
        );
    }

    #[test]
    fn the_bytes_of_an_event_are_untouched() {
        let event = "begin:vevent\r\nUID:1\r\nDESCRIPTION:a\r\n  b\r\n\r\nend:vevent\r\n";
        let text = format!("\u{feff}begin:vcalendar\r\n{event}end:vcalendar\r\n");
        let bytes = &pulled(&text).items[0].bytes;
        assert_eq!(
            String::from_utf8_lossy(bytes),
            format!("BEGIN:VCALENDAR\r\n{event}END:VCALENDAR\r\n")
        );
    }

    #[test]
    fn an_event_without_end_is_kept_and_remarked() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nBEGIN:VEVENT\nUID:2";
        let shown = shown(text);
        assert_eq!(shown[0], "1 = BEGIN:VCALENDAR BEGIN:VEVENT UID:1 END:VCALENDAR");
        assert_eq!(shown[1], "2 = BEGIN:VCALENDAR BEGIN:VEVENT UID:2 END:VCALENDAR");
        assert!(shown[2..].iter().all(|remark| remark.contains("has no END:VEVENT")));
        assert_eq!(shown.len(), 4);
    }

    #[test]
    fn two_calendars_in_a_file_keep_their_own_lines() {
        let one = |n: u8| {
            format!("BEGIN:VCALENDAR\rX-N:{n}\rBEGIN:VEVENT\rUID:{n}\rEND:VEVENT\rEND:VCALENDAR\r")
        };
        let text = one(1) + &one(2);
        assert_eq!(String::from_utf8(pulled(&text).items[1].bytes.clone()).unwrap(), one(2));
    }

    #[test]
    fn an_alarm_does_not_rename_its_event() {
        let text = "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20260101\nBEGIN:VALARM\nUID:2\nEND:VALARM\n\
            LAST-MODIFIED:20260102T030405Z\nDTSTAMP:20250101T000000Z\nEND:VEVENT\n";
        let item = &pulled(text).items[0];
        assert_eq!(item.native_id, "1/20260101");
        assert_eq!(item.at.unwrap().to_string(), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn a_begin_that_is_only_quoted_is_counted_and_remarked() {
        let text = "BEGIN:VEVENT\nUID:1\nDESCRIPTION:says BEGIN:VEVENT\nEND:VEVENT\n";
        assert_eq!(shown(text)[1], "BEGIN:VEVENT stands in it 2 times, 1 events were found");
        assert_eq!(shown("BEGIN:VCALENDAR\nEND:VCALENDAR\n"), ["it holds no event"]);
    }
}
