//! The files that a source's settings name, and those in the folders that they name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::PullError;

/// What came of a walk.
#[derive(Debug, Default)]
pub struct Walked {
    /// The files, in the order of the settings' paths and, within each, of the names.
    pub files: Vec<WalkedFile>,
    /// What could not be read below those paths, in the same order.
    pub unreadable: Vec<Unreadable>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path inside of the folder that the settings name, with `/` on every system, so that
    /// a case made on one machine reads the same on another. A file that the settings name
    /// goes by its own name.
    pub name: String,
    /// Whether the settings name this very file.
    pub is_named: bool,
}

/// A folder that could not be listed, or not to its end.
#[derive(Debug)]
pub struct Unreadable {
    /// Where it is.
    pub path: PathBuf,
    /// Its path inside of the folder that the settings name, with `/` on every system.
    pub name: String,
    /// What the system said.
    pub source: io::Error,
}

impl From<Unreadable> for PullError {
    fn from(folder: Unreadable) -> Self {
        Self::cannot_read(&folder.path, folder.source)
    }
}

/// What lies in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A file, or a link to one.
    File,
}

/// Finds the files at the paths, and those in folders at any depth, that are wanted. Files that
/// the paths themselves name are always wanted; of the others `wants` is asked, and of each
/// folder before it is searched. Links to folders are not followed, because one could lead
/// round in a circle; what is neither file nor folder is passed over.
///
/// # Errors
/// One of the paths cannot be read. What cannot be read below them is in the answer.
pub fn walk(paths: &[PathBuf], wants: impl Fn(&Path, Entry) -> bool) -> Result<Walked, PullError> {
    let mut walked = Walked::default();
    for path in paths {
        let failed = |source| PullError::cannot_read(path, source);
        if fs::metadata(path).map_err(failed)?.is_dir() {
            walked.folder(path, &wants).map_err(failed)?;
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            walked.files.push(WalkedFile { path: path.clone(), name, is_named: true });
        }
    }
    Ok(walked)
}

impl Walked {
    fn folder(&mut self, root: &Path, wants: &impl Fn(&Path, Entry) -> bool) -> io::Result<()> {
        let (mut files, mut unreadable) = (Vec::new(), Vec::new());
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(source) if folder == root => return Err(source),
                Err(source) => {
                    unreadable.push((folder, source));
                    continue;
                }
            };
            for entry in entries {
                match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                    Ok((path, kind)) if kind.is_dir() => {
                        if wants(&path, Entry::Folder) {
                            folders.push(path);
                        }
                    }
                    Ok((path, kind)) => {
                        if wants(&path, Entry::File) && (kind.is_file() || path.is_file()) {
                            files.push(path);
                        }
                    }
                    Err(source) => unreadable.push((folder.clone(), source)),
                }
            }
        }
        files.sort();
        unreadable.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.files.extend(files.into_iter().map(|path| {
            let name = name_inside(root, &path);
            WalkedFile { path, name, is_named: false }
        }));
        self.unreadable.extend(unreadable.into_iter().map(|(path, source)| {
            let name = name_inside(root, &path);
            Unreadable { path, name, source }
        }));
        Ok(())
    }
}

fn name_inside(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn names(walked: &Walked) -> Vec<&str> {
        walked.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn files_come_in_the_order_of_the_paths_and_their_names() {
        let folder = folder(&["b", "a.x", "a/2", "a/1", "a/deep/0"]);
        let paths = [folder.path().join("b"), folder.path().to_owned()];
        let walked = walk(&paths, |_, _| true).unwrap();
        assert_eq!(names(&walked), ["b", "a/1", "a/2", "a/deep/0", "a.x", "b"]);
        let is_named: Vec<_> = walked.files.iter().map(|file| file.is_named).collect();
        assert_eq!(is_named, [true, false, false, false, false, false]);
        assert_eq!(walked.files[1].path, folder.path().join("a/1"));
    }

    #[test]
    fn only_what_is_wanted_is_found_unless_it_is_named() {
        let folder = folder(&["no", "yes", "no_folder/yes", "folder/yes", "folder/no"]);
        let paths = [folder.path().to_owned(), folder.path().join("no")];
        let is = |path: &Path, name: &str| path.file_name().is_some_and(|is| is == name);
        let walked = walk(&paths, |path, entry| match entry {
            Entry::Folder => !is(path, "no_folder"),
            Entry::File => is(path, "yes"),
        });
        assert_eq!(names(&walked.unwrap()), ["folder/yes", "yes", "no"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_file_is_taken_and_one_to_a_folder_is_not() {
        use std::os::unix::fs::symlink;

        let folder = folder(&["a/1"]);
        symlink("..", folder.path().join("a/circle")).unwrap();
        symlink("a/1", folder.path().join("link")).unwrap();
        symlink("gone", folder.path().join("nowhere")).unwrap();
        let walked = walk(&[folder.path().to_owned()], |_, _| true).unwrap();
        assert_eq!(names(&walked), ["a/1", "link"]);
        assert!(walked.unreadable.is_empty());
    }

    #[test]
    fn what_cannot_be_read_below_a_path_does_not_end_the_walk() {
        let folder = folder(&["b/x/1", "a/y/1", "c"]);
        // Folders that vanish while the walk is under way cannot be read by any user.
        let walked = walk(&[folder.path().to_owned()], |path, entry| {
            if entry == Entry::Folder && path.parent() != Some(folder.path()) {
                fs::remove_dir_all(path).unwrap();
            }
            true
        });
        let walked = walked.unwrap();
        assert_eq!(names(&walked), ["c"]);
        let unreadable: Vec<_> = walked.unreadable.iter().map(|at| at.name.as_str()).collect();
        assert_eq!(unreadable, ["a/y", "b/x"]);
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error_that_names_it() {
        let error = walk(&["no/such".into()], |_, _| true).unwrap_err().to_string();
        assert!(error.starts_with("cannot read no/such"), "{error}");
    }
}
