use std::fs;
use std::path::{Path, PathBuf};

use restitch_connect::{Connector, PullError, Reading, Sink};
use restitch_model::{Evidence, Progress, Remark, TimeWindow};

use crate::{KIND, list_rows, read_row};

/// Tables as files: CSV files of any delimiter, JSON Lines, and folders of them.
///
/// Every row is pulled whatever the window is: which column holds a time is not known here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFiles {
    /// Files and folders. A file that is named here may have any extension; in a folder,
    /// .csv, .tsv, .jsonl and .ndjson are looked at.
    pub paths: Vec<PathBuf>,
}

impl Connector for TableFiles {
    fn kinds(&self) -> &'static [&'static str] {
        &[KIND]
    }

    /// Puts each row of each file into the sink, files in the order of their names. The
    /// container is the file's name without extension. A path of the settings that cannot be
    /// read is an error; a file inside of a folder, a remark.
    fn pull(
        &self,
        _window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        let mut files = Vec::new();
        for path in &self.paths {
            find_files(path, sink, &mut files)?;
        }
        progress.begin("read tables", "files", Some(files.len() as u64));
        for (path, is_named) in &files {
            match fs::read(path) {
                Ok(bytes) => list_rows(&stem(path), &bytes, sink)?,
                Err(source) if *is_named => return Err(cannot_read(path, source)),
                Err(source) => sink.remark(unreadable(path, &source)),
            }
            progress.advance(1);
        }
        progress.end();
        Ok(())
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_row(&evidence.bytes)
    }
}

/// Adds the files under a path, each with whether the settings name it.
fn find_files(
    root: &Path,
    sink: &mut dyn Sink,
    files: &mut Vec<(PathBuf, bool)>,
) -> Result<(), PullError> {
    let meta = fs::metadata(root).map_err(|source| cannot_read(root, source))?;
    if !meta.is_dir() {
        files.push((root.to_owned(), true));
        return Ok(());
    }
    let mut folders = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(source) if folder == root => return Err(cannot_read(root, source)),
            Err(source) => {
                sink.remark(unreadable(&folder, &source));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            // A link to a folder could lead back to where it lies.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if is_table(&path) && path.is_file() {
                found.push((path, false));
            }
        }
    }
    found.sort();
    files.append(&mut found);
    Ok(())
}

fn is_table(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("csv" | "tsv" | "jsonl" | "ndjson"))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn cannot_read(path: &Path, source: std::io::Error) -> PullError {
    PullError::File { path: path.display().to_string(), source }
}

fn unreadable(path: &Path, source: &std::io::Error) -> Remark {
    Remark::new(stem(path), format!("it could not be read and was passed over: {source}"))
}

#[cfg(test)]
mod tests {
    use restitch_connect::Basket;
    use restitch_model::Silent;

    use super::*;

    #[test]
    fn folders_are_walked_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("old")).unwrap();
        for (name, text) in [
            ("b.CSV", "x\n1\n"),
            ("a.jsonl", "{\"id\":\"k\"}\n"),
            ("old/c.tsv", "x\ty\n1\t2\n"),
            ("notes.txt", "x\n1\n"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut basket = Basket::default();
        let tables = TableFiles { paths: vec![folder.path().to_owned()] };
        tables.pull(None, &mut basket, &Silent).unwrap();
        let names: Vec<_> = basket.items.iter().map(|item| item.native_id.as_str()).collect();
        assert_eq!(names, ["k", "b:1", "c:1"]);
        assert_eq!(basket.remarks, []);
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error() {
        let tables = TableFiles { paths: vec![PathBuf::from("no/such.csv")] };
        let error = tables.pull(None, &mut Basket::default(), &Silent).unwrap_err().to_string();
        assert!(error.contains("no/such.csv") && error.contains("check"), "{error}");
    }
}
