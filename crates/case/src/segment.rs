use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use restitch_model::EvidenceId;
use serde::{Deserialize, Serialize};

/// What every segment begins with: its format and version.
pub(crate) const HEADER: &[u8; 16] = b"restitch-seg-01\n";

/// The bytes of a frame that are not its payload: the payload's length before it, 8 bytes
/// little-endian, and a seal of 16 bytes behind it, the beginning of the BLAKE3 hash of all
/// before the seal. The seal tells a whole frame from one that was cut off, without reading
/// what is in it.
const AROUND: u64 = 8 + SEAL as u64;
const SEAL: usize = 16;

/// zstd's own default: stronger levels gain little on items of a few kilobytes.
const LEVEL: i32 = 3;

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

/// What [`frame`] packs items with: setting it up costs more than packing a small item.
pub(crate) fn packer() -> std::io::Result<zstd::bulk::Compressor<'static>> {
    zstd::bulk::Compressor::new(LEVEL)
}

/// The frame of an item.
pub(crate) fn frame(
    packer: &mut zstd::bulk::Compressor<'_>,
    bytes: &[u8],
) -> std::io::Result<Vec<u8>> {
    let payload = packer.compress(bytes)?;
    let mut frame = Vec::with_capacity(payload.len() + AROUND as usize);
    frame.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    frame.extend_from_slice(&payload);
    let seal = seal(&frame);
    frame.extend_from_slice(&seal);
    Ok(frame)
}

/// The bytes of a frame's item, of which there may be at most `limit`; otherwise what is
/// wrong with it, as a sentence without full stop.
pub(crate) fn unframe(frame: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let payload = payload(frame).ok_or("its bytes were changed")?;
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

/// Reads items out of segments; keeps the files open that it has used.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    folder: PathBuf,
    files: BTreeMap<u32, (File, u64)>,
}

impl SegmentReader {
    /// A reader of the segments in a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: BTreeMap::new() }
    }

    /// The bytes of an item, which are those of its name; otherwise what is wrong, as a
    /// sentence without full stop.
    pub(crate) fn read(&mut self, id: EvidenceId, at: &Stored) -> Result<Vec<u8>, String> {
        let frame = self.frame(at)?;
        let bytes = unframe(&frame, at.bytes)?;
        if bytes.len() as u64 != at.bytes || EvidenceId::of(&bytes) != id {
            return Err("its bytes are not those that its name is the hash of".to_owned());
        }
        Ok(bytes)
    }

    fn frame(&mut self, at: &Stored) -> Result<Vec<u8>, String> {
        let (file, length) = self.open(at.segment).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "that file is missing".to_owned(),
            _ => format!("it cannot be read: {error}"),
        })?;
        if at.end() > *length {
            return Err("that file was cut off".to_owned());
        }
        let mut frame = vec![0; usize::try_from(at.length).map_err(|_| "it is too long")?];
        file.seek(SeekFrom::Start(at.offset))
            .and_then(|_| file.read_exact(&mut frame))
            .map_err(|error| format!("it cannot be read: {error}"))?;
        Ok(frame)
    }

    fn open(&mut self, segment: u32) -> std::io::Result<&mut (File, u64)> {
        use std::collections::btree_map::Entry;
        Ok(match self.files.entry(segment) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let file = File::open(path(&self.folder, segment))?;
                let length = file.metadata()?.len();
                place.insert((file, length))
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

/// Looks at the end of a segment that the index does not name (yet).
pub(crate) fn tail(folder: &Path, segment: u32, start: u64) -> std::io::Result<Tail> {
    let mut file = File::open(path(folder, segment))?;
    let end = file.metadata()?.len();
    let mut offset = start;
    let mut tail = Tail::default();
    file.seek(SeekFrom::Start(offset))?;
    while end.saturating_sub(offset) >= AROUND {
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let Some(rest) = u64::from_le_bytes(length)
            .checked_add(SEAL as u64)
            .filter(|&rest| rest <= end - offset - 8)
        else {
            break;
        };
        let mut frame = length.to_vec();
        Read::by_ref(&mut file).take(rest).read_to_end(&mut frame)?;
        // A whole frame that nobody names is still evidence, so what it holds decides.
        let Ok(bytes) = unframe(&frame, u64::MAX) else { break };
        let length = frame.len() as u64;
        let stored = Stored { segment, offset, length, bytes: bytes.len() as u64 };
        tail.frames.push((EvidenceId::of(&bytes), stored));
        offset = stored.end();
    }
    tail.torn = end.saturating_sub(offset);
    Ok(tail)
}

/// Whether a segment begins with the header of one.
pub(crate) fn begins_well(folder: &Path, segment: u32) -> std::io::Result<bool> {
    let mut header = Vec::new();
    File::open(path(folder, segment))?.take(HEADER.len() as u64).read_to_end(&mut header)?;
    Ok(header == HEADER)
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
        frame(&mut packer().unwrap(), bytes).unwrap()
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
