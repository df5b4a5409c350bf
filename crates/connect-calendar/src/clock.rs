//! Which clock a time of a calendar is told on, and what it then means.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use restitch_model::{FactValue, Instant, LocalTime};

use crate::event::Notes;
use crate::lines::{Lines, name_of};
use crate::outline::{Calendar, zone_key};
use crate::property::Property;
use crate::rule::recur_time;
use crate::time::{Written, at_offset, parse_time};
use crate::zone::{BUNDLED, OwnZone, Zone, known_name};

/// What shows the time.
#[derive(Clone)]
pub(crate) enum Clock {
    /// Any clock on a wall.
    Floating,
    /// UTC. `wall` is the calendar's X-WR-TIMEZONE: what is written in UTC repeats by its
    /// clock (Google writes so).
    Utc { wall: Option<Rc<Named>> },
    /// A zone known by name.
    Named(Rc<Named>),
    /// A VTIMEZONE that means no zone known by name.
    Own(Rc<RefCell<OwnZone>>),
}

/// A zone with its IANA name.
pub(crate) struct Named {
    name: String,
    zone: TimeZone,
}

/// A date, or a time on a clock.
#[derive(Clone)]
pub(crate) enum Time {
    /// A whole day.
    Date(Date),
    /// What a clock shows.
    Clock(DateTime, Clock),
}

impl Named {
    fn of(name: String) -> Option<Rc<Self>> {
        let zone = BUNDLED.get(&name).ok()?;
        Some(Rc::new(Self { name, zone }))
    }
}

impl Clock {
    /// Whether both are the same clock, so that times on them differ by what they show.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Floating, Self::Floating) | (Self::Utc { .. }, Self::Utc { .. }) => true,
            (Self::Named(a), Self::Named(b)) => a.name == b.name,
            (Self::Own(a), Self::Own(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// The moment at which the clock shows so: of a time that comes twice the first, of one
    /// that is skipped the one by the offset before (RFC 5545, 3.3.5). A floating clock is
    /// taken for one in UTC.
    pub(crate) fn instant(&self, civil: DateTime) -> Option<Instant> {
        match self {
            Self::Floating | Self::Utc { .. } => at_offset(civil, 0),
            Self::Named(named) => Some(named.zone.to_timestamp(civil).ok()?),
            Self::Own(zone) => {
                Timestamp::from_second(zone.borrow_mut().instant(recur_time(civil))).ok()
            }
        }
    }

    /// The clock by which a series on this one repeats, and a time of it there.
    pub(crate) fn on_wall(&self, civil: DateTime) -> (DateTime, Self) {
        match self {
            Self::Utc { wall: Some(named) } => match at_offset(civil, 0) {
                Some(instant) => (named.zone.to_datetime(instant), Self::Named(named.clone())),
                None => (civil, self.clone()),
            },
            _ => (civil, self.clone()),
        }
    }

    /// The IANA name, where it is a zone that has one.
    pub(crate) fn iana_name(&self) -> Option<&str> {
        match self {
            Self::Named(named) => Some(&named.name),
            _ => None,
        }
    }
}

impl Time {
    /// The moment; a day begins at its midnight, and what names no zone is taken for UTC.
    pub(crate) fn instant(&self) -> Option<Instant> {
        match self {
            Self::Date(date) => at_offset(date.to_datetime(jiff::civil::Time::midnight()), 0),
            Self::Clock(civil, clock) => clock.instant(*civil),
        }
    }

    /// As the value of a fact.
    pub(crate) fn value(&self) -> FactValue {
        match self {
            Self::Date(date) => FactValue::Date(*date),
            Self::Clock(civil, clock) => {
                let instant = match clock {
                    Clock::Utc { .. } | Clock::Own(_) => clock.instant(*civil),
                    Clock::Floating | Clock::Named(_) => None,
                };
                instant.map(FactValue::Instant).unwrap_or_else(|| {
                    let zone = clock.iana_name().map(str::to_owned);
                    FactValue::Local(LocalTime { civil: *civil, zone })
                })
            }
        }
    }
}

/// The clocks that the times of one calendar are told on.
pub(crate) struct Clocks<'a> {
    lines: &'a Lines<'a>,
    calendar: &'a Calendar,
    floating: Clock,
    utc: Clock,
    /// Whether the zone of floating times is the calendar's word.
    by_calendar: bool,
    /// By TZID; `None` for what nobody knows.
    named: RefCell<BTreeMap<String, Option<Clock>>>,
}

impl<'a> Clocks<'a> {
    /// `properties` are the calendar's own, `fallback` the settings' zone of floating times.
    pub(crate) fn new(
        lines: &'a Lines<'a>,
        calendar: &'a Calendar,
        properties: &[Property<'_>],
        fallback: Option<&str>,
        notes: &mut Notes,
    ) -> Self {
        let given = fallback.and_then(known_name).and_then(Named::of);
        if fallback.is_some() && given.is_none() {
            notes.add("the time zone of the settings is unknown and was not used");
        }
        let own = properties.iter().find(|property| property.name == "X-WR-TIMEZONE");
        let own = own.and_then(|property| known_name(&property.text())).and_then(Named::of);
        Self {
            lines,
            calendar,
            utc: Clock::Utc { wall: own.clone() },
            by_calendar: given.is_none() && own.is_some(),
            floating: given.or(own).map_or(Clock::Floating, Clock::Named),
            named: RefCell::default(),
        }
    }

    /// What a property such as DTSTART says; `None` where that is no date or time.
    pub(crate) fn time(&self, property: &Property<'_>, notes: &mut Notes) -> Option<Time> {
        let time = self.time_of(&property.raw(), property, notes);
        if time.is_none() {
            notes.add(format!("{} is no date or time", property.name));
        }
        time
    }

    /// What one value of a property says, on the clock that the property names. One that has
    /// a zone and a `Z` as well is read in the zone, as Google's calendar does.
    pub(crate) fn time_of(
        &self,
        value: &str,
        property: &Property<'_>,
        notes: &mut Notes,
    ) -> Option<Time> {
        let zone = property.param("TZID").filter(|id| !id.trim().is_empty());
        Some(match (parse_time(value)?, zone) {
            (Written::Date(date), _) => Time::Date(date),
            (Written::Utc(instant), None) => {
                Time::Clock(TimeZone::UTC.to_datetime(instant), self.utc.clone())
            }
            (Written::Utc(instant), Some(id)) => {
                let clock = self.clock(id, notes);
                if !matches!(clock, Clock::Utc { .. }) {
                    let name = &property.name;
                    notes.add(format!("{name} has both a zone and UTC; the zone is read"));
                }
                Time::Clock(TimeZone::UTC.to_datetime(instant), clock)
            }
            (Written::Local(civil), None) => {
                if self.by_calendar {
                    notes.add("times without a zone are read in the calendar's X-WR-TIMEZONE");
                }
                Time::Clock(civil, self.floating.clone())
            }
            (Written::Local(civil), Some(id)) => Time::Clock(civil, self.clock(id, notes)),
        })
    }

    fn clock(&self, id: &str, notes: &mut Notes) -> Clock {
        let id = id.trim();
        let known = self.named.borrow().get(id).cloned();
        let clock = known.unwrap_or_else(|| {
            let own = self.calendar.zones.get(&zone_key(id));
            // Some calendars define two zones whose names differ in case alone.
            let own = own.and_then(|all| all.iter().find(|own| own.id == id).or(all.first()));
            let own = own.map(|own| self.definition(own.range.clone()));
            let clock = match Zone::of(id, own.as_deref()) {
                Zone::Utc => Some(Clock::Utc { wall: None }),
                Zone::Named(name) => Named::of(name).map(Clock::Named),
                Zone::Own(zone) => Some(Clock::Own(Rc::new(RefCell::new(zone)))),
                Zone::Unknown => None,
            };
            self.named.borrow_mut().insert(id.to_owned(), clock.clone());
            clock
        });
        clock.unwrap_or_else(|| {
            let id: String = id.chars().take(60).collect();
            notes.add(format!("the time zone {id:?} is unknown; read without zone"));
            Clock::Floating
        })
    }

    /// A VTIMEZONE as a calendar that ical-rs reads without stumbling: lines unfolded, each
    /// with a CRLF, and nothing nested deeper than its observances, for it goes down by
    /// recursion.
    fn definition(&self, range: std::ops::Range<usize>) -> Vec<u8> {
        let mut text = b"BEGIN:VCALENDAR\r\n".to_vec();
        let mut depth = 0_usize;
        for line in self.lines.within(range) {
            let line = self.lines.unfolded(line);
            let name = name_of(&line);
            depth += usize::from(name == "BEGIN");
            if depth <= 2 {
                // A stray LF cannot be left, a stray CR can.
                text.extend(line.iter().map(|b| if *b == b'\r' { b' ' } else { *b }));
                text.extend_from_slice(b"\r\n");
            }
            depth = depth.saturating_sub(usize::from(name == "END"));
        }
        text.extend_from_slice(b"END:VCALENDAR\r\n");
        text
    }
}
