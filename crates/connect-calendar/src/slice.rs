//! A calendar file taken apart into its events, without a parser that could refuse it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use restitch_connect::{Item, PullError, Sink};
use restitch_model::{EvidenceId, Instant, Remark};

use crate::KIND;
use crate::lines::{Lines, name_of};
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
    let lines = Lines::new(bytes);
    let file = File::of(&lines);
    let remark = |text: String| Remark::new(container, text);
    let mut sliced = 0;
    for calendar in &file.calendars {
        for event in &calendar.events {
            let (slice, cut) = calendar.slice(event, bytes, lines.ending());
            let short = EvidenceId::of(&slice).0.short();
            if cut {
                let what = "its calendar's own lines are longer than 64 KiB and were cut";
                sink.remark(remark(format!("event {short}: {what}")));
            }
            if !event.closed {
                sink.remark(remark(format!("event {short} has no END:VEVENT; kept as it is")));
            }
            sink.put(Item {
                kind: KIND.to_owned(),
                native_id: event.native_id().unwrap_or_else(|| format!("no-uid-{short}")),
                container: container.to_owned(),
                at: event.modified.or(event.stamped).or(event.created),
                bytes: slice,
            })?;
            sliced += 1;
        }
    }
    let said = count_ignoring_case(bytes, b"BEGIN:VEVENT");
    if said != sliced {
        let text = format!("BEGIN:VEVENT stands in it {said} times, {sliced} events were found");
        sink.remark(remark(text));
    } else if sliced == 0 {
        sink.remark(remark("it holds no event".to_owned()));
    }
    Ok(())
}

#[derive(Default)]
struct File {
    calendars: Vec<Calendar>,
}

#[derive(Default)]
struct Calendar {
    properties: Vec<Range<usize>>,
    /// By TZID, lower case.
    zones: BTreeMap<String, Vec<Range<usize>>>,
    events: Vec<Event>,
}

#[derive(Default)]
struct Event {
    range: Range<usize>,
    closed: bool,
    uid: Option<String>,
    recurrence: Option<String>,
    modified: Option<Instant>,
    stamped: Option<Instant>,
    created: Option<Instant>,
    zones: BTreeSet<String>,
}

/// The component of the calendar that is open. `depth` counts what is open inside of it.
enum Open {
    Nothing,
    Event { event: Event, depth: usize },
    Zone { id: Option<String>, range: Range<usize>, depth: usize },
    Other { depth: usize },
}

impl File {
    fn of(lines: &Lines<'_>) -> Self {
        let mut file = Self::default();
        let mut open = Open::Nothing;
        for range in lines.ranges() {
            let line = lines.unfolded(range.clone());
            match name_of(&line).as_str() {
                "BEGIN" => match component(&line).as_str() {
                    "VCALENDAR" => {
                        file.calendar().close(std::mem::replace(&mut open, Open::Nothing));
                        file.calendars.push(Calendar::default());
                    }
                    name => open = file.calendar().begin(open, name, range),
                },
                "END" => open = file.calendar().end(open, &component(&line), range),
                name => open = file.calendar().property(open, name, &line, range),
            }
        }
        file.calendar().close(open);
        file
    }

    /// The calendar that is open: what stands before any BEGIN:VCALENDAR has one as well.
    fn calendar(&mut self) -> &mut Calendar {
        if self.calendars.is_empty() {
            self.calendars.push(Calendar::default());
        }
        self.calendars.last_mut().expect("one was just put there")
    }
}

impl Calendar {
    fn begin(&mut self, open: Open, name: &str, range: Range<usize>) -> Open {
        // These cannot stand inside of one another: the one before was never closed.
        let is_top = matches!(name, "VEVENT" | "VTODO" | "VJOURNAL" | "VFREEBUSY" | "VTIMEZONE");
        match (open, name) {
            (open, "VEVENT") => {
                self.close(open);
                Open::Event { event: Event { range, ..Event::default() }, depth: 0 }
            }
            (open, "VTIMEZONE") => {
                self.close(open);
                Open::Zone { id: None, range, depth: 0 }
            }
            (open, _) if is_top => {
                self.close(open);
                Open::Other { depth: 0 }
            }
            (Open::Nothing, _) => Open::Other { depth: 0 },
            (Open::Event { mut event, depth }, _) => {
                event.range.end = range.end;
                Open::Event { event, depth: depth + 1 }
            }
            (Open::Zone { id, range: zone, depth }, _) => {
                Open::Zone { id, range: zone.start..range.end, depth: depth + 1 }
            }
            (Open::Other { depth }, _) => Open::Other { depth: depth + 1 },
        }
    }

    fn end(&mut self, open: Open, name: &str, range: Range<usize>) -> Open {
        if name == "VCALENDAR" {
            self.close(open);
            return Open::Nothing;
        }
        match open {
            Open::Nothing => Open::Nothing,
            Open::Event { mut event, depth } => {
                event.range.end = range.end;
                if name == "VEVENT" {
                    event.closed = true;
                    self.close(Open::Event { event, depth });
                    return Open::Nothing;
                }
                Open::Event { event, depth: depth.saturating_sub(1) }
            }
            Open::Zone { id, range: zone, depth } => {
                let range = zone.start..range.end;
                if name == "VTIMEZONE" || depth == 0 {
                    self.close(Open::Zone { id, range, depth });
                    return Open::Nothing;
                }
                Open::Zone { id, range, depth: depth - 1 }
            }
            Open::Other { depth: 0 } => Open::Nothing,
            Open::Other { depth } => Open::Other { depth: depth - 1 },
        }
    }

    fn property(&mut self, mut open: Open, name: &str, line: &[u8], range: Range<usize>) -> Open {
        match &mut open {
            Open::Nothing => self.properties.push(range),
            Open::Event { event, depth } => {
                event.range.end = range.end;
                event.read(name, line, *depth);
            }
            Open::Zone { id, range: zone, depth } => {
                zone.end = range.end;
                if *depth == 0 && name == "TZID" {
                    *id = Property::of_bytes(line).map(|p| zone_key(&p.text()));
                }
            }
            Open::Other { .. } => {}
        }
        open
    }

    fn close(&mut self, open: Open) {
        match open {
            Open::Event { event, .. } => self.events.push(event),
            Open::Zone { id: Some(id), range, .. } => self.zones.entry(id).or_default().push(range),
            _ => {}
        }
    }

    /// The event as a calendar of its own, and whether its frame had to be cut.
    fn slice(&self, event: &Event, bytes: &[u8], ending: &[u8]) -> (Vec<u8>, bool) {
        let mut slice = [b"BEGIN:VCALENDAR", ending].concat();
        let zones = event.zones.iter().filter_map(|id| self.zones.get(id)).flatten();
        let mut cut = false;
        for range in self.properties.iter().chain(zones) {
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
}

impl Event {
    fn read(&mut self, name: &str, line: &[u8], depth: usize) {
        // Alarms have a UID of their own, but may name a zone that the event needs.
        let slot = match name {
            "UID" | "RECURRENCE-ID" | "LAST-MODIFIED" | "DTSTAMP" | "CREATED" if depth == 0 => name,
            "DTSTART" | "DTEND" | "RECURRENCE-ID" | "EXDATE" | "RDATE" | "TRIGGER" => "",
            _ => return,
        };
        let Some(property) = Property::of_bytes(line) else { return };
        if let Some(id) = property.param("TZID") {
            self.zones.insert(zone_key(id));
        }
        match slot {
            "UID" => self.uid = Some(property.text().trim().to_owned()),
            "RECURRENCE-ID" => self.recurrence = Some(property.text().trim().to_owned()),
            "LAST-MODIFIED" => self.modified = stamp(&property),
            "DTSTAMP" => self.stamped = stamp(&property),
            "CREATED" => self.created = stamp(&property),
            _ => {}
        }
    }

    fn native_id(&self) -> Option<String> {
        let uid = self.uid.as_deref().filter(|uid| !uid.is_empty())?;
        Some(match &self.recurrence {
            Some(instance) => format!("{uid}/{instance}"),
            None => uid.to_owned(),
        })
    }
}

/// The name under which a VTIMEZONE is looked up.
pub(crate) fn zone_key(id: &str) -> String {
    id.trim().trim_matches('"').to_lowercase()
}

fn component(line: &[u8]) -> String {
    let value = line.iter().position(|b| *b == b':').map_or(&line[..0], |at| &line[at + 1..]);
    let value = &value[..value.len().min(128)];
    String::from_utf8_lossy(value).trim().to_ascii_uppercase()
}

/// The last line of a file may lack its ending.
fn push_line(slice: &mut Vec<u8>, line: &[u8], ending: &[u8]) {
    slice.extend_from_slice(line);
    if !line.ends_with(ending) && !line.ends_with(b"\n") {
        slice.extend_from_slice(ending);
    }
}

fn count_ignoring_case(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).filter(|window| window.eq_ignore_ascii_case(word)).count()
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
