use std::collections::BTreeMap;

use restitch_model::{Remark, Row, RowKey, Snapshot, Table};

use crate::RestoreError;
use crate::ground::show_key;
use crate::journal::{self, Entry, NamedRow};
use crate::plan::{Change, ChangeKind, Plan};
use crate::triggers::Triggers;

/// Holds what stands against what was planned, row by row: the planned cells hold their values,
/// no row is gone, and, where triggers were to keep still, no other row changed.
pub(crate) fn compare(
    plan: &Plan,
    before: &Snapshot,
    after: &Snapshot,
    triggers: Triggers,
) -> Result<(Vec<Entry>, Vec<Remark>), RestoreError> {
    let fires = triggers == Triggers::Fire;
    let mut planned: BTreeMap<&str, BTreeMap<&RowKey, Vec<&Change>>> = BTreeMap::new();
    for change in plan.changes() {
        let table = planned.entry(&change.table).or_default();
        table.entry(&change.key).or_default().push(change);
    }
    let mut entries = Vec::new();
    let mut remarks = Vec::new();
    for table in &after.tables {
        let name = table.schema.name.as_str();
        let old = before.table(name).ok_or_else(|| differs(format!("there is a table {name}")))?;
        let changes = planned.remove(name).unwrap_or_default();
        if table.schema.primary_key.is_empty() {
            if table.rows != old.rows && !fires {
                return Err(differs(format!("{name} has other rows")));
            }
            continue;
        }
        let (old, new) = (by_key(old), by_key(table));
        let inserts = changes.values().flatten().filter(|c| c.kind == ChangeKind::Insert).count();
        if old.keys().any(|key| !new.contains_key(key))
            || !fires && new.len() != old.len() + inserts
        {
            return Err(differs(format!("rows of {name} are gone or too many")));
        }
        let untouched =
            |(key, row): (&RowKey, &&Row)| changes.contains_key(key) || new.get(key) == Some(row);
        if !fires && !old.iter().all(untouched) {
            return Err(differs(format!("a row of {name} that is not in the plan changed")));
        }
        for (key, changes) in &changes {
            let after = journal::named(
                &table.schema,
                new.get(*key).ok_or_else(|| {
                    differs(format!("a row of {name} that was inserted is not there"))
                })?,
            );
            let before = old.get(*key).map(|row| journal::named(&table.schema, row));
            for column in unlike(changes, before.as_ref(), &after) {
                if !fires {
                    return Err(not_as_planned(changes[0], &column));
                }
                remarks.push(wrote_over(changes[0], &column));
            }
            entries.extend(changes.iter().map(|change| entry(change, before.as_ref(), &after)));
        }
    }
    if let Some(table) = planned.keys().next() {
        return Err(differs(format!("there is no table {table}")));
    }
    entries.sort_by_key(|entry| entry.seq);
    Ok((entries, remarks))
}

/// The columns in which a row after its changes is not what the plan says: the planned cells,
/// and all else as it was.
pub(crate) fn unlike(
    changes: &[&Change],
    before: Option<&NamedRow>,
    after: &NamedRow,
) -> Vec<String> {
    let cells = || changes.iter().flat_map(|change| &change.cells);
    let planned = cells().filter(|cell| after.get(&cell.column) != Some(&cell.new));
    let planned = planned.map(|cell| cell.column.clone());
    let others = before.into_iter().flatten().filter(|(column, value)| {
        after.get(*column) != Some(*value) && cells().all(|cell| cell.column != **column)
    });
    planned.chain(others.map(|(column, _)| column.clone())).collect()
}

/// What the journal keeps of a change.
pub(crate) fn entry(change: &Change, before: Option<&NamedRow>, after: &NamedRow) -> Entry {
    Entry {
        seq: change.seq,
        kind: change.kind,
        table: change.table.clone(),
        key: change.key.clone(),
        before: before.cloned().unwrap_or_default(),
        after: after.clone(),
        candidate: change.candidate.0.clone(),
    }
}

/// A column does not hold what the plan says, though no trigger was to fire.
pub(crate) fn not_as_planned(change: &Change, column: &str) -> RestoreError {
    let (table, seq) = (&change.table, change.seq);
    differs(format!("{table}.{column} of change {seq} does not hold what the plan says"))
}

/// A column does not hold what the plan says, where triggers were to fire.
pub(crate) fn wrote_over(change: &Change, column: &str) -> Remark {
    let row = format!("{} {}", change.table, show_key(&change.key));
    Remark::new(row, format!("a trigger wrote over {column}"))
}

/// The rows of a table by their keys.
pub(crate) fn by_key(table: &Table) -> BTreeMap<RowKey, &Row> {
    table.rows.iter().map(|row| (table.key(row), row)).collect()
}

/// What was written is not what was planned.
pub(crate) fn differs(what: String) -> RestoreError {
    let remedy = "Nothing was lost; report this with the plan's digest";
    RestoreError::Differs { what, remedy }
}
