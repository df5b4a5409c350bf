//! Where mails are kept: a shared mbox, a Maildir, and single files.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::clock::{LOST_AT, Seconds, utc};
use crate::error::WorldError;

/// All stores of mail of a world, open for writing.
pub(crate) struct Mailboxes {
    archive: BufWriter<File>,
    archive_path: PathBuf,
    maildir: PathBuf,
    loose: PathBuf,
    delivered: usize,
    single: usize,
}

impl Mailboxes {
    /// Makes `mail` in a folder, with a Maildir of this name.
    pub(crate) fn create(dir: &Path, maildir: &str) -> Result<Self, WorldError> {
        let dir = dir.join("mail");
        let maildir = dir.join(maildir);
        let loose = dir.join("loose");
        for folder in ["cur", "new", "tmp"].map(|name| maildir.join(name)) {
            fs::create_dir_all(&folder).map_err(WorldError::write(&folder))?;
        }
        fs::create_dir_all(&loose).map_err(WorldError::write(&loose))?;
        let archive_path = dir.join("archive.mbox");
        let file = File::create(&archive_path).map_err(WorldError::write(&archive_path))?;
        let archive = BufWriter::new(file);
        Ok(Self { archive, archive_path, maildir, loose, delivered: 0, single: 0 })
    }

    /// Adds to the mbox; `>` is put before what would look like the next message's beginning.
    pub(crate) fn archive(
        &mut self,
        at: Seconds,
        sender: &str,
        bytes: &[u8],
    ) -> Result<(), WorldError> {
        let mut write = || -> std::io::Result<()> {
            let date = utc(at).strftime("%a %b %e %H:%M:%S %Y");
            writeln!(self.archive, "From {sender} {date}")?;
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                if line.trim_ascii_start().starts_with(b"From ") && line[0] != b' ' {
                    self.archive.write_all(b">")?;
                }
                self.archive.write_all(line)?;
            }
            self.archive.write_all(if bytes.ends_with(b"\n") { b"\n" } else { b"\n\n" })
        };
        write().map_err(WorldError::write(&self.archive_path))
    }

    /// Adds to the Maildir: the newest are not yet read.
    pub(crate) fn deliver(&mut self, at: Seconds, bytes: &[u8]) -> Result<(), WorldError> {
        self.delivered += 1;
        let name = format!("{at}.M{:06}P2114.mail,S={}", self.delivered, bytes.len());
        let path = if at > LOST_AT - 86_400 {
            self.maildir.join("new").join(name)
        } else {
            self.maildir.join("cur").join(format!("{name}:2,S"))
        };
        fs::write(&path, bytes).map_err(WorldError::write(&path))
    }

    /// Saves as a file of its own, with CRLF line ends.
    pub(crate) fn save(&mut self, what: &str, bytes: &[u8]) -> Result<(), WorldError> {
        self.single += 1;
        let path = self.loose.join(format!("{:04}-{what}.eml", self.single));
        let mut wire = Vec::with_capacity(bytes.len() + 64);
        for byte in bytes {
            if *byte == b'\n' {
                wire.push(b'\r');
            }
            wire.push(*byte);
        }
        fs::write(&path, wire).map_err(WorldError::write(&path))
    }

    pub(crate) fn close(mut self) -> Result<(), WorldError> {
        self.archive.flush().map_err(WorldError::write(&self.archive_path))
    }
}
