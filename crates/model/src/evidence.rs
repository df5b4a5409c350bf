use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, Instant};

/// The name of an evidence item: the hash of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceId(pub Digest);

impl EvidenceId {
    /// The name that these bytes have.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Digest::of(bytes))
    }
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of an evidence item without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceMeta {
    /// The hash of its bytes.
    pub id: EvidenceId,
    /// The pipeline's name of the source that it came from.
    pub source: String,
    /// What it is: `stripe.charge`, `calendar.event`, `mail`, `table.row` and so on.
    pub kind: String,
    /// The source's own name for it: an object's id, a UID, a Message-ID.
    pub native_id: String,
    /// Where in the source it lay: a connected account, a calendar, a mailbox.
    pub container: String,
    /// The time that it speaks of, as far as that is known without reading it: when the
    /// object was created, the message sent, the event last changed.
    pub at: Option<Instant>,
    /// When it was pulled.
    pub fetched_at: Instant,
}

/// One item as the source gave it, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What is known of it without reading it.
    pub meta: EvidenceMeta,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Something noticed that a person should be told: a bad item that was kept, a value that
/// could not be read. Never holds a secret; names evidence by its id rather than quoting it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remark {
    /// Which item or file it is about.
    pub about: String,
    /// What was noticed, as a sentence without full stop.
    pub text: String,
}

impl Remark {
    /// A remark about something.
    pub fn new(about: impl Into<String>, text: impl Into<String>) -> Self {
        Self { about: about.into(), text: text.into() }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.text)
    }
}
