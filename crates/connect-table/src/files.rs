use std::path::{Path, PathBuf};

use restitch_connect::{Connector, Entry, Opener, PullError, Reading, Sink, walk};
use restitch_model::{Evidence, Progress, Remark, TimeWindow};

use crate::{KIND, list_rows, read_row};

/// Tables as files: CSV files of any delimiter, JSON, and folders and archives of them.
///
/// Every row is pulled whatever the window is: which column holds a time is not known here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFiles {
    /// Files and folders. A file that is named here may have any extension; in a folder,
    /// `.csv`, `.tsv`, `.json`, `.jsonl` and `.ndjson` are looked at.
    pub paths: Vec<PathBuf>,
}

impl Connector for TableFiles {
    fn kinds(&self) -> &'static [&'static str] {
        &[KIND]
    }

    /// Puts each row of each file into the sink, files in the order of their names. The
    /// container is the file's name without extension. A path of the settings that cannot be
    /// read is an error; a file inside of a folder, a gap.
    fn pull(
        &self,
        _window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        let found = walk(&self.paths, |path, entry| entry == Entry::Folder || is_table(path))?;
        for folder in found.unreadable {
            sink.gap(unreadable(&folder.path, &folder.source));
        }
        progress.begin("pulling tables", "files", Some(found.files.len() as u64));
        let mut opener = Opener::default();
        let pulled = found.files.iter().try_for_each(|file| {
            match opener.open(file).map(|opened| list_rows(&stem(&file.path), opened, sink)) {
                Ok(Err(PullError::File { source, .. })) | Err(source) => {
                    if file.is_named {
                        return Err(PullError::cannot_read(&file.path, source));
                    }
                    sink.gap(unreadable(&file.path, &source));
                }
                Ok(listed) => listed?,
            }
            progress.advance(1);
            Ok(())
        });
        progress.end();
        pulled
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_row(&evidence.bytes)
    }
}

fn is_table(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("csv" | "tsv" | "json" | "jsonl" | "ndjson"))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn unreadable(path: &Path, source: &std::io::Error) -> Remark {
    Remark::new(stem(path), format!("it could not be read to its end: {source}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        assert_eq!(names.len(), 3);
        assert_eq!(names[0], "k");
        assert_eq!(basket.remarks, []);
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error() {
        let tables = TableFiles { paths: vec![PathBuf::from("no/such.csv")] };
        let error = tables.pull(None, &mut Basket::default(), &Silent).unwrap_err().to_string();
        assert!(error.contains("no/such.csv") && error.contains("check"), "{error}");
    }
}
