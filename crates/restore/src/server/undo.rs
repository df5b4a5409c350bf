//! The last apply to a server's database taken back.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Instant, Row, RowKey, Value};

use super::apply::server_of;
use super::error::{contention, is_refused_row};
use super::guard::{Limits, refuse_excess};
use super::{Relation, Server};
use crate::approve::{Approval, undo_text};
use crate::ground::show_key;
use crate::journal::{Entry, Record, named};
use crate::plan::ChangeKind;
use crate::undo::{Undone, choose, differing};
use crate::{RestoreError, Triggers};

/// How an apply is taken back, and what guards hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUndo {
    /// The name of the apply; the last one where none is named.
    pub apply_id: Option<String>,
    /// When this is, for the record.
    pub at: Instant,
    /// How long anything may wait.
    pub limits: Limits,
    /// How many different keys must have signed; with 1, a typed name will do instead.
    pub approvals: usize,
    /// The role that may be connected as though it has more rights than it needs.
    pub allowed_role: Option<String>,
}

impl ServerUndo {
    /// The usual: the last apply, one approval, no exceptions.
    pub fn at(at: Instant) -> Self {
        Self { apply_id: None, at, limits: Limits::default(), approvals: 1, allowed_role: None }
    }
}

/// An apply that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastApply {
    /// The database's name.
    pub database: String,
    /// The name of the apply.
    pub apply_id: String,
    /// Whose rows they are, where it is a part of a plan.
    pub tenants: Option<String>,
    /// Rows that it put back.
    pub inserted: u64,
    /// Rows that it changed.
    pub updated: u64,
    /// When that was.
    pub applied_at: String,
}

/// Takes an apply to a server's database back, by its journal and in one transaction, the last
/// written row first: inserted rows are taken out, changed ones put back, only where the row still
/// is what apply left. What somebody wrote since stays, with all that it refers to, and is named;
/// so does what a later apply wrote. Sequences stay where they are, and restitch's own tables
/// remain as the record. Triggers do as they did when the plan was applied. The call blocks.
///
/// Refused where no such apply stands, where it is not approved
/// ([`undo_text`](crate::undo_text) is what is signed), where the role may do more than it needs,
/// and where triggers cannot be held.
pub fn undo_server(
    target_url: &str,
    approval: &Approval,
    options: &ServerUndo,
) -> Result<Undone, RestoreError> {
    let (family, url) = server_of(target_url)?;
    let mut server = Server::connect(family, &url, &options.limits)?;
    server.keep_others_out()?;
    let database = server.database().to_owned();
    let last = server.record_to_undo(options.apply_id.as_deref())?;
    let text = || undo_text(&database, &last.apply_id);
    approval.check(text, &database, options.approvals)?;
    let entries = server.entries(&last.apply_id)?;
    let relations: Relations =
        server.describe()?.into_iter().map(|r| (r.schema.name.clone(), r)).collect();
    let all: Vec<&Relation> = relations.values().collect();
    refuse_excess(&server.rights(&all)?, options.allowed_role.as_deref())?;
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry.table.as_str()).collect();
    let tables: Vec<&Relation> = names.iter().filter_map(|name| relations.get(*name)).collect();
    server.refuse_unwritable(&tables, last.triggers)?;
    server.begin_writing()?;
    let undone = server.take_all_back(&relations, &tables, &entries, last.triggers, last.apply_id);
    let done = undone.and_then(|undone| {
        server.record_undo(&undone, options.at)?;
        server.statement("commit", "COMMIT")?;
        Ok(undone)
    });
    if done.is_err() {
        let _ = server.try_statement("ROLLBACK");
    }
    // What was committed stands, however the connection ends.
    let _ = server.close();
    done
}

/// The apply that [`undo_server`] would take back: the named one, or the last. Only reads.
///
/// Refused where there is none.
pub fn last_apply(target_url: &str, apply_id: Option<&str>) -> Result<LastApply, RestoreError> {
    let (family, url) = server_of(target_url)?;
    let mut server = Server::connect(family, &url, &Limits::default())?;
    server.begin_reading()?;
    let last = server.record_to_undo(apply_id)?;
    let database = server.database().to_owned();
    server.close()?;
    let Record { apply_id, wave, inserted, updated, applied_at, .. } = last;
    Ok(LastApply { database, apply_id, tenants: wave, inserted, updated, applied_at })
}

type Relations = BTreeMap<String, Relation>;

impl Server {
    /// The apply of this name, or the last one; it must stand.
    fn record_to_undo(&mut self, apply_id: Option<&str>) -> Result<Record, RestoreError> {
        choose(self.records()?, apply_id, self.database())
    }

    fn take_all_back(
        &mut self,
        relations: &Relations,
        tables: &[&Relation],
        entries: &[Entry],
        triggers: Triggers,
        apply_id: String,
    ) -> Result<Undone, RestoreError> {
        let mut kept: BTreeMap<u64, String> = BTreeMap::new();
        // Judged before anything is put back: what triggers change in between is no one's edit.
        for relation in tables {
            let own: Vec<&Entry> =
                entries.iter().filter(|e| e.table == relation.schema.name).collect();
            for entries in own.chunks(self.batch(8)) {
                self.judge(relation, entries, &mut kept)?;
            }
        }
        for entry in entries.iter().filter(|entry| !relations.contains_key(&entry.table)) {
            kept.insert(entry.seq, "its table is gone".to_owned());
        }
        let held = self.hold_triggers(tables, triggers)?;
        let alike = |a: &Entry, b: &Entry| {
            a.table == b.table && a.kind == b.kind && a.kind == ChangeKind::Insert
        };
        for entries in entries.chunk_by(alike) {
            let Some(relation) = relations.get(&entries[0].table) else { continue };
            for entries in entries.chunks(self.batch(8)) {
                let left: Vec<&Entry> =
                    entries.iter().filter(|entry| !kept.contains_key(&entry.seq)).collect();
                match entries[0].kind {
                    ChangeKind::Insert => self.take_out(relations, relation, left, &mut kept)?,
                    ChangeKind::Update => self.put_back(relation, &left, &mut kept)?,
                }
            }
        }
        self.release_triggers(held)?;
        let count = |kind| {
            let entries = entries.iter().filter(|e| e.kind == kind && !kept.contains_key(&e.seq));
            entries.count() as u64
        };
        let (removed, restored) = (count(ChangeKind::Insert), count(ChangeKind::Update));
        let shown = entries.iter().filter_map(|entry| {
            let why = kept.get(&entry.seq)?;
            Some(format!("{} {}: {why}", entry.table, show_key(&entry.key)))
        });
        Ok(Undone { apply_id, removed, restored, kept: shown.collect() })
    }

    /// Locks rows, and keeps those that are not what apply left.
    fn judge(
        &mut self,
        relation: &Relation,
        entries: &[&Entry],
        kept: &mut BTreeMap<u64, String>,
    ) -> Result<(), RestoreError> {
        let keys: BTreeSet<&RowKey> = entries.iter().map(|entry| &entry.key).collect();
        let keys: Vec<&RowKey> = keys.into_iter().collect();
        let found = self.rows_by_key(relation, &keys, true)?;
        let rows: BTreeMap<RowKey, Row> =
            found.into_iter().map(|row| (relation.key_of(&row), row)).collect();
        for entry in entries {
            let Some(row) = rows.get(&entry.key) else {
                kept.insert(entry.seq, "somebody removed it since".to_owned());
                continue;
            };
            let row = named(&relation.schema, row);
            let changed = differing(&entry.after, &row);
            if !changed.is_empty() {
                let why = format!("somebody changed {} since", changed.join(", "));
                kept.insert(entry.seq, why);
            }
        }
        Ok(())
    }

    /// Takes inserted rows out, but for those that others refer to.
    fn take_out(
        &mut self,
        relations: &Relations,
        relation: &Relation,
        mut left: Vec<&Entry>,
        kept: &mut BTreeMap<u64, String>,
    ) -> Result<(), RestoreError> {
        // A row that stays keeps those of the same batch that it refers to.
        loop {
            let parents = self.referred_to(relations, relation, &left)?;
            if parents.is_empty() {
                break;
            }
            left.retain(|entry| match parents.get(&entry.key) {
                Some(child) => {
                    kept.insert(entry.seq, format!("rows of {child} refer to it"));
                    false
                }
                None => true,
            });
        }
        if left.is_empty() {
            return Ok(());
        }
        let keys: Vec<&RowKey> = left.iter().map(|entry| &entry.key).collect();
        self.statement("take rows out", "SAVEPOINT restitch_batch")?;
        match self.delete(relation, &keys) {
            Ok(n) if n == keys.len() as u64 => {
                return self.statement("take rows out", "RELEASE SAVEPOINT restitch_batch");
            }
            Ok(_) => {}
            Err(error) if is_refused_row(&error) => {}
            Err(error) => return Err(self.error("take rows out", &error)),
        }
        self.statement("take rows out", "ROLLBACK TO SAVEPOINT restitch_batch")?;
        self.statement("take rows out", "RELEASE SAVEPOINT restitch_batch")?;
        if left.len() == 1 {
            kept.insert(left[0].seq, "rows written since stand against it".to_owned());
            return Ok(());
        }
        let other = left.split_off(left.len() / 2);
        self.take_out(relations, relation, left, kept)?;
        self.take_out(relations, relation, other, kept)
    }

    /// Which of these rows others refer to, with the table of the others. Looked for here, and
    /// not left to the foreign key, which may be one that removes the rows that refer, or that
    /// is not held while triggers are still.
    fn referred_to(
        &mut self,
        relations: &Relations,
        relation: &Relation,
        entries: &[&Entry],
    ) -> Result<BTreeMap<RowKey, String>, RestoreError> {
        let name = &relation.schema.name;
        let own: BTreeSet<&RowKey> = entries.iter().map(|entry| &entry.key).collect();
        let mut referred = BTreeMap::new();
        for child in relations.values() {
            for reference in child.references.iter().filter(|r| r.table == *name) {
                let values = |entry: &Entry| -> Option<RowKey> {
                    reference.to.iter().map(|column| entry.after.get(column).cloned()).collect()
                };
                let mut by_values: BTreeMap<RowKey, RowKey> = BTreeMap::new();
                for entry in entries {
                    let values = values(entry).filter(|v| !v.iter().any(Value::is_null));
                    by_values.extend(values.map(|values| (values, entry.key.clone())));
                }
                let wanted: Vec<&RowKey> = by_values.keys().collect();
                if wanted.is_empty() {
                    continue;
                }
                let (join, binds) = self.among(child, &reference.columns, &wanted, "t.");
                let source = match self.family() {
                    super::Family::Postgres => format!("{} t {join}", child.source()),
                    super::Family::MySql => format!("{} t WHERE {join}", child.source()),
                };
                let sql = format!("SELECT {} FROM {source}", child.reads());
                for row in self.query("look for rows that refer to it", &sql, &binds)? {
                    let row = child.row(row);
                    if child.schema.name == *name && own.contains(&child.key_of(&row)) {
                        continue;
                    }
                    let values: RowKey =
                        reference.columns.iter().map(|&i| row[i].clone()).collect();
                    if let Some(key) = by_values.get(&values) {
                        referred.insert(key.clone(), child.schema.name.clone());
                    }
                }
            }
        }
        Ok(referred)
    }

    /// Puts changed rows back as they were.
    fn put_back(
        &mut self,
        relation: &Relation,
        entries: &[&Entry],
        kept: &mut BTreeMap<u64, String>,
    ) -> Result<(), RestoreError> {
        for entry in entries {
            let names = differing(&entry.before, &entry.after);
            let columns: Vec<usize> =
                names.iter().filter_map(|name| relation.schema.position(name)).collect();
            if columns.is_empty() {
                continue;
            }
            let old = names.iter().filter_map(|name| entry.before.get(*name));
            let row: Vec<&Value> = entry.key.iter().chain(old).collect();
            self.statement("put a row back", "SAVEPOINT restitch_batch")?;
            let why = match self.update(relation, &columns, &[row]) {
                Ok(1) => {
                    self.statement("put a row back", "RELEASE SAVEPOINT restitch_batch")?;
                    continue;
                }
                Ok(_) => "it is not there",
                Err(error) if contention(&error).is_some() => {
                    return Err(self.error("put a row back", &error));
                }
                Err(error) if is_refused_row(&error) => "rows written since stand against it",
                Err(error) => return Err(self.error("put a row back", &error)),
            };
            self.statement("put a row back", "ROLLBACK TO SAVEPOINT restitch_batch")?;
            self.statement("put a row back", "RELEASE SAVEPOINT restitch_batch")?;
            kept.insert(entry.seq, why.to_owned());
        }
        Ok(())
    }
}
