//! Written rows kept: read again, held against the plan, and put into the journal. The server reads
//! the next ones and takes the journal of the last ones meanwhile: what is held against the plan is
//! so on a thread of its own.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use restitch_model::{Remark, Row, RowKey};

use super::check::{Expected, Referring};
use super::journal::Rows;
use super::target::Target;
use super::{Bind, Family, Raw, Relation, Server, error};
use crate::compare::{differs, not_as_planned, unlike, wrote_over};
use crate::journal::{Note, row_text};
use crate::kind::Kind;
use crate::plan::{Change, ChangeKind};
use crate::told::Ways;
use crate::{RestoreError, Triggers};

/// The most columns that a key is taken to have where its rows are cut into batches.
const KEY: usize = 8;

/// What written rows are held against, and what is gathered meanwhile.
pub(super) struct Keeping<'k, 'p> {
    family: Family,
    database: String,
    expected: &'k Expected<'k>,
    apply_id: &'k str,
    ways: Option<Ways<'p>>,
    referring: Referring<'p>,
}

/// What is left of that when all rows are kept.
pub(super) struct Kept<'p> {
    pub(super) ways: Option<Ways<'p>>,
    pub(super) referring: Referring<'p>,
    /// What triggers did.
    pub(super) remarks: Vec<Remark>,
}

/// A batch read again.
type Found<'b, 'p> = (&'b Relation, &'b [&'p Change], Raw);

/// A batch held against the plan.
struct Checked<'b, 'p> {
    relation: &'b Relation,
    notes: Rows,
    remarks: Vec<Remark>,
    doubts: Vec<Doubt<'p>>,
}

/// A value that came back in other words than the planned ones, such as JSON with other blanks:
/// the server must say whether it is the same.
struct Doubt<'p> {
    change: &'p Change,
    column: usize,
    planned: String,
    found: String,
}

impl Server {
    /// Reads written rows again, holds them against the plan, and writes the journal.
    pub(super) fn keep<'p>(
        &mut self,
        keeping: Keeping<'_, 'p>,
        target: &Target,
        changes: &[&'p Change],
    ) -> Result<Kept<'p>, RestoreError> {
        // Rows that were written with other columns can be read together.
        let alike = |a: &&Change, b: &&Change| a.kind == b.kind && a.table == b.table;
        let most = self.batch(KEY);
        let triggers = keeping.expected.triggers;
        std::thread::scope(|scope| {
            let (read, found) = sync_channel::<Found<'_, 'p>>(1);
            let (checked, done) = sync_channel(1);
            let checker = scope.spawn(move || keeping.check_all(&found, &checked));
            let mut remarks = Vec::new();
            let mut is_out = false;
            for batch in changes.chunk_by(alike).flat_map(|run| run.chunks(most)) {
                let relation = &target.all[&batch[0].table];
                let mut keys: Vec<&RowKey> = batch.iter().map(|change| &change.key).collect();
                if batch[0].kind == ChangeKind::Update {
                    keys.sort();
                    keys.dedup();
                }
                let rows = self.fetch_written(relation, &keys)?;
                // Where nobody receives it, what ended that is what comes next.
                let _ = read.send((relation, batch, rows));
                if is_out {
                    self.note_checked(&done, triggers, &mut remarks)?;
                }
                is_out = true;
            }
            drop(read);
            if is_out {
                self.note_checked(&done, triggers, &mut remarks)?;
            }
            let keeping = checker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok(Kept { ways: keeping.ways, referring: keeping.referring, remarks })
        })
    }

    /// Writes the next batch that was held against the plan into the journal.
    fn note_checked(
        &mut self,
        done: &Receiver<Result<Checked<'_, '_>, RestoreError>>,
        triggers: Triggers,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), RestoreError> {
        // Nothing comes from a thread that panicked; that is told when it is joined.
        let Ok(checked) = done.recv() else { return Ok(()) };
        let checked = checked?;
        remarks.extend(checked.remarks);
        for doubt in self.other_values(checked.relation, &checked.doubts)? {
            let column = checked.relation.schema.columns[doubt.column].name.as_str();
            if triggers == Triggers::Suppress {
                return Err(not_as_planned(doubt.change, column));
            }
            remarks.push(wrote_over(doubt.change, column));
        }
        self.note(checked.notes)
    }

    /// Those of the doubtful values that are others to the server: one question for each column.
    fn other_values<'d, 'p>(
        &mut self,
        relation: &Relation,
        doubts: &'d [Doubt<'p>],
    ) -> Result<Vec<&'d Doubt<'p>>, RestoreError> {
        let mut by_column: BTreeMap<usize, Vec<&Doubt<'p>>> = BTreeMap::new();
        for doubt in doubts {
            by_column.entry(doubt.column).or_default().push(doubt);
        }
        let mut others: Vec<&Doubt<'p>> = Vec::new();
        for (column, doubts) in by_column {
            let sql = format!(
                "SELECT n.at FROM unnest($1::text[], $2::text[]) WITH ORDINALITY \
                 AS n(planned, found, at) \
                 WHERE CAST(n.planned AS {})::text IS DISTINCT FROM n.found ORDER BY n.at",
                relation.columns[column].cast
            );
            let planned = doubts.iter().map(|doubt| Some(doubt.planned.clone())).collect();
            let found = doubts.iter().map(|doubt| Some(doubt.found.clone())).collect();
            let binds = [Bind::Many(planned), Bind::Many(found)];
            for row in self.query("compare values", &sql, &binds)? {
                let at = row[0].as_integer().and_then(|at| usize::try_from(at - 1).ok());
                others.extend(at.and_then(|at| doubts.get(at)));
            }
        }
        others.sort_by_key(|doubt| (doubt.change.seq, doubt.column));
        Ok(others)
    }
}

impl<'k, 'p> Keeping<'k, 'p> {
    pub(super) fn new(
        server: &Server,
        expected: &'k Expected<'k>,
        apply_id: &'k str,
        ways: Option<Ways<'p>>,
    ) -> Self {
        let (family, database) = (server.family(), server.database().to_owned());
        Self { family, database, expected, apply_id, ways, referring: Referring::new() }
    }

    /// Checks batches until there are no more, or one is not as planned.
    fn check_all<'b>(
        mut self,
        found: &Receiver<Found<'b, 'p>>,
        checked: &SyncSender<Result<Checked<'b, 'p>, RestoreError>>,
    ) -> Self {
        for (relation, changes, rows) in found {
            let result = self.check(relation, changes, rows);
            let goes_on = result.is_ok();
            if checked.send(result).is_err() || !goes_on {
                break;
            }
        }
        self
    }

    /// Holds written rows against the plan, and makes the rows of the journal.
    fn check<'b>(
        &mut self,
        relation: &'b Relation,
        changes: &[&'p Change],
        rows: Raw,
    ) -> Result<Checked<'b, 'p>, RestoreError> {
        let schema = &relation.schema;
        let name = &schema.name;
        let mut rows = ByKey { relation, key: relation.key(), rows, apart: BTreeMap::new() };
        let (mut notes, mut remarks, mut doubts) = (Rows::of(self.family), Vec::new(), Vec::new());
        for &change in changes {
            let row = rows
                .row(change)
                .map_err(|e| error::of(&format!("read rows of {name}"), &self.database, &e))?;
            let Some(row) = row else {
                return Err(differs(format!("a row of {name} that was written is not there")));
            };
            let is_update = change.kind == ChangeKind::Update;
            let before = match is_update {
                true => self.expected.before.get(&(name.clone(), change.key.clone())),
                false => None,
            };
            // Two candidates may change one row; what the other changes is no surprise.
            let own = [change];
            let touching = match is_update {
                true => self.expected.touching.get(&(name.as_str(), &change.key)),
                false => None,
            };
            for column in unlike(schema, touching.map_or(&own[..], |all| &all[..]), before, &row) {
                match self.is_same(relation, change, column, &row) {
                    Same::Yes => {}
                    Same::Asked(doubt) => doubts.push(doubt),
                    Same::No if self.expected.triggers == Triggers::Suppress => {
                        return Err(not_as_planned(change, column));
                    }
                    Same::No => remarks.push(wrote_over(change, column)),
                }
            }
            let before = before.map(|row| row_text(schema, row));
            let note = Note { change, before, after: row_text(schema, &row) };
            notes.push(&note.row(self.apply_id, self.ways.as_mut()));
            if self.expected.held {
                self.refer(relation, &row, change);
            }
        }
        Ok(Checked { relation, notes, remarks, doubts })
    }

    /// Whether a value that came back in other words is what was planned: JSON with other
    /// blanks, a range in another form.
    fn is_same(
        &self,
        relation: &Relation,
        change: &'p Change,
        column: &str,
        after: &Row,
    ) -> Same<'p> {
        let at = relation.schema.position(column);
        let cell = change.cells.iter().find(|cell| cell.column == *column);
        let (Some(at), Some(cell)) = (at, cell) else { return Same::No };
        let written = &relation.columns[at];
        if written.kind != Kind::Other {
            return Same::No;
        }
        let (Some(planned), Some(found)) = (written.text(&cell.new), written.text(&after[at]))
        else {
            return Same::No;
        };
        if self.family == Family::Postgres {
            return Same::Asked(Doubt { change, column: at, planned, found });
        }
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let alike = json(&planned).is_some_and(|value| Some(value) == json(&found));
        if alike || planned.eq_ignore_ascii_case(&found) { Same::Yes } else { Same::No }
    }

    /// Notes what a written row refers to.
    fn refer(&mut self, relation: &Relation, row: &Row, change: &'p Change) {
        for (at, reference) in relation.references.iter().enumerate() {
            let values: RowKey = reference.columns.iter().map(|&i| row[i].clone()).collect();
            if values.iter().all(|value| !value.is_null()) {
                let all = self.referring.entry((relation.schema.name.clone(), at)).or_default();
                all.entry(values).or_insert(change);
            }
        }
    }
}

/// Whether a value is what was planned.
enum Same<'p> {
    Yes,
    No,
    /// Only the server knows.
    Asked(Doubt<'p>),
}

/// The rows of a batch, which mostly come in the order in which they are asked for.
struct ByKey<'b> {
    relation: &'b Relation,
    key: Vec<usize>,
    rows: Raw,
    /// Those that came before it was their turn, and those that several changes are of.
    apart: BTreeMap<RowKey, Row>,
}

impl ByKey<'_> {
    /// The row of a change; `None` where it is not there.
    fn row(&mut self, change: &Change) -> Result<Option<Row>, sqlx::Error> {
        if let Some(row) = self.apart.get(&change.key) {
            return Ok(Some(row.clone()));
        }
        for row in self.rows.by_ref() {
            let row = self.relation.row(row?);
            let is_its = self.key.iter().map(|&at| &row[at]).eq(&change.key);
            if is_its && change.kind == ChangeKind::Insert {
                return Ok(Some(row));
            }
            self.apart.insert(self.relation.key_of(&row), row.clone());
            if is_its {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
