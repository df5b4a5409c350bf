//! Events from calendars: files, exports and live servers.
//!
//! [`CalendarFiles`] pulls each VEVENT of .ics files as one evidence item, and each event of the
//! JSON that Google, Microsoft and Calendly export; [`CalendarServer`] pulls those of a CalDAV
//! server or of a file at an address, and never writes there. What is
//! kept of an event is a small calendar that can be understood alone: a frame of
//! `BEGIN:VCALENDAR` and `END:VCALENDAR`, and in it, byte for byte as the file has them, the
//! calendar's own property lines, the VTIMEZONE blocks that the event names, and the VEVENT.
//!
//! Lines and components are told apart by code of our own (`lines`, `outline`), so that no file
//! is refused as a whole; ical-rs walks recurrence rules and reads the offsets of a VTIMEZONE;
//! the `icalendar` crate is the second opinion of the tests. [`occurrences`] says when the
//! events of a file happen, rules and changed instances taken together.

mod caldav;
mod clock;
mod event;
mod export;
mod exported_event;
mod files;
mod html;
mod lines;
mod occurrences;
mod outline;
mod property;
mod reader;
mod recurrence;
mod rule;
mod series;
mod slice;
mod time;
mod zone;

use restitch_connect::Reading;

pub use caldav::{CalendarServer, Login, problem_of};
pub use event::read_event;
pub use files::CalendarFiles;
pub use occurrences::{Occurrence, Occurrences, occurrences};
pub use slice::list_events;

/// The kind of evidence that is an event, from a calendar file or an export.
pub const KIND: &str = "calendar.event";
/// The kind of evidence that says who booked a meeting at Calendly.
pub const INVITEE: &str = "calendar.invitee";
/// The kinds of evidence that this crate gives and reads.
const KINDS: &[&str] = &[KIND, INVITEE];

/// The facts of an item: of an event as calendar files have it, or as exports do in JSON.
fn read(bytes: &[u8], timezone: Option<&str>) -> Reading {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => exported_event::read_exported(bytes, timezone),
        _ => read_event(bytes, timezone),
    }
}
