use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use restitch_model::Digest;

use crate::error::{Doing, Result};

/// Makes a folder and those above it, open to nobody but its owner: a case is full of
/// people's data.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).doing("make the folder", path)
}

/// How every file of a case is opened to be written: made where it is missing, and readable
/// by nobody but its owner.
pub(crate) fn writing() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes bytes beside `path`, safe on the disk, to be put in its place by [`publish`].
pub(crate) fn prepare(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = begin(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).doing("write", &part_of(path))
}

/// The file beside `path` that [`publish`] puts in its place; it must be synced first.
pub(crate) fn begin(path: &Path) -> Result<File> {
    let part = part_of(path);
    writing().truncate(true).open(&part).doing("write", &part)
}

/// Puts what was prepared in the place of `path`, at once: a reader sees the old bytes or
/// the new ones. Durable only after [`sync_folder`].
pub(crate) fn publish(path: &Path) -> Result<()> {
    std::fs::rename(part_of(path), path).doing("replace", path)
}

/// Replaces a file whole, or leaves it as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    prepare(path, bytes)?;
    publish(path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder durable, where the system has a way to do so.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder).and_then(|file| file.sync_all()).doing("sync the folder", folder)?;
    }
    Ok(())
}

/// The bytes of a file; `None` where there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.doing("read", path).map(Some),
    }
}

/// The digest of a file's bytes; `None` where there is no such file.
pub(crate) fn digest(path: &Path) -> Result<Option<Digest>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.doing("read", path)?,
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).doing("read", path)?;
    Ok(Some(finish(&hasher)))
}

/// The digest of what a hasher was given so far.
pub(crate) fn finish(hasher: &blake3::Hasher) -> Digest {
    hasher.finalize().to_hex().parse().expect("a BLAKE3 hash is a digest")
}

/// The lines of a file that lines are appended to, without their ends, and how many bytes
/// stand behind the last whole line: what is left of a write that was cut off.
pub(crate) fn whole_lines(bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |last| last + 1);
    let lines = bytes[..whole].split_inclusive(|&b| b == b'\n').map(|line| &line[..line.len() - 1]);
    (lines.collect(), bytes.len() - whole)
}

/// Opens a file of lines to append to it, behind its last whole line: what a write that was
/// cut off has left there is taken away.
pub(crate) fn open_lines(path: &Path) -> Result<File> {
    let mut file = writing().read(true).truncate(false).open(path).doing("open", path)?;
    let whole = end_of_last_line(&mut file).doing("read", path)?;
    file.set_len(whole)
        .and_then(|()| file.seek(SeekFrom::Start(whole)))
        .doing("cut off the torn end of", path)?;
    Ok(file)
}

/// Appends whole lines to a file, safe on the disk when this returns.
pub(crate) fn append_lines(path: &Path, lines: &[u8]) -> Result<()> {
    let mut file = open_lines(path)?;
    file.write_all(lines).and_then(|()| file.sync_data()).doing("append to", path)
}

/// Where the last whole line ends, looked for from behind because the file may be large.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut piece = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(file).take(end - start).read_to_end(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|&b| b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_behind_the_last_whole_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        for (before, after) in
            [("", "c\n"), ("a\nb\n", "a\nb\nc\n"), ("a\ntorn", "a\nc\n"), ("torn", "c\n")]
        {
            std::fs::write(&path, before).unwrap();
            append_lines(&path, b"c\n").unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn a_torn_end_longer_than_one_read_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        std::fs::write(&path, format!("a\n{}", "x".repeat(200_000))).unwrap();
        append_lines(&path, b"b\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
    }

    #[test]
    fn what_stands_behind_the_last_line_end_is_counted() {
        assert_eq!(whole_lines(b"a\n\nb"), (vec![&b"a"[..], b""], 1));
        assert_eq!(whole_lines(b""), (vec![], 0));
    }

    #[test]
    fn a_replaced_file_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.json");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
