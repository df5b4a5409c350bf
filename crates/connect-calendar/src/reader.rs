//! Properties turned into facts.

use std::collections::{BTreeMap, BTreeSet};

use ical::component::IcalComponent;
use ical::tree::cst::IcalCst;
use jiff::civil::DateTime;
use restitch_model::{Fact, FactValue, LocalTime, Place};

use crate::event::Notes;
use crate::html::{looks_like_html, plain_text};
use crate::property::Property;
use crate::time::{Length, Written, at_offset, parse_length, parse_time, stamp};
use crate::zone::{Zone, known_name, own_instant};

/// What the zones of times are found with.
pub(crate) struct Zones {
    named: BTreeMap<String, Zone>,
    floating: Option<String>,
    /// Whether the zone of floating times is the calendar's word.
    by_calendar: bool,
}

impl Zones {
    pub(crate) fn new(
        calendar: &[Property],
        event: &[Property],
        tree: Option<&IcalCst<'_>>,
        fallback: Option<&str>,
        notes: &mut Notes,
    ) -> Self {
        let given = fallback.and_then(known_name);
        if fallback.is_some() && given.is_none() {
            notes.add("the time zone of the settings is unknown and was not used".to_owned());
        }
        let own = calendar.iter().find(|property| property.name == "X-WR-TIMEZONE");
        let own = own.and_then(|property| known_name(&property.text()));
        let timed = event
            .iter()
            .filter(|p| matches!(p.name.as_str(), "DTSTART" | "DTEND" | "RECURRENCE-ID"));
        // An event names one or two; each is looked for in the whole calendar.
        let ids: BTreeSet<&str> = timed.filter_map(|p| p.param("TZID")).take(16).collect();
        let decoded = tree.filter(|_| !ids.is_empty()).map(IcalCst::decode);
        let components: &[IcalComponent<'_>] = decoded.as_ref().map_or(&[], |c| &c.components);
        let named = ids.into_iter().map(|id| (id.to_owned(), Zone::of(id, components)));
        Self {
            named: named.collect(),
            by_calendar: given.is_none() && own.is_some(),
            floating: given.or(own),
        }
    }
}

/// Gathers the facts of an event, property by property.
pub(crate) struct Reader<'n> {
    zones: Zones,
    facts: Vec<Fact>,
    seen: BTreeSet<String>,
    notes: &'n mut Notes,
}

impl<'n> Reader<'n> {
    pub(crate) fn new(zones: Zones, notes: &'n mut Notes) -> Self {
        Self { zones, facts: Vec::new(), seen: BTreeSet::new(), notes }
    }

    pub(crate) fn into_facts(self) -> Vec<Fact> {
        self.facts
    }

    pub(crate) fn calendar(&mut self, properties: &[Property]) {
        for property in properties {
            match property.name.as_str() {
                "METHOD" => self.text("method", property.text()),
                // RFC 7986 has NAME for what everybody writes as X-WR-CALNAME.
                "X-WR-CALNAME" | "NAME" if !self.has("calendar") => {
                    self.text("calendar", property.text());
                }
                _ => {}
            }
        }
    }

    pub(crate) fn event(&mut self, properties: &[Property]) {
        let described =
            properties.iter().any(|p| p.name == "DESCRIPTION" && !p.text().trim().is_empty());
        let mut length = None;
        for property in properties {
            match property.name.as_str() {
                "DTSTART" => self.time("start", property),
                "DTEND" => self.time("end", property),
                "RECURRENCE-ID" => self.time("recurrence-id", property),
                "DURATION" => length = length.or_else(|| self.length(property)),
                "CREATED" => self.stamp("created", property),
                "LAST-MODIFIED" => self.stamp("last-modified", property),
                "DTSTAMP" => self.stamp("dtstamp", property),
                "SEQUENCE" => self.sequence(property),
                "DESCRIPTION" => self.description("description", property),
                "X-ALT-DESC" if !described => self.description("description", property),
                "X-ALT-DESC" => self.description("x-alt-desc", property),
                "CATEGORIES" => {
                    property.texts().into_iter().for_each(|text| self.text("categories", text));
                }
                "ORGANIZER" => self.person("organizer", property),
                "ATTENDEE" => self.person("attendee", property),
                "RRULE" => {
                    self.text("rrule", property.raw());
                    self.notes.add("repeats: only the first instance is read".to_owned());
                }
                "RDATE" | "EXDATE" | "EXRULE" => {
                    self.notes.add("repeats: only the first instance is read".to_owned());
                }
                _ => self.other(property),
            }
        }
        if let Some(length) = length.filter(|_| !self.has("end")) {
            self.end_after(length);
        }
        if !self.has("uid") {
            self.notes.add("the event has no UID".to_owned());
        }
        if !self.has("start") {
            self.notes.add("the event has no start that can be read".to_owned());
        }
    }

    fn has(&self, name: &str) -> bool {
        self.seen.contains(name)
    }

    fn push(&mut self, name: &str, value: FactValue) {
        if !self.seen.contains(name) {
            self.seen.insert(name.to_owned());
        }
        self.facts.push(Fact { name: name.to_owned(), value, place: Place::whole(name) });
    }

    fn text(&mut self, name: &str, text: String) {
        if !text.trim().is_empty() {
            self.push(name, FactValue::Text(text));
        }
    }

    fn other(&mut self, property: &Property) {
        // vCard's way of grouping lines (`item1.X-NOTE`) is met in calendars too.
        let name = property.name.rsplit('.').next().unwrap_or_default();
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if name.is_empty() || !name.bytes().all(is_name) {
            self.notes.add("a line whose name is no name was passed over".to_owned());
        } else if !property.is_binary() {
            self.text(&name.to_ascii_lowercase(), property.text());
        }
    }

    fn description(&mut self, name: &str, property: &Property) {
        let text = property.text();
        let is_html =
            property.param("FMTTYPE").is_some_and(|t| t.eq_ignore_ascii_case("text/html"))
                || looks_like_html(&text);
        self.text(name, if is_html { plain_text(&text) } else { text });
    }

    fn sequence(&mut self, property: &Property) {
        match property.raw().trim().parse() {
            Ok(n) => self.push("sequence", FactValue::Integer(n)),
            Err(_) => self.notes.add("SEQUENCE is no number".to_owned()),
        }
    }

    fn stamp(&mut self, name: &str, property: &Property) {
        match stamp(property) {
            Some(instant) => self.push(name, FactValue::Instant(instant)),
            None => self.notes.add(format!("{} is no time", property.name)),
        }
    }

    fn person(&mut self, name: &str, property: &Property) {
        let value = property.text();
        let (name_before, value) = match value.split_once('<') {
            Some((before, rest)) => (before.trim(), rest.split('>').next().unwrap_or_default()),
            None => ("", value.as_str()),
        };
        let address = [Some(value), property.param("EMAIL"), property.param("X-EMAIL")]
            .into_iter()
            .flatten()
            .find_map(email);
        let called = property.param("CN").unwrap_or(name_before).trim();
        let is_address = email(called).is_some() && email(called) == address;
        if let Some(address) = address {
            self.push(name, FactValue::Email(address));
        }
        if !is_address {
            self.text(&format!("{name}_name"), called.to_owned());
        }
    }

    fn time(&mut self, name: &str, property: &Property) {
        if self.has(name) {
            self.notes.add(format!("{} stands more than once; the first is read", property.name));
            return;
        }
        let Some(written) = parse_time(&property.raw()) else {
            self.notes.add(format!("{} is no date or time", property.name));
            return;
        };
        let zone = property.param("TZID").filter(|id| !id.trim().is_empty());
        let value = match (written, zone) {
            (Written::Date(date), _) => FactValue::Date(date),
            (Written::Utc(instant), None) => FactValue::Instant(instant),
            (Written::Utc(instant), Some(_)) => {
                self.notes.add(format!("{} has both a zone and UTC; UTC is read", property.name));
                FactValue::Instant(instant)
            }
            (Written::Local(civil), None) => self.floating(civil),
            (Written::Local(civil), Some(id)) => self.zoned(civil, id),
        };
        self.push(name, value);
    }

    fn floating(&mut self, civil: DateTime) -> FactValue {
        if self.zones.by_calendar {
            let text = "times without a zone are read in the calendar's X-WR-TIMEZONE";
            self.notes.add(text.to_owned());
        }
        FactValue::Local(LocalTime { civil, zone: self.zones.floating.clone() })
    }

    fn zoned(&mut self, civil: DateTime, id: &str) -> FactValue {
        let instant = match self.zones.named.get(id) {
            Some(Zone::Named(zone)) => {
                return FactValue::Local(LocalTime { civil, zone: Some(zone.clone()) });
            }
            Some(Zone::Utc) => at_offset(civil, 0),
            Some(Zone::Own(zone)) => own_instant(zone, civil),
            Some(Zone::Unknown) | None => None,
        };
        instant.map(FactValue::Instant).unwrap_or_else(|| {
            let id: String = id.chars().take(60).collect();
            self.notes.add(format!("the time zone {id:?} is unknown; read without zone"));
            FactValue::Local(LocalTime { civil, zone: None })
        })
    }

    fn length(&mut self, property: &Property) -> Option<Length> {
        let length = parse_length(&property.raw());
        if length.is_none() {
            self.notes.add("DURATION is no length of time".to_owned());
        }
        length
    }

    fn end_after(&mut self, length: Length) {
        let Some(start) = self.facts.iter().find(|fact| fact.name == "start") else { return };
        let end = match &start.value {
            FactValue::Instant(start) => length.after_instant(*start).map(FactValue::Instant),
            FactValue::Date(start) => length.after_date(*start).map(FactValue::Date),
            FactValue::Local(LocalTime { civil, zone }) => length
                .after_local(*civil, zone.as_deref())
                .map(|civil| FactValue::Local(LocalTime { civil, zone: zone.clone() })),
            _ => None,
        };
        let place = Place::whole("duration");
        match end {
            Some(value) => self.facts.push(Fact { name: "end".to_owned(), value, place }),
            None => self.notes.add("DURATION does not fit the start".to_owned()),
        }
    }
}

fn email(address: &str) -> Option<String> {
    let address = address.trim();
    let scheme = address.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let address = address[scheme.map_or(0, str::len)..].trim();
    let (user, host) = address.rsplit_once('@')?;
    let plain = !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/');
    (plain && !user.is_empty() && !host.is_empty()).then(|| address.to_lowercase())
}
