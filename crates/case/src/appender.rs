use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use restitch_model::{Digest, EvidenceId, EvidenceMeta};

use crate::checkpoint::{Anchor, Checkpoints};
use crate::durable;
use crate::error::{CaseError, Doing, Result};
use crate::index::{self, Entry, INDEX, IndexLine};
use crate::keys::{Closed, Keys, SegmentKey};
use crate::packers::{Packed, Packers};
use crate::segment::{self, HEADER, Stored};

/// A segment that has grown to this is not appended to any more.
const FULL: u64 = 256 * 1024 * 1024;
/// So many bytes of new frames are not left unsynced, whatever the connector does.
const BATCH: u64 = 64 * 1024 * 1024;

/// So many bytes may wait to be packed.
const IN_FLIGHT: usize = 16 * 1024 * 1024;
/// So many lines of the index are not left waiting.
const LINES: usize = 16 * 1024;

/// The one place where evidence is written. Items are packed on all cores and their frames
/// written in order; their lines in the index wait until [`Appender::save`] has synced the
/// frames. Nothing that stands in a segment is ever changed or cut off: behind a torn frame a
/// new segment begins.
///
/// In a sealed case each run begins a new segment, under a new key. What is there already is
/// known only where it can be opened; without an identity all is kept again.
pub(crate) struct Appender {
    folder: PathBuf,
    keys: Keys,
    packers: Packers,
    packing: HashSet<EvidenceId>,
    known: HashSet<Digest>,
    places: HashMap<EvidenceId, Stored>,
    segment: Option<Segment>,
    next_segment: u32,
    index: File,
    index_hash: blake3::Hasher,
    index_bytes: u64,
    waiting: Vec<EvidenceMeta>,
    unsynced: u64,
    cursors: BTreeMap<String, String>,
    halted: bool,
}

struct Segment {
    number: u32,
    file: BufWriter<File>,
    length: u64,
    /// `None` where the case is not sealed.
    key: Option<SegmentKey>,
}

impl Appender {
    /// Opens the store in a folder to add to it. What an earlier run left half done is
    /// recognised, and what was lost since is found: `Some` sentence then says so, and
    /// cursors are forgotten, so that everything is pulled again.
    pub(crate) fn open(folder: &Path, keys: &Keys) -> Result<(Self, Option<String>)> {
        let segments = segment::list(folder).doing("read the folder", folder)?;
        let kept = Checkpoints::read(folder)?;
        let anchor = kept.as_ref().and_then(Option::as_ref).map(|kept| kept.index);
        let mut there = There::default();
        let scanned = index::scan(folder, keys, anchor.as_slice(), |entry| {
            there.take_in(entry, &segments, &folder.join(INDEX))
        })?;
        let scanned = scanned.unwrap_or_default();
        let index_path = folder.join(INDEX);
        let mut appender = Self {
            folder: folder.to_owned(),
            keys: keys.clone(),
            packers: Packers::new().doing("prepare to compress for", folder)?,
            packing: HashSet::new(),
            known: HashSet::new(),
            places: HashMap::new(),
            segment: None,
            next_segment: there.ends.keys().last().map_or(1, |last| last.saturating_add(1)),
            index: durable::open_lines(&index_path)?,
            index_hash: scanned.hasher,
            index_bytes: scanned.whole,
            waiting: Vec::new(),
            unsynced: 0,
            cursors: BTreeMap::new(),
            halted: false,
        };
        let mut lost = there.lost();
        (appender.known, appender.places) = (there.known, there.places);
        appender.take_in_tails(&there.ends, &segments)?;
        match kept {
            None => {}
            Some(Some(kept)) if scanned.holds == [true] => match kept.cursors(keys) {
                Ok(cursors) => appender.cursors = cursors,
                // Where they cannot be seen, everything is pulled from its beginning.
                Err(Closed::NoIdentity) => {}
                Err(closed) => {
                    return Err(closed.of(&folder.join(Checkpoints::FILE), "take it from a copy"));
                }
            },
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
    pub(crate) fn put(&mut self, meta: EvidenceMeta, bytes: Vec<u8>) -> Result<bool> {
        let key = index::key(&meta.source, &meta.kind, &meta.native_id, meta.id);
        if self.known.contains(&key) {
            return Ok(false);
        }
        self.guarded(|this| {
            let id = meta.id;
            if !this.places.contains_key(&id) && this.packing.insert(id) {
                this.packers.push(id, bytes).doing("compress for", &this.folder)?;
            }
            this.waiting.push(meta);
            this.known.insert(key);
            while let Some(packed) = this.packers.ready() {
                this.append(packed)?;
            }
            while this.packers.bytes() > IN_FLIGHT {
                this.append_next()?;
            }
            let is_much = this.unsynced >= BATCH || this.waiting.len() >= LINES;
            if is_much { this.sync() } else { Ok(()) }
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
            if self.keys.seal() {
                continue;
            }
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
                self.segment =
                    Some(Segment { number, file: BufWriter::new(file), length, key: None });
            }
        }
        Ok(())
    }

    /// Writes the next item that was packed; `false` where there is none.
    fn append_next(&mut self) -> Result<bool> {
        match self.packers.pop() {
            Some(packed) => self.append(packed).map(|()| true),
            None => Ok(false),
        }
    }

    fn append(&mut self, packed: std::io::Result<Packed>) -> Result<()> {
        let Packed { id, bytes, mut payload } = packed.doing("compress for", &self.folder)?;
        if self.segment.as_ref().is_none_or(|segment| segment.length >= FULL) {
            self.sync_frames()?;
            self.segment = Some(self.begin_segment()?);
        }
        let segment = self.segment.as_mut().expect("a segment was begun");
        let path = segment::path(&self.folder, segment.number);
        if let Some(key) = &segment.key {
            let sealed = key.seal(segment.number, segment.length, &mut payload);
            sealed
                .ok_or_else(|| std::io::Error::other("an item is too long to be sealed"))
                .doing("write", &path)?;
        }
        let frame = segment::frame(&payload);
        segment.file.write_all(&frame).doing("write", &path)?;
        let stored = Stored {
            segment: segment.number,
            offset: segment.length,
            length: frame.len() as u64,
            bytes: bytes as u64,
        };
        segment.length = stored.end();
        self.unsynced += stored.length;
        self.packing.remove(&id);
        self.places.insert(id, stored);
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<Segment> {
        let number = self.next_segment;
        self.next_segment = number.saturating_add(1);
        let path = segment::path(&self.folder, number);
        let (key, beginning) = if self.keys.seal() {
            let (key, sealed) = self.keys.segment_key().doing("make a key for", &path)?;
            (Some(key), segment::sealed_beginning(&sealed))
        } else {
            (None, HEADER.to_vec())
        };
        let file = durable::writing().create_new(true).open(&path).doing("write", &path)?;
        let mut file = BufWriter::with_capacity(1 << 18, file);
        file.write_all(&beginning).doing("write", &path)?;
        durable::sync_folder(&self.folder)?;
        Ok(Segment { number, file, length: beginning.len() as u64, key })
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
        while self.append_next()? {}
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.sync_frames()?;
        let path = self.folder.join(INDEX);
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let places = &self.places;
        let lines: Vec<IndexLine> =
            waiting.map(|meta| IndexLine { stored: places[&meta.id], meta }).collect();
        let lines = index::to_lines(&lines, &self.keys).doing("write", &path)?;
        self.index
            .write_all(&lines)
            .and_then(|()| self.index.sync_data())
            .doing("append to", &path)?;
        self.index_hash.update(&lines);
        self.index_bytes += lines.len() as u64;
        Ok(())
    }

    fn write_checkpoints(&self) -> Result<()> {
        Checkpoints::new(&self.folder, self.anchor(), &self.cursors, &self.keys)?
            .write(&self.folder)
    }
}

/// What an index says that is there, as it is taken in.
#[derive(Default)]
struct There {
    known: HashSet<Digest>,
    places: HashMap<EvidenceId, Stored>,
    /// Where the index ends in each segment.
    ends: BTreeMap<u32, u64>,
    unreadable: bool,
    /// Items whose bytes are gone.
    gone: HashSet<Digest>,
    /// Whether a segment does not reach as far as sealed lines say.
    short: bool,
}

impl There {
    /// Takes in what a line says whose bytes are there. Lines that cannot be read and bytes that
    /// are gone are left out, so that pulling again brings them back.
    fn take_in(&mut self, entry: Entry, segments: &BTreeMap<u32, u64>, path: &Path) -> Result<()> {
        let reaches = |segment: u32, end: u64| segments.get(&segment).is_some_and(|&l| end <= l);
        match entry {
            Entry::Item(IndexLine { meta, stored }) => {
                let end = self.ends.entry(stored.segment).or_default();
                *end = stored.end().max(*end);
                let key = index::key(&meta.source, &meta.kind, &meta.native_id, meta.id);
                if reaches(stored.segment, stored.end()) {
                    // A later line may name the bytes again that an earlier one has lost.
                    self.gone.remove(&key);
                    self.known.insert(key);
                    self.places.insert(meta.id, stored);
                } else if !self.known.contains(&key) {
                    self.gone.insert(key);
                }
            }
            Entry::Closed(batch, Closed::NoIdentity) => {
                for (segment, end) in batch.ends {
                    self.short |= !reaches(segment, end);
                    let known = self.ends.entry(segment).or_default();
                    *known = end.max(*known);
                }
            }
            Entry::Closed(_, Closed::Changed) | Entry::Unreadable(_) => self.unreadable = true,
            Entry::Closed(_, closed @ Closed::OtherRecipient) => return Err(closed.of(path, "")),
        }
        Ok(())
    }

    fn lost(&self) -> Option<&'static str> {
        match (self.unreadable, self.gone.is_empty() && !self.short) {
            (true, _) => Some("a line of evidence/index.jsonl cannot be read"),
            (_, false) => Some("a segment of the evidence is missing or was cut off"),
            _ => None,
        }
    }
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
        appender.put(meta, bytes.to_vec())
    }

    #[test]
    fn after_a_failed_write_no_checkpoint_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let mut appender = Appender::open(dir.path(), &Keys::default()).unwrap().0;
        assert!(put(&mut appender, b"one").unwrap());
        appender.save().unwrap();
        let path = segment::path(dir.path(), 1);
        let unwritable = BufWriter::with_capacity(0, File::open(&path).unwrap());
        appender.segment.as_mut().unwrap().file = unwritable;

        // Packing takes its time, so that the write may fail in this call or in the next.
        let failed = put(&mut appender, b"two").and_then(|_| appender.save()).unwrap_err();
        assert!(failed.to_string().starts_with("cannot write"), "{failed}");
        let refused = appender.set_checkpoint("mail", Some("2")).unwrap_err();
        assert!(matches!(refused, CaseError::Halted(_)));

        let mut appender = Appender::open(dir.path(), &Keys::default()).unwrap().0;
        assert_eq!(appender.checkpoint("mail"), None);
        assert!(!put(&mut appender, b"one").unwrap());
        assert!(put(&mut appender, b"two").unwrap());
    }
}
