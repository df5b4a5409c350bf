//! What every source has in common: the [`Connector`] trait, where a pull puts its items, how
//! it finds its files ([`walk()`], [`Opener`]) and the values of JSON in them ([`json_values`]),
//! how fast it may ask a server ([`Pace`]), and how long it waits for one that fails
//! ([`Backoff`]).
//!
//! A connector has two halves that never mix. [`Connector::pull`] moves bytes from a source
//! into the case and looks at them only as far as it must to tell one item from the next.
//! [`Connector::read`] is pure: the same bytes give the same facts, on any machine, at any time.

mod backoff;
mod json;
mod opener;
mod pace;
mod walk;

use std::collections::BTreeSet;
use std::path::Path;

use restitch_model::{Digest, Evidence, Fact, Instant, Progress, Remark, TimeWindow};

pub use backoff::Backoff;
pub use json::{JsonPiece, Lists, json_values};
pub use opener::Opener;
pub use pace::Pace;
pub use walk::{Entry, Unreadable, Walked, WalkedFile, walk};

/// A kind of source.
pub trait Connector: Send + Sync {
    /// The kinds of evidence whose bytes [`Connector::read`] understands, such as
    /// `stripe.charge`. A kind that ends with a dot stands for all that begin with it.
    fn kinds(&self) -> &'static [&'static str];

    /// Puts every item of the source that may speak of the window into the sink. A bad item
    /// is put there too, with a remark; the pull goes on. Pulling again adds nothing that is
    /// there already, because the sink names items by their bytes.
    fn pull(
        &self,
        window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError>;

    /// The facts of one item, and what was noticed in reading it. Total: any bytes give an
    /// answer.
    fn read(&self, evidence: &Evidence) -> Reading;

    /// What decides how items are read beside their bytes and the settings of the source in the
    /// pipeline file: what stands in a file that those name, say. Where this text is another
    /// than it was, all items of the source are read again.
    fn reads_by(&self) -> String {
        String::new()
    }
}

/// What was read out of one item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Its facts, in the order in which they stand.
    pub facts: Vec<Fact>,
    /// What was noticed.
    pub remarks: Vec<Remark>,
}

/// One item on its way into the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is: `stripe.charge`, `calendar.event`, `mail`, `table.row`.
    pub kind: String,
    /// The source's own name for it.
    pub native_id: String,
    /// Where in the source it lay: an account, a calendar, a mailbox.
    pub container: String,
    /// When it was made, sent or last changed, as far as that is told outside of its text.
    pub at: Option<Instant>,
    /// The bytes as the source gave them.
    pub bytes: Vec<u8>,
}

/// Where a pull puts what it finds. The case is one; a `Vec` in a test is another.
pub trait Sink {
    /// Keeps an item. Says whether it was new.
    fn put(&mut self, item: Item) -> Result<bool, PullError>;
    /// Keeps a remark about an item or a file.
    fn remark(&mut self, remark: Remark);
    /// Keeps a gap: a part of the source that was asked for and could not be pulled, such as a
    /// list that the key may not read. The pull goes on, and whoever asked for it is told that
    /// it is not whole.
    fn gap(&mut self, gap: Remark) {
        self.remark(gap);
    }
    /// How far an earlier pull of this source came, in the connector's own words.
    fn checkpoint(&self) -> Option<String>;
    /// Remembers how far this pull has come. What was put before is safe when this returns.
    fn set_checkpoint(&mut self, cursor: &str) -> Result<(), PullError>;
}

/// Why a pull could not go on.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// A file or folder of the source could not be read.
    #[error("cannot read {path}: {source}; check that it is there and readable")]
    File {
        /// Which one.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A server refused or broke off.
    #[error("{server} answered to {request}: {problem}")]
    Server {
        /// The server's address, without any secret.
        server: String,
        /// What was asked.
        request: String,
        /// What came back, in words that help.
        problem: String,
    },
    /// The case could not keep an item.
    #[error("the case cannot keep an item: {0}")]
    Sink(String),
    /// The source's settings cannot work.
    #[error("{0}")]
    Settings(String),
}

impl PullError {
    /// [`PullError::File`] of the file or folder.
    pub fn cannot_read(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

/// A sink in memory, for tests and for `read`.
#[derive(Debug, Default)]
pub struct Basket {
    /// The items, each once.
    pub items: Vec<Item>,
    /// The remarks.
    pub remarks: Vec<Remark>,
    /// What could not be pulled.
    pub gaps: Vec<Remark>,
    /// The digests of the items.
    known: BTreeSet<Digest>,
    cursor: Option<String>,
}

impl Sink for Basket {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        let is_new = self.known.insert(digest(&item));
        if is_new {
            self.items.push(item);
        }
        Ok(is_new)
    }

    fn remark(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    fn gap(&mut self, gap: Remark) {
        self.gaps.push(gap);
    }

    fn checkpoint(&self) -> Option<String> {
        self.cursor.clone()
    }

    fn set_checkpoint(&mut self, cursor: &str) -> Result<(), PullError> {
        self.cursor = Some(cursor.to_owned());
        Ok(())
    }
}

/// Of all that an item is, so that only equal items have the same.
fn digest(item: &Item) -> Digest {
    let at = item.at.map(|at| at.as_nanosecond().to_le_bytes());
    Digest::of_parts([
        item.kind.as_bytes(),
        item.native_id.as_bytes(),
        item.container.as_bytes(),
        at.as_ref().map_or(&[], |at| at.as_slice()),
        &item.bytes,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basket_keeps_equal_items_once() {
        let item = Item {
            kind: "mail".to_owned(),
            native_id: "a@x".to_owned(),
            container: "inbox".to_owned(),
            at: None,
            bytes: b"Subject: a".to_vec(),
        };
        let others = [
            Item { kind: "m".to_owned(), native_id: "aila@x".to_owned(), ..item.clone() },
            Item { container: "sent".to_owned(), ..item.clone() },
            Item { at: Some(Instant::UNIX_EPOCH), ..item.clone() },
            Item { bytes: b"Subject: b".to_vec(), ..item.clone() },
        ];
        let mut basket = Basket::default();
        assert!(basket.put(item.clone()).unwrap());
        assert!(!basket.put(item).unwrap());
        for other in others {
            assert!(basket.put(other).unwrap());
        }
        assert_eq!(basket.items.len(), 5);
    }
}
