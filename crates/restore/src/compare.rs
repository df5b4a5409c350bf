use std::cmp::Ordering;
use std::collections::BTreeMap;

use restitch_model::{Remark, Row, RowKey, Snapshot, Table, TableSchema};

use crate::RestoreError;
use crate::ground::show_key;
use crate::journal::{Note, row_text};
use crate::plan::{Change, ChangeKind, Plan, PlannedCell};
use crate::triggers::Triggers;

/// Holds what stands against what was planned, row by row: the planned cells hold their values,
/// no row is gone, and, where triggers were to keep still, no other row changed. Gives the rows
/// for the journal in the plan's order, and what triggers did.
pub(crate) fn compare<'p>(
    plan: &'p Plan,
    before: &Snapshot,
    after: &Snapshot,
    triggers: Triggers,
) -> Result<(Vec<Note<'p>>, Vec<Remark>), RestoreError> {
    let fires = triggers == Triggers::Fire;
    let mut planned: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in plan.changes() {
        planned.entry(&change.table).or_default().push(change);
    }
    let mut notes = Vec::with_capacity(plan.changes().len());
    let mut remarks = Vec::new();
    for table in &after.tables {
        let name = table.schema.name.as_str();
        let old = before.table(name).ok_or_else(|| differs(format!("there is a table {name}")))?;
        let mut changes = planned.remove(name).unwrap_or_default();
        if table.schema.primary_key.is_empty() {
            if table.rows != old.rows && !fires {
                return Err(differs(format!("{name} has other rows")));
            }
            continue;
        }
        changes.sort_by(|a, b| (&a.key, a.seq).cmp(&(&b.key, b.seq)));
        let walk = Walk { table, key: key_of(&table.schema), fires };
        walk.compare(old, &changes, &mut notes, &mut remarks)?;
    }
    if let Some(table) = planned.keys().next() {
        return Err(differs(format!("there is no table {table}")));
    }
    notes.sort_by_key(|note| note.change.seq);
    Ok((notes, remarks))
}

/// A table as it stands, whose rows come in the order of their keys, as those before do.
struct Walk<'a> {
    table: &'a Table,
    key: Vec<usize>,
    fires: bool,
}

impl Walk<'_> {
    fn compare<'p>(
        &self,
        old: &Table,
        changes: &[&'p Change],
        notes: &mut Vec<Note<'p>>,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), RestoreError> {
        let schema = &self.table.schema;
        let name = &schema.name;
        let gone = || differs(format!("rows of {name} are gone or too many"));
        let missing = || differs(format!("a row of {name} that was inserted is not there"));
        let (mut old, mut changes) = (old.rows.iter().peekable(), changes);
        for row in &self.table.rows {
            if old.peek().is_some_and(|old| self.order(old, row) == Ordering::Less) {
                return Err(gone());
            }
            let before = old.next_if(|old| self.order(old, row) == Ordering::Equal);
            let to_row = |change: &&Change| {
                let values = self.key.iter().map(|&at| &row[at]);
                change.key.iter().cmp(values)
            };
            if changes.first().is_some_and(|change| to_row(change) == Ordering::Less) {
                return Err(missing());
            }
            let n = changes.iter().take_while(|c| to_row(c) == Ordering::Equal).count();
            let (own, rest) = changes.split_at(n);
            changes = rest;
            match (before, own) {
                (None, []) if !self.fires => return Err(gone()),
                (Some(old), []) if old != row && !self.fires => {
                    return Err(differs(format!(
                        "a row of {name} that is not in the plan changed"
                    )));
                }
                (_, []) => continue,
                _ => {}
            }
            for column in unlike(schema, own, before, row) {
                if !self.fires {
                    return Err(not_as_planned(own[0], column));
                }
                remarks.push(wrote_over(own[0], column));
            }
            for change in own {
                let is_update = change.kind == ChangeKind::Update;
                let before = before.filter(|_| is_update).map(|row| row_text(schema, row));
                notes.push(Note { change, before, after: row_text(schema, row) });
            }
        }
        match (old.next(), changes.is_empty()) {
            (Some(_), _) => Err(gone()),
            (None, false) => Err(missing()),
            (None, true) => Ok(()),
        }
    }

    fn order(&self, a: &Row, b: &Row) -> Ordering {
        self.key.iter().map(|&at| &a[at]).cmp(self.key.iter().map(|&at| &b[at]))
    }
}

/// The columns in which a row after its changes is not what the plan says: the planned cells,
/// and all else as it was, but for what the database computes.
pub(crate) fn unlike<'s>(
    schema: &'s TableSchema,
    changes: &[&Change],
    before: Option<&Row>,
    after: &Row,
) -> Vec<&'s str> {
    let mut names = Vec::new();
    let mut planned = vec![false; schema.columns.len()];
    for change in changes {
        for (at, cell) in placed(schema, &change.cells) {
            planned[at] = true;
            if after[at] != cell.new {
                names.push(schema.columns[at].name.as_str());
            }
        }
    }
    for (at, column) in schema.columns.iter().enumerate() {
        let stays = before.is_none_or(|before| before[at] == after[at]);
        if !stays && !planned[at] && !column.generated {
            names.push(&column.name);
        }
    }
    names
}

/// Cells with the positions of their columns. They mostly come in the table's order.
fn placed<'c>(
    schema: &TableSchema,
    cells: &'c [PlannedCell],
) -> impl Iterator<Item = (usize, &'c PlannedCell)> {
    let mut next = 0;
    cells.iter().filter_map(move |cell| {
        let is_it = |column: &restitch_model::Column| column.name == cell.column;
        let later = schema.columns[next..].iter().position(is_it).map(|at| next + at);
        let at = later.or_else(|| schema.position(&cell.column))?;
        next = at + 1;
        Some((at, cell))
    })
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

/// The positions of the primary key.
fn key_of(schema: &TableSchema) -> Vec<usize> {
    schema.primary_key.iter().filter_map(|name| schema.position(name)).collect()
}

/// What was written is not what was planned.
pub(crate) fn differs(what: String) -> RestoreError {
    let remedy = "Nothing was lost; report this with the plan's digest";
    RestoreError::Differs { what, remedy }
}
