//! Where the columns of a written row come from, as restitch's own tables hold it: one text a row,
//! with what its columns have in common once.

use restitch_model::{EvidenceId, Row};
use serde::{Deserialize, Serialize};

use crate::ProvenanceRow;
use crate::plan::Change;

/// The text for a change.
pub(crate) fn told(change: &Change) -> String {
    let mut evidence: Vec<EvidenceId> = Vec::new();
    let mut columns = Vec::with_capacity(change.cells.len());
    for cell in &change.cells {
        let at = cell.evidence.map(|id| {
            evidence.iter().position(|other| *other == id).unwrap_or_else(|| {
                evidence.push(id);
                evidence.len() - 1
            })
        });
        let place = cell.place.as_ref().map(ToString::to_string);
        columns.push((&cell.column, at, place, &cell.rule, cell.confidence));
    }
    serde_json::to_string(&Told { evidence, columns }).unwrap_or_default()
}

/// The columns of a row of the tables that was asked for as: the text, the plan's digest, the
/// candidate, the name of the apply, when it was, when it was undone.
pub(crate) fn columns(row: &Row) -> Vec<ProvenanceRow> {
    let text = |i: usize| row[i].as_text().unwrap_or_default().to_owned();
    let told: Told<OwnColumn> = serde_json::from_str(&text(0)).unwrap_or_default();
    let Told { evidence, mut columns } = told;
    columns.sort_by(|a, b| a.0.cmp(&b.0));
    let column = |(column, at, place, rule, confidence): OwnColumn| ProvenanceRow {
        column,
        evidence: at.and_then(|at| evidence.get(at)).map(ToString::to_string),
        place,
        rule,
        confidence,
        plan_digest: text(1),
        candidate: text(2),
        apply_id: text(3),
        applied_at: text(4),
        undone_at: row[5].as_text().map(str::to_owned),
    };
    columns.into_iter().map(column).collect()
}

#[derive(Debug, Serialize, Deserialize)]
struct Told<C> {
    evidence: Vec<EvidenceId>,
    columns: Vec<C>,
}

/// A column, the position of its evidence, the place in it, the rule, its accuracy.
type OwnColumn = (String, Option<usize>, Option<String>, String, f64);

impl<C> Default for Told<C> {
    fn default() -> Self {
        Self { evidence: Vec::new(), columns: Vec::new() }
    }
}
