//! A plan cut into transactions.

use std::collections::BTreeMap;

use restitch_model::RowKey;
use serde::{Deserialize, Serialize};

use super::Relation;
use crate::plan::{Change, ChangeKind, Plan};

/// How a plan is cut into transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waves {
    /// All of it is one.
    #[default]
    One,
    /// One for each tenant, those of no tenant first. Tenants whose planned rows refer to each
    /// other's are one together.
    Tenant,
}

/// The changes of one transaction, in the plan's order.
#[derive(Debug, PartialEq)]
pub(super) struct Wave<'p> {
    /// Whose they are; `None` where the plan is not cut.
    pub(super) tenants: Option<String>,
    pub(super) changes: Vec<&'p Change>,
}

/// The waves of a plan, in the order in which they are written.
pub(super) fn waves<'p>(
    plan: &'p Plan,
    relations: &BTreeMap<String, Relation>,
    how: Waves,
) -> Vec<Wave<'p>> {
    if how == Waves::One {
        return vec![Wave { tenants: None, changes: plan.changes().iter().collect() }];
    }
    let mut groups = Groups::of(plan);
    let inserted = inserted_by_values(plan, relations);
    for change in plan.changes() {
        let Some(relation) = relations.get(&change.table) else { continue };
        for reference in &relation.references {
            let names = reference.columns.iter().map(|&i| relation.schema.columns[i].name.as_str());
            let values = values(change, names);
            let to: Vec<&str> = reference.to.iter().map(String::as_str).collect();
            let parent = values.and_then(|values| {
                inserted.get(&(reference.table.as_str(), to))?.get(&values).copied()
            });
            if let Some(parent) = parent {
                groups.join(&change.tenant, &parent.tenant);
            }
        }
    }
    let mut waves: BTreeMap<usize, Wave<'p>> = BTreeMap::new();
    for change in plan.changes() {
        let group = groups.group(&change.tenant);
        let wave = waves
            .entry(group)
            .or_insert_with(|| Wave { tenants: Some(groups.name(group)), changes: Vec::new() });
        wave.changes.push(change);
    }
    waves.into_values().collect()
}

/// The rows that a plan inserts, by the values of columns that others refer to.
type Inserted<'p> = BTreeMap<(&'p str, Vec<&'p str>), BTreeMap<RowKey, &'p Change>>;

fn inserted_by_values<'p>(
    plan: &'p Plan,
    relations: &'p BTreeMap<String, Relation>,
) -> Inserted<'p> {
    let mut inserted: Inserted<'p> = BTreeMap::new();
    for reference in relations.values().flat_map(|relation| &relation.references) {
        let to: Vec<&str> = reference.to.iter().map(String::as_str).collect();
        inserted.entry((&reference.table, to)).or_default();
    }
    for ((table, columns), rows) in &mut inserted {
        let inserts = plan.changes().iter().filter(|c| c.kind == ChangeKind::Insert);
        for change in inserts.filter(|change| change.table == *table) {
            rows.extend(values(change, columns.iter().copied()).map(|values| (values, change)));
        }
    }
    inserted
}

/// What a change writes into these columns, where it writes all of them.
fn values<'c>(change: &Change, columns: impl Iterator<Item = &'c str>) -> Option<RowKey> {
    let value = |name: &str| {
        let cell = change.cells.iter().find(|cell| cell.column == name)?;
        (!cell.new.is_null()).then(|| cell.new.clone())
    };
    columns.map(value).collect()
}

/// Tenants by name, no tenant first, each with the place of the group that it is in.
struct Groups<'p>(BTreeMap<&'p Option<String>, usize>);

impl<'p> Groups<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut groups: BTreeMap<&Option<String>, usize> =
            plan.changes().iter().map(|change| (&change.tenant, 0)).collect();
        groups.values_mut().enumerate().for_each(|(place, group)| *group = place);
        Self(groups)
    }

    fn group(&self, tenant: &Option<String>) -> usize {
        self.0.get(tenant).copied().unwrap_or_default()
    }

    fn join(&mut self, a: &Option<String>, b: &Option<String>) {
        let (a, b) = (self.group(a), self.group(b));
        let (first, other) = (a.min(b), a.max(b));
        self.0.values_mut().filter(|group| **group == other).for_each(|group| *group = first);
    }

    fn name(&self, group: usize) -> String {
        let names = self.0.iter().filter(|(_, of)| **of == group);
        let names = names.map(|(name, _)| name.as_deref().unwrap_or("no tenant"));
        names.collect::<Vec<_>>().join(", ")
    }
}
