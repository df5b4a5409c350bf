//! Events from calendars: .ics files and folders of them.
//!
//! [`CalendarFiles`] pulls each VEVENT as one evidence item and reads it into facts. What is
//! kept of an event is a small calendar that can be understood alone: a frame of
//! `BEGIN:VCALENDAR` and `END:VCALENDAR`, and in it, byte for byte as the file has them, the
//! calendar's own property lines, the VTIMEZONE blocks that the event names, and the VEVENT.
//!
//! Lines are told apart by a splitter of our own (`lines`), so that no file is refused as a
//! whole; ical-rs reads the properties and the offsets of a VTIMEZONE; the `icalendar` crate
//! is the second opinion of the tests.

mod event;
mod files;
mod html;
mod lines;
mod property;
mod reader;
mod slice;
mod time;
mod zone;

pub use event::read_event;
pub use files::CalendarFiles;
pub use slice::list_events;

/// The kind of evidence that this crate gives and reads.
pub const KIND: &str = "calendar.event";
