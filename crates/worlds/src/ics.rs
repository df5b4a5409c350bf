//! Properties of calendar events (RFC 5545).

use icalendar::{Component, Event, Property};

use crate::clock::{Seconds, utc};

/// A moment in UTC as calendars write it.
pub(crate) fn stamp(at: Seconds) -> String {
    utc(at).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Adds a property with a parameter: `DTSTART;TZID=Europe/Berlin:20260115T090000`.
pub(crate) fn add(event: &mut Event, key: &str, value: String, parameter: (&str, &str)) {
    let mut property = Property::new(key, value);
    property.add_parameter(parameter.0, parameter.1);
    event.append_property(property.done());
}
