use std::path::{Path, PathBuf};

use restitch_connect::{Connector, Entry, Opener, PullError, Reading, Sink, walk};
use restitch_model::{Evidence, Progress, Remark, TimeWindow};

use crate::export::list_exported;
use crate::zone::known_name;
use crate::{KINDS, list_events, read};

/// Calendars as files: .ics files, the JSON that Google, Microsoft and Calendly export, and
/// folders and archives of these at any depth.
///
/// A file is read whole whatever the window is: an event says little about when it was made,
/// and evidence too many does no harm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CalendarFiles {
    /// Files and folders. A file that is named here may have any extension; in a folder,
    /// `.ics`, `.ical`, `.icalendar`, `.json`, `.jsonl` and `.ndjson` are looked at.
    pub paths: Vec<PathBuf>,
    /// The zone of times without a zone, as an IANA name such as `Europe/Berlin`. It comes
    /// before a calendar's own X-WR-TIMEZONE.
    pub timezone: Option<String>,
}

impl Connector for CalendarFiles {
    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }

    /// Puts each event of each file into the sink, files in the order of their names. The
    /// container is the file's path inside of the configured one, without extension. A path
    /// of the settings that cannot be read is an error; a file inside of a folder, a gap.
    fn pull(
        &self,
        _window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        check_timezone(self.timezone.as_deref())?;
        let found = walk(&self.paths, |path, entry| entry == Entry::Folder || is_calendar(path))?;
        for folder in found.unreadable {
            sink.gap(unreadable(&container(&folder.name), &folder.source));
        }
        progress.begin("pulling calendars", "files", Some(found.files.len() as u64));
        let mut opener = Opener::default();
        let pulled = found.files.iter().try_for_each(|file| {
            match opener.read(file) {
                Ok(bytes) if is_json(&bytes) => {
                    list_exported(&container(&file.name), &bytes[..], sink)?;
                }
                Ok(bytes) => list_events(&container(&file.name), &bytes, sink)?,
                Err(source) if file.is_named => {
                    return Err(PullError::cannot_read(&file.path, source));
                }
                Err(source) => sink.gap(unreadable(&container(&file.name), &source)),
            }
            progress.advance(1);
            Ok(())
        });
        progress.end();
        pulled
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read(&evidence.bytes, self.timezone.as_deref())
    }
}

/// Refuses a zone that is none.
pub(crate) fn check_timezone(timezone: Option<&str>) -> Result<(), PullError> {
    match timezone.filter(|zone| known_name(zone).is_none()) {
        None => Ok(()),
        Some(zone) => Err(PullError::Settings(format!(
            "unknown timezone {zone:?}; give an IANA name like Europe/Berlin"
        ))),
    }
}

fn is_calendar(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("ics" | "ical" | "icalendar" | "json" | "jsonl" | "ndjson"))
}

fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// A file's name without extension.
fn container(name: &str) -> String {
    Path::new(name).with_extension("").to_string_lossy().into_owned()
}

fn unreadable(about: &str, source: &std::io::Error) -> Remark {
    Remark::new(about, format!("it could not be read: {source}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use restitch_connect::Basket;
    use restitch_model::Silent;

    use super::*;

    fn pull(calendars: &CalendarFiles) -> Result<Basket, PullError> {
        let mut basket = Basket::default();
        calendars.pull(None, &mut basket, &Silent).map(|()| basket)
    }

    #[test]
    fn folders_are_walked_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("north")).unwrap();
        for name in ["b.ics", "a.ICS", "north/van.1.ics", "notes.txt"] {
            let text = format!("BEGIN:VEVENT\nUID:{name}\nEND:VEVENT\n");
            fs::write(folder.path().join(name), text).unwrap();
        }
        let named = folder.path().join("notes.txt");
        let paths = vec![folder.path().to_owned(), named];
        let basket = pull(&CalendarFiles { paths, timezone: None }).unwrap();
        let items = basket.items.iter().map(|i| format!("{} {}", i.container, i.native_id));
        assert_eq!(
            items.collect::<Vec<_>>(),
            ["a a.ICS", "b b.ics", "north/van.1 north/van.1.ics", "notes notes.txt"]
        );
        assert_eq!(basket.remarks, []);
    }

    #[test]
    fn settings_that_cannot_work_are_errors_that_say_what_to_do() {
        let paths = vec![PathBuf::from("no/such/folder")];
        let error = pull(&CalendarFiles { paths, timezone: None }).unwrap_err().to_string();
        assert!(error.contains("no/such/folder") && error.contains("check"), "{error}");
        let timezone = Some("Berlin".to_owned());
        let error = pull(&CalendarFiles { paths: vec![], timezone }).unwrap_err().to_string();
        assert_eq!(error, "unknown timezone \"Berlin\"; give an IANA name like Europe/Berlin");
    }
}
