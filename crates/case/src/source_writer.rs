use std::collections::BTreeMap;

use restitch_model::{EvidenceId, EvidenceMeta, Instant, Remark};
use serde::Serialize;
use serde_json::json;

use crate::appender::Appender;
use crate::case::Case;
use crate::error::Result;
use crate::log::{PULLED, Stamp};

/// Puts what one pull of one source finds into the case. Several may work at the same time,
/// in threads of their own.
///
/// What was put is safe on the disk after [`SourceWriter::set_checkpoint`] and
/// [`SourceWriter::finish`]; a writer that is dropped tries to leave it so too.
#[derive(Debug)]
pub struct SourceWriter {
    case: Case,
    source: String,
    fetched_at: Instant,
    pulled: Pulled,
    finished: bool,
}

/// What a pull brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// What was put, by kind.
    pub kinds: BTreeMap<String, Tally>,
    /// What was noticed, in the order in which it was.
    pub remarks: Vec<Remark>,
    /// What could not be pulled, in the same order.
    pub gaps: Vec<Remark>,
}

/// How much was put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Items.
    pub items: u64,
    /// Those of them that were not in the case before.
    pub new: u64,
    /// The bytes of all items, as the source gave them.
    pub bytes: u64,
}

impl SourceWriter {
    pub(crate) fn new(case: Case, source: &str, fetched_at: Instant) -> Self {
        let source = source.to_owned();
        Self { case, source, fetched_at, pulled: Pulled::default(), finished: false }
    }

    /// Keeps an item and says whether it was new. The same bytes under the same kind and
    /// native id are kept once; other bytes are a version of their own beside the first.
    pub fn put(
        &mut self,
        kind: &str,
        native_id: &str,
        container: &str,
        at: Option<Instant>,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<bool> {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        let meta = EvidenceMeta {
            id: EvidenceId::of(&bytes),
            source: self.source.clone(),
            kind: kind.to_owned(),
            native_id: native_id.to_owned(),
            container: container.to_owned(),
            at,
            fetched_at: self.fetched_at,
        };
        let is_new = self.append(|appender| appender.put(meta, bytes))?;
        let tally = self.pulled.kinds.entry(kind.to_owned()).or_default();
        tally.items += 1;
        tally.new += u64::from(is_new);
        tally.bytes += length;
        Ok(is_new)
    }

    /// Keeps a remark about an item or a file.
    pub fn remark(&mut self, remark: Remark) {
        self.pulled.remarks.push(remark);
    }

    /// Keeps a gap: a part of the source that could not be pulled.
    pub fn gap(&mut self, gap: Remark) {
        self.pulled.gaps.push(gap);
    }

    /// How far an earlier pull of this source came, in its connector's words.
    pub fn checkpoint(&self) -> Result<Option<String>> {
        self.append(|appender| Ok(appender.checkpoint(&self.source).map(str::to_owned)))
    }

    /// Remembers how far this pull has come. What was put before is safe when this returns.
    pub fn set_checkpoint(&mut self, cursor: &str) -> Result<()> {
        self.append(|appender| appender.set_checkpoint(&self.source, Some(cursor)))
    }

    /// Forgets how far earlier pulls came, so that the next begins at the beginning.
    pub fn clear_checkpoint(&mut self) -> Result<()> {
        self.append(|appender| appender.set_checkpoint(&self.source, None))
    }

    /// Ends the pull: what was put is safe, and what it brought is in the log.
    pub fn finish(mut self) -> Result<Pulled> {
        self.finished = true;
        let anchor = self.append(|appender| {
            appender.save()?;
            Ok(appender.anchor())
        })?;
        let details = json!({
            "source": self.source,
            "kinds": self.pulled.kinds,
            "remarks": self.pulled.remarks.len(),
            "gaps": self.pulled.gaps,
            "index": anchor,
        });
        let stamp = self.case.stamp();
        let stamp = Stamp { at: stamp.at.or(Some(self.fetched_at)), ..stamp };
        self.case.append_to_log(&stamp, vec![(PULLED, details)])?;
        Ok(std::mem::take(&mut self.pulled))
    }

    fn append<T>(&self, write: impl FnOnce(&mut Appender) -> Result<T>) -> Result<T> {
        self.case.with_appender(write)
    }
}

impl Drop for SourceWriter {
    fn drop(&mut self) {
        if !self.finished {
            // A pull that broke off: what it brought need not be fetched again. If this
            // fails too, nothing vouches for the items, and the next pull brings them.
            let _ = self.append(Appender::save);
        }
    }
}
