use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use restitch_model::EvidenceId;
use serde::{Deserialize, Serialize};

use crate::keys::{Closed, Keys, SegmentKey};

/// What every segment begins with: its format and version.
pub(crate) const HEADER: &[u8; 16] = b"restitch-seg-01\n";
/// What a sealed one begins with. A frame follows that holds its key as an age file.
const SEALED: &[u8; 16] = b"restitch-sea-01\n";

/// The bytes of a frame that are not its payload: the payload's length before it, 8 bytes
/// little-endian, and a seal of 16 bytes behind it, the beginning of the BLAKE3 hash of all
/// before the seal. The seal tells a whole frame from one that was cut off, without reading
/// what is in it.
const AROUND: u64 = 8 + SEAL as u64;
const SEAL: usize = 16;

/// The fastest of zstd's plain levels. On messages of 6 kB each it packs to 44.0 %, its default
/// level 3 to 43.6 % and at six sevenths of the speed.
const LEVEL: i32 = 1;

/// Where the bytes of an item lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// The number of the segment.
    pub(crate) segment: u32,
    /// Where in it the frame begins.
    pub(crate) offset: u64,
    /// How long the frame is.
    pub(crate) length: u64,
    /// How many bytes the item has.
    pub(crate) bytes: u64,
}

impl Stored {
    /// The first byte behind the frame.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// The path of a segment.
pub(crate) fn path(folder: &Path, segment: u32) -> PathBuf {
    folder.join(name(segment))
}

/// The name of a segment's file.
pub(crate) fn name(segment: u32) -> String {
    format!("segment-{segment:05}.zst-frames")
}

/// The segments that there are, with their lengths.
pub(crate) fn list(folder: &Path) -> std::io::Result<BTreeMap<u32, u64>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let number = file_name.to_str().and_then(|text| {
            text.strip_prefix("segment-")?.strip_suffix(".zst-frames")?.parse().ok()
        });
        if let Some(number) = number
            && file_name.to_str() == Some(&name(number))
        {
            found.insert(number, entry.metadata()?.len());
        }
    }
    Ok(found)
}

/// What [`pack`] packs items with: setting it up costs more than packing a small item.
pub(crate) fn packer() -> std::io::Result<zstd::bulk::Compressor<'static>> {
    zstd::bulk::Compressor::new(LEVEL)
}

/// The payload of an item.
pub(crate) fn pack(
    packer: &mut zstd::bulk::Compressor<'_>,
    bytes: &[u8],
) -> std::io::Result<Vec<u8>> {
    packer.compress(bytes)
}

/// The frame of a payload.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + AROUND as usize);
    frame.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    frame.extend_from_slice(payload);
    let seal = seal(&frame);
    frame.extend_from_slice(&seal);
    frame
}

/// The bytes of a payload's item, of which there may be at most `limit`; otherwise what is
/// wrong with it, as a sentence without full stop.
pub(crate) fn unpack(payload: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // The limit is kept while reading, so that a few bytes cannot unfold into all memory.
    zstd::Decoder::with_buffer(payload)
        .and_then(|decoder| decoder.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| format!("it cannot be unpacked: {error}"))?;
    if bytes.len() as u64 > limit {
        return Err(format!("it unpacks to more than its {limit} bytes"));
    }
    Ok(bytes)
}

/// How a segment begins.
pub(crate) enum Beginning {
    /// Its frames follow at once.
    Plain,
    /// Its frames are sealed under the key in this age file, and follow at an offset.
    Sealed(Vec<u8>, u64),
    /// Its writing was cut off before there was a frame.
    Cut,
    /// Not as a segment does.
    Wrong,
}

impl Beginning {
    /// What stands at the beginning of a segment.
    pub(crate) fn read(file: &mut File) -> std::io::Result<Self> {
        let mut header = Vec::new();
        file.rewind()?;
        Read::by_ref(file).take(HEADER.len() as u64).read_to_end(&mut header)?;
        if header == HEADER {
            return Ok(Self::Plain);
        }
        if header != SEALED {
            let is_cut = HEADER.starts_with(&header) || SEALED.starts_with(&header);
            return Ok(if is_cut { Self::Cut } else { Self::Wrong });
        }
        let end = file.metadata()?.len();
        let frame = next_frame(file, HEADER.len() as u64, end)?;
        let key = frame.as_deref().and_then(payload).map(<[u8]>::to_vec);
        Ok(key.map_or(Self::Cut, |key| {
            let offset = HEADER.len() as u64 + AROUND + key.len() as u64;
            Self::Sealed(key, offset)
        }))
    }

    /// Where the frames begin.
    pub(crate) fn frames(&self) -> u64 {
        match self {
            Self::Sealed(_, offset) => *offset,
            Self::Plain | Self::Cut | Self::Wrong => HEADER.len() as u64,
        }
    }
}

/// What a new sealed segment begins with, given its key as an age file.
pub(crate) fn sealed_beginning(key: &[u8]) -> Vec<u8> {
    [&SEALED[..], &frame(key)].concat()
}

/// Reads items out of segments; keeps the files open that it has used.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    folder: PathBuf,
    keys: Keys,
    files: BTreeMap<u32, Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    /// `None` where the segment is not sealed.
    key: Option<Result<SegmentKey, Closed>>,
}

impl SegmentReader {
    /// A reader of the segments in a folder.
    pub(crate) fn new(folder: &Path, keys: &Keys) -> Self {
        Self { folder: folder.to_owned(), keys: keys.clone(), files: BTreeMap::new() }
    }

    /// The bytes of an item, which are those of its name; otherwise what is wrong, as a
    /// sentence without full stop.
    pub(crate) fn read(&mut self, id: EvidenceId, at: &Stored) -> Result<Vec<u8>, String> {
        let open = self.open(at.segment).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "that file is missing".to_owned(),
            _ => format!("it cannot be read: {error}"),
        })?;
        if at.end() > open.length {
            return Err("that file was cut off".to_owned());
        }
        let mut frame = vec![0; usize::try_from(at.length).map_err(|_| "it is too long")?];
        open.file
            .seek(SeekFrom::Start(at.offset))
            .and_then(|_| open.file.read_exact(&mut frame))
            .map_err(|error| format!("it cannot be read: {error}"))?;
        let payload = payload(&frame).ok_or("its bytes were changed")?;
        let bytes = match &open.key {
            None => unpack(payload, at.bytes)?,
            Some(Err(closed)) => return Err(closed.say().to_owned()),
            Some(Ok(key)) => {
                let opened = key.open(at.segment, at.offset, payload);
                unpack(&opened.map_err(|closed| closed.say().to_owned())?, at.bytes)?
            }
        };
        if bytes.len() as u64 != at.bytes || EvidenceId::of(&bytes) != id {
            return Err("its bytes are not those that its name is the hash of".to_owned());
        }
        Ok(bytes)
    }

    fn open(&mut self, segment: u32) -> std::io::Result<&mut Open> {
        use std::collections::btree_map::Entry;
        Ok(match self.files.entry(segment) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let mut file = File::open(path(&self.folder, segment))?;
                let length = file.metadata()?.len();
                let key = match Beginning::read(&mut file)? {
                    Beginning::Sealed(key, _) => Some(self.keys.open_segment_key(&key)),
                    // A frame that was not sealed is told by its seal and its name.
                    Beginning::Plain | Beginning::Cut | Beginning::Wrong => None,
                };
                place.insert(Open { file, length, key })
            }
        })
    }
}

/// The whole frames of a segment from `start` to its end, each with its place and its item.
/// `torn` is what stands behind them and is no whole frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) frames: Vec<(EvidenceId, Stored)>,
    pub(crate) torn: u64,
}

/// Looks at the end of a segment, not sealed, that the index does not name (yet).
pub(crate) fn tail(folder: &Path, segment: u32, start: u64) -> std::io::Result<Tail> {
    let mut frames = Vec::new();
    let torn = walk(folder, segment, start, |offset, frame| {
        // A whole frame that nobody names is still evidence, so what it holds decides.
        let Some(Ok(bytes)) = payload(frame).map(|payload| unpack(payload, u64::MAX)) else {
            return false;
        };
        let length = frame.len() as u64;
        let stored = Stored { segment, offset, length, bytes: bytes.len() as u64 };
        frames.push((EvidenceId::of(&bytes), stored));
        true
    })?;
    Ok(Tail { frames, torn })
}

/// How many whole frames stand in a segment from `start` on, sealed or not, and how many bytes
/// behind the last of them.
pub(crate) fn count(folder: &Path, segment: u32, start: u64) -> std::io::Result<(u64, u64)> {
    let mut frames = 0;
    let torn = walk(folder, segment, start, |_, frame| {
        let is_whole = payload(frame).is_some();
        frames += u64::from(is_whole);
        is_whole
    })?;
    Ok((frames, torn))
}

/// Goes through frames until one is refused or cut off. Gives how many bytes are left then.
fn walk(
    folder: &Path,
    segment: u32,
    start: u64,
    mut take: impl FnMut(u64, &[u8]) -> bool,
) -> std::io::Result<u64> {
    let mut file = File::open(path(folder, segment))?;
    let end = file.metadata()?.len();
    let mut offset = start;
    while let Some(frame) = next_frame(&mut file, offset, end)? {
        if !take(offset, &frame) {
            break;
        }
        offset += frame.len() as u64;
    }
    Ok(end.saturating_sub(offset))
}

/// The frame at an offset, as its length says; `None` where a file that ends at `end` has none.
fn next_frame(file: &mut File, offset: u64, end: u64) -> std::io::Result<Option<Vec<u8>>> {
    if end.saturating_sub(offset) < AROUND {
        return Ok(None);
    }
    let mut length = [0; 8];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut length)?;
    let rest = u64::from_le_bytes(length).checked_add(SEAL as u64);
    let Some(rest) = rest.filter(|&rest| rest <= end - offset - 8) else { return Ok(None) };
    let mut frame = length.to_vec();
    file.take(rest).read_to_end(&mut frame)?;
    Ok(Some(frame))
}

fn payload(frame: &[u8]) -> Option<&[u8]> {
    let (sealed, end) = frame.split_at_checked(frame.len().checked_sub(SEAL)?)?;
    let (length, payload) = sealed.split_first_chunk::<8>()?;
    let whole = u64::from_le_bytes(*length) == payload.len() as u64 && end == seal(sealed);
    whole.then_some(payload)
}

fn seal(bytes: &[u8]) -> [u8; SEAL] {
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&blake3::hash(bytes).as_bytes()[..SEAL]);
    seal
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(bytes: &[u8]) -> Vec<u8> {
        frame(&pack(&mut packer().unwrap(), bytes).unwrap())
    }

    fn unframe(frame: &[u8], limit: u64) -> Result<Vec<u8>, String> {
        unpack(payload(frame).ok_or("its bytes were changed")?, limit)
    }

    #[test]
    fn any_changed_bit_of_a_frame_shows() {
        let frame = framed(b"a charge of 12.50");
        for bit in 0..frame.len() * 8 {
            let mut changed = frame.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(unframe(&changed, 100).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_does_not_unfold_beyond_its_limit() {
        let frame = framed(&vec![0; 1_000_000]);
        assert!(unframe(&frame, 999_999).unwrap_err().contains("more than its 999999 bytes"));
        assert_eq!(unframe(&frame, 1_000_000).unwrap().len(), 1_000_000);
    }

    #[test]
    fn the_tail_is_read_up_to_where_it_was_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (framed(b"one"), framed(b"two"));
        let bytes = [&HEADER[..], &one, &two[..two.len() - 1]].concat();
        std::fs::write(path(dir.path(), 1), bytes).unwrap();
        let tail = tail(dir.path(), 1, 16).unwrap();
        assert_eq!(tail.frames.len(), 1);
        assert_eq!(tail.frames[0].0, EvidenceId::of(b"one"));
        assert_eq!(tail.torn, two.len() as u64 - 1);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_from_their_frame(bytes: Vec<u8>) {
            let frame = framed(&bytes);
            prop_assert_eq!(unframe(&frame, bytes.len() as u64).unwrap(), bytes);
        }

        #[test]
        fn any_bytes_are_a_tail(bytes: Vec<u8>) {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(path(dir.path(), 1), &bytes).unwrap();
            prop_assert_eq!(tail(dir.path(), 1, 0).unwrap().torn, bytes.len() as u64);
        }
    }
}
