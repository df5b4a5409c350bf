use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{EvidenceId, Instant, Name, Place, RowKey, Value};

/// What is being rebuilt: `customer`, `reservation`, `payment`, or one that the pipeline names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordType(pub String);

impl RecordType {
    /// People and companies.
    pub const CUSTOMER: &'static str = "customer";
    /// What was booked.
    pub const RESERVATION: &'static str = "reservation";
    /// What was paid.
    pub const PAYMENT: &'static str = "payment";

    /// A record type by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a candidate within a case, such as `reservation-3f2a…`: made from the first
/// evidence of it, so that it stays the same when a step is run again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CandidateId(pub String);

impl fmt::Display for CandidateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a rebuilt field holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// A value.
    Is(Value),
    /// The key of another candidate's row, which the plan fills in.
    KeyOf(CandidateId),
}

/// One rebuilt field, with where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The column.
    pub column: Name,
    /// What it is to hold.
    pub cell: Cell,
    /// The name of the rule that filled it.
    pub rule: Name,
    /// The item that told it; `None` for a constant or a default.
    pub evidence: Option<EvidenceId>,
    /// Where in the item the words stand.
    pub place: Option<Place>,
    /// Those words.
    pub words: String,
    /// The measured accuracy of the rule, from 0 to 1.
    pub confidence: f64,
}

/// Two sources, or a source and a surviving row, that say different things of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The column.
    pub column: String,
    /// What stands or was chosen.
    pub kept: Value,
    /// What the other says.
    pub other: Value,
    /// The item that says the other; `None` where a surviving row does.
    pub evidence: Option<EvidenceId>,
    /// Why the one was kept, as a sentence without full stop.
    pub reason: String,
}

/// What is to become of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Sure enough to be planned without a reviewer.
    Accept,
    /// A person must say.
    Review,
    /// Not a lost record.
    Reject,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Review => "review",
            Self::Reject => "reject",
        })
    }
}

/// One comparison's part in a link, for the waterfall that `explain` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkNote {
    /// The item that was linked.
    pub evidence: EvidenceId,
    /// What was compared, and the level reached: `customer_id.email exact`.
    pub comparison: String,
    /// Its match weight, in bits (log2 of m / u).
    pub weight: f64,
}

/// A record that an item was like and did not go to: one of the best of those that lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rival {
    /// The item.
    pub evidence: EvidenceId,
    /// The record that lost.
    pub record: RivalRecord,
    /// How its match weight comes about: what was compared, as in [`LinkNote`], and the bits.
    pub steps: Vec<(String, f64)>,
    /// Why it lost, as a sentence without full stop.
    pub reason: String,
}

impl Rival {
    /// Its match weight in bits.
    pub fn weight(&self) -> f64 {
        self.steps.iter().map(|(_, bits)| bits).sum()
    }
}

/// What a [`Rival`] is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RivalRecord {
    /// A surviving row.
    Row {
        /// Its table.
        table: String,
        /// Its key.
        key: RowKey,
    },
    /// The lost record that this item is of.
    Lost {
        /// The item.
        evidence: EvidenceId,
    },
}

/// One rebuilt record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name in the case.
    pub id: CandidateId,
    /// What it is.
    pub record_type: RecordType,
    /// The table that it belongs in.
    pub table: String,
    /// The key of the surviving row that it is about; `None` for a lost record.
    pub surviving: Option<RowKey>,
    /// The fields that evidence or rules tell. For a surviving row, only those to change.
    pub fields: Vec<Field>,
    /// The probability that this record is as it was, calibrated on records held back.
    pub confidence: f64,
    /// What is to become of it.
    pub verdict: Verdict,
    /// Why, as sentences without full stop.
    pub reasons: Vec<String>,
    /// Whom it belongs to: the text of the tenant, where the database has tenants.
    pub tenant: Option<String>,
    /// When the first evidence of it speaks.
    pub first_seen: Option<Instant>,
    /// All evidence of it, the earliest first.
    pub evidence: Vec<EvidenceId>,
    /// Where evidence disagrees.
    pub conflicts: Vec<Conflict>,
    /// How its evidence was linked by likeness; what a key or a tie links needs no weight.
    pub links: Vec<LinkNote>,
    /// What that evidence could have been linked to, and was not.
    pub rivals: Vec<Rival>,
}

impl Candidate {
    /// The field of a column.
    pub fn field(&self, column: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.column == column)
    }
}

/// What a reviewer said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The record is right.
    Yes,
    /// There was no such record.
    No,
    /// It is right but for these columns, each with the text that should stand there.
    Corrected {
        /// Column and text.
        columns: Vec<(String, String)>,
    },
    /// It is the same as another candidate.
    SameAs {
        /// That other one.
        other: CandidateId,
    },
    /// It is more than one record: these items tell of another.
    Split {
        /// Those items, of all that the candidate was put together from.
        items: Vec<EvidenceId>,
    },
    /// The reviewer cannot say.
    Unknown,
    /// What was said before is taken back.
    Open,
}

/// What a reviewer said of a candidate, with name and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Which candidate.
    pub candidate: CandidateId,
    /// What was said.
    #[serde(flatten)]
    pub answer: Answer,
    /// Who said it.
    pub reviewer: String,
    /// Any further words.
    pub note: String,
    /// When it was taken in.
    pub at: Instant,
    /// What it was said about, so that it holds for the same record under another name as well.
    #[serde(default, skip_serializing_if = "Seen::is_empty")]
    pub seen: Seen,
}

/// The evidence that a reviewer had before him.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// All items of the candidate.
    pub items: Vec<EvidenceId>,
    /// Where it is the same as another, the items of that other one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<EvidenceId>,
}

impl Seen {
    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.other.is_empty()
    }
}
