//! How the evidence of a record was linked by likeness, and what lost.

use restitch_model::{Candidate, EvidenceId, RecordType, Rival, RivalRecord};
use serde_json::{Value as Json, json};

use crate::board::Board;
use crate::office::Office;

impl<O: Office> Board<O> {
    /// For each item that likeness linked, how much each comparison said, in bits.
    pub(crate) fn waterfall(candidate: &Candidate) -> Vec<Json> {
        let links = candidate.links.chunk_by(|a, b| a.evidence == b.evidence);
        let shown = links.map(|of| {
            let parts = of.iter().map(|link| (link.comparison.as_str(), link.weight));
            let bits: f64 = of.iter().map(|link| link.weight).sum();
            json!({
                "item": number(candidate, of[0].evidence), "bits": bits, "steps": steps(parts),
            })
        });
        shown.collect()
    }

    /// What its items could have been linked to, and why they were not.
    pub(crate) fn rivals(&self, candidate: &Candidate) -> Vec<Json> {
        let shown = |rival: &Rival| {
            let (words, id) = self.rival_record(&rival.record);
            // Put together by a reviewer since.
            if id.as_ref() == Some(&candidate.id.0) {
                return None;
            }
            let parts = rival.steps.iter().map(|(comparison, bits)| (comparison.as_str(), *bits));
            Some(json!({
                "item": number(candidate, rival.evidence), "record": words, "id": id,
                "bits": rival.weight(), "reason": rival.reason, "steps": steps(parts),
            }))
        };
        candidate.rivals.iter().filter_map(shown).collect()
    }

    /// A record in words, and its name where it can be opened.
    fn rival_record(&self, record: &RivalRecord) -> (String, Option<String>) {
        match record {
            RivalRecord::Row { table, key } => {
                let key: Vec<String> = key.iter().map(ToString::to_string).collect();
                (format!("the row {table} {}", key.join(" ")), None)
            }
            RivalRecord::Lost { evidence } => {
                let is_it = |c: &&Candidate| {
                    c.record_type.as_str() == RecordType::RESERVATION
                        && c.evidence.contains(evidence)
                };
                match self.load.candidates.iter().find(is_it) {
                    Some(found) => (self.title(found), Some(found.id.0.clone())),
                    None => ("a record that is none any more".to_owned(), None),
                }
            }
        }
    }
}

/// The position of an item among those of a record, from 1 on.
fn number(candidate: &Candidate, item: EvidenceId) -> Option<usize> {
    candidate.evidence.iter().position(|own| *own == item).map(|n| n + 1)
}

/// Comparisons with their bits and the sum before and after each.
fn steps<'p>(parts: impl Iterator<Item = (&'p str, f64)>) -> Vec<Json> {
    let mut sum = 0.0;
    let step = |(comparison, bits): (&str, f64)| {
        let from = sum;
        sum += bits;
        json!({ "comparison": comparison, "bits": bits, "from": from, "to": sum })
    };
    parts.map(step).collect()
}
