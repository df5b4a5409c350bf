//! Properties turned into facts.

use restitch_model::{Fact, FactValue, Instant, LocalTime, Place, TimeWindow};

use crate::clock::Clocks;
use crate::event::Notes;
use crate::html::{looks_like_html, plain_text};
use crate::property::Property;
use crate::series::{Series, Telling};
use crate::time::{Length, parse_length, stamp};

/// So many occurrences of an event that repeats are facts of it, of so many days.
const OCCURRENCES: usize = 50;
const DAYS: i64 = 3653;
/// The facts of which it matters whether there is one already.
const ASKED: [&str; 6] = ["uid", "start", "end", "recurrence-id", "calendar", "rrule"];

/// Gathers the facts of an event, property by property.
pub(crate) struct Reader<'n> {
    clocks: &'n Clocks<'n>,
    facts: Vec<Fact>,
    /// Those of [`ASKED`] that are there.
    seen: Vec<&'static str>,
    notes: &'n mut Notes,
}

impl<'n> Reader<'n> {
    pub(crate) fn new(clocks: &'n Clocks<'n>, notes: &'n mut Notes) -> Self {
        Self { clocks, facts: Vec::new(), seen: Vec::new(), notes }
    }

    pub(crate) fn into_facts(self) -> Vec<Fact> {
        self.facts
    }

    pub(crate) fn calendar(&mut self, properties: &[Property<'_>]) {
        for property in properties {
            match property.name.as_ref() {
                "METHOD" => self.text("method", property.text()),
                // RFC 7986 has NAME for what everybody writes as X-WR-CALNAME.
                "X-WR-CALNAME" | "NAME" if !self.has("calendar") => {
                    self.text("calendar", property.text());
                }
                _ => {}
            }
        }
    }

    pub(crate) fn event(&mut self, properties: &[Property<'_>]) {
        let described = properties.iter().any(|p| p.name == "X-ALT-DESC")
            && properties.iter().any(|p| p.name == "DESCRIPTION" && !p.text().trim().is_empty());
        let mut length = None;
        for property in properties {
            match property.name.as_ref() {
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
                "RRULE" => self.text("rrule", property.raw()),
                "RDATE" | "EXDATE" | "EXRULE" => {}
                _ => self.other(property),
            }
        }
        if let Some(length) = length.filter(|_| !self.has("end")) {
            self.end_after(length);
        }
        if !self.has("uid") {
            self.notes.add("the event has no UID");
        }
        self.repetitions(properties);
        if !self.has("start") {
            self.notes.add("the event has no start that can be read");
        }
    }

    fn has(&self, name: &str) -> bool {
        self.seen.contains(&name)
    }

    fn push(&mut self, name: &str, value: FactValue) {
        let asked = ASKED.into_iter().find(|asked| *asked == name);
        self.seen.extend(asked.filter(|asked| !self.has(asked)));
        self.facts.push(Fact { name: name.into(), value, place: Place::whole(name) });
    }

    fn text(&mut self, name: &str, text: String) {
        if !text.trim().is_empty() {
            self.push(name, FactValue::Text(text));
        }
    }

    fn other(&mut self, property: &Property<'_>) {
        // vCard's way of grouping lines (`item1.X-NOTE`) is met in calendars too.
        let name = property.name.rsplit('.').next().unwrap_or_default();
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if name.is_empty() || !name.bytes().all(is_name) {
            self.notes.add("a line whose name is no name was passed over");
        } else if !property.is_binary() {
            self.text(&name.to_ascii_lowercase(), property.text());
        }
    }

    fn description(&mut self, name: &str, property: &Property<'_>) {
        let text = property.text();
        let is_html =
            property.param("FMTTYPE").is_some_and(|t| t.eq_ignore_ascii_case("text/html"))
                || looks_like_html(&text);
        self.text(name, if is_html { plain_text(&text) } else { text });
    }

    fn sequence(&mut self, property: &Property<'_>) {
        match property.raw().trim().parse() {
            Ok(n) => self.push("sequence", FactValue::Integer(n)),
            Err(_) => self.notes.add("SEQUENCE is no number"),
        }
    }

    fn stamp(&mut self, name: &str, property: &Property<'_>) {
        match stamp(property) {
            Some(instant) => self.push(name, FactValue::Instant(instant)),
            None => self.notes.add(format!("{} is no time", property.name)),
        }
    }

    fn person(&mut self, name: &str, property: &Property<'_>) {
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

    fn time(&mut self, name: &str, property: &Property<'_>) {
        if self.has(name) {
            self.notes.add(format!("{} stands more than once; the first is read", property.name));
            return;
        }
        if let Some(time) = self.clocks.time(property, self.notes) {
            self.push(name, time.value());
        }
    }

    /// When the event happens, where it repeats by its own word.
    fn repetitions(&mut self, properties: &[Property<'_>]) {
        let repeats = |p: &Property<'_>| matches!(p.name.as_ref(), "RRULE" | "RDATE");
        if !properties.iter().any(repeats) {
            return;
        }
        let Some(telling) = Telling::of(0, properties, self.clocks, self.notes) else { return };
        let Some(first) = telling.start.instant() else { return };
        let end = first.checked_add(jiff::SignedDuration::from_hours(24 * DAYS)).ok();
        let window = TimeWindow { start: first, end: end.unwrap_or(Instant::MAX) };
        let mut series = Series::default();
        series.add(telling);
        let field = if self.has("rrule") { "rrule" } else { "rdate" };
        for occurrence in series.expand(window, OCCURRENCES, self.notes) {
            let (name, value) = ("occurrence", occurrence.start.value());
            self.facts.push(Fact { name: name.into(), value, place: Place::whole(field) });
        }
    }

    fn length(&mut self, property: &Property<'_>) -> Option<Length> {
        let length = parse_length(&property.raw());
        if length.is_none() {
            self.notes.add("DURATION is no length of time");
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
            Some(value) => self.facts.push(Fact { name: "end".into(), value, place }),
            None => self.notes.add("DURATION does not fit the start"),
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
