//! A score cut by tenant, by source and by week.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use restitch_learn::damage::{About, OfRows};
use restitch_model::{CandidateId, EvidenceId, Share};
use restitch_restore::ChangeKind;
use serde::Serialize;

use crate::report::Scene;
use crate::score::{RowFate, RowName, TypeScore};

/// The pipeline's names of the sources of each item.
pub(crate) type Sources = BTreeMap<EvidenceId, BTreeSet<String>>;

/// A score cut in three ways.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Breakdown {
    /// By the key of the tenant, where rows belong to tenants.
    pub by_tenant: BTreeMap<String, Slice>,
    /// By source, as the pipeline names it: the rows that it saw, whoever else did.
    pub by_source: BTreeMap<String, Slice>,
    /// By the Monday of the week in which the rows were made, in UTC.
    pub by_week: BTreeMap<String, Slice>,
}

/// A part of a score.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Slice {
    /// Rows that were lost.
    pub lost: u64,
    /// Of these, those that some evidence saw.
    pub recoverable: u64,
    /// Lost rows that are back.
    pub recovered: u64,
    /// Rows inserted.
    pub inserted: u64,
    /// Inserted rows that no row of the truth is.
    pub spurious: u64,
    /// Inserted rows of which another is there.
    pub duplicates: u64,
    /// Cells of surviving rows that were changed to what is not true.
    pub wrong_overwrites: u64,
    /// Of the cells of recovered rows, those that are true.
    pub cells: Share,
    /// Recoverable rows that are back.
    pub recall: Share,
    /// Inserted rows that are true.
    pub precision: Share,
}

impl Slice {
    fn add(&mut self, fate: &RowFate) {
        let is_right = fate.is_back();
        self.lost += u64::from(fate.is_lost);
        self.recoverable += u64::from(fate.is_recoverable);
        self.recovered += u64::from(is_right);
        self.inserted += u64::from(fate.is_inserted);
        self.duplicates += u64::from(fate.is_twice);
        self.spurious += u64::from(fate.is_inserted && fate.truth.is_none());
        self.wrong_overwrites += fate.wrong_overwrites;
        self.cells.hits += fate.cells.hits;
        self.cells.n += fate.cells.n;
        if fate.is_recoverable {
            self.recall.add(is_right);
        }
        if fate.is_inserted {
            self.precision.add(is_right);
        }
    }
}

/// Cuts the score of one record type.
pub(crate) fn breakdown(scene: &Scene<'_>, score: &TypeScore) -> Breakdown {
    let name = score.table.as_str();
    let truth = OfRows::of(scene.truth, name, scene.bindings);
    let after = OfRows::of(scene.after, name, scene.bindings);
    let told = Told::of(scene, name);
    let mut cut = Breakdown::default();
    for fate in &score.rows {
        // What a row truly was says whose it is; of one that never was, what was written does.
        let about = match (fate.truth, fate.after) {
            (Some(row), _) => truth.about(row),
            (None, Some(row)) => after.about(row),
            (None, None) => continue,
        };
        if let Some(tenant) = about.tenant {
            cut.by_tenant.entry(tenant.to_owned()).or_default().add(fate);
        }
        if let Some(week) = week(about) {
            cut.by_week.entry(week).or_default().add(fate);
        }
        for source in told.sources(scene, fate) {
            cut.by_source.entry(source.to_owned()).or_default().add(fate);
        }
    }
    cut
}

fn week(about: About<'_>) -> Option<String> {
    let day = TimeZone::UTC.to_datetime(about.at?).date();
    let back = i64::from(day.weekday().since(Weekday::Monday));
    day.checked_sub(jiff::Span::new().days(back)).ok().map(|monday| monday.to_string())
}

/// The evidence of the rows of a table.
struct Told<'t> {
    /// Of the inserted ones, by their keys.
    inserted: BTreeMap<RowName, &'t [EvidenceId]>,
    name: &'t str,
}

impl<'t> Told<'t> {
    fn of(scene: &'t Scene<'_>, name: &'t str) -> Self {
        let evidence: BTreeMap<&CandidateId, &[EvidenceId]> =
            scene.candidates.iter().map(|c| (&c.id, c.evidence.as_slice())).collect();
        let changes = scene.plan.iter().flat_map(|plan| plan.changes());
        let inserted = changes
            .filter(|change| change.kind == ChangeKind::Insert && change.table == name)
            .filter_map(|change| {
                let evidence = evidence.get(&change.candidate)?;
                Some(((change.table.clone(), change.key.clone()), *evidence))
            });
        Self { inserted: inserted.collect(), name }
    }

    /// The sources that saw a lost row; of one that never was, those that it was made from.
    fn sources<'s>(&self, scene: &'s Scene<'_>, fate: &RowFate) -> BTreeSet<&'s str> {
        let key = |snapshot: &restitch_model::Snapshot, row: usize| {
            let table = snapshot.table(self.name)?;
            Some((self.name.to_owned(), table.key(&table.rows[row])))
        };
        let evidence: &[EvidenceId] = match (fate.truth, fate.after) {
            (Some(row), _) => {
                let own = key(scene.truth, row).and_then(|name| scene.seen.get(&name));
                own.map_or(&[], Vec::as_slice)
            }
            (None, Some(row)) => {
                let own = key(scene.after, row).and_then(|name| self.inserted.get(&name).copied());
                own.unwrap_or(&[])
            }
            (None, None) => &[],
        };
        let named = evidence.iter().filter_map(|id| scene.sources.get(id));
        named.flatten().map(String::as_str).collect()
    }
}
