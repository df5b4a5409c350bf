//! Written rows read back and held against the plan.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Remark, Row, RowKey, Value};

use super::target::Target;
use super::{Family, Relation, Server};
use crate::compare::{differs, not_as_planned, unlike, wrote_over};
use crate::journal::{Note, row_text};
use crate::kind::Kind;
use crate::plan::{Change, ChangeKind};
use crate::{RestoreError, Triggers};

/// The updates of each row.
pub(super) type Touching<'a> = BTreeMap<(&'a str, &'a RowKey), Vec<&'a Change>>;

/// What written rows are held against.
pub(super) struct Expected<'a> {
    /// Surviving rows as they were, by table and key.
    pub(super) before: BTreeMap<(String, RowKey), Row>,
    pub(super) touching: Touching<'a>,
    pub(super) held: bool,
    pub(super) triggers: Triggers,
}

/// Which rows refer to others, by table and the position of the reference: the values that they
/// refer by, each with the first change that does.
pub(super) type Referring<'p> = BTreeMap<(String, usize), BTreeMap<RowKey, &'p Change>>;

impl Server {
    /// Holds written rows, as they were given back or read, against the plan.
    pub(super) fn check<'p>(
        &mut self,
        expected: &Expected<'_>,
        relation: &Relation,
        changes: &[&'p Change],
        rows: Vec<Row>,
        referring: &mut Referring<'p>,
    ) -> Result<(Vec<Note<'p>>, Vec<Remark>), RestoreError> {
        let schema = &relation.schema;
        let name = &schema.name;
        let key = relation.key();
        let is_its = |row: &Row, change: &Change| key.iter().map(|&at| &row[at]).eq(&change.key);
        let in_order = rows.len() == changes.len()
            && rows.iter().zip(changes).all(|(row, change)| is_its(row, change));
        let by_key: BTreeMap<RowKey, usize> = match in_order {
            true => BTreeMap::new(),
            false => rows.iter().enumerate().map(|(at, row)| (relation.key_of(row), at)).collect(),
        };
        let mut notes = Vec::with_capacity(changes.len());
        let mut remarks = Vec::new();
        for (at, &change) in changes.iter().enumerate() {
            let at = if in_order { Some(at) } else { by_key.get(&change.key).copied() };
            let Some(row) = at.map(|at| &rows[at]) else {
                return Err(differs(format!("a row of {name} that was written is not there")));
            };
            let is_update = change.kind == ChangeKind::Update;
            let before = match is_update {
                true => expected.before.get(&(name.clone(), change.key.clone())),
                false => None,
            };
            // Two candidates may change one row; what the other changes is no surprise.
            let own = [change];
            let touching = match is_update {
                true => expected.touching.get(&(name.as_str(), &change.key)),
                false => None,
            };
            for column in unlike(schema, touching.map_or(&own[..], |all| &all[..]), before, row) {
                if self.is_same_to_the_server(relation, change, column, row)? {
                    continue;
                }
                if expected.triggers == Triggers::Suppress {
                    return Err(not_as_planned(change, column));
                }
                remarks.push(wrote_over(change, column));
            }
            if expected.held {
                refer(relation, row, change, referring);
            }
            notes.push(Note {
                change,
                before: before.map(|row| row_text(schema, row)),
                after: row_text(schema, row),
            });
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
        after: &Row,
    ) -> Result<bool, RestoreError> {
        let at = relation.schema.position(column);
        let cell = change.cells.iter().find(|cell| cell.column == *column);
        let (Some(at), Some(cell)) = (at, cell) else { return Ok(false) };
        let found = &after[at];
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
    pub(super) fn check_references(
        &mut self,
        target: &Target,
        changes: &[&Change],
        referring: &Referring<'_>,
    ) -> Result<(), RestoreError> {
        let all = || target.all.values().flat_map(|relation| &relation.references);
        for change in changes.iter().filter(|change| change.kind == ChangeKind::Update) {
            let mut referred = all().filter(|reference| reference.table == change.table);
            let writes = |name: &String| change.cells.iter().any(|cell| cell.column == *name);
            if referred.any(|reference| reference.to.iter().any(writes)) {
                let why = "other rows may refer to what it changes, and with triggers held still \
                           they would not follow";
                return Err(refusal(change, why.to_owned()));
            }
        }
        for ((table, at), wanted) in referring {
            let reference = &target.all[table].references[*at];
            let parent = target.all.get(&reference.table);
            let positions = parent.and_then(|parent| {
                reference.to.iter().map(|name| parent.schema.position(name)).collect()
            });
            let (Some(parent), Some(to)) = (parent, positions) else {
                return Err(differs(format!(
                    "what {table} refers to in {} may not be read",
                    reference.table
                )));
            };
            let to: Vec<usize> = to;
            let keys: Vec<&RowKey> = wanted.keys().collect();
            let mut found: BTreeSet<RowKey> = BTreeSet::new();
            for keys in keys.chunks(self.batch(to.len())) {
                let (join, binds) = self.among(parent, &to, keys, "t.");
                let reads: Vec<&str> =
                    to.iter().map(|&i| parent.columns[i].read.as_str()).collect();
                let sql = format!(
                    "SELECT {} FROM {} t {join} FOR KEY SHARE OF t",
                    reads.join(", "),
                    parent.source()
                );
                found.extend(self.query("look for rows referred to", &sql, &binds)?);
            }
            if let Some((_, change)) = wanted.iter().find(|(values, _)| !found.contains(*values)) {
                let why = format!("it refers to a row that {} does not have", reference.table);
                return Err(refusal(change, why));
            }
        }
        Ok(())
    }
}

/// Notes what a written row refers to.
fn refer<'p>(relation: &Relation, row: &Row, change: &'p Change, referring: &mut Referring<'p>) {
    for (at, reference) in relation.references.iter().enumerate() {
        let values: RowKey = reference.columns.iter().map(|&i| row[i].clone()).collect();
        if values.iter().all(|value| !value.is_null()) {
            let all = referring.entry((relation.schema.name.clone(), at)).or_default();
            all.entry(values).or_insert(change);
        }
    }
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
