//! A world's recovery held against the truth that the world has on file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use restitch_learn::Item;
use restitch_model::{EvidenceId, FactValue, RecordType, Value};
use restitch_pipeline::Run;
use serde::Deserialize;

use crate::coverage::{ToldColumns, coverage};
use crate::error::DrillError;
use crate::laps::Laps;
use crate::missed::EvidenceOf;
use crate::recovery::sources;
use crate::report::{DrillReport, Scene};
use crate::score::RowName;

/// Holds a case's `restored.sqlite` against the truth of the world that the case is about.
pub fn score_world(run: &Run<'_>, truth_folder: &Path) -> Result<DrillReport, DrillError> {
    let mut laps = Laps::begin();
    let open = |path: PathBuf| restitch_restore::snapshot(&format!("sqlite:{}", path.display()));
    let truth = open(truth_folder.join("truth.sqlite"))?;
    let before = run.snapshot()?;
    let after = open(run.case.path("restored.sqlite"))?;
    let path = truth_folder.join("truth.json");
    let text = std::fs::read_to_string(&path)
        .map_err(|source| DrillError::Truth { path: path.clone(), problem: source.to_string() })?;
    let told: Told = serde_json::from_str(&text)
        .map_err(|error| DrillError::Truth { path, problem: error.to_string() })?;
    let seen = told.evidence(&run.evidence(&before)?.items);
    let knowledge = run.knowledge()?;
    let matched = run.matched().ok().and_then(|mut m| m.types.remove(RecordType::RESERVATION));
    let new = told.staff_new();
    let mut report = DrillReport::of(&Scene {
        new: &new,
        truth: &truth,
        before: &before,
        after: &after,
        bindings: &knowledge.bindings,
        seen: &seen,
        sources: &sources(run)?,
        candidates: &run.candidates()?,
        plan: run.saved_plan().ok().as_ref(),
        policy: &run.plan_policy(),
        estimate: matched.and_then(|found| found.lost_estimate),
    });
    report.coverage = Some(coverage(&told.told, &knowledge, &before));
    laps.end("score");
    report.seconds = laps.seconds();
    Ok(report)
}

/// What `truth.json` tells of lost rows, as far as scoring needs it.
#[derive(Deserialize)]
struct Told {
    lost: BTreeMap<String, Vec<Lost>>,
    told: ToldColumns,
    /// The rows that staff wrote since the restore and that are no lost ones, by table.
    #[serde(default)]
    staff_new: BTreeMap<String, Vec<Key>>,
}

#[derive(Deserialize)]
struct Lost {
    key: Key,
    recoverable: bool,
    /// The items that tell of it, by their sources' own names.
    #[serde(default)]
    evidence: Vec<String>,
    /// Among what else is told: the keys of a customer's bookings, under their table.
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

impl Told {
    fn staff_new(&self) -> BTreeSet<RowName> {
        let names = |(table, keys): (&String, &Vec<Key>)| {
            let name = |key: &Key| (table.clone(), vec![key.clone().into()]);
            keys.iter().map(name).collect::<Vec<_>>()
        };
        self.staff_new.iter().flat_map(names).collect()
    }

    /// The lost rows that some source saw, with their evidence among these items. What tells of
    /// a customer is what tells of the customer's bookings.
    fn evidence(&self, items: &[Item]) -> EvidenceOf {
        let mut named: BTreeMap<&str, Vec<EvidenceId>> = BTreeMap::new();
        for item in items {
            named.entry(&item.native_id).or_default().push(item.evidence);
            // A row of a table is known by one of its values.
            for fact in item.facts.iter().filter(|_| item.kind == "table.row") {
                if let FactValue::Text(text) = &fact.value {
                    named.entry(text).or_default().push(item.evidence);
                }
            }
        }
        let ids = |row: &Lost| -> Vec<EvidenceId> {
            let known = row.evidence.iter().filter_map(|name| named.get(name.as_str()));
            known.flatten().copied().collect()
        };
        let bookings = |row: &Lost| -> Vec<EvidenceId> {
            let own = row.rest.iter().filter_map(|(table, keys)| {
                let keys: Vec<Key> = serde_json::from_value(keys.clone()).ok()?;
                let rows = self.lost.get(table)?.iter().filter(move |row| keys.contains(&row.key));
                Some(rows)
            });
            own.flatten().flat_map(ids).collect()
        };
        let mut seen = EvidenceOf::new();
        for (table, rows) in &self.lost {
            for row in rows.iter().filter(|row| row.recoverable) {
                let own = if row.evidence.is_empty() { bookings(row) } else { ids(row) };
                seen.insert((table.clone(), vec![row.key.clone().into()]), own);
            }
        }
        seen
    }
}

/// A key as a world writes it: a number, or a text such as a UUID.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

impl From<Key> for Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Number(n) => Self::Integer(n),
            Key::Text(text) => Self::Text(text),
        }
    }
}
