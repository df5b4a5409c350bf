use std::sync::Arc;

use crate::{EvidenceId, Instant, Name, Place, RecordType, Value};

/// The facts of one evidence item about one record, said in the columns of its table: one
/// row of the linkage table.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The item that speaks.
    pub evidence: EvidenceId,
    /// What it speaks of.
    pub record_type: RecordType,
    /// When it speaks: the order in which later words replace earlier ones.
    pub at: Instant,
    /// The kind of source, for which linkage has a model of its own: `stripe.charge`,
    /// `calendar.event`, `mail`.
    pub kind: String,
    /// The form of the item: its template, or its kind where it has none.
    pub form: String,
    /// What it says of which column.
    pub readings: Vec<Reading>,
    /// The words of its free text, lower case, sorted and without doubles: what a hand-typed
    /// event says of names and cars where no rule can read a column.
    pub words: Arc<[Name]>,
}

impl Observation {
    /// What it says of a column, by the best rule that applied.
    pub fn reading(&self, column: &str) -> Option<&Reading> {
        self.readings.iter().find(|reading| reading.column == column)
    }
}

/// One value that a rule read out of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The column, or a path through foreign keys to one: `customer_id.email`.
    pub column: Name,
    /// The value as that column would hold it.
    pub value: Value,
    /// The rule that read it.
    pub rule: Name,
    /// Whether the value is only near the column's own: a time close to it.
    pub is_near: bool,
    /// How often the rule was right on rows held back, from 0 to 1.
    pub accuracy: f64,
    /// Where the words stand that it was read from.
    pub place: Place,
    /// Those words.
    pub words: String,
}
