//! A calendar file taken apart into its components, without a parser that could refuse it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::lines::Lines;
use crate::property::Property;

/// Where the calendars of a file and their parts stand, as ranges of its lines.
#[derive(Default)]
pub(crate) struct Outline {
    /// In the order of the file.
    pub(crate) calendars: Vec<Calendar>,
}

/// One calendar.
#[derive(Default)]
pub(crate) struct Calendar {
    /// The lines of its own properties.
    pub(crate) properties: Vec<Range<usize>>,
    /// The VTIMEZONE blocks, by [`zone_key`].
    pub(crate) zones: BTreeMap<String, Vec<Definition>>,
    /// Its events.
    pub(crate) events: Vec<Event>,
}

/// One VTIMEZONE.
pub(crate) struct Definition {
    /// Its TZID as it is written.
    pub(crate) id: String,
    /// All of it.
    pub(crate) range: Range<usize>,
}

/// One event.
#[derive(Default)]
pub(crate) struct Event {
    /// All of it, from its BEGIN to its END.
    pub(crate) range: Range<usize>,
    /// Whether it has an END.
    pub(crate) closed: bool,
    /// The lines of its own properties, without those of its alarms.
    pub(crate) lines: Vec<Range<usize>>,
}

/// The component of the calendar that is open. `depth` counts what is open inside of it.
enum Open {
    Nothing,
    Event { event: Event, depth: usize },
    Zone { id: Option<String>, range: Range<usize>, depth: usize },
    Other { depth: usize },
}

impl Outline {
    /// The outline of a file. Whatever the lines are, all events are in it.
    pub(crate) fn of(lines: &Lines<'_>) -> Self {
        let mut file = Self::default();
        let mut open = Open::Nothing;
        for range in lines.within(lines.all()) {
            match lines.name(range.clone()).as_ref() {
                "BEGIN" => match component(lines, range.clone()).as_str() {
                    "VCALENDAR" => {
                        file.calendar().close(std::mem::replace(&mut open, Open::Nothing));
                        file.calendars.push(Calendar::default());
                    }
                    name => open = file.calendar().begin(open, name, range),
                },
                "END" => {
                    let name = component(lines, range.clone());
                    open = file.calendar().end(open, &name, range);
                }
                name => file.calendar().property(&mut open, name, lines, range),
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

    fn property(&mut self, open: &mut Open, name: &str, lines: &Lines<'_>, range: Range<usize>) {
        match open {
            Open::Nothing => self.properties.push(range),
            Open::Event { event, depth } => {
                event.range.end = range.end;
                if *depth == 0 {
                    event.lines.push(range);
                }
            }
            Open::Zone { id, range: zone, depth } => {
                zone.end = range.end;
                if *depth == 0 && name == "TZID" {
                    let property = Property::of(lines.unfolded(range));
                    *id = property.map(|p| p.text().trim().to_owned());
                }
            }
            Open::Other { .. } => {}
        }
    }

    fn close(&mut self, open: Open) {
        match open {
            Open::Event { event, .. } => self.events.push(event),
            Open::Zone { id: Some(id), range, .. } => {
                self.zones.entry(zone_key(&id)).or_default().push(Definition { id, range });
            }
            _ => {}
        }
    }
}

/// The name under which a VTIMEZONE is looked up.
pub(crate) fn zone_key(id: &str) -> String {
    id.trim().trim_matches('"').to_lowercase()
}

/// The name behind a BEGIN or END, in upper case.
fn component(lines: &Lines<'_>, range: Range<usize>) -> String {
    let line = lines.unfolded(range);
    let value = line.iter().position(|b| *b == b':').map_or(&line[..0], |at| &line[at + 1..]);
    let value = &value[..value.len().min(128)];
    String::from_utf8_lossy(value).trim().to_ascii_uppercase()
}
