//! How the evidence of a record came together: what names it, what it was like, and what lost.

use restitch_case::{CaseError, EvidenceStore};
use restitch_model::{Candidate, Cell, EvidenceId, Fact, LinkNote, RecordType, Rival, RivalRecord};
use serde::Serialize;

use crate::words::facts;

/// The links of a record, and those that were not made.
#[derive(Debug, Default, Serialize)]
pub struct Linked {
    /// Items that need no weight: a key names them, or a tie holds them to the others.
    pub certain: Vec<Certain>,
    /// Items that likeness linked, step by step.
    pub links: Vec<LinkNote>,
    /// What items of this record could have been linked to.
    pub rivals: Vec<Lost>,
    /// Items that could have been linked to this record, and went elsewhere or nowhere.
    pub elsewhere: Vec<Lost>,
}

/// An item that belongs to its record without a weight.
#[derive(Debug, Serialize)]
pub struct Certain {
    /// The item.
    pub evidence: EvidenceId,
    /// The column and the value by which it names the record; `null` where a tie, or a
    /// reviewer, put it there.
    pub named_by: Option<(String, String)>,
}

/// A pair that was weighed and not linked.
#[derive(Debug, Serialize)]
pub struct Lost {
    /// The item.
    pub evidence: EvidenceId,
    /// The record that it could have been linked to: a candidate's name, or a table and a key.
    pub record: String,
    /// Its match weight, in bits.
    pub weight: f64,
    /// How that comes about: what was compared, and the bits.
    pub steps: Vec<(String, f64)>,
    /// Why it lost.
    pub reason: String,
}

impl Linked {
    /// What is known of a candidate's links. `keys` are the columns that name such a record.
    pub fn of(
        candidate: &Candidate,
        all: &[Candidate],
        keys: &[String],
        store: &EvidenceStore,
    ) -> Result<Self, CaseError> {
        let mut linked = Self { links: candidate.links.clone(), ..Self::default() };
        for &evidence in candidate.evidence.iter().filter(|_| candidate.evidence.len() > 1) {
            if !candidate.links.iter().any(|link| link.evidence == evidence) {
                let named_by = name_in(&facts(&store.get(evidence)?), candidate, keys);
                linked.certain.push(Certain { evidence, named_by });
            }
        }
        for rival in &candidate.rivals {
            if !is(candidate, &rival.record) {
                linked.rivals.push(Lost::of(rival, record_of(rival, all)));
            }
        }
        for other in all.iter().filter(|other| other.id != candidate.id) {
            let of_this = other.rivals.iter().filter(|rival| is(candidate, &rival.record));
            // A payment tells of its reservation's links once more.
            let own = of_this.filter(|rival| !candidate.evidence.contains(&rival.evidence));
            for rival in own {
                if !linked.elsewhere.iter().any(|lost| lost.evidence == rival.evidence) {
                    linked.elsewhere.push(Lost::of(rival, other.id.to_string()));
                }
            }
        }
        Ok(linked)
    }

    /// The items that need no weight, a line each. `name` names an item.
    pub fn certain_lines(&self, name: impl Fn(EvidenceId) -> String) -> Vec<String> {
        let line = |certain: &Certain| {
            let item = name(certain.evidence);
            match &certain.named_by {
                Some((column, value)) => format!("{item} names it: {column} = {value}"),
                None => format!("{item} is tied to the others: it names no record itself"),
            }
        };
        self.certain.iter().map(line).collect()
    }

    /// The waterfall of each item that likeness linked.
    pub fn waterfall(&self, name: impl Fn(EvidenceId) -> String) -> Vec<String> {
        let mut lines = Vec::new();
        for of in self.links.chunk_by(|a, b| a.evidence == b.evidence) {
            let sum: f64 = of.iter().map(|link| link.weight).sum();
            lines.push(format!("{sum:+7.2}  {}", name(of[0].evidence)));
            lines.extend(of.iter().map(|link| step(&link.comparison, link.weight)));
        }
        lines
    }
}

impl Lost {
    fn of(rival: &Rival, record: String) -> Self {
        Self {
            evidence: rival.evidence,
            record,
            weight: rival.weight(),
            steps: rival.steps.clone(),
            reason: rival.reason.clone(),
        }
    }

    /// Its waterfall, under a line that says why it lost.
    pub fn lines(&self, name: impl Fn(EvidenceId) -> String) -> Vec<String> {
        let item = name(self.evidence);
        let mut lines =
            vec![format!("{:+7.2}  {item} and {}: {}", self.weight, self.record, self.reason)];
        lines.extend(self.steps.iter().map(|(comparison, bits)| step(comparison, *bits)));
        lines
    }
}

/// The column and the value by which an item with these facts names a record.
fn name_in(facts: &[Fact], candidate: &Candidate, keys: &[String]) -> Option<(String, String)> {
    keys.iter().find_map(|column| {
        let Cell::Is(value) = &candidate.field(column)?.cell else { return None };
        let value = value.to_string();
        let folded = value.to_lowercase();
        let holds = |fact: &Fact| fact.value.to_string().to_lowercase().contains(&folded);
        (!value.is_empty() && facts.iter().any(holds)).then_some((column.clone(), value))
    })
}

fn step(comparison: &str, bits: f64) -> String {
    format!("  {bits:+7.2}  {comparison}")
}

/// Whether a candidate is the record that lost.
fn is(candidate: &Candidate, record: &RivalRecord) -> bool {
    match record {
        RivalRecord::Row { table, key } => {
            candidate.table == *table && candidate.surviving.as_ref() == Some(key)
        }
        RivalRecord::Lost { evidence } => {
            candidate.record_type.as_str() == RecordType::RESERVATION
                && candidate.evidence.contains(evidence)
        }
    }
}

fn record_of(rival: &Rival, all: &[Candidate]) -> String {
    match &rival.record {
        RivalRecord::Row { table, key } => {
            let key: Vec<String> = key.iter().map(ToString::to_string).collect();
            format!("{table} {}", key.join(" "))
        }
        RivalRecord::Lost { evidence } => {
            let found = all.iter().find(|candidate| is(candidate, &rival.record));
            found.map_or_else(
                || format!("the record of {}", evidence.0.short()),
                |c| c.id.to_string(),
            )
        }
    }
}
