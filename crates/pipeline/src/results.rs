//! What steps return: one value a step, which the binary shows as text and as JSON.

use std::collections::BTreeMap;

use restitch_learn::example::Examples;
use restitch_learn::rebuild::Sightings;
use restitch_learn::rule::Rule;
use restitch_learn::{Knowledge, Rebuilt};
use restitch_model::{Interval, RecordType, Remark, Share, Verdict};
use restitch_restore::Plan;
use serde::{Deserialize, Serialize};

use crate::changes::Changes;

/// What was pulled.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Pulls {
    /// By source and kind.
    pub kinds: Vec<PulledKind>,
    /// How many facts there are.
    pub facts: u64,
    /// How many items they were read from in this run; those of the others were known.
    pub read: u64,
    /// Why nothing was read; `null` where the facts are those of the evidence.
    pub unread: Option<String>,
    /// What was noticed.
    pub remarks: Vec<Remark>,
    /// What could not be pulled: the evidence is not whole.
    pub gaps: Vec<Remark>,
}

/// What was pulled of one kind of evidence from one source.
#[derive(Debug, Clone, Serialize)]
pub struct PulledKind {
    /// The source.
    pub source: String,
    /// The kind of evidence.
    pub kind: String,
    /// How many items it gave.
    pub items: u64,
    /// How many the case did not have.
    pub new: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long the source took, all kinds together.
    pub seconds: f64,
}

/// What was learned.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Learned {
    /// The last moment that the backup holds.
    pub backup_at: String,
    /// The moment of loss.
    pub lost_at: String,
    /// How many items count for nothing, since they are older than the overlap.
    pub left_aside: usize,
    /// How tables were bound, a sentence each.
    pub bindings: Vec<String>,
    /// How many templates were found.
    pub templates: usize,
    /// How many rules, by record type.
    pub rules: BTreeMap<String, usize>,
    /// What rehearsals showed, by record type.
    pub measured: BTreeMap<String, restitch_learn::Measured>,
    /// Why nothing could be measured; `null` where something was.
    pub unmeasured: Option<String>,
    /// What became of each rule by hand, a sentence each.
    pub by_hand: Vec<String>,
    /// What each template file of the business was good for, a sentence each.
    pub template_files: Vec<String>,
    /// What is not as it was the last time; `null` where this is the first.
    pub changes: Option<Changes>,
    /// Where the rules as they were before are kept; `null` where nothing of them was lost.
    pub previous_rules: Option<String>,
}

impl Learned {
    /// The summary of what was learned.
    pub fn of(knowledge: &Knowledge) -> Self {
        Self {
            backup_at: knowledge.incident.backup_at.to_string(),
            lost_at: knowledge.incident.lost_at.to_string(),
            bindings: knowledge.bindings.reasons.clone(),
            templates: knowledge.templates.templates.len(),
            rules: knowledge.records.iter().map(|(r, k)| (r.clone(), k.rules.len())).collect(),
            measured: knowledge.measured.clone(),
            ..Self::default()
        }
    }
}

/// How a column is filled, with examples.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnExplained {
    /// The table.
    pub table: String,
    /// The column, or a path through references to one.
    pub column: String,
    /// The rules, in the order of the file.
    pub rules: Vec<RuleExplained>,
    /// Where its value comes from when no evidence tells it, and what decides a status: a
    /// sentence each.
    pub otherwise: Vec<String>,
}

/// A rule, with examples.
#[derive(Debug, Clone, Serialize)]
pub struct RuleExplained {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// How sure it is, as a sentence.
    pub figure: String,
    /// Rows where it holds and rows where it fails.
    pub examples: Examples,
}

/// What was rebuilt, by record type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Matched {
    /// By record type.
    #[serde(flatten)]
    pub types: BTreeMap<String, MatchedType>,
    /// Evidence of the window that no rule reads: how many items, by form.
    pub unread: BTreeMap<String, u64>,
}

/// What was rebuilt of one record type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MatchedType {
    /// How many were lost, with those that no source saw, where that can be estimated.
    pub lost_estimate: Option<Estimate>,
    /// Rebuilt records that were lost.
    pub candidates: u64,
    /// Of these, sure enough to be planned.
    pub accepted: u64,
    /// Of these, for a person to say.
    pub to_review: u64,
    /// Of these, not lost records.
    pub rejected: u64,
    /// Surviving rows that evidence would change, or disagrees with.
    pub changed: u64,
    /// Of the records that are planned, the share expected to be true: measured by rehearsal.
    pub expected_precision: Option<f64>,
    /// Of the lost records that some source saw, the share expected back: measured likewise.
    pub expected_recall: Option<f64>,
    /// On how many rehearsed records the expected precision was measured.
    pub precision_measured: Option<Share>,
    /// On how many rehearsed records the expected recall was measured.
    pub recall_measured: Option<Share>,
}

/// An estimated number, with its 90 % interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// How many.
    pub count: f64,
    /// Between these.
    pub interval: Interval,
    /// How many of them no source saw.
    pub unseen: f64,
    /// How it was found.
    pub method: String,
}

impl Matched {
    /// Counts what was rebuilt.
    pub fn of(rebuilt: &Rebuilt, knowledge: &Knowledge) -> Self {
        let mut types: BTreeMap<String, MatchedType> = BTreeMap::new();
        for candidate in &rebuilt.candidates {
            let counted = types.entry(candidate.record_type.to_string()).or_default();
            if candidate.surviving.is_some() {
                counted.changed += 1;
                continue;
            }
            counted.candidates += 1;
            match candidate.verdict {
                Verdict::Accept => counted.accepted += 1,
                Verdict::Review => counted.to_review += 1,
                Verdict::Reject => counted.rejected += 1,
            }
        }
        for (record_type, measured) in &knowledge.measured {
            let counted = types.entry(record_type.clone()).or_default();
            counted.expected_precision = measured.precision.rate();
            counted.expected_recall = measured.recall.rate();
            counted.precision_measured = Some(measured.precision);
            counted.recall_measured = Some(measured.recall);
        }
        let Sightings { lists, past, window } = &rebuilt.sightings;
        let unseen = restitch_matching::estimate_unseen(past, window, lists.len());
        let found = unseen.map(|unseen| unseen.whole);
        if let (Some(found), Some(counted)) = (found, types.get_mut(RecordType::RESERVATION)) {
            let seen = found.observed as f64;
            counted.lost_estimate = Some(Estimate {
                count: seen + found.missing,
                interval: Interval {
                    low: seen + found.interval.low,
                    high: seen + found.interval.high,
                },
                unseen: found.missing,
                method: found.method,
            });
        }
        Self { types, unread: rebuilt.unread.clone() }
    }
}

/// What is planned.
#[derive(Debug, Clone, Serialize)]
pub struct PlanMade {
    /// Rows to insert.
    pub inserts: u64,
    /// Rows to change.
    pub updates: u64,
    /// Accepted records that stand already.
    pub unchanged: u64,
    /// Disagreements left to reviewers.
    pub conflicts: u64,
    /// Accepted records that cannot be written as they are.
    pub held: u64,
    /// What approvals sign.
    pub digest: String,
    /// The same counts by table: inserts and updates.
    pub tables: BTreeMap<String, (u64, u64)>,
    /// Of those held, the ones that the database itself would refuse.
    pub refused: u64,
    /// Why the database was not asked whether it would take the rows; `null` where it was.
    pub unrehearsed: Option<String>,
}

impl PlanMade {
    /// The summary of a plan.
    pub fn of(plan: &Plan) -> Self {
        let counts = plan.counts();
        let mut tables: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for change in plan.changes() {
            let counted = tables.entry(change.table.clone()).or_default();
            match change.kind {
                restitch_restore::ChangeKind::Insert => counted.0 += 1,
                restitch_restore::ChangeKind::Update => counted.1 += 1,
            }
        }
        Self {
            inserts: counts.all.inserts,
            updates: counts.all.updates,
            unchanged: counts.all.unchanged,
            conflicts: counts.all.conflicts,
            held: counts.all.held,
            digest: plan.digest().to_string(),
            tables,
            refused: 0,
            unrehearsed: None,
        }
    }
}
