use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use crate::walk::{Packed, WalkedFile};

/// Nothing that people pack by hand grows more than this by being unpacked: what does was made
/// to fill a disk.
const MOST_GROWTH: u64 = 200;
/// What may be unpacked of any file, however small it is.
const ALWAYS: u64 = 64 << 20;
/// The most members of one archive that are listed.
const MOST_MEMBERS: usize = 1_000_000;

pub(crate) type Archive = ZipArchive<BufReader<File>>;

/// Opens files that [`walk`](crate::walk()) found, whether they lie on the disk or in an archive.
///
/// It keeps the archive of the last file open, so files are best opened in the order of the
/// walk.
#[derive(Default)]
pub struct Opener {
    archive: Option<(PathBuf, Archive)>,
}

impl Opener {
    /// The bytes of a file, unpacked, from its beginning. They are to be trusted only once
    /// the end was reached: a damaged archive shows there.
    ///
    /// # Errors
    /// The file cannot be opened; while reading also, that what is packed is damaged, or grows
    /// so much that it must have been made to do harm.
    pub fn open(&mut self, file: &WalkedFile) -> io::Result<Box<dyn Read + '_>> {
        Ok(match file.packed {
            Packed::Not => Box::new(File::open(&file.on_disk)?),
            Packed::Gzip => {
                let packed = File::open(&file.on_disk)?;
                let size = packed.metadata()?.len();
                Box::new(Bounded::new(MultiGzDecoder::new(BufReader::new(packed)), size))
            }
            Packed::Member { index, is_gzip } => {
                let member = self.archive(&file.on_disk)?.by_index(index).map_err(io_error)?;
                let size = member.compressed_size();
                let plain = Bounded::new(member, size);
                match is_gzip {
                    false => Box::new(plain),
                    true => Box::new(Bounded::new(MultiGzDecoder::new(plain), size)),
                }
            }
        })
    }

    /// All bytes of a file, unpacked.
    ///
    /// # Errors
    /// As [`Opener::open`].
    pub fn read(&mut self, file: &WalkedFile) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(file)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn archive(&mut self, path: &Path) -> io::Result<&mut Archive> {
        if self.archive.as_ref().is_none_or(|(open, _)| open != path) {
            self.archive = Some((path.to_owned(), open_archive(path)?));
        }
        let (_, archive) = self.archive.as_mut().expect("it was opened");
        Ok(archive)
    }
}

/// Opens a zip archive and refuses one that was made to do harm.
pub(crate) fn open_archive(path: &Path) -> io::Result<Archive> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(io_error)?;
    if archive.len() > MOST_MEMBERS {
        return Err(refused("it has more than a million members: unpack it into a folder"));
    }
    // Members that share bytes make a small archive large without end (Fifield 2019).
    let mut packed = 0u64;
    for index in 0..archive.len() {
        packed =
            packed.saturating_add(archive.by_index_raw(index).map_err(io_error)?.compressed_size());
    }
    if packed > size {
        return Err(refused("its members overlap: it is damaged, or made to do harm"));
    }
    Ok(archive)
}

fn io_error(error: zip::result::ZipError) -> io::Error {
    match error {
        zip::result::ZipError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

fn refused(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// A reader that ends in an error where unpacking gives far more than was packed.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    fn new(inner: R, packed: u64) -> Self {
        Self { inner, left: packed.saturating_mul(MOST_GROWTH).max(ALWAYS) }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = (self.left.checked_sub(read as u64))
            .ok_or_else(|| refused("it grows 200 times by being unpacked: made to do harm"))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::walk::walk;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut packer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            packer.start_file(*name, SimpleFileOptions::default()).unwrap();
            packer.write_all(bytes).unwrap();
        }
        packer.finish().unwrap().into_inner()
    }

    /// What a walk finds in a folder with this one file: each name with its text, and what
    /// could not be read.
    fn found(name: &str, bytes: &[u8]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let walked = walk(&[folder.path().to_owned()], |_, _| true).unwrap();
        let mut opener = Opener::default();
        let mut found: Vec<_> = (walked.files.iter())
            .map(|file| match opener.read(file) {
                Ok(bytes) if bytes.len() > 99 => format!("{}={} bytes", file.name, bytes.len()),
                Ok(bytes) => format!("{}={}", file.name, String::from_utf8_lossy(&bytes)),
                Err(error) => format!("{}! {error}", file.name),
            })
            .collect();
        found.extend(walked.unreadable.iter().map(|at| format!("{}! {}", at.name, at.source)));
        found
    }

    #[test]
    fn a_gzipped_file_goes_by_its_name_without_gz() {
        assert_eq!(found("a.csv.gz", &gzip(b"x")), ["a.csv=x"]);
        let twice = [gzip(b"x"), gzip(b"y")].concat();
        assert_eq!(found("a.csv.GZ", &twice), ["a.csv=xy"]);
    }

    #[test]
    fn an_archive_is_searched_like_a_folder() {
        let bytes = zipped(&[("b/2.txt", b"two"), ("a.txt", b"one"), ("c.gz", &gzip(b"three"))]);
        assert_eq!(
            found("t.zip", &bytes),
            ["t.zip/a.txt=one", "t.zip/b/2.txt=two", "t.zip/c=three"]
        );
    }

    #[test]
    fn what_cannot_be_looked_into_is_named() {
        assert_eq!(found("t.zip", b"PK no"), ["t.zip! invalid Zip archive: Could not find EOCD"]);
        let [line] = found("t.tgz", b"").try_into().unwrap();
        assert!(line.starts_with("t.tgz! an archive of this kind is not opened"), "{line}");
        let nested = zipped(&[("in.zip", &zipped(&[("a", b"x")]))]);
        let [line] = found("out.zip", &nested).try_into().unwrap();
        assert!(line.starts_with("out.zip/in.zip! an archive of this kind"), "{line}");
    }

    #[test]
    fn what_was_made_to_fill_a_disk_is_not_unpacked() {
        let [line] = found("a.gz", &gzip(&vec![0; 80 << 20])).try_into().unwrap();
        assert_eq!(line, "a! it grows 200 times by being unpacked: made to do harm");
    }

    #[test]
    fn a_member_cut_off_shows_as_an_error() {
        let whole = gzip(&(0..9_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
        let [line] = found("a.gz", &whole[..whole.len() - 20]).try_into().unwrap();
        assert!(line.starts_with("a! "), "{line}");
    }
}
