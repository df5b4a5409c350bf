use std::fs;
use std::path::{Path, PathBuf};

use restitch_connect::{Connector, PullError, Reading, Sink};
use restitch_model::{Evidence, Progress, Remark, TimeWindow};

use crate::zone::known_name;
use crate::{KIND, list_events, read_event};

/// Calendars as files: .ics files, and folders of them at any depth.
///
/// A file is read whole whatever the window is: an event says little about when it was made,
/// and evidence too many does no harm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CalendarFiles {
    /// Files and folders. A file that is named here may have any extension; in a folder,
    /// .ics, .ical and .icalendar are looked at.
    pub paths: Vec<PathBuf>,
    /// The zone of times without a zone, as an IANA name such as `Europe/Berlin`. It comes
    /// before a calendar's own X-WR-TIMEZONE.
    pub timezone: Option<String>,
}

impl Connector for CalendarFiles {
    fn kinds(&self) -> &'static [&'static str] {
        &[KIND]
    }

    /// Puts each event of each file into the sink, files in the order of their names. The
    /// container is the file's path inside of the configured one, without extension. A path
    /// of the settings that cannot be read is an error; a file inside of a folder, a remark.
    fn pull(
        &self,
        _window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        if let Some(zone) = self.timezone.as_deref().filter(|zone| known_name(zone).is_none()) {
            let text = format!("unknown timezone {zone:?}; give an IANA name like Europe/Berlin");
            return Err(PullError::Settings(text));
        }
        let mut files = Vec::new();
        for path in &self.paths {
            find_files(path, sink, &mut files)?;
        }
        progress.begin("read calendars", "files", Some(files.len() as u64));
        for file in &files {
            match fs::read(&file.path) {
                Ok(bytes) => list_events(&file.container, &bytes, sink)?,
                Err(source) if file.is_named => return Err(cannot_read(&file.path, source)),
                Err(source) => sink.remark(unreadable(&file.container, &source)),
            }
            progress.advance(1);
        }
        progress.end();
        Ok(())
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_event(&evidence.bytes, self.timezone.as_deref())
    }
}

struct CalendarFile {
    path: PathBuf,
    container: String,
    /// Whether the settings name this very file.
    is_named: bool,
}

fn find_files(
    root: &Path,
    sink: &mut dyn Sink,
    files: &mut Vec<CalendarFile>,
) -> Result<(), PullError> {
    let meta = fs::metadata(root).map_err(|source| cannot_read(root, source))?;
    if !meta.is_dir() {
        let container = root.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        files.push(CalendarFile { path: root.to_owned(), container, is_named: true });
        return Ok(());
    }
    let mut folders = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(source) if folder == root => return Err(cannot_read(root, source)),
            Err(source) => {
                sink.remark(unreadable(&container_of(&folder, root), &source));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            // A link to a folder could lead back to where it lies.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if is_calendar(&path) && path.is_file() {
                let container = container_of(&path, root);
                found.push(CalendarFile { path, container, is_named: false });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    files.append(&mut found);
    Ok(())
}

fn is_calendar(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("ics" | "ical" | "icalendar"))
}

/// The path inside of the root, with slashes on every system, so that a case made on one
/// machine reads the same on another.
fn container_of(path: &Path, root: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn cannot_read(path: &Path, source: std::io::Error) -> PullError {
    PullError::File { path: path.display().to_string(), source }
}

fn unreadable(about: &str, source: &std::io::Error) -> Remark {
    Remark::new(about, format!("it could not be read and was passed over: {source}"))
}

#[cfg(test)]
mod tests {
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
