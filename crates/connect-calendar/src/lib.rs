//! Events from calendars: .ics files and folders of them.
//!
//! [`CalendarFiles`] pulls each VEVENT as one evidence item and reads it into facts. What is
//! kept of an event is a small calendar that can be understood alone: a frame of
//! `BEGIN:VCALENDAR` and `END:VCALENDAR`, and in it, byte for byte as the file has them, the
//! calendar's own property lines, the VTIMEZONE blocks that the event names, and the VEVENT.
//!
//! Lines and components are told apart by code of our own (`lines`, `outline`), so that no file
//! is refused as a whole; ical-rs walks recurrence rules and reads the offsets of a VTIMEZONE;
//! the `icalendar` crate is the second opinion of the tests. [`occurrences`] says when the
//! events of a file happen, rules and changed instances taken together.

mod clock;
mod event;
mod files;
mod html;
mod lines;
mod occurrences;
mod outline;
mod property;
mod reader;
mod rule;
mod series;
mod slice;
mod time;
mod zone;

pub use event::read_event;
pub use files::CalendarFiles;
pub use occurrences::{Occurrence, Occurrences, occurrences};
pub use slice::list_events;

/// The kind of evidence that this crate gives and reads.
pub const KIND: &str = "calendar.event";
