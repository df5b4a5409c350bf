//! The files that a source's settings name, and those in the folders and archives that they
//! name.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::PullError;
use crate::opener::open_archive;

/// What came of a walk.
#[derive(Debug, Default)]
pub struct Walked {
    /// The files, in the order of the settings' paths and, within each, of the names.
    pub files: Vec<WalkedFile>,
    /// What could not be read below those paths, in the same order.
    pub unreadable: Vec<Unreadable>,
}

/// A file, or a member of an archive: [`Opener`](crate::Opener) gives the bytes of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkedFile {
    /// Where it is. The path of a packed file goes on into the archive, as if that were a
    /// folder, and is without `.gz`.
    pub path: PathBuf,
    /// Its path inside of the folder that the settings name, with `/` on every system, so that
    /// a case made on one machine reads the same on another. A file that the settings name
    /// goes by its own name.
    pub name: String,
    /// Whether the settings name this very file.
    pub is_named: bool,
    /// How many bytes it has, as it lies on the disk or in its archive.
    pub size: u64,
    /// The file on the disk that it is, or lies in.
    pub(crate) on_disk: PathBuf,
    pub(crate) packed: Packed,
}

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packed {
    Not,
    Gzip,
    /// The member of a zip archive with this number.
    Member {
        index: usize,
        is_gzip: bool,
    },
}

/// What kind of packing a file's name tells of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zip,
    /// One that is not opened here.
    Other,
}

impl Packing {
    fn of(path: &Path) -> Self {
        let lower = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let ends = |ending: &str| lower.ends_with(ending);
        match () {
            () if ends(".zip") => Self::Zip,
            () if [".tar.gz", ".tgz", ".tar", ".tbz2", ".7z", ".rar"].iter().any(|e| ends(e)) => {
                Self::Other
            }
            () if [".bz2", ".xz", ".zst"].iter().any(|e| ends(e)) => Self::Other,
            () if ends(".gz") => Self::Gzip,
            () => Self::None,
        }
    }
}

/// A folder or archive that could not be listed, or not to its end.
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
/// A `.zip` is searched as if it were a folder, and a file that ends with `.gz`, on the disk or
/// in a `.zip`, is the file without that. Archives of other kinds, and those within archives,
/// are among what could not be read.
///
/// # Errors
/// One of the paths cannot be read. What cannot be read below them is in the answer.
pub fn walk(paths: &[PathBuf], wants: impl Fn(&Path, Entry) -> bool) -> Result<Walked, PullError> {
    let mut walked = Walked::default();
    for path in paths {
        let failed = |source| PullError::cannot_read(path, source);
        let meta = fs::metadata(path).map_err(failed)?;
        if meta.is_dir() {
            walked.folder(path, &wants).map_err(failed)?;
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_named = true;
            let here = OnDisk { path: path.clone(), name, size: meta.len(), is_named };
            walked.file(here, &wants);
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
                    Ok((path, kind)) if kind.is_file() || path.is_file() => {
                        let is_wanted = match Packing::of(&path) {
                            Packing::Zip | Packing::Other => wants(&path, Entry::Folder),
                            Packing::None => wants(&path, Entry::File),
                            Packing::Gzip => wants(&path.with_extension(""), Entry::File),
                        };
                        if is_wanted {
                            files.push(path);
                        }
                    }
                    Ok(_) => {}
                    Err(source) => unreadable.push((folder.clone(), source)),
                }
            }
        }
        files.sort();
        unreadable.sort_by(|(a, _), (b, _)| a.cmp(b));
        for path in files {
            let size = fs::metadata(&path).map_or(0, |meta| meta.len());
            let here = OnDisk { name: name_inside(root, &path), path, size, is_named: false };
            self.file(here, wants);
        }
        self.unreadable.extend(unreadable.into_iter().map(|(path, source)| {
            let name = name_inside(root, &path);
            Unreadable { path, name, source }
        }));
        Ok(())
    }
}

/// A file on the disk that is wanted.
struct OnDisk {
    path: PathBuf,
    name: String,
    size: u64,
    is_named: bool,
}

impl Walked {
    /// Takes in a file, or what an archive holds.
    fn file(&mut self, here: OnDisk, wants: &impl Fn(&Path, Entry) -> bool) {
        let OnDisk { path, name, size, is_named } = here;
        match Packing::of(&path) {
            Packing::None => {
                let on_disk = path.clone();
                let packed = Packed::Not;
                self.files.push(WalkedFile { path, name, is_named, size, on_disk, packed });
            }
            Packing::Gzip => self.files.push(WalkedFile {
                path: path.with_extension(""),
                name: without_gz(&name).to_owned(),
                is_named,
                size,
                on_disk: path,
                packed: Packed::Gzip,
            }),
            Packing::Zip => {
                if let Err(source) = self.members(&path, &name, wants) {
                    self.unreadable.push(Unreadable { path, name, source });
                }
            }
            Packing::Other => self.unreadable.push(not_opened(path, name)),
        }
    }

    /// Takes in the members of a zip archive that are wanted, in the order of their names.
    fn members(
        &mut self,
        on_disk: &Path,
        archive_name: &str,
        wants: &impl Fn(&Path, Entry) -> bool,
    ) -> io::Result<()> {
        let mut archive = open_archive(on_disk)?;
        let mut members = Vec::new();
        for index in 0..archive.len() {
            let member = archive.by_index_raw(index)?;
            // A member that would lie outside of the archive, by `..` or from the root on, goes
            // by the rest of its name: nothing is written under it.
            let name = String::from_utf8_lossy(member.name_raw()).into_owned();
            let inside: PathBuf = Path::new(&name)
                .components()
                .filter(|part| matches!(part, Component::Normal(_)))
                .collect();
            let is_folder = member.is_dir() || inside.as_os_str().is_empty();
            if !is_folder && is_wanted_way(on_disk, &inside, wants) {
                members.push((inside, index, member.compressed_size()));
            }
        }
        members.sort();
        for (inside, index, size) in members {
            let path = on_disk.join(&inside);
            let name = format!("{archive_name}/{}", joined(&inside));
            match Packing::of(&path) {
                Packing::Zip | Packing::Other => self.unreadable.push(not_opened(path, name)),
                packing => {
                    let is_gzip = packing == Packing::Gzip;
                    let plain = if is_gzip { path.with_extension("") } else { path };
                    if wants(&plain, Entry::File) {
                        let name = if is_gzip { without_gz(&name).to_owned() } else { name };
                        self.files.push(WalkedFile {
                            path: plain,
                            name,
                            is_named: false,
                            size,
                            on_disk: on_disk.to_owned(),
                            packed: Packed::Member { index, is_gzip },
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether all folders on the way to a member of an archive are wanted.
fn is_wanted_way(archive: &Path, inside: &Path, wants: &impl Fn(&Path, Entry) -> bool) -> bool {
    let folders = inside.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    folders.into_iter().all(|folder| wants(&archive.join(folder), Entry::Folder))
}

fn not_opened(path: PathBuf, name: String) -> Unreadable {
    let text = "an archive of this kind is not opened: unpack it into a folder";
    Unreadable { path, name, source: io::Error::new(io::ErrorKind::Unsupported, text) }
}

fn without_gz(name: &str) -> &str {
    &name[..name.len() - ".gz".len()]
}

fn name_inside(root: &Path, path: &Path) -> String {
    joined(path.strip_prefix(root).unwrap_or(path))
}

fn joined(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
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
