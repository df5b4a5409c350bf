use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use restitch_model::{Digest, EvidenceId, EvidenceMeta, Instant};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Anchor;
use crate::durable;
use crate::error::{CaseError, Doing, Result};
use crate::keys::{Closed, Keys};
use crate::sealed;
use crate::segment::Stored;

/// The file in the folder of the evidence.
pub(crate) const INDEX: &str = "index.jsonl";
/// How a line begins that holds others sealed.
const BATCH: &[u8] = b"{\"ends\":";

/// A line of the index: what is known of an item, and where its bytes lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IndexLine {
    #[serde(flatten)]
    pub(crate) meta: EvidenceMeta,
    #[serde(flatten)]
    pub(crate) stored: Stored,
}

/// A line of the index of a sealed case: the lines of what was put since the line before, and
/// in the open what one must know to add to the evidence and to check it without an identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// Where the index ends in each segment that it names here.
    pub(crate) ends: BTreeMap<u32, u64>,
    /// How many lines are sealed.
    pub(crate) items: u64,
    /// The lines, packed, as an age file in base64.
    sealed: String,
}

/// How many lines are sealed together: few enough to be held in memory, many enough that an
/// age header is nothing beside them.
const TOGETHER: usize = 4096;

/// The lines of an index that name items, ended each, and sealed where the keys seal.
pub(crate) fn to_lines(lines: &[IndexLine], keys: &Keys) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let plain = |lines: &[IndexLine], text: &mut Vec<u8>| {
        for line in lines {
            serde_json::to_writer(&mut *text, line).expect("a plain struct can be written as JSON");
            text.push(b'\n');
        }
    };
    if !keys.seal() {
        plain(lines, &mut text);
        return Ok(text);
    }
    for lines in lines.chunks(TOGETHER) {
        let mut inside = Vec::new();
        plain(lines, &mut inside);
        let mut ends = BTreeMap::new();
        for IndexLine { stored, .. } in lines {
            let end: &mut u64 = ends.entry(stored.segment).or_default();
            *end = stored.end().max(*end);
        }
        let sealed = keys.sealed_text(&zstd::bulk::compress(&inside, 1)?)?;
        let batch = Batch { ends, items: lines.len() as u64, sealed };
        text.extend_from_slice(sealed::seal(&batch).0.as_bytes());
        text.push(b'\n');
    }
    Ok(text)
}

impl Batch {
    /// The lines that are sealed.
    fn open(&self, keys: &Keys) -> std::result::Result<Vec<IndexLine>, Closed> {
        let packed = keys.opened_text(&self.sealed)?;
        let lines = zstd::stream::decode_all(packed.as_slice()).map_err(|_| Closed::Changed)?;
        let lines = durable::whole_lines(&lines).0.into_iter();
        lines.map(|line| serde_json::from_slice(line).map_err(|_| Closed::Changed)).collect()
    }
}

/// What makes an item the same item when it is pulled again.
pub(crate) fn key(source: &str, kind: &str, native_id: &str, id: EvidenceId) -> Digest {
    let [source, kind, native_id] = [source, kind, native_id].map(str::as_bytes);
    Digest::of_parts([source, kind, native_id, id.0.as_bytes()])
}

/// What stands in a line of the index.
pub(crate) enum Entry {
    /// An item. A sealed line has many.
    Item(IndexLine),
    /// Items that cannot be opened.
    Closed(Batch, Closed),
    /// Nothing that could be read; the line's number from 1.
    Unreadable(usize),
}

/// An index file as it was found.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// How many bytes of whole lines there are.
    pub(crate) whole: u64,
    /// How many bytes stand behind the last whole line.
    pub(crate) torn: u64,
    /// The hash of the whole lines.
    pub(crate) hasher: blake3::Hasher,
    /// Whether each anchor holds that was asked about.
    pub(crate) holds: Vec<bool>,
}

/// Goes through the index of a folder line by line, in the order in which they were written.
/// `None` where there is no such file.
pub(crate) fn scan(
    folder: &Path,
    keys: &Keys,
    anchors: &[Anchor],
    mut each: impl FnMut(Entry) -> Result<()>,
) -> Result<Option<Scanned>> {
    let path = folder.join(INDEX);
    let mut reader = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => BufReader::with_capacity(1 << 18, opened.doing("read", &path)?),
    };
    let mut found = Scanned::default();
    // An anchor is taken where a line ends, so it holds nowhere else.
    let check = |found: &mut Scanned| {
        for (anchor, holds) in anchors.iter().zip(&mut found.holds) {
            *holds |=
                anchor.bytes == found.whole && anchor.digest == durable::finish(&found.hasher);
        }
    };
    found.holds = vec![false; anchors.len()];
    check(&mut found);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        reader.read_until(b'\n', &mut line).doing("read", &path)?;
        let Some(text) = line.strip_suffix(b"\n") else { break };
        found.hasher.update(&line);
        found.whole += line.len() as u64;
        check(&mut found);
        if !text.starts_with(BATCH) {
            let item = serde_json::from_slice(text).map(Entry::Item);
            each(item.unwrap_or(Entry::Unreadable(number)))?;
            continue;
        }
        let Some((batch, _)) = sealed::open::<Batch>(text) else {
            each(Entry::Unreadable(number))?;
            continue;
        };
        match batch.open(keys) {
            Ok(lines) => lines.into_iter().try_for_each(|line| each(Entry::Item(line)))?,
            Err(closed) => each(Entry::Closed(batch, closed))?,
        }
    }
    found.torn = line.len() as u64;
    Ok(Some(found))
}

/// Whether the index of a folder is sealed, by its first line that can be read; `None` where it
/// has none.
pub(crate) fn is_sealed(folder: &Path) -> Result<Option<bool>> {
    let path = folder.join(INDEX);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.doing("read", &path)?,
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.doing("read", &path)?;
        if serde_json::from_slice::<IndexLine>(&line).is_ok() {
            return Ok(Some(false));
        }
        if sealed::open::<Batch>(&line).is_some() {
            return Ok(Some(true));
        }
    }
    Ok(None)
}

/// What an index says in the end. Where it says a thing twice, the later line holds: an item
/// whose bytes were lost and pulled again has two.
///
/// A case may hold millions of items, so names that return are kept once.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Each item once, by source, kind, native id, time and hash.
    items: Vec<Item>,
    names: Names,
    /// Where the bytes of each hash lie.
    places: HashMap<EvidenceId, Stored>,
}

#[derive(Debug)]
struct Item {
    id: EvidenceId,
    source: u32,
    kind: u32,
    container: u32,
    native_id: Box<str>,
    at: Option<Instant>,
    fetched_at: Instant,
}

impl Index {
    /// Reads the index in a folder of evidence. A line at its end that was cut off is passed
    /// over; a damaged one in its middle is an error, and one that cannot be opened as well.
    pub(crate) fn read(folder: &Path, keys: &Keys) -> Result<Self> {
        let path = folder.join(INDEX);
        let mut index = Self::default();
        scan(folder, keys, &[], |entry| {
            match entry {
                Entry::Item(line) => index.take(line),
                Entry::Closed(_, closed) => return Err(closed.of(&path, MEND)),
                Entry::Unreadable(n) => {
                    let problem = format!("line {n} cannot be read; {MEND}");
                    return Err(CaseError::Damaged { path: path.clone(), problem });
                }
            }
            Ok(())
        })?;
        index.put_in_order();
        Ok(index)
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// What is known of the item at a position.
    pub(crate) fn meta(&self, position: usize) -> EvidenceMeta {
        let item = &self.items[position];
        EvidenceMeta {
            id: item.id,
            source: self.names.get(item.source).to_owned(),
            kind: self.names.get(item.kind).to_owned(),
            native_id: item.native_id.clone().into(),
            container: self.names.get(item.container).to_owned(),
            at: item.at,
            fetched_at: item.fetched_at,
        }
    }

    /// The name of the item at a position.
    pub(crate) fn id(&self, position: usize) -> EvidenceId {
        self.items[position].id
    }

    /// Where its bytes lie.
    pub(crate) fn place(&self, position: usize) -> Stored {
        self.places[&self.items[position].id]
    }

    /// The position of the first item with a name.
    pub(crate) fn first(&self, id: EvidenceId) -> Option<usize> {
        self.items.iter().position(|item| item.id == id)
    }

    fn take(&mut self, IndexLine { meta, stored }: IndexLine) {
        self.places.insert(meta.id, stored);
        self.items.push(Item {
            id: meta.id,
            source: self.names.number(&meta.source),
            kind: self.names.number(&meta.kind),
            container: self.names.number(&meta.container),
            native_id: meta.native_id.into(),
            at: meta.at,
            fetched_at: meta.fetched_at,
        });
    }

    /// Leaves of lines about one item the last, in the order in which the time of a pull has no
    /// part.
    fn put_in_order(&mut self) {
        let Self { items, names, .. } = self;
        let same = |a: &Item, b: &Item| {
            let name = |n: u32| names.get(n);
            (name(a.source), name(a.kind), &a.native_id).cmp(&(
                name(b.source),
                name(b.kind),
                &b.native_id,
            ))
        };
        items.sort_by(|a, b| same(a, b).then(a.id.cmp(&b.id)));
        items.dedup_by(|later, kept| {
            let is_same = later.id == kept.id && same(later, kept) == Ordering::Equal;
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        items.sort_by(|a, b| same(a, b).then((a.at, a.id).cmp(&(b.at, b.id))));
        items.shrink_to_fit();
    }
}

/// What mends an index.
const MEND: &str = "take the case from a copy, or delete that line and run `restitch pull`, which \
                    brings back what it named";

/// Names that return, each kept once.
#[derive(Debug, Default)]
struct Names {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    fn get(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }
}
