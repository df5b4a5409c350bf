//! Whether records are as sure as they say: confidence held against truth.

use std::collections::BTreeMap;

use restitch_model::{Candidate, RecordType, RowKey, Snapshot, Verdict};
use restitch_restore::{ChangeKind, PlanPolicy, propose};
use serde::Serialize;

use crate::after::after;
use crate::score::{Known, score};

/// How well the confidence of lost records goes with how many of them are true: a reliability
/// curve, and the expected calibration error (Naeini, Cooper and Hauskrecht 2015).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Calibration {
    /// The records that nothing but their confidence decides about.
    pub n: u64,
    /// By tenths of confidence; a tenth without records is not named.
    pub tenths: Vec<Tenth>,
    /// The mean distance between confidence and share of true records, weighted by how many
    /// records each tenth holds.
    pub error: Option<f64>,
}

/// The records whose confidence lies in one tenth.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tenth {
    /// Where it begins, from 0 to 0.9.
    pub from: f64,
    /// How many records.
    pub n: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// How many of them are true.
    pub right: u64,
}

/// Writes, in memory, every record that was accepted or lacks nothing but confidence, and looks
/// which of them are true.
pub(crate) fn calibrations(
    truth: &Snapshot,
    before: &Snapshot,
    candidates: &[Candidate],
    policy: &PlanPolicy,
    tables: &[(RecordType, String)],
    known: Known<'_>,
) -> BTreeMap<RecordType, Calibration> {
    let mut all = candidates.to_vec();
    for candidate in all.iter_mut().filter(|candidate| is_whole(candidate)) {
        candidate.verdict = Verdict::Accept;
    }
    let plan = propose(before, &all, &[], policy);
    let after = after(before, &plan);
    let found = score(truth, before, &after, tables, Known { seen: None, ..known });
    let mut calibrations = BTreeMap::new();
    for (record_type, score) in &found.types {
        let Some(table) = after.table(&score.table) else { continue };
        let inserts = plan.changes().iter();
        let inserts = inserts
            .filter(|change| change.kind == ChangeKind::Insert && change.table == score.table);
        let confidence: BTreeMap<&RowKey, f64> =
            inserts.map(|change| (&change.key, change.confidence)).collect();
        let judged = score.rows.iter().filter_map(|fate| {
            let row = fate.after.filter(|_| fate.is_inserted)?;
            let confidence = confidence.get(&table.key(&table.rows[row]))?;
            Some((*confidence, fate.is_back()))
        });
        calibrations.insert(record_type.clone(), calibration(judged));
    }
    calibrations
}

/// Whether a record waits for no other reason than that it is not sure enough. The last reason is
/// the one that decided.
fn is_whole(candidate: &Candidate) -> bool {
    candidate.surviving.is_none()
        && candidate.verdict == Verdict::Review
        && candidate.reasons.last().is_some_and(|reason| reason.starts_with("confidence "))
}

fn calibration(judged: impl Iterator<Item = (f64, bool)>) -> Calibration {
    let mut tenths: BTreeMap<u8, Tenth> = BTreeMap::new();
    for (confidence, is_right) in judged {
        let at = (confidence * 10.0).floor().clamp(0.0, 9.0) as u8;
        let tenth = tenths.entry(at).or_default();
        tenth.from = f64::from(at) / 10.0;
        tenth.n += 1;
        tenth.confidence += confidence;
        tenth.right += u64::from(is_right);
    }
    let n: u64 = tenths.values().map(|tenth| tenth.n).sum();
    // Until here the sum of confidences.
    let apart: f64 = tenths.values().map(|t| (t.confidence - t.right as f64).abs()).sum();
    let mean = |mut tenth: Tenth| {
        tenth.confidence /= tenth.n as f64;
        tenth
    };
    Calibration {
        n,
        tenths: tenths.into_values().map(mean).collect(),
        error: (n > 0).then(|| apart / n as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_held_against_truth_by_tenths() {
        let nine = std::iter::repeat_n((0.95, true), 9).chain([(0.95, false)]);
        let found = calibration(nine.chain([(0.55, true), (0.55, false), (1.0, true)]));
        let shown: Vec<_> = found.tenths.iter().map(|t| (t.from, t.n, t.right)).collect();
        assert_eq!(shown, [(0.5, 2, 1), (0.9, 11, 10)]);
        // |1.1 − 1| and |10.5 − 10| of 13.
        assert!((found.error.unwrap() - 0.6 / 13.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn without_records_there_is_no_error() {
        assert_eq!(calibration(std::iter::empty()), Calibration::default());
    }
}
