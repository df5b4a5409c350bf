use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use restitch_model::{Digest, EvidenceId, EvidenceMeta};

use crate::checkpoint::{Anchor, Checkpoints};
use crate::durable;
use crate::error::{CaseError, Doing, Result};
use crate::index::{self, INDEX, IndexLine};
use crate::segment::{self, HEADER, Stored};

/// A segment that has grown to this is not appended to any more.
const FULL: u64 = 256 * 1024 * 1024;
/// So many bytes of new frames are not left unsynced, whatever the connector does.
const BATCH: u64 = 64 * 1024 * 1024;

/// The one place where evidence is written. Frames go to the last segment at once; their
/// lines in the index wait until [`Appender::save`] has synced the frames. Nothing that
/// stands in a segment is ever changed or cut off: behind a torn frame a new segment begins.
pub(crate) struct Appender {
    folder: PathBuf,
    packer: zstd::bulk::Compressor<'static>,
    known: HashSet<Digest>,
    places: HashMap<EvidenceId, Stored>,
    segment: Option<Segment>,
    next_segment: u32,
    index: File,
    index_hash: blake3::Hasher,
    index_bytes: u64,
    waiting: Vec<u8>,
    unsynced: u64,
    cursors: BTreeMap<String, String>,
    halted: bool,
}

struct Segment {
    number: u32,
    file: BufWriter<File>,
    length: u64,
}

impl Appender {
    /// Opens the store in a folder to add to it. What an earlier run left half done is
    /// recognised, and what was lost since is found: `Some` sentence then says so, and
    /// cursors are forgotten, so that everything is pulled again.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Option<String>)> {
        let segments = segment::list(folder).doing("read the folder", folder)?;
        let index_path = folder.join(INDEX);
        let mut index = durable::open_lines(&index_path)?;
        let bytes = read_from_start(&mut index).doing("read", &index_path)?;
        let mut appender = Self {
            folder: folder.to_owned(),
            packer: segment::packer().doing("prepare to compress for", folder)?,
            known: HashSet::new(),
            places: HashMap::new(),
            segment: None,
            next_segment: 1,
            index,
            index_hash: blake3::Hasher::new(),
            index_bytes: bytes.len() as u64,
            waiting: Vec::new(),
            unsynced: 0,
            cursors: BTreeMap::new(),
            halted: false,
        };
        appender.index_hash.update(&bytes);
        let (ends, mut lost) = appender.take_in(&bytes, &segments);
        appender.take_in_tails(&ends, &segments)?;
        match Checkpoints::read(folder)? {
            None => {}
            Some(Some(kept)) if kept.index.holds(&bytes) => appender.cursors = kept.cursors,
            Some(_) => {
                lost = Some("evidence/index.jsonl is not what it was at the last checkpoint")
            }
        }
        let Some(lost) = lost else { return Ok((appender, None)) };
        appender.cursors.clear();
        appender.write_checkpoints()?;
        Ok((appender, Some(format!("{lost}: all sources are pulled from their beginning"))))
    }

    /// Keeps an item. `false` where it was kept before.
    pub(crate) fn put(&mut self, meta: EvidenceMeta, bytes: &[u8]) -> Result<bool> {
        let key = index::key(&meta.source, &meta.kind, &meta.native_id, meta.id);
        if self.known.contains(&key) {
            return Ok(false);
        }
        self.guarded(|this| {
            let stored = match this.places.get(&meta.id) {
                Some(stored) => *stored,
                None => this.append(meta.id, bytes)?,
            };
            this.waiting.extend_from_slice(IndexLine { meta, stored }.to_line().as_bytes());
            this.known.insert(key);
            if this.unsynced >= BATCH { this.sync() } else { Ok(()) }
        })?;
        Ok(true)
    }

    /// How far a source was pulled.
    pub(crate) fn checkpoint(&self, source: &str) -> Option<&str> {
        self.cursors.get(source).map(String::as_str)
    }

    /// Remembers how far a source was pulled, or with `None` that it is to be pulled from its
    /// beginning; what was put before is safe first.
    pub(crate) fn set_checkpoint(&mut self, source: &str, cursor: Option<&str>) -> Result<()> {
        match cursor {
            Some(cursor) => self.cursors.insert(source.to_owned(), cursor.to_owned()),
            None => self.cursors.remove(source),
        };
        self.save()
    }

    /// Makes all that was put safe, with the checkpoints.
    pub(crate) fn save(&mut self) -> Result<()> {
        self.guarded(|this| {
            this.sync()?;
            this.write_checkpoints()
        })
    }

    /// What stands in the index, as far as it was synced.
    pub(crate) fn anchor(&self) -> Anchor {
        Anchor { bytes: self.index_bytes, digest: durable::finish(&self.index_hash) }
    }

    /// After a write that failed nobody knows what stands on the disk. Going on would let a
    /// later checkpoint vouch for items that never reached it, so the appender refuses; the
    /// next run looks at the disk and goes on from there.
    fn guarded<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.halted {
            return Err(CaseError::Halted(self.folder.clone()));
        }
        self.halted = true;
        let done = write(self)?;
        self.halted = false;
        Ok(done)
    }

    /// Takes in the lines of the index whose bytes are there. Lines that cannot be read and
    /// bytes that are gone are left out, so that pulling again brings them back. Gives where
    /// the index ends in each segment, and what was lost.
    fn take_in(
        &mut self,
        index: &[u8],
        segments: &BTreeMap<u32, u64>,
    ) -> (BTreeMap<u32, u64>, Option<&'static str>) {
        let mut ends = BTreeMap::<u32, u64>::new();
        let mut unreadable = false;
        let mut gone = HashSet::new();
        for line in index::parse(index) {
            let Ok(IndexLine { meta, stored }) = line else {
                unreadable = true;
                continue;
            };
            let end = ends.entry(stored.segment).or_default();
            *end = stored.end().max(*end);
            let key = index::key(&meta.source, &meta.kind, &meta.native_id, meta.id);
            self.next_segment = self.next_segment.max(stored.segment.saturating_add(1));
            if segments.get(&stored.segment).is_some_and(|&length| stored.end() <= length) {
                // A later line may name the bytes again that an earlier one has lost.
                gone.remove(&key);
                self.known.insert(key);
                self.places.insert(meta.id, stored);
            } else if !self.known.contains(&key) {
                gone.insert(key);
            }
        }
        let lost = match (unreadable, gone.is_empty()) {
            (true, _) => Some("a line of evidence/index.jsonl cannot be read"),
            (_, false) => Some("a segment of the evidence is missing or was cut off"),
            _ => None,
        };
        (ends, lost)
    }

    /// Takes in the frames behind those that the index names, which an earlier run put and
    /// did not come to index, and opens the last segment where it ends whole. `ends` says
    /// where the index ends in each segment.
    fn take_in_tails(
        &mut self,
        ends: &BTreeMap<u32, u64>,
        segments: &BTreeMap<u32, u64>,
    ) -> Result<()> {
        for (&number, &length) in segments {
            let path = segment::path(&self.folder, number);
            self.next_segment = self.next_segment.max(number.saturating_add(1));
            let start = ends.get(&number).copied().unwrap_or(HEADER.len() as u64);
            if start > length {
                continue;
            }
            let tail = segment::tail(&self.folder, number, start).doing("read", &path)?;
            if tail.frames.is_empty() && (tail.torn > 0 || length >= FULL) {
                continue;
            }
            let file = durable::writing().append(true).open(&path).doing("open", &path)?;
            // The index may name these frames from now on, so they must be on the disk.
            file.sync_data().doing("write", &path)?;
            for (id, stored) in tail.frames {
                self.places.entry(id).or_insert(stored);
            }
            let last = self.next_segment == number.saturating_add(1);
            if last && tail.torn == 0 && length < FULL {
                self.segment = Some(Segment { number, file: BufWriter::new(file), length });
            }
        }
        Ok(())
    }

    fn append(&mut self, id: EvidenceId, bytes: &[u8]) -> Result<Stored> {
        let frame = segment::frame(&mut self.packer, bytes).doing("compress for", &self.folder)?;
        if self.segment.as_ref().is_none_or(|segment| segment.length >= FULL) {
            self.sync_frames()?;
            self.segment = Some(self.begin_segment()?);
        }
        let segment = self.segment.as_mut().expect("a segment was begun");
        let path = segment::path(&self.folder, segment.number);
        segment.file.write_all(&frame).doing("write", &path)?;
        let stored = Stored {
            segment: segment.number,
            offset: segment.length,
            length: frame.len() as u64,
            bytes: bytes.len() as u64,
        };
        segment.length = stored.end();
        self.unsynced += stored.length;
        self.places.insert(id, stored);
        Ok(stored)
    }

    fn begin_segment(&mut self) -> Result<Segment> {
        let number = self.next_segment;
        self.next_segment = number.saturating_add(1);
        let path = segment::path(&self.folder, number);
        let file = durable::writing().create_new(true).open(&path).doing("write", &path)?;
        let mut file = BufWriter::new(file);
        file.write_all(HEADER).doing("write", &path)?;
        durable::sync_folder(&self.folder)?;
        Ok(Segment { number, file, length: HEADER.len() as u64 })
    }

    fn sync_frames(&mut self) -> Result<()> {
        if let Some(segment) = &mut self.segment {
            let path = segment::path(&self.folder, segment.number);
            let file = &mut segment.file;
            file.flush().and_then(|()| file.get_ref().sync_data()).doing("write", &path)?;
        }
        self.unsynced = 0;
        Ok(())
    }

    /// Frames first, then the lines that name them.
    fn sync(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.sync_frames()?;
        let path = self.folder.join(INDEX);
        self.index
            .write_all(&self.waiting)
            .and_then(|()| self.index.sync_data())
            .doing("append to", &path)?;
        self.index_hash.update(&self.waiting);
        self.index_bytes += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    fn write_checkpoints(&self) -> Result<()> {
        let (format, index) = (Checkpoints::FORMAT, self.anchor());
        Checkpoints { format, index, cursors: self.cursors.clone() }.write(&self.folder)
    }
}

/// All bytes of a file, which is left positioned at its end.
fn read_from_start(file: &mut File) -> std::io::Result<Vec<u8>> {
    use std::io::Seek;
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(appender: &mut Appender, bytes: &[u8]) -> Result<bool> {
        let meta = EvidenceMeta {
            id: EvidenceId::of(bytes),
            source: "mail".into(),
            kind: "mail".into(),
            native_id: "<1@example.org>".into(),
            container: String::new(),
            at: None,
            fetched_at: "2026-04-25T14:03:00Z".parse().unwrap(),
        };
        appender.put(meta, bytes)
    }

    #[test]
    fn after_a_failed_write_no_checkpoint_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let mut appender = Appender::open(dir.path()).unwrap().0;
        assert!(put(&mut appender, b"one").unwrap());
        appender.save().unwrap();
        let path = segment::path(dir.path(), 1);
        let unwritable = BufWriter::with_capacity(0, File::open(&path).unwrap());
        appender.segment.as_mut().unwrap().file = unwritable;

        assert!(put(&mut appender, b"two").unwrap_err().to_string().starts_with("cannot write"));
        let refused = appender.set_checkpoint("mail", Some("2")).unwrap_err();
        assert!(matches!(refused, CaseError::Halted(_)));

        let mut appender = Appender::open(dir.path()).unwrap().0;
        assert_eq!(appender.checkpoint("mail"), None);
        assert!(!put(&mut appender, b"one").unwrap());
        assert!(put(&mut appender, b"two").unwrap());
    }
}
