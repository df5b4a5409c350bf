use std::collections::{BTreeMap, BTreeSet};

use restitch_model::Snapshot;

use crate::fingerprint;
use crate::plan::{ChangeKind, Counts, Held, Plan, PlannedConflict, TableMark, Tally};
use crate::planner::{Outcome, Planner};
use crate::propose::OnConflict;
use crate::standing::Standing;

impl Planner<'_> {
    /// What is open between evidence and what stands, or was left to policy.
    fn conflicts(&self) -> Vec<PlannedConflict> {
        let mut conflicts = self.kept.clone();
        for (candidate, standing) in self.candidates.iter().zip(&self.standings) {
            // Who said yes has seen them.
            let open = matches!(standing, Standing::Accepted { by: None } | Standing::Held(_));
            for conflict in candidate.conflicts.iter().filter(|_| open) {
                let policy = self.policy.on_conflict(&candidate.table, &conflict.column);
                let settled = policy == OnConflict::Evidence
                    && candidate.surviving.is_some()
                    && conflict.evidence.is_some();
                if settled && matches!(standing, Standing::Accepted { .. }) {
                    continue;
                }
                conflicts.push(PlannedConflict {
                    candidate: candidate.id.clone(),
                    table: candidate.table.clone(),
                    key: candidate.surviving.clone().unwrap_or_default(),
                    column: conflict.column.clone(),
                    kept: conflict.kept.clone(),
                    other: conflict.other.clone(),
                    evidence: conflict.evidence,
                    reason: conflict.reason.clone(),
                });
            }
        }
        conflicts.sort_by(|a, b| {
            let by = |c: &'_ PlannedConflict| {
                (c.table.clone(), c.candidate.clone(), c.column.clone(), c.other.clone())
            };
            by(a).cmp(&by(b))
        });
        conflicts
    }

    /// The plan of all outcomes, counted and sorted.
    pub(crate) fn plan(mut self) -> Plan {
        let conflicts = self.conflicts();
        let mut counts = Counts::default();
        let mut count = |table: &str, one: Tally| {
            counts.all += one;
            *counts.by_table.entry(table.to_owned()).or_default() += one;
        };
        for conflict in &conflicts {
            count(&conflict.table, Tally { conflicts: 1, ..Tally::default() });
        }
        let mut held = Vec::new();
        for (i, candidate) in self.candidates.iter().enumerate() {
            let mut one = Tally::default();
            let mut hold = |reason: String| {
                held.push(Held {
                    candidate: candidate.id.clone(),
                    record_type: candidate.record_type.clone(),
                    table: candidate.table.clone(),
                    reason,
                });
                Tally { held: 1, ..Tally::default() }
            };
            match (&self.standings[i], self.outcomes[i].take()) {
                (Standing::Rejected, _) => one.rejected = 1,
                (Standing::Merged(_), _) => one.merged = 1,
                (Standing::Held(reason), _) => one = hold(reason.clone()),
                (Standing::Accepted { .. }, Some(Outcome::Unchanged)) => one.unchanged = 1,
                (Standing::Accepted { .. }, Some(Outcome::Held(reason))) => one = hold(reason),
                (Standing::Accepted { .. }, Some(Outcome::Change(at))) => {
                    match self.changes[at].kind {
                        ChangeKind::Insert => one.inserts = 1,
                        ChangeKind::Update => one.updates = 1,
                    }
                }
                (Standing::Accepted { .. }, None) => one = hold("it was not planned".to_owned()),
            }
            count(&candidate.table, one);
        }
        held.sort_by(|a, b| (&a.table, &a.candidate).cmp(&(&b.table, &b.candidate)));
        self.id_pairs.sort_by(|a, b| {
            (&a.table, a.evidence_id, a.new_id).cmp(&(&b.table, b.evidence_id, b.new_id))
        });
        let touched: BTreeSet<&str> = self.candidates.iter().map(|c| c.table.as_str()).collect();
        let next_ids = self
            .snapshot
            .tables
            .iter()
            .map(|table| &table.schema)
            .filter_map(|schema| {
                let next = self.ground.plot(&schema.name)?.next_id?;
                let moved = next > schema.next_id? || touched.contains(schema.name.as_str());
                moved.then(|| (schema.name.clone(), next))
            })
            .collect();
        Plan {
            restitch: env!("CARGO_PKG_VERSION").to_owned(),
            database: self.snapshot.database.clone(),
            fingerprint: self.snapshot.fingerprint,
            counts,
            changes: self.changes,
            id_pairs: self.id_pairs,
            next_ids,
            held,
            conflicts,
            unused_decisions: self.unused_decisions,
            tables: marks(self.snapshot),
            digest: None,
            verified: false,
        }
        .sealed()
    }
}

/// The digest of tables with these marks.
pub(crate) fn of_marks(marks: &BTreeMap<String, TableMark>) -> restitch_model::Digest {
    fingerprint::of_tables(marks.iter().map(|(name, mark)| (name.as_str(), mark.digest)))
}

/// The tables of a snapshot, so that a stale plan can say which of them changed.
pub(crate) fn marks(snapshot: &Snapshot) -> BTreeMap<String, TableMark> {
    snapshot.tables.iter().map(|table| (table.schema.name.clone(), mark(table))).collect()
}

/// The mark of a table.
pub(crate) fn mark(table: &restitch_model::Table) -> TableMark {
    TableMark { rows: table.rows.len() as u64, digest: fingerprint::of_table(table) }
}
