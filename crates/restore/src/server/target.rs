//! What a plan is to be written to, and whether it still is what the plan was made for.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Row, RowKey, Table};

use super::journal::Left;
use super::waves::Wave;
use super::{Relation, Server};
use crate::ground::show_key;
use crate::plan::{Change, ChangeKind, Plan};
use crate::{RestoreError, summary};

/// All tables by name, and which of them are planned.
pub(super) struct Target {
    pub(super) all: BTreeMap<String, Relation>,
    names: BTreeSet<String>,
}

impl Target {
    pub(super) fn of(plan: &Plan, relations: Vec<Relation>) -> Result<Self, RestoreError> {
        let all: BTreeMap<String, Relation> =
            relations.into_iter().map(|r| (r.schema.name.clone(), r)).collect();
        let names: BTreeSet<String> =
            plan.planned_tables().into_iter().map(str::to_owned).collect();
        let usable = |name: &&String| {
            all.get(*name).is_some_and(|relation| !relation.schema.primary_key.is_empty())
        };
        if let Some(missing) = names.iter().find(|name| !usable(name)) {
            return Err(RestoreError::Refused(format!(
                "the table {missing} of the plan is not there, or may not be read; run `restitch \
                 plan` again"
            )));
        }
        Ok(Self { all, names })
    }

    /// The planned tables.
    pub(super) fn planned(&self) -> Vec<&Relation> {
        self.names.iter().filter_map(|name| self.all.get(name)).collect()
    }
}

/// Refuses where the tables that are still to be written are not as they must be, and names the
/// planned rows that others changed.
pub(super) fn refuse_stale(
    server: &mut Server,
    plan: &Plan,
    left: &[&Wave<'_>],
    target: &Target,
    then: &Left,
) -> Result<(), RestoreError> {
    let again = "run `restitch plan` again";
    if server.fingerprint_of(plan.tables())? != plan.fingerprint() {
        return Err(RestoreError::Refused(format!(
            "{} is not the database that the plan was made for; {again}",
            server.database()
        )));
    }
    let mut by_table: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for run in left.iter().flat_map(|wave| wave.changes.chunk_by(|a, b| a.table == b.table)) {
        by_table.entry(&run[0].table).or_default().extend(run);
    }
    let mut differing = Vec::new();
    for (name, changes) in by_table {
        let relation = &target.all[name];
        let rows = server.all_rows(relation)?;
        let table = Table { schema: relation.schema.clone(), rows };
        let now = summary::mark(&table);
        let Some(then) = then.get(name) else {
            differing.push(format!("{name} (new)"));
            continue;
        };
        if *then == now {
            continue;
        }
        let mut rows = changed_rows(&changes, relation, &table);
        let more = rows.len().saturating_sub(20);
        rows.truncate(20);
        if more > 0 {
            rows.push(format!("{more} more"));
        }
        if rows.is_empty() {
            rows.push(match then.rows == now.rows {
                true => "other values or columns".to_owned(),
                false => format!("{} rows then, {} now", then.rows, now.rows),
            });
        }
        differing.push(format!("{name} ({})", rows.join("; ")));
    }
    match differing.is_empty() {
        true => Ok(()),
        false => Err(RestoreError::Refused(format!(
            "the database is not as it was when the plan was made: {}; {again}",
            differing.join(", ")
        ))),
    }
}

/// The planned rows that are not as the plan has them, each with what is another.
fn changed_rows(changes: &[&Change], relation: &Relation, table: &Table) -> Vec<String> {
    let rows: BTreeMap<RowKey, &Row> =
        table.rows.iter().map(|row| (relation.key_of(row), row)).collect();
    let mut changed = Vec::new();
    for change in changes {
        let key = show_key(&change.key);
        match (rows.get(&change.key), change.kind) {
            (Some(_), ChangeKind::Insert) => changed.push(format!("row {key} is there now")),
            (None, ChangeKind::Update) => changed.push(format!("row {key} is gone")),
            (Some(row), ChangeKind::Update) => {
                let columns = others(change, relation, row);
                if !columns.is_empty() {
                    changed.push(format!("row {key} has another {}", columns.join(", ")));
                }
            }
            (None, ChangeKind::Insert) => {}
        }
    }
    changed
}

/// The columns of a change whose old value is another by now.
pub(super) fn others<'c>(change: &'c Change, relation: &Relation, row: &Row) -> Vec<&'c str> {
    let cells = change.cells.iter().filter(|cell| {
        let at = relation.schema.position(&cell.column);
        at.is_none_or(|at| Some(&row[at]) != cell.old.as_ref())
    });
    cells.map(|cell| cell.column.as_str()).collect()
}
