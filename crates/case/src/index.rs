use std::collections::BTreeMap;
use std::path::Path;

use restitch_model::{Digest, EvidenceId, EvidenceMeta};
use serde::{Deserialize, Serialize};

use crate::durable;
use crate::error::{CaseError, Result};
use crate::segment::Stored;

/// The file in the folder of the evidence.
pub(crate) const INDEX: &str = "index.jsonl";

/// A line of the index: what is known of an item, and where its bytes lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IndexLine {
    #[serde(flatten)]
    pub(crate) meta: EvidenceMeta,
    #[serde(flatten)]
    pub(crate) stored: Stored,
}

impl IndexLine {
    /// The line with its end.
    pub(crate) fn to_line(&self) -> String {
        serde_json::to_string(self).expect("a plain struct can be written as JSON") + "\n"
    }
}

/// What makes an item the same item when it is pulled again.
pub(crate) fn key(source: &str, kind: &str, native_id: &str, id: EvidenceId) -> Digest {
    let id = id.to_string();
    Digest::of_parts([source, kind, native_id, &id].map(str::as_bytes))
}

/// The lines of an index in the order in which they were written, each with its number from
/// 1 where it cannot be read.
pub(crate) fn parse(bytes: &[u8]) -> impl Iterator<Item = std::result::Result<IndexLine, usize>> {
    let lines = durable::whole_lines(bytes).0.into_iter().enumerate();
    lines.map(|(n, line)| serde_json::from_slice(line).map_err(|_| n + 1))
}

/// What an index says in the end. Where it says a thing twice, the later line holds: an item
/// whose bytes were lost and pulled again has two.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Each item once, by source, kind, native id, time and hash.
    pub(crate) metas: Vec<EvidenceMeta>,
    /// Where the bytes of each hash lie.
    pub(crate) places: BTreeMap<EvidenceId, Stored>,
    /// The position of the first item with each hash.
    pub(crate) first: BTreeMap<EvidenceId, usize>,
}

impl Index {
    /// Reads the index in a folder of evidence. A line at its end that was cut off is passed
    /// over; a damaged one in its middle is an error.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(INDEX);
        let bytes = durable::read(&path)?.unwrap_or_default();
        let mut index = Self::default();
        let mut metas = BTreeMap::new();
        for line in parse(&bytes) {
            let IndexLine { meta, stored } = line.map_err(|n| CaseError::Damaged {
                path: path.clone(),
                problem: format!(
                    "line {n} cannot be read; take the case from a copy, or delete that line and \
                     run `restitch pull`, which brings back what it named"
                ),
            })?;
            index.places.insert(meta.id, stored);
            metas.insert(key(&meta.source, &meta.kind, &meta.native_id, meta.id), meta);
        }
        index.metas = metas.into_values().collect();
        index.metas.sort_by(|a, b| order(a).cmp(&order(b)));
        for (position, meta) in index.metas.iter().enumerate() {
            index.first.entry(meta.id).or_insert(position);
        }
        Ok(index)
    }
}

/// The order of items, in which the time of a pull has no part.
fn order(meta: &EvidenceMeta) -> impl Ord + '_ {
    (&meta.source, &meta.kind, &meta.native_id, meta.at, meta.id)
}
