//! Events from calendars: .ics files and folders of them.
