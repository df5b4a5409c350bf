use std::collections::BTreeMap;
use std::path::Path;

use restitch_model::Digest;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::{durable, sealed};

/// How far each source was pulled, and what the index was then. A cursor holds only
/// together with the index that it was taken with: where that was cut off, what it lost must
/// be pulled again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoints {
    /// The version of the evidence store's files.
    pub(crate) format: u32,
    /// What stood in the index.
    pub(crate) index: Anchor,
    /// For each source, how far it was pulled, in its connector's words.
    pub(crate) cursors: BTreeMap<String, String>,
}

/// So many bytes with this digest stood at the beginning of a file that only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    /// How many.
    pub(crate) bytes: u64,
    /// Their digest.
    pub(crate) digest: Digest,
}

impl Anchor {
    /// Whether the file still begins so.
    pub(crate) fn holds(&self, file: &[u8]) -> bool {
        let beginning = usize::try_from(self.bytes).ok().and_then(|bytes| file.get(..bytes));
        beginning.is_some_and(|beginning| Digest::of(beginning) == self.digest)
    }
}

impl Checkpoints {
    /// The file in the folder of the evidence.
    pub(crate) const FILE: &str = "checkpoints.json";
    /// The version that this crate writes.
    pub(crate) const FORMAT: u32 = 1;

    /// What was kept; `None` where nothing was, `Some(None)` where it was changed since.
    pub(crate) fn read(folder: &Path) -> Result<Option<Option<Self>>> {
        let bytes = durable::read(&folder.join(Self::FILE))?;
        Ok(bytes.map(|bytes| Some(sealed::open(bytes.strip_suffix(b"\n")?)?.0)))
    }

    /// Keeps them, safe on the disk when this returns.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let line = sealed::seal(self).0 + "\n";
        durable::replace(&folder.join(Self::FILE), line.as_bytes())
    }
}
