use std::collections::BTreeMap;
use std::path::Path;

use restitch_model::Digest;
use serde::{Deserialize, Serialize};

use crate::error::{Doing, Result};
use crate::keys::{Closed, Keys};
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
    /// How far each source was pulled.
    cursors: Cursors,
}

/// For each source, how far it was pulled, in its connector's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Cursors {
    Plain(BTreeMap<String, String>),
    /// The same as JSON, as an age file in base64: cursors name mailboxes and objects.
    Sealed(String),
}

/// So many bytes with this digest stood at the beginning of a file that only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    /// How many.
    pub(crate) bytes: u64,
    /// Their digest.
    pub(crate) digest: Digest,
}

impl Checkpoints {
    /// The file in the folder of the evidence.
    pub(crate) const FILE: &str = "checkpoints.json";
    /// The version that this crate writes.
    const FORMAT: u32 = 1;

    /// What is to be kept with an index that is so.
    pub(crate) fn new(
        folder: &Path,
        index: Anchor,
        cursors: &BTreeMap<String, String>,
        keys: &Keys,
    ) -> Result<Self> {
        let cursors = if keys.seal() {
            let json = serde_json::to_vec(cursors).expect("texts can be written as JSON");
            Cursors::Sealed(keys.sealed_text(&json).doing("seal the checkpoints of", folder)?)
        } else {
            Cursors::Plain(cursors.clone())
        };
        Ok(Self { format: Self::FORMAT, index, cursors })
    }

    /// How far each source was pulled.
    pub(crate) fn cursors(
        self,
        keys: &Keys,
    ) -> std::result::Result<BTreeMap<String, String>, Closed> {
        match self.cursors {
            Cursors::Plain(cursors) => Ok(cursors),
            Cursors::Sealed(text) => {
                serde_json::from_slice(&keys.opened_text(&text)?).map_err(|_| Closed::Changed)
            }
        }
    }

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
