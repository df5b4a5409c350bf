use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{
    Candidate, CandidateId, Cell, ForeignKey, Name, Row, RowKey, Snapshot, Table, TableSchema,
    Value,
};

use crate::affinity::stored;
use crate::kind::Kind;
use crate::order::Ties;

/// What a plan stands on: the surviving rows, and over them those that are planned so far.
pub(crate) struct Ground<'a> {
    tables: BTreeMap<&'a str, Plot<'a>>,
}

/// One table of the ground.
pub(crate) struct Plot<'a> {
    pub(crate) table: &'a Table,
    /// The positions of the primary key's columns.
    pub(crate) key: Vec<usize>,
    /// The names of its columns, for those who say them of every row.
    pub(crate) names: Vec<Name>,
    surviving: BTreeMap<RowKey, &'a Row>,
    /// Surviving rows as they will stand, with the last candidate that changes them.
    changed: BTreeMap<RowKey, (Row, &'a CandidateId)>,
    /// Rows that are put back. Of a million of them no more is held than others may ask for.
    new: BTreeMap<RowKey, New<'a>>,
    /// Columns of surviving rows that a candidate changes already.
    touched: BTreeMap<(RowKey, usize), &'a CandidateId>,
    uniques: Vec<(Vec<usize>, Holders<'a>)>,
    /// The values of columns that others refer to.
    referred: BTreeMap<usize, BTreeSet<Value>>,
    /// The next id to give: above all that stand and all that evidence names. `None` where
    /// the table's key cannot be counted, or is used up.
    pub(crate) next_id: Option<i64>,
    /// Ids that evidence names and that were given to another row, with their candidate.
    pub(crate) moved_ids: BTreeMap<i64, &'a CandidateId>,
}

/// A row that is put back.
struct New<'a> {
    candidate: &'a CandidateId,
    /// What it holds in the columns that others refer to, in the order of their positions.
    referred: Vec<Value>,
}

/// Who has which unique values.
type Holders<'a> = BTreeMap<Vec<Value>, Holder<'a>>;

/// Who has a unique value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holder<'a> {
    Surviving(RowKey),
    Changed(&'a CandidateId, RowKey),
    New(&'a CandidateId),
}

impl<'a> Ground<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, candidates: &[Candidate], ties: &Ties) -> Self {
        let mut tables: BTreeMap<&str, Plot> =
            snapshot.tables.iter().map(|t| (t.schema.name.as_str(), Plot::new(t))).collect();
        for key in snapshot.tables.iter().flat_map(|t| &t.schema.foreign_keys) {
            if let Some(plot) = tables.get_mut(key.table.as_str()) {
                plot.index_referred(&key.to);
            }
        }
        named_ids(snapshot, candidates, ties, &mut |table, id| {
            if let Some(plot) = tables.get_mut(table) {
                plot.next_id = plot.next_id.and_then(|n| Some(n.max(id.checked_add(1)?)));
            }
        });
        Self { tables }
    }

    pub(crate) fn plot(&self, table: &str) -> Option<&Plot<'a>> {
        self.tables.get(table)
    }

    pub(crate) fn plot_mut(&mut self, table: &str) -> Option<&mut Plot<'a>> {
        self.tables.get_mut(table)
    }

    /// Why a row of `table` cannot refer to this value through this key, if it cannot. `own` is
    /// the row itself, which it may refer to.
    pub(crate) fn broken_reference(
        &self,
        table: &str,
        key: &ForeignKey,
        value: &Value,
        own: &[Value],
    ) -> Option<String> {
        let ForeignKey { column, table: parent, to } = key;
        let plot = self.plot(parent);
        let position = plot.and_then(|plot| plot.table.schema.position(to));
        let (Some(plot), Some(position)) = (plot, position) else {
            return Some(format!("{column} refers to {parent}.{to}, which is not there"));
        };
        let value = stored(&plot.table.schema.columns[position], value);
        let itself = parent == table && own.get(position) == Some(&value);
        if itself || plot.referred.get(&position).is_some_and(|values| values.contains(&value)) {
            return None;
        }
        Some(format!("{column} {value} points to no row of {parent}"))
    }
}

impl<'a> Plot<'a> {
    fn new(table: &'a Table) -> Self {
        let schema = &table.schema;
        let positions = |names: &[String]| -> Option<Vec<usize>> {
            names.iter().map(|name| schema.position(name)).collect()
        };
        let key = positions(&schema.primary_key).unwrap_or_default();
        let key_of = |row: &Row| -> RowKey { key.iter().map(|&i| row[i].clone()).collect() };
        let mut uniques = Vec::new();
        for unique in schema.uniques.iter().filter_map(|names| positions(names)) {
            let holders = table.rows.iter().filter_map(|row| {
                Some((unique_value(&unique, row)?, Holder::Surviving(key_of(row))))
            });
            let holders = holders.collect();
            uniques.push((unique, holders));
        }
        let surviving = table.rows.iter().map(|row| (key_of(row), row)).collect();
        let next_id = first_free_id(table, &key);
        Self {
            table,
            names: schema.columns.iter().map(|column| Name::from(&column.name)).collect(),
            surviving,
            changed: BTreeMap::new(),
            new: BTreeMap::new(),
            touched: BTreeMap::new(),
            uniques,
            referred: BTreeMap::new(),
            next_id,
            moved_ids: BTreeMap::new(),
            key,
        }
    }

    fn index_referred(&mut self, column: &str) {
        let Some(position) = self.table.schema.position(column) else { return };
        let rows = &self.table.rows;
        self.referred
            .entry(position)
            .or_insert_with(|| rows.iter().map(|row| row[position].clone()).collect());
    }

    /// A surviving row as it stands with what is planned so far.
    pub(crate) fn row(&self, key: &RowKey) -> Option<&Row> {
        let changed = self.changed.get(key).map(|(row, _)| row);
        changed.or_else(|| self.surviving.get(key).copied())
    }

    /// Whether a row stands, with what is planned so far.
    pub(crate) fn stands(&self, key: &RowKey) -> bool {
        self.surviving.contains_key(key) || self.new.contains_key(key)
    }

    /// What a row holds in a column of the key or in one that others refer to.
    pub(crate) fn value(&self, key: &RowKey, position: usize) -> Option<&Value> {
        if let Some(row) = self.row(key) {
            return row.get(position);
        }
        let (key, new) = self.new.get_key_value(key)?;
        let in_key = self.key.iter().position(|at| *at == position);
        let referred = || self.referred.keys().position(|at| *at == position);
        in_key.and_then(|n| key.get(n)).or_else(|| new.referred.get(referred()?))
    }

    /// Who has a key, as a text for people.
    pub(crate) fn holder(&self, key: &RowKey) -> Option<String> {
        if self.surviving.contains_key(key) {
            return Some(format!("the surviving row {}", show_key(key)));
        }
        self.new.get(key).map(|new| format!("{}, which is planned", new.candidate))
    }

    /// Why this row's unique values cannot stand, if they cannot. `key` is the row's own.
    pub(crate) fn clash(&self, key: &RowKey, row: &Row) -> Option<String> {
        for (unique, holders) in &self.uniques {
            let Some(values) = unique_value(unique, row) else { continue };
            let who = match holders.get(&values) {
                Some(Holder::Surviving(other)) if other != key => {
                    format!("the surviving row {}", show_key(other))
                }
                Some(Holder::Changed(candidate, other)) if other != key => {
                    format!("{candidate}, which is planned")
                }
                // A row is held against the others before it is taken in.
                Some(Holder::New(candidate)) => format!("{candidate}, which is planned"),
                _ => continue,
            };
            let columns = &self.table.schema.columns;
            let shown = unique.iter().zip(&values);
            let shown: Vec<String> =
                shown.map(|(&i, value)| format!("{} {}", columns[i].name, show(value))).collect();
            return Some(format!("{} is taken by {who}", shown.join(", ")));
        }
        None
    }

    /// The candidate that changes a column of a surviving row already.
    pub(crate) fn toucher(&self, key: &RowKey, position: usize) -> Option<&CandidateId> {
        self.touched.get(&(key.clone(), position)).copied()
    }

    /// Takes in a row that is put back.
    pub(crate) fn put_new(&mut self, key: &RowKey, row: &Row, candidate: &'a CandidateId) {
        self.hold(row, || Holder::New(candidate));
        let referred = self.referred.keys().map(|&at| row[at].clone()).collect();
        self.new.insert(key.clone(), New { candidate, referred });
    }

    /// Takes in a surviving row as it will stand, with the positions of what changed.
    pub(crate) fn put_changed(
        &mut self,
        key: &RowKey,
        row: Row,
        candidate: &'a CandidateId,
        changed: &[usize],
    ) {
        if let Some(old) = self.row(key).cloned() {
            for (unique, holders) in &mut self.uniques {
                if let Some(values) = unique_value(unique, &old) {
                    holders.remove(&values);
                }
            }
        }
        self.hold(&row, || Holder::Changed(candidate, key.clone()));
        for &position in changed {
            self.touched.insert((key.clone(), position), candidate);
        }
        self.changed.insert(key.clone(), (row, candidate));
    }

    /// Takes in the values of a row that no other may have, and those that others may refer to.
    fn hold(&mut self, row: &Row, holder: impl Fn() -> Holder<'a>) {
        for (unique, holders) in &mut self.uniques {
            if let Some(values) = unique_value(unique, row) {
                holders.insert(values, holder());
            }
        }
        for (&position, values) in &mut self.referred {
            values.insert(row[position].clone());
        }
    }
}

/// A value for people: text in quotes, so that its ends show.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

/// A key for people.
pub(crate) fn show_key(key: &[Value]) -> String {
    key.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}

/// NULL equals nothing under a unique constraint.
fn unique_value(unique: &[usize], row: &Row) -> Option<Vec<Value>> {
    let values: Vec<Value> = unique.iter().map(|&i| row[i].clone()).collect();
    values.iter().all(|value| !value.is_null()).then_some(values)
}

/// The first id above all that stand, where a table's rows are counted.
fn first_free_id(table: &Table, key: &[usize]) -> Option<i64> {
    let schema = &table.schema;
    let [position] = key else { return None };
    let column = &schema.columns[*position];
    // A key that is also a reference has its parent's id; none is ever made up for it.
    let counted = schema.next_id.is_some() || Kind::of(&column.declared).counts();
    if !counted || schema.foreign_key(&column.name).is_some() {
        return None;
    }
    let mut highest = 0;
    for row in &table.rows {
        highest = highest.max(row[*position].as_integer()?);
    }
    Some(highest.checked_add(1)?.max(schema.next_id.unwrap_or(1)))
}

/// Gives every id of a row of ours that any candidate names, whatever became of it: as its own,
/// or as the one that it refers to; with its table.
pub(crate) fn named_ids<'a>(
    snapshot: &'a Snapshot,
    candidates: &[Candidate],
    ties: &Ties,
    give: &mut dyn FnMut(&'a str, i64),
) {
    let is_key =
        |schema: &TableSchema, column: &String| schema.primary_key == std::slice::from_ref(column);
    let mut name = |schema: &'a TableSchema, position: usize, value: &Value| {
        let column = &schema.columns[position];
        let is_own = is_key(schema, &column.name);
        if !is_own && schema.foreign_key(&column.name).is_none() {
            return;
        }
        let Value::Integer(id) = stored(column, value) else { return };
        if is_own {
            give(&schema.name, id);
        }
        for key in schema.foreign_keys.iter().filter(|key| key.column == column.name) {
            let parent = snapshot.table(&key.table).map(|parent| &parent.schema);
            if parent.is_some_and(|parent| is_key(parent, &key.to)) {
                give(&key.table, id);
            }
        }
    };
    for (i, candidate) in candidates.iter().enumerate() {
        let Some(table) = snapshot.table(&candidate.table) else { continue };
        for field in &candidate.fields {
            if let (Cell::Is(value), Some(at)) = (&field.cell, table.schema.position(&field.column))
            {
                name(&table.schema, at, value);
            }
        }
        for tie in ties.get(&i).into_iter().flatten().filter(|tie| tie.typed) {
            if let Cell::Is(value) = &tie.cell {
                name(&table.schema, tie.position, value);
            }
        }
    }
}
