use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use restitch_model::Digest;

use crate::age_file::Sealing;
use crate::case::Case;
use crate::durable;
use crate::error::{Doing, Result};
use crate::log::{WROTE, wrote};

/// Writes a result in a stream, where [`Case::write`] would need all of it in memory. Until
/// [`ResultWriter::finish`] what was there stays.
pub struct ResultWriter {
    case: Case,
    kept_as: String,
    path: PathBuf,
    out: Out,
}

enum Out {
    Open(Hashed),
    Sealed(Box<Sealing<Hashed>>),
}

impl Case {
    /// Begins to write a result.
    pub fn writer(&self, name: &str) -> Result<ResultWriter> {
        self.writable()?;
        let path = self.place(name)?;
        path.parent().map_or(Ok(()), durable::make_folder)?;
        let file = BufWriter::with_capacity(1 << 18, durable::begin(&path)?);
        let out = Hashed { file, hasher: Box::default() };
        let kept_as = self.kept_as(name).into_owned();
        let out = match kept_as == name {
            true => Out::Open(out),
            false => Out::Sealed(Box::new(self.keys().sealing(out).doing("seal", &path)?)),
        };
        Ok(ResultWriter { case: self.clone(), kept_as, path, out })
    }
}

impl ResultWriter {
    /// Puts the result in the place of what was there, and notes its digest in the log.
    pub fn finish(self) -> Result<Digest> {
        let path = &self.path;
        let Hashed { file, hasher } = match self.out {
            Out::Open(out) => out,
            Out::Sealed(out) => out.finish().doing("write", path)?,
        };
        let file =
            file.into_inner().map_err(io::IntoInnerError::into_error).doing("write", path)?;
        file.sync_all().doing("write", path)?;
        durable::publish(path)?;
        path.parent().map_or(Ok(()), durable::sync_folder)?;
        let digest = durable::finish(&hasher);
        let entry = (WROTE, wrote(&self.kept_as, digest));
        self.case.append_to_log(&self.case.stamp(), vec![entry])?;
        Ok(digest)
    }
}

impl Write for ResultWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Out::Open(out) => out.write(bytes),
            Out::Sealed(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Open(out) => out.flush(),
            Out::Sealed(out) => out.flush(),
        }
    }
}

/// Hashes what reaches the disk.
struct Hashed {
    file: BufWriter<File>,
    hasher: Box<blake3::Hasher>,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
