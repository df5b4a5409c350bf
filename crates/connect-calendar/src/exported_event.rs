//! An event in JSON, written again as a calendar file has it, so that one reader gives the same
//! facts under the same names.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use restitch_connect::Reading;
use restitch_facts::{Context, scan_texts};
use restitch_model::{Decimal, EvidenceId, Fact, FactValue, Instant, Place, Remark};
use serde_json::Value;

use crate::event::read_event;
use crate::export::{Shape, unwrapped};
use crate::recurrence::rule;
use crate::zone::{BUNDLED, known_name};

/// How deep members are looked into.
const DEPTH: usize = 16;

/// Reads an event of an export. Its facts are those of [`read_event`]; what these do not tell
/// follows, each value under its JSON pointer (RFC 6901), such as
/// `/extendedProperties/private/booking_ref` or `/payment/external_id`, and what scanners find in
/// its texts. Any bytes give an answer.
pub(crate) fn read_exported(bytes: &[u8], fallback_zone: Option<&str>) -> Reading {
    let about = EvidenceId::of(bytes).0.short();
    let value = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => value,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let text = format!("it is no JSON: line {line}, column {column}");
            return Reading { facts: Vec::new(), remarks: vec![Remark::new(about, text)] };
        }
    };
    let object = unwrapped(&value);
    let mut calendar = Calendar::default();
    match Shape::of(object) {
        Some(Shape::Google) => google(object, &mut calendar),
        Some(Shape::Graph) => graph(object, &mut calendar),
        Some(Shape::Meeting) => meeting(object, &mut calendar),
        Some(Shape::Invitee) => invitee(object, &mut calendar),
        None => {}
    }
    let mut reading = read_event(calendar.text().as_bytes(), fallback_zone);
    // Whoever deletes an event takes its time away.
    let is_deleted = calendar.lines.iter().any(|line| line == "STATUS:CANCELLED");
    reading.remarks.retain(|remark| !(is_deleted && remark.text.contains("no start")));
    reading.remarks.iter_mut().for_each(|remark| remark.about.clone_from(&about));
    let mut rest = Vec::new();
    if let Value::Object(members) = object {
        for (name, value) in members.iter().filter(|(name, _)| !calendar.told.contains(&&***name)) {
            leaves(&pointer("", name), value, 0, &mut rest);
        }
    }
    let scanned = scan_texts(&rest, Context::default());
    reading.facts.extend(rest);
    reading.facts.extend(scanned);
    reading
}

/// The lines of an event.
#[derive(Default)]
struct Calendar {
    lines: Vec<String>,
    /// The members that they tell.
    told: Vec<&'static str>,
}

impl Calendar {
    fn text(&self) -> String {
        let lines: String = self.lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n")
    }

    /// A property whose value is a text, where the member is one.
    fn texts(&mut self, object: &Value, members: &[(&'static str, &str)]) {
        for &(member, property) in members {
            self.told.push(member);
            if let Some(text) = object.get(member).and_then(plain) {
                self.line(property, &escaped(&text));
            }
        }
    }

    fn line(&mut self, property: &str, value: &str) {
        if !value.trim().is_empty() {
            self.lines.push(format!("{property}:{value}"));
        }
    }

    fn stamps(&mut self, object: &Value, members: &[(&'static str, &str)]) {
        for &(member, property) in members {
            self.told.push(member);
            let instant = object.get(member).and_then(Value::as_str);
            if let Some(instant) = instant.and_then(|text| text.parse::<Instant>().ok()) {
                self.line(property, &utc(instant));
            }
        }
    }

    fn time(&mut self, property: &str, time: Option<String>) {
        self.lines.extend(time.map(|time| format!("{property}{time}")));
    }

    fn person(&mut self, property: &str, name: Option<&Value>, address: Option<&Value>) {
        let name = name.and_then(Value::as_str).unwrap_or_default();
        let address = address.and_then(Value::as_str).unwrap_or_default();
        if !name.trim().is_empty() || !address.trim().is_empty() {
            let name: String = one_line(name).replace('^', "^^").replace('"', "^'");
            let address = one_line(address);
            self.lines.push(format!("{property};CN=\"{name}\":mailto:{address}"));
        }
    }
}

/// <https://developers.google.com/workspace/calendar/api/v3/reference/events>
fn google(event: &Value, calendar: &mut Calendar) {
    let uid = if event.get("iCalUID").is_some() { "iCalUID" } else { "id" };
    calendar.texts(
        event,
        &[
            (uid, "UID"),
            ("summary", "SUMMARY"),
            ("description", "DESCRIPTION"),
            ("location", "LOCATION"),
            ("sequence", "SEQUENCE"),
        ],
    );
    calendar.stamps(event, &[("created", "CREATED"), ("updated", "LAST-MODIFIED")]);
    calendar.told.extend(["kind", "etag", "status", "start", "end", "originalStartTime"]);
    let status = event.get("status").and_then(Value::as_str).unwrap_or_default();
    calendar.line("STATUS", &one_line(status).to_uppercase());
    let time = |member: &str| {
        let time = event.get(member)?;
        match time.get("date").and_then(Value::as_str) {
            Some(date) => day(date),
            None => {
                // The zone of an end may be left out where it is that of the start.
                let clock = zone(time, "timeZone").or_else(|| zone(&event["start"], "timeZone"));
                moment(time.get("dateTime")?.as_str()?, clock.as_deref())
            }
        }
    };
    calendar.time("DTSTART", time("start"));
    calendar.time("DTEND", time("end"));
    calendar.time("RECURRENCE-ID", time("originalStartTime"));
    calendar.told.extend(["organizer", "attendees", "recurrence"]);
    let organizer = &event["organizer"];
    calendar.person("ORGANIZER", organizer.get("displayName"), organizer.get("email"));
    for guest in list(&event["attendees"]) {
        calendar.person("ATTENDEE", guest.get("displayName"), guest.get("email"));
    }
    // Lines as RFC 5545 has them.
    for line in list(&event["recurrence"]).filter_map(Value::as_str) {
        let line = one_line(line);
        if ["RRULE", "RDATE", "EXDATE", "EXRULE"].iter().any(|name| line.starts_with(name)) {
            calendar.lines.push(line);
        }
    }
}

/// <https://learn.microsoft.com/en-us/graph/api/resources/event>
fn graph(event: &Value, calendar: &mut Calendar) {
    let uid = if event.get("iCalUId").is_some() { "iCalUId" } else { "id" };
    calendar.texts(event, &[(uid, "UID"), ("subject", "SUMMARY")]);
    calendar.stamps(
        event,
        &[("createdDateTime", "CREATED"), ("lastModifiedDateTime", "LAST-MODIFIED")],
    );
    calendar.told.extend(["body", "bodyPreview", "location", "categories", "isCancelled"]);
    let body = &event["body"];
    let is_html = body.get("contentType").and_then(Value::as_str) == Some("html");
    let text = plain(&body["content"]).or_else(|| plain(&event["bodyPreview"]));
    let property = if is_html { "DESCRIPTION;FMTTYPE=text/html" } else { "DESCRIPTION" };
    calendar.line(property, &escaped(&text.unwrap_or_default()));
    let place = plain(&event["location"]["displayName"]);
    calendar.line("LOCATION", &escaped(&place.unwrap_or_default()));
    for category in list(&event["categories"]).filter_map(plain) {
        calendar.line("CATEGORIES", &escaped(&category));
    }
    if event.get("isCancelled") == Some(&Value::Bool(true)) || event.get("@removed").is_some() {
        calendar.line("STATUS", "CANCELLED");
    }
    calendar.told.extend(["isAllDay", "start", "end", "originalStart", "recurrence"]);
    calendar.told.extend(["originalStartTimeZone", "originalEndTimeZone", "@odata.etag"]);
    let is_all_day = event.get("isAllDay") == Some(&Value::Bool(true));
    let time = |member: &str, original: &str| {
        let time = event.get(member)?;
        let text = time.get("dateTime")?.as_str()?;
        if is_all_day {
            return day(text.get(..10)?);
        }
        let told = zone(time, "timeZone");
        // Graph answers in UTC unless it is asked otherwise, and says on what clock it was meant.
        match (local(text), told.as_deref(), zone(event, original)) {
            (Some(civil), Some("UTC"), Some(meant)) => moment(&format!("{civil}Z"), Some(&meant)),
            _ => moment(text, told.as_deref()),
        }
    };
    calendar.time("DTSTART", time("start", "originalStartTimeZone"));
    calendar.time("DTEND", time("end", "originalEndTimeZone"));
    let original = event.get("originalStart").and_then(Value::as_str);
    let clock = zone(event, "originalStartTimeZone");
    calendar.time("RECURRENCE-ID", original.and_then(|text| moment(text, clock.as_deref())));
    calendar.told.extend(["organizer", "attendees"]);
    let people = std::iter::once(("ORGANIZER", &event["organizer"]))
        .chain(list(&event["attendees"]).map(|guest| ("ATTENDEE", guest)));
    for (property, person) in people {
        let address = &person["emailAddress"];
        calendar.person(property, address.get("name"), address.get("address"));
    }
    calendar.line("RRULE", &rule(&event["recurrence"]).unwrap_or_default());
}

/// <https://developer.calendly.com/api-docs/>: a scheduled event.
fn meeting(event: &Value, calendar: &mut Calendar) {
    calendar.told.push("uri");
    calendar.line("UID", &escaped(last_part(&event["uri"])));
    calendar.texts(event, &[("name", "SUMMARY")]);
    calendly(event, calendar);
    calendar.told.extend(["start_time", "end_time", "event_memberships"]);
    let time = |name: &str| moment(event.get(name)?.as_str()?, None);
    calendar.time("DTSTART", time("start_time"));
    calendar.time("DTEND", time("end_time"));
    for host in list(&event["event_memberships"]) {
        calendar.person("ORGANIZER", host.get("user_name"), host.get("user_email"));
    }
}

/// <https://developer.calendly.com/api-docs/>: an invitee, with the meeting where a webhook sends
/// both.
fn invitee(invitee: &Value, calendar: &mut Calendar) {
    calendar.told.push("uri");
    calendar.line("UID", &escaped(last_part(&invitee["uri"])));
    calendly(invitee, calendar);
    calendar.told.extend(["email", "name", "scheduled_event"]);
    calendar.person("ATTENDEE", invitee.get("name"), invitee.get("email"));
    let event = &invitee["scheduled_event"];
    calendar.line("SUMMARY", &escaped(&plain(&event["name"]).unwrap_or_default()));
    let clock = zone(invitee, "timezone");
    let time = |name: &str| moment(event.get(name)?.as_str()?, clock.as_deref());
    calendar.time("DTSTART", time("start_time"));
    calendar.time("DTEND", time("end_time"));
}

/// What an event and an invitee of Calendly's have in common.
fn calendly(object: &Value, calendar: &mut Calendar) {
    calendar.stamps(object, &[("created_at", "CREATED"), ("updated_at", "LAST-MODIFIED")]);
    calendar.told.push("status");
    let status = match object.get("status").and_then(Value::as_str) {
        Some("active") => "CONFIRMED",
        Some("canceled") => "CANCELLED",
        _ => "",
    };
    calendar.line("STATUS", status);
}

/// A day as the end of a property; `None` where it is none.
fn day(text: &str) -> Option<String> {
    let date: Date = text.parse().ok()?;
    Some(format!(";VALUE=DATE:{}", date.strftime("%Y%m%d")))
}

/// A moment as the end of a property, on this clock where one is told.
fn moment(text: &str, zone: Option<&str>) -> Option<String> {
    let on_clock = |civil: DateTime, zone: &str| {
        let zone = one_line(zone).replace('"', "");
        format!(";TZID=\"{zone}\":{}", civil.strftime("%Y%m%dT%H%M%S"))
    };
    match (text.parse::<Instant>(), zone) {
        (Ok(instant), Some(zone)) if zone != "UTC" => {
            match known_name(zone).and_then(|name| BUNDLED.get(&name).ok()) {
                Some(known) => Some(on_clock(known.to_datetime(instant), zone)),
                None => Some(format!(":{}", utc(instant))),
            }
        }
        (Ok(instant), _) => Some(format!(":{}", utc(instant))),
        (Err(_), Some(zone)) => Some(on_clock(local(text)?, zone)),
        (Err(_), None) => Some(format!(":{}", local(text)?.strftime("%Y%m%dT%H%M%S"))),
    }
}

/// A time on a clock, where no offset is written.
fn local(text: &str) -> Option<DateTime> {
    text.parse::<Instant>().is_err().then(|| text.parse().ok())?
}

fn utc(instant: Instant) -> String {
    TimeZone::UTC.to_datetime(instant).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn zone(object: &Value, member: &str) -> Option<String> {
    object.get(member)?.as_str().filter(|zone| !zone.trim().is_empty()).map(str::to_owned)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn last_part(uri: &Value) -> &str {
    uri.as_str().and_then(|uri| uri.rsplit('/').next()).unwrap_or_default()
}

/// A text as TEXT of a calendar (RFC 5545, 3.3.11).
fn escaped(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\\', "\\\\");
    text.replace('\n', "\\n").replace(';', "\\;").replace(',', "\\,")
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn pointer(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn leaves(name: &str, value: &Value, depth: usize, facts: &mut Vec<Fact>) {
    let value = match value {
        Value::Object(members) if depth < DEPTH => {
            for (key, value) in members {
                leaves(&pointer(name, key), value, depth + 1, facts);
            }
            return;
        }
        Value::Array(elements) if depth < DEPTH => {
            for (at, value) in elements.iter().enumerate() {
                leaves(&pointer(name, &at.to_string()), value, depth + 1, facts);
            }
            return;
        }
        Value::Object(_) | Value::Array(_) | Value::Null => return,
        Value::String(text) if text.trim().is_empty() => return,
        Value::String(text) => FactValue::Text(text.clone()),
        Value::Bool(is_true) => FactValue::Bool(*is_true),
        Value::Number(number) => match (number.as_i64(), number.to_string().parse::<Decimal>()) {
            (Some(whole), _) => FactValue::Integer(whole),
            (None, Ok(decimal)) => FactValue::Number(decimal),
            (None, Err(_)) => FactValue::Text(number.to_string()),
        },
    };
    facts.push(Fact { name: name.into(), value, place: Place::whole(name) });
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// Facts without those that scanners found, then remarks, a line each.
    fn shown(json: &str) -> String {
        let Reading { facts, remarks } = read_exported(json.as_bytes(), None);
        let mut lines = String::new();
        for fact in facts.iter().filter(|fact| !fact.name.contains('#')) {
            let (kind, value) = (fact.value.type_name(), fact.value.to_string());
            writeln!(lines, "{} {kind} {value:?}", fact.name).unwrap();
        }
        remarks.iter().for_each(|remark| writeln!(lines, "! {}", remark.text).unwrap());
        lines
    }

    #[test]
    fn an_event_of_google_is_read_as_its_calendar_file_would_be() {
        let json = r#"{"kind":"calendar#event","etag":"\"3\"","id":"a1","status":"confirmed",
            "htmlLink":"https://x.org/e","created":"2026-01-01T00:00:00.000Z",
            "updated":"2026-01-02T00:00:00.000Z","summary":"Van 7, Müller",
            "description":"<p>Ref <b>AB-12</b></p>","location":"Depot; north",
            "creator":{"email":"desk@example.org"},
            "organizer":{"email":"desk@example.org","displayName":"Desk \"One\"","self":true},
            "start":{"dateTime":"2026-01-10T09:00:00+01:00","timeZone":"Europe/Berlin"},
            "end":{"dateTime":"2026-01-10T11:00:00+01:00"},
            "recurrence":["RRULE:FREQ=WEEKLY;COUNT=2"],"iCalUID":"a1@google.com","sequence":2,
            "attendees":[{"email":"Jo@Example.org","displayName":"Müller, Jo"}],
            "extendedProperties":{"private":{"booking_ref":"AB-12"}}}"#;
        insta::assert_snapshot!(shown(json), @r#"
        uid text "a1@google.com"
        summary text "Van 7, Müller"
        description text "Ref AB-12"
        location text "Depot; north"
        sequence integer "2"
        created instant "2026-01-01T00:00:00Z"
        last-modified instant "2026-01-02T00:00:00Z"
        status text "CONFIRMED"
        start local "2026-01-10T09:00:00[Europe/Berlin]"
        end local "2026-01-10T11:00:00[Europe/Berlin]"
        organizer email "desk@example.org"
        organizer_name text "Desk \"One\""
        attendee email "jo@example.org"
        attendee_name text "Müller, Jo"
        rrule text "FREQ=WEEKLY;COUNT=2"
        occurrence local "2026-01-10T09:00:00[Europe/Berlin]"
        occurrence local "2026-01-17T09:00:00[Europe/Berlin]"
        /id text "a1"
        /htmlLink text "https://x.org/e"
        /creator/email text "desk@example.org"
        /extendedProperties/private/booking_ref text "AB-12"
        "#);
    }

    #[test]
    fn an_event_of_graph_is_read_as_its_calendar_file_would_be() {
        let json = r#"{"@odata.etag":"W/\"x\"","id":"AAM","createdDateTime":"2026-01-01T00:00:00Z",
            "lastModifiedDateTime":"2026-01-02T00:00:00.1234567Z","subject":"Van 7",
            "iCalUId":"040000008200E0","isAllDay":false,"isCancelled":false,
            "originalStartTimeZone":"W. Europe Standard Time",
            "originalEndTimeZone":"W. Europe Standard Time",
            "body":{"contentType":"html","content":"<html><body>Ref AB-12</body></html>"},
            "start":{"dateTime":"2026-01-10T08:00:00.0000000","timeZone":"UTC"},
            "end":{"dateTime":"2026-01-10T11:00:00.0000000","timeZone":"W. Europe Standard Time"},
            "location":{"displayName":"Depot"},"categories":["van","long"],
            "organizer":{"emailAddress":{"name":"Desk","address":"desk@example.org"}},
            "attendees":[{"type":"required","emailAddress":{"name":"Jo","address":"jo@example.org"}}],
            "recurrence":{"pattern":{"type":"weekly","interval":1,"daysOfWeek":["saturday"]},
             "range":{"type":"numbered","startDate":"2026-01-10","numberOfOccurrences":2}}}"#;
        insta::assert_snapshot!(shown(json), @r#"
        uid text "040000008200E0"
        summary text "Van 7"
        created instant "2026-01-01T00:00:00Z"
        last-modified instant "2026-01-02T00:00:00Z"
        description text "Ref AB-12"
        location text "Depot"
        categories text "van"
        categories text "long"
        start local "2026-01-10T09:00:00[Europe/Berlin]"
        end local "2026-01-10T11:00:00[Europe/Berlin]"
        organizer email "desk@example.org"
        organizer_name text "Desk"
        attendee email "jo@example.org"
        attendee_name text "Jo"
        rrule text "FREQ=WEEKLY;BYDAY=SA;COUNT=2"
        occurrence local "2026-01-10T09:00:00[Europe/Berlin]"
        occurrence local "2026-01-17T09:00:00[Europe/Berlin]"
        /id text "AAM"
        "#);
    }

    #[test]
    fn whole_days_and_deleted_events_are_told() {
        let day = |start: &str| {
            format!(r#"{{"iCalUID":"a","start":{start},"end":{{"date":"2026-01-12"}}}}"#)
        };
        assert_eq!(
            shown(&day(r#"{"date":"2026-01-10"}"#)),
            "uid text \"a\"\nstart date \"2026-01-10\"\nend date \"2026-01-12\"\n"
        );
        for deleted in [
            r#"{"kind":"calendar#event","id":"2","status":"cancelled"}"#,
            r#"{"id":"2","@removed":{"reason":"deleted"}}"#,
        ] {
            let told = "uid text \"2\"\nstatus text \"CANCELLED\"\n";
            assert!(shown(deleted).starts_with(told) && !shown(deleted).contains('!'));
        }
        let all_day = r#"{"iCalUId":"a","subject":"x","isAllDay":true,"isCancelled":true,
            "start":{"dateTime":"2026-01-10T00:00:00.0000000","timeZone":"UTC"},
            "end":{"dateTime":"2026-01-11T00:00:00.0000000","timeZone":"UTC"}}"#;
        assert!(shown(all_day).contains("start date \"2026-01-10\"\nend date \"2026-01-11\"\n"));
    }

    #[test]
    fn an_invitee_of_calendly_names_its_charge() {
        let json = r#"{"event":"invitee.created","payload":{
            "uri":"https://api.calendly.com/scheduled_events/E1/invitees/I1","email":"jo@example.org",
            "name":"Jo Doe","status":"canceled","timezone":"Europe/Berlin",
            "created_at":"2026-01-01T00:00:00.000000Z","updated_at":"2026-01-02T00:00:00.000000Z",
            "event":"https://api.calendly.com/scheduled_events/E1",
            "payment":{"external_id":"ch_1","provider":"stripe","amount":19.5,"currency":"EUR"},
            "scheduled_event":{"name":"Lesson","start_time":"2026-01-10T08:00:00.000000Z",
             "end_time":"2026-01-10T09:00:00.000000Z"}}}"#;
        insta::assert_snapshot!(shown(json), @r#"
        uid text "I1"
        created instant "2026-01-01T00:00:00Z"
        last-modified instant "2026-01-02T00:00:00Z"
        status text "CANCELLED"
        attendee email "jo@example.org"
        attendee_name text "Jo Doe"
        summary text "Lesson"
        start local "2026-01-10T09:00:00[Europe/Berlin]"
        end local "2026-01-10T10:00:00[Europe/Berlin]"
        /timezone text "Europe/Berlin"
        /event text "https://api.calendly.com/scheduled_events/E1"
        /payment/external_id text "ch_1"
        /payment/provider text "stripe"
        /payment/amount number "19.5"
        /payment/currency text "EUR"
        "#);
    }

    #[test]
    fn a_text_cannot_become_a_line_of_its_own() {
        let json = r#"{"iCalUID":"a\r\nSTATUS:CANCELLED","summary":"x\nEND:VEVENT",
            "start":{"dateTime":"2026-01-10T08:00:00Z","timeZone":"UTC\nX:1"},
            "organizer":{"displayName":"\";X=\"","email":"a@b\r\nSUMMARY:no"},
            "recurrence":["RRULE:FREQ=DAILY\nSUMMARY:no"]}"#;
        let shown = shown(json);
        assert!(!shown.contains("status text") && !shown.contains("summary text \"no"), "{shown}");
    }

    #[test]
    fn what_is_no_event_gives_what_it_says() {
        assert!(shown("{").starts_with("! it is no JSON"));
        let shown = shown(r#"{"a":{"b/c":[1,2.50,true,null,"x"]}}"#);
        assert!(shown.contains("/a/b~1c/0 integer \"1\"\n/a/b~1c/1 number"), "{shown}");
    }
}
