//! Written rows read back and held against the plan.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Remark, Row, RowKey, Value};

use super::journal::Note;
use super::target::Target;
use super::{Family, Relation, Server};
use crate::compare::{differs, not_as_planned, unlike, wrote_over};
use crate::journal::{NamedRow, named, row_text};
use crate::kind::Kind;
use crate::plan::{Change, ChangeKind};
use crate::{RestoreError, Triggers};

/// The updates of each row.
pub(super) type Touching<'a> = BTreeMap<(&'a str, &'a RowKey), Vec<&'a Change>>;

/// What written rows are held against.
pub(super) struct Expected<'a> {
    pub(super) target: &'a Target,
    /// Surviving rows as they were, by table and key.
    pub(super) before: BTreeMap<(String, RowKey), Row>,
    pub(super) touching: Touching<'a>,
    pub(super) held: bool,
    pub(super) triggers: Triggers,
}

impl Server {
    /// Reads written rows back and holds them against the plan.
    pub(super) fn check<'c>(
        &mut self,
        written: &Expected<'_>,
        relation: &Relation,
        changes: &'c [Change],
    ) -> Result<(Vec<Note<'c>>, Vec<Remark>), RestoreError> {
        let name = &relation.schema.name;
        let keys: BTreeSet<&RowKey> = changes.iter().map(|change| &change.key).collect();
        let keys: Vec<&RowKey> = keys.into_iter().collect();
        let found = self.rows_by_key(relation, &keys, false)?;
        let after: BTreeMap<RowKey, Row> =
            found.into_iter().map(|row| (relation.key_of(&row), row)).collect();
        let mut notes = Vec::new();
        let mut remarks = Vec::new();
        let mut doubted = Vec::new();
        for change in changes {
            let Some(row) = after.get(&change.key) else {
                return Err(differs(format!("a row of {name} that was written is not there")));
            };
            let old = written.before.get(&(name.clone(), change.key.clone()));
            if old.is_some() || !holds(relation, row, change) {
                let after = named(&relation.schema, row);
                let before: Option<NamedRow> = old.map(|row| named(&relation.schema, row));
                // Two candidates may change one row; what the other changes is no surprise.
                let own = vec![change];
                let touching = written.touching.get(&(name.as_str(), &change.key)).unwrap_or(&own);
                for column in unlike(touching, before.as_ref(), &after) {
                    doubted.push((change, column, after.clone()));
                }
            }
            notes.push(Note {
                change,
                before: old.map(|row| row_text(&relation.schema, row)),
                after: row_text(&relation.schema, row),
            });
        }
        for (change, column, after) in doubted {
            if self.is_same_to_the_server(relation, change, &column, &after)? {
                continue;
            }
            if written.triggers == Triggers::Suppress {
                return Err(not_as_planned(change, &column));
            }
            remarks.push(wrote_over(change, &column));
        }
        if written.held {
            self.check_references(written.target, relation, changes, &after)?;
        }
        Ok((notes, remarks))
    }

    /// Whether a value that came back in other words is what was planned: JSON with other
    /// blanks, a range in another form.
    fn is_same_to_the_server(
        &mut self,
        relation: &Relation,
        change: &Change,
        column: &str,
        after: &NamedRow,
    ) -> Result<bool, RestoreError> {
        let Some(at) = relation.schema.position(column) else { return Ok(false) };
        let cell = change.cells.iter().find(|cell| cell.column == *column);
        let (Some(cell), Some(found)) = (cell, after.get(column)) else { return Ok(false) };
        let written = &relation.columns[at];
        if written.kind != Kind::Other {
            return Ok(false);
        }
        let (Some(planned), Some(found)) = (written.text(&cell.new), written.text(found)) else {
            return Ok(false);
        };
        if self.family() == Family::MySql {
            let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
            let alike = json(&planned).is_some_and(|value| Some(value) == json(&found));
            return Ok(alike || planned.eq_ignore_ascii_case(&found));
        }
        let sql = format!("SELECT CAST($1::text AS {})::text = $2::text", written.cast);
        let same = self.ask("compare a value", &sql, &[planned.into(), found.into()])?;
        Ok(same == Value::Integer(1))
    }

    /// Where triggers were held still, PostgreSQL did not hold foreign keys against the rows
    /// either. Here it is done for them, and what they refer to is locked so that it stays.
    fn check_references(
        &mut self,
        target: &Target,
        relation: &Relation,
        changes: &[Change],
        after: &BTreeMap<RowKey, Row>,
    ) -> Result<(), RestoreError> {
        let name = &relation.schema.name;
        let referred: BTreeSet<&String> = target
            .all
            .values()
            .flat_map(|other| &other.references)
            .filter(|reference| reference.table == *name)
            .flat_map(|reference| &reference.to)
            .collect();
        for change in changes.iter().filter(|change| change.kind == ChangeKind::Update) {
            if change.cells.iter().any(|cell| referred.contains(&cell.column)) {
                let why = "other rows may refer to what it changes, and with triggers held still \
                           they would not follow";
                return Err(refusal(change, why.to_owned()));
            }
        }
        for reference in &relation.references {
            let parent = target.all.get(&reference.table);
            let positions = parent.and_then(|parent| {
                reference.to.iter().map(|name| parent.schema.position(name)).collect()
            });
            let (Some(parent), Some(to)) = (parent, positions) else {
                return Err(differs(format!(
                    "what {} refers to in {} may not be read",
                    relation.schema.name, reference.table
                )));
            };
            let to: Vec<usize> = to;
            let values = |change: &Change| -> Option<RowKey> {
                let row = after.get(&change.key)?;
                let values: RowKey = reference.columns.iter().map(|&i| row[i].clone()).collect();
                values.iter().all(|value| !value.is_null()).then_some(values)
            };
            let wanted: BTreeSet<RowKey> = changes.iter().filter_map(values).collect();
            let wanted: Vec<&RowKey> = wanted.iter().collect();
            let mut found: BTreeSet<RowKey> = BTreeSet::new();
            for wanted in wanted.chunks(self.batch(to.len())) {
                let (join, binds) = self.among(parent, &to, wanted, "t.");
                let reads: Vec<&str> =
                    to.iter().map(|&i| parent.columns[i].read.as_str()).collect();
                let sql = format!(
                    "SELECT {} FROM {} t {join} FOR KEY SHARE OF t",
                    reads.join(", "),
                    parent.source()
                );
                found.extend(self.query("look for rows referred to", &sql, &binds)?);
            }
            let missing = |change: &&Change| values(change).is_some_and(|v| !found.contains(&v));
            if let Some(change) = changes.iter().find(missing) {
                let why = format!("it refers to a row that {} does not have", reference.table);
                return Err(refusal(change, why));
            }
        }
        Ok(())
    }
}

/// Whether a written row holds all planned cells just as they were planned.
fn holds(relation: &Relation, row: &Row, change: &Change) -> bool {
    let at = |column: &str| relation.schema.position(column).map(|at| &row[at]);
    change.cells.iter().all(|cell| at(&cell.column) == Some(&cell.new))
}

/// A row that cannot stand.
pub(super) fn refusal(change: &Change, said: String) -> RestoreError {
    RestoreError::Row {
        seq: change.seq,
        candidate: change.candidate.0.clone(),
        table: change.table.clone(),
        said,
    }
}
