//! What a drill showed, as it is printed and saved.

use std::collections::{BTreeMap, BTreeSet};

use restitch_learn::shape::Bindings;
use restitch_model::{Candidate, RecordType, Share, Snapshot};
use restitch_pipeline::results::Estimate;
use restitch_restore::{Plan, PlanPolicy};
use serde::Serialize;

use crate::ages::Age;
use crate::breakdown::{Breakdown, Sources, breakdown};
use crate::calibration::{Calibration, calibrations};
use crate::coverage::Coverage;
use crate::missed::{EvidenceOf, reasons};
use crate::recovery::tables;
use crate::score::{Known, RowName, TypeScore, score};
use crate::worth::Worth;

/// What a drill showed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DrillReport {
    /// By record type.
    #[serde(flatten)]
    pub types: BTreeMap<String, TypeReport>,
    /// Lost rows of tables of which no rows are rebuilt, by table.
    pub others: BTreeMap<String, u64>,
    /// Surviving rows that are not any more. It must be nothing.
    pub deleted: u64,
    /// How much of what evidence tells was learned, where the truth says what it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// What each source is worth, where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Worth>,
    /// What would come back of a backup of each age, where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ages: Vec<Age>,
    /// How long each step took.
    pub seconds: BTreeMap<&'static str, f64>,
}

/// What a drill showed of one record type.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TypeReport {
    /// The counts.
    #[serde(flatten)]
    pub score: TypeScore,
    /// Recoverable rows that are back, as a share.
    pub recall: Option<f64>,
    /// Inserted rows that are true, as a share.
    pub precision: Option<f64>,
    /// Why recoverable rows are not back, and how many for each reason.
    pub not_back: BTreeMap<String, u64>,
    /// The same counts by tenant, source and week.
    #[serde(flatten)]
    pub breakdown: Breakdown,
    /// Whether records are as sure as they say.
    pub calibration: Calibration,
    /// The estimate of how many were lost, held against how many were.
    pub estimate: Option<EstimateCheck>,
}

/// An estimate of how many were lost, and how many were.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EstimateCheck {
    /// The estimate.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// How many were lost.
    pub lost: u64,
    /// Of these, how many no source saw.
    pub unseen_in_truth: u64,
    /// Whether the interval holds that many.
    pub holds: bool,
}

/// All that a score is made from.
pub(crate) struct Scene<'s> {
    pub(crate) truth: &'s Snapshot,
    pub(crate) before: &'s Snapshot,
    pub(crate) after: &'s Snapshot,
    pub(crate) bindings: &'s Bindings,
    /// The rows of the truth that some evidence saw, with it.
    pub(crate) seen: &'s EvidenceOf,
    /// The rows of before that the truth does not hold.
    pub(crate) new: &'s BTreeSet<RowName>,
    pub(crate) sources: &'s Sources,
    pub(crate) candidates: &'s [Candidate],
    /// What was applied, where it is known.
    pub(crate) plan: Option<&'s Plan>,
    pub(crate) policy: &'s PlanPolicy,
    /// How many reservations were lost, as the recovery estimates it.
    pub(crate) estimate: Option<Estimate>,
}

impl DrillReport {
    pub(crate) fn of(scene: &Scene<'_>) -> Self {
        let tables = tables(&scene.bindings.tables);
        let names = scene.seen.keys().cloned().collect();
        let known = Known { seen: Some(&names), new: Some(scene.new) };
        let (truth, before) = (scene.truth, scene.before);
        let found = score(truth, before, scene.after, &tables, known);
        let mut calibrations =
            calibrations(truth, before, scene.candidates, scene.policy, &tables, known);
        let types = found.types.into_iter().map(|(record_type, score)| {
            let report = TypeReport {
                recall: score.recall().rate(),
                precision: score.precision().rate(),
                not_back: reasons(&score.table, &score.not_back, scene.seen, scene.candidates),
                breakdown: breakdown(scene, &score),
                calibration: calibrations.remove(&record_type).unwrap_or_default(),
                estimate: scene
                    .estimate
                    .clone()
                    .filter(|_| record_type.as_str() == RecordType::RESERVATION)
                    .map(|estimate| EstimateCheck::of(estimate, &score)),
                score,
            };
            (record_type.to_string(), report)
        });
        Self {
            types: types.collect(),
            others: found.others,
            deleted: found.deleted,
            ..Self::default()
        }
    }

    /// The share of the lost rows of each table that is back, whether some source saw them or
    /// not; of tables of which none is rebuilt too.
    pub fn shares(&self) -> BTreeMap<&str, Share> {
        let of_type =
            |found: &TypeReport| Share { hits: found.score.recovered, n: found.score.lost };
        let types = self.types.values().map(|found| (found.score.table.as_str(), of_type(found)));
        let others =
            self.others.iter().map(|(table, n)| (table.as_str(), Share { hits: 0, n: *n }));
        types.chain(others).filter(|(_, share)| share.n > 0).collect()
    }
}

impl EstimateCheck {
    fn of(estimate: Estimate, score: &TypeScore) -> Self {
        let lost = score.lost as f64;
        Self {
            lost: score.lost,
            unseen_in_truth: score.lost - score.recoverable,
            holds: estimate.interval.low <= lost && lost <= estimate.interval.high,
            estimate,
        }
    }
}
