use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::AddAssign;

use restitch_model::{
    CandidateId, Digest, DigestWriter, EvidenceId, Name, Place, RecordType, RowKey, Value,
};
use serde::{Deserialize, Serialize};

use crate::{RestoreError, plain};

mod shared;

/// The exact row changes proposed against one state of a database, and what was left out and
/// why. The same snapshot, candidates and decisions give the same bytes. Its digest is what
/// approvals sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub(crate) restitch: String,
    pub(crate) database: String,
    pub(crate) fingerprint: Digest,
    pub(crate) counts: Counts,
    #[serde(deserialize_with = "shared::deserialize")]
    pub(crate) changes: Vec<Change>,
    pub(crate) id_pairs: Vec<IdPair>,
    pub(crate) next_ids: BTreeMap<String, i64>,
    pub(crate) held: Vec<Held>,
    pub(crate) conflicts: Vec<PlannedConflict>,
    pub(crate) unused_decisions: Vec<CandidateId>,
    pub(crate) tables: BTreeMap<String, TableMark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<Digest>,
    /// Whether the digest was held against the content, which nobody can change since.
    #[serde(skip)]
    pub(crate) verified: bool,
}

impl Plan {
    /// The version of restitch that made it.
    pub fn restitch(&self) -> &str {
        &self.restitch
    }

    /// The database's own name.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The fingerprint of the snapshot that it was made from.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// The changes in the order in which they are made: parents before children.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The ids that evidence names and that could not be kept, with those given instead.
    pub fn id_pairs(&self) -> &[IdPair] {
        &self.id_pairs
    }

    /// By table, the least id that the database may give next: above every id that evidence
    /// names. Only tables that count their ids themselves.
    pub fn next_ids(&self) -> &BTreeMap<String, i64> {
        &self.next_ids
    }

    /// The candidates that wait for a reviewer or cannot be written, each with why.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Where evidence disagrees with what stands or with other evidence.
    pub fn conflicts(&self) -> &[PlannedConflict] {
        &self.conflicts
    }

    /// Candidates that a reviewer answered about and that there are none of (any more).
    pub fn unused_decisions(&self) -> &[CandidateId] {
        &self.unused_decisions
    }

    /// The names of the tables that changes write to.
    pub(crate) fn planned_tables(&self) -> BTreeSet<&str> {
        // Changes of a table mostly come one after the other.
        self.changes.chunk_by(|a, b| a.table == b.table).map(|run| &*run[0].table).collect()
    }

    /// How many of what, in all and by table.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The tables of the state that it was made from.
    pub fn tables(&self) -> &BTreeMap<String, TableMark> {
        &self.tables
    }

    /// The digest over everything but itself.
    pub fn digest(&self) -> Digest {
        self.digest.unwrap_or_else(|| self.found_digest())
    }

    /// The plan as JSON for people and files: indented, in one order, with a newline at its end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads what [`Plan::to_json`] wrote. A plan that was edited since is refused.
    pub fn from_json(text: &str) -> Result<Self, RestoreError> {
        let plan: Self =
            serde_json::from_str(text).map_err(|e| RestoreError::PlanFile(e.to_string()))?;
        plan.verify()?;
        Ok(Self { verified: true, ..plan })
    }

    /// Refuses a plan whose content is not what its digest was made of.
    pub(crate) fn verify(&self) -> Result<(), RestoreError> {
        if self.verified {
            return Ok(());
        }
        let found = self.found_digest();
        if self.digest == Some(found) {
            return Ok(());
        }
        let stands = self.digest.map_or_else(|| "missing".to_owned(), |digest| digest.to_string());
        Err(RestoreError::PlanEdited { stands, found: found.to_string() })
    }

    pub(crate) fn sealed(mut self) -> Self {
        self.digest = Some(self.found_digest());
        self.verified = true;
        self
    }

    fn found_digest(&self) -> Digest {
        // The digest is the last field, so that it can be left out without a copy of the plan.
        let own = self.digest.map(|digest| format!(",\"digest\":\"{digest}\"}}"));
        let mut text = AllButItsEnd { end: own.unwrap_or_default(), ..AllButItsEnd::new() };
        // A digest takes all that is written to it, and a plan has no map without texts as keys.
        let _ = serde_json::to_writer(&mut text, self);
        text.digest()
    }
}

/// The digest of a text that ends in a certain way, as though it ended with a brace in its stead.
/// The text of a plan of a million rows is gigabytes, so no more of it is held than a piece.
struct AllButItsEnd {
    end: String,
    piece: Vec<u8>,
    before: DigestWriter,
}

impl AllButItsEnd {
    /// So much of the text is held, in bytes, and what may be the end.
    const PIECE: usize = 64 << 10;

    fn new() -> Self {
        Self { end: String::new(), piece: Vec::new(), before: Digest::writer() }
    }

    fn digest(mut self) -> Digest {
        let kept = self.piece.len().saturating_sub(self.end.len());
        if !self.end.is_empty() && self.piece[kept..] == *self.end.as_bytes() {
            self.piece.truncate(kept);
            self.piece.push(b'}');
        }
        self.before.add(&self.piece);
        self.before.digest()
    }
}

impl Write for AllButItsEnd {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() > Self::PIECE + self.end.len() {
            let done = self.piece.len() - self.end.len();
            self.before.add(&self.piece[..done]);
            self.piece.drain(..done);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One row to insert or to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its number, from 1, in the order of the changes.
    pub seq: u64,
    /// The table.
    pub table: String,
    /// What is done.
    pub kind: ChangeKind,
    /// The row's primary key.
    #[serde(with = "plain")]
    pub key: RowKey,
    /// The candidate that it comes from.
    pub candidate: CandidateId,
    /// What the candidate is.
    pub record_type: RecordType,
    /// Whom it belongs to, where the database has tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The probability that the record is as it was.
    pub confidence: f64,
    /// Who said yes to it, where a reviewer did.
    pub reviewer: Option<String>,
    /// The columns that are written, in the table's order.
    pub cells: Vec<PlannedCell>,
    /// The columns of an inserted row that nothing tells and whose default the database will
    /// fill in: column and the default's SQL.
    pub defaults: BTreeMap<String, String>,
}

/// What is done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A lost row is put back.
    Insert,
    /// A surviving row is changed.
    Update,
}

/// One column of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCell {
    /// The column.
    pub column: Name,
    /// What a surviving row holds now; `None` for an inserted row.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "plain")]
    pub old: Option<Value>,
    /// What it will hold.
    #[serde(with = "plain")]
    pub new: Value,
    /// The name of the rule that filled it; `review` where a reviewer did, `new id` where the
    /// plan gave the id.
    pub rule: Name,
    /// The evidence that told it.
    pub evidence: Option<EvidenceId>,
    /// Where in the evidence the words stand.
    pub place: Option<Place>,
    /// Those words.
    pub words: String,
    /// The measured accuracy of the rule, from 0 to 1, to four digits.
    pub confidence: f64,
}

/// An id that evidence names and that another row has: what refers to the old one from outside
/// must follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdPair {
    /// The table.
    pub table: String,
    /// The id that evidence names.
    pub evidence_id: i64,
    /// The id that the row gets.
    pub new_id: i64,
    /// The candidate.
    pub candidate: CandidateId,
}

/// A candidate that is not planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Which.
    pub candidate: CandidateId,
    /// What it is.
    pub record_type: RecordType,
    /// Its table.
    pub table: String,
    /// Why, as a sentence without full stop.
    pub reason: String,
}

/// How the reason begins for which a candidate is held that the database was found to refuse.
pub(crate) const REFUSED: &str = "the database would refuse it: ";

impl Held {
    /// Whether it is held because the database was found to refuse it.
    pub fn is_refused(&self) -> bool {
        self.reason.starts_with(REFUSED)
    }
}

/// Two things that are said of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedConflict {
    /// The candidate.
    pub candidate: CandidateId,
    /// Its table.
    pub table: String,
    /// The key of the surviving row that it is about; empty where there is none.
    #[serde(with = "plain")]
    pub key: RowKey,
    /// The column.
    pub column: String,
    /// What stands or was chosen.
    #[serde(with = "plain")]
    pub kept: Value,
    /// What the other says.
    #[serde(with = "plain")]
    pub other: Value,
    /// The evidence that says the other.
    pub evidence: Option<EvidenceId>,
    /// Why the one was kept.
    pub reason: String,
}

/// How many of what. Every candidate is counted exactly once in `inserts`, `updates`,
/// `unchanged`, `held`, `rejected` or `merged`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// All tables together.
    pub all: Tally,
    /// By table.
    pub by_table: BTreeMap<String, Tally>,
}

/// How many of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Rows to insert.
    pub inserts: u64,
    /// Surviving rows to change.
    pub updates: u64,
    /// Accepted candidates about surviving rows that already hold all they say.
    pub unchanged: u64,
    /// Conflicts listed.
    pub conflicts: u64,
    /// Candidates that wait or cannot be written.
    pub held: u64,
    /// Candidates that are no lost record.
    pub rejected: u64,
    /// Candidates that a reviewer said are the same as another.
    pub merged: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.inserts += other.inserts;
        self.updates += other.updates;
        self.unchanged += other.unchanged;
        self.conflicts += other.conflicts;
        self.held += other.held;
        self.rejected += other.rejected;
        self.merged += other.merged;
    }
}

/// A table as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMark {
    /// The number of its rows.
    pub rows: u64,
    /// The digest of its columns and rows.
    pub digest: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Db, RENTAL, rental_candidates};

    #[test]
    fn a_plan_survives_being_written_and_read() {
        let plan = Db::new(RENTAL).plan(&rental_candidates());
        let text = plan.to_json();
        assert!(text.ends_with("}\n"));
        let back = Plan::from_json(&text).unwrap();
        assert_eq!(back, plan);
        assert_eq!(back.to_json(), text);
    }

    #[test]
    fn the_digest_is_that_of_the_text_without_it() {
        // Many changes, so that the text is digested in several pieces.
        let mut plan = Db::new(RENTAL).plan(&rental_candidates());
        let change = plan.changes[0].clone();
        plan.changes.extend(std::iter::repeat_n(change, 500));
        plan.digest = None;
        let text = serde_json::to_string(&plan).unwrap();
        assert!(text.len() > 4 * AllButItsEnd::PIECE, "{}", text.len());
        let plan = plan.sealed();
        assert_eq!(plan.digest(), Digest::of(text.as_bytes()));
        assert_eq!(plan.found_digest(), Digest::of(text.as_bytes()));
    }

    #[test]
    fn a_plan_that_was_edited_is_refused() {
        let text = Db::new(RENTAL).plan(&rental_candidates()).to_json();
        assert!(text.contains("4500"));
        let error = Plan::from_json(&text.replace("4500", "4501")).unwrap_err();
        assert!(error.is_refusal(), "{error}");
        assert!(error.to_string().contains("was edited"), "{error}");
    }

    #[test]
    fn a_text_that_is_no_plan_is_an_error_that_says_where() {
        for text in ["", "{}", "[1]", "{\"restitch\": 1}", "nul"] {
            let error = Plan::from_json(text).unwrap_err();
            assert!(error.to_string().contains("line 1"), "{error}");
        }
    }
}
