use std::collections::BTreeMap;

use restitch_model::{Candidate, CandidateId, Decision, Snapshot};
use serde::{Deserialize, Serialize};

use crate::order::{Order, order};
use crate::plan::{Plan, REFUSED};
use crate::planner::{Outcome, Planner};

/// What a plan may settle by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanPolicy {
    /// What becomes of a conflict with a surviving row.
    pub conflicts: OnConflict,
    /// The same for single columns, each as `table.column`.
    pub columns: BTreeMap<String, OnConflict>,
}

impl PlanPolicy {
    /// What becomes of a conflict in this column.
    pub fn on_conflict(&self, table: &str, column: &str) -> OnConflict {
        self.columns.get(&format!("{table}.{column}")).copied().unwrap_or(self.conflicts)
    }
}

/// What becomes of a conflict between evidence and a surviving row. A reviewer's yes or
/// correction comes before any of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// What the candidate holds in its fields is planned; each of its conflicts is listed, and
    /// the row stays as it is in that column.
    #[default]
    Review,
    /// What the evidence of a conflict says is planned.
    Evidence,
    /// What stands in a surviving row is never changed; only what is NULL is filled.
    Keep,
}

/// The plan for these candidates over this state of the database. Pure: the same input gives
/// the same plan, in whatever order the candidates come.
///
/// Every accepted candidate becomes exactly one of a change, an unchanged row or a held one.
/// A candidate is held where its row could not stand: a parent that is not planned, a value
/// missing in a column that needs one, a key or unique value that is taken, a reference to no
/// row. Original ids are kept where they are free; where not, a new one is given and the pair
/// listed.
pub fn propose(
    snapshot: &Snapshot,
    candidates: &[Candidate],
    decisions: &[Decision],
    policy: &PlanPolicy,
) -> Plan {
    propose_without(snapshot, candidates, decisions, policy, &BTreeMap::new())
}

/// As [`propose`], with candidates that the database was found to refuse in a rehearsal
/// ([`rehearse_server`](crate::rehearse_server),
/// [`rehearse_embedded`](crate::rehearse_embedded)): they are held with what it said, and so is
/// what refers to them, whatever a reviewer answered before.
pub fn propose_without(
    snapshot: &Snapshot,
    candidates: &[Candidate],
    decisions: &[Decision],
    policy: &PlanPolicy,
    refused: &BTreeMap<CandidateId, String>,
) -> Plan {
    let (mut planner, ties) = Planner::new(snapshot, candidates, decisions, policy);
    let Order { sorted, circular } = order(snapshot, candidates, &ties, &planner.names);
    drop(ties);
    for i in sorted {
        let outcome = match refused.get(&candidates[i].id) {
            Some(said) => Outcome::Held(format!("{REFUSED}{said}")),
            None => planner.outcome(i).unwrap_or_else(Outcome::Held),
        };
        planner.outcomes[i] = Some(outcome);
    }
    for i in circular {
        let reason = "it and rows that it refers to refer to each other in a circle";
        planner.outcomes[i] = Some(Outcome::Held(reason.to_owned()));
    }
    planner.plan()
}

#[cfg(test)]
pub(crate) mod tests;
