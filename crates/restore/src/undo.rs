use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use restitch_model::{Instant, Row, RowKey, Snapshot, Value};

use crate::RestoreError;
use crate::apply::{update_sql, where_key};
use crate::compare::by_key;
use crate::ground::show_key;
use crate::journal::{self, Entry, NamedRow, Record};
use crate::plan::ChangeKind;
use crate::sqlite::{Session, quote};
use crate::triggers::{Suppressed, Triggers};

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The apply that was undone.
    pub apply_id: String,
    /// Inserted rows taken out.
    pub removed: u64,
    /// Changes to surviving rows put back.
    pub restored: u64,
    /// Rows that were left as they are, each with why, as sentences without full stop.
    pub kept: Vec<String>,
}

/// Takes an apply of a restored copy back, the last one where none is named, by its journal and in
/// one transaction, the last written row first: inserted rows are taken out, changed ones put back,
/// only where the row still is what apply left. What somebody wrote since stays, with all that it
/// refers to, and is named. Counters of ids stay where they are, and restitch's own tables remain
/// as the record. Triggers do as they did when the plan was applied. The call blocks.
///
/// Refused where no such apply stands.
pub fn undo_embedded(
    output: &Path,
    apply_id: Option<&str>,
    at: Instant,
) -> Result<Undone, RestoreError> {
    let name = output.display();
    if !output.exists() {
        return Err(RestoreError::Refused(format!("nothing to undo: {name} is not there")));
    }
    let mut session = Session::write(output)?;
    session.execute("begin", "BEGIN IMMEDIATE", &[])?;
    let last = choose(journal::records(&mut session)?, apply_id, &name.to_string())?;
    let entries = journal::read(&mut session, &last.apply_id)?;
    let tables: BTreeSet<&str> = entries.iter().map(|entry| entry.table.as_str()).collect();
    let suppressed = match last.triggers {
        Triggers::Suppress => Some(Suppressed::take(&mut session, &tables)?),
        Triggers::Fire => None,
    };
    let now = session.snapshot()?;
    let mut undone = Undone { apply_id: last.apply_id, removed: 0, restored: 0, kept: Vec::new() };
    // Judged before anything is put back: what triggers change in between is no one's edit.
    let judged = judge(&now, &entries);
    for (entry, stands) in entries.iter().zip(judged) {
        let taken_back = match stands {
            Ok(()) => take_back(&mut session, &now, entry)?,
            Err(why) => Err(why),
        };
        match (taken_back, entry.kind) {
            (Ok(()), ChangeKind::Insert) => undone.removed += 1,
            (Ok(()), ChangeKind::Update) => undone.restored += 1,
            (Err(why), _) => {
                undone.kept.push(format!("{} {}: {why}", entry.table, show_key(&entry.key)));
            }
        }
    }
    if let Some(suppressed) = suppressed {
        suppressed.put_back(&mut session)?;
    }
    let fingerprint = session.snapshot()?.fingerprint.to_string();
    journal::record_undo(&mut session, &undone.apply_id.clone(), &undone, fingerprint, at)?;
    session.execute("commit", "COMMIT", &[])?;
    session.close()?;
    Ok(undone)
}

/// Of these applies, the last one first, the one that is to be taken back.
pub(crate) fn choose(
    records: Vec<Record>,
    apply_id: Option<&str>,
    database: &str,
) -> Result<Record, RestoreError> {
    let refuse = |why: String| Err(RestoreError::Refused(format!("nothing to undo: {why}")));
    let stands = |record: &&Record| record.undone_at.is_none();
    let standing: Vec<&str> =
        records.iter().filter(stands).map(|record| record.apply_id.as_str()).collect();
    let others = match standing[..] {
        [] => String::new(),
        _ => format!("; these stand: {}. Name one: `restitch undo NAME`", standing.join(", ")),
    };
    let mut records = records.into_iter();
    let found = match apply_id {
        None => records.next(),
        Some(apply_id) => records.find(|record| record.apply_id == apply_id),
    };
    match (found, apply_id) {
        (None, None) => refuse(format!("restitch has applied nothing to {database}")),
        (None, Some(id)) => refuse(format!("there is no apply {id} in {database}{others}")),
        (Some(Record { apply_id, applied_at, undone_at: Some(at), .. }), _) => {
            refuse(format!("{apply_id}, applied at {applied_at}, was undone at {at}{others}"))
        }
        (Some(record), _) => Ok(record),
    }
}

/// For each entry, whether its row still is what apply left; if not, why it stays.
fn judge(now: &Snapshot, entries: &[Entry]) -> Vec<Result<(), String>> {
    let mut rows: BTreeMap<&str, BTreeMap<RowKey, &Row>> = BTreeMap::new();
    for table in &now.tables {
        if !table.schema.primary_key.is_empty() {
            rows.insert(&table.schema.name, by_key(table));
        }
    }
    let judge = |entry: &Entry| {
        let table = now.table(&entry.table).ok_or("its table is gone")?;
        let row = rows.get(entry.table.as_str()).and_then(|rows| rows.get(&entry.key));
        let row = journal::named(&table.schema, row.ok_or("somebody removed it since")?);
        // By name, so that a column added since does not count.
        let changed: Vec<&str> = differing(&entry.after, &row);
        match changed.is_empty() {
            true => Ok(()),
            false => Err(format!("somebody changed {} since", changed.join(", "))),
        }
    };
    entries.iter().map(judge).collect()
}

/// The columns of `a` that `b` does not hold alike.
pub(crate) fn differing<'a>(a: &'a NamedRow, b: &NamedRow) -> Vec<&'a str> {
    a.iter().filter(|(name, value)| b.get(*name) != Some(*value)).map(|(name, _)| &**name).collect()
}

/// Takes one change back. The inner error is why the row stays.
fn take_back(
    session: &mut Session,
    now: &Snapshot,
    entry: &Entry,
) -> Result<Result<(), String>, RestoreError> {
    let Some(table) = now.table(&entry.table) else {
        return Ok(Err("its table is gone".to_owned()));
    };
    let key = &table.schema.primary_key;
    let (sql, binds) = match entry.kind {
        ChangeKind::Insert => {
            if let Some(child) = child(session, now, entry)? {
                return Ok(Err(format!("rows of {child} refer to it")));
            }
            let sql = format!("DELETE FROM {} WHERE {}", quote(&entry.table), where_key(key));
            (sql, entry.key.clone())
        }
        ChangeKind::Update => {
            let columns = differing(&entry.before, &entry.after);
            if columns.is_empty() {
                return Ok(Ok(()));
            }
            let values = columns.iter().filter_map(|name| entry.before.get(*name));
            let binds = values.chain(&entry.key).cloned().collect();
            (update_sql(&entry.table, &columns, key), binds)
        }
    };
    Ok(match session.run(&sql, &binds) {
        Ok(1) => Ok(()),
        Ok(_) => Err("it is not there".to_owned()),
        // A row written since may have its place; one refused statement changes nothing.
        Err(e) if is_constraint(&e) => Err("rows written since stand against it".to_owned()),
        Err(source) => {
            return Err(RestoreError::Database {
                doing: format!("take back change {}", entry.seq),
                database: session.database().to_owned(),
                source: Box::new(source),
            });
        }
    })
}

/// A table whose rows refer to the row of an entry. Looked for here, and not left to the
/// foreign key, which may be one that removes the rows that refer.
fn child(
    session: &mut Session,
    now: &Snapshot,
    entry: &Entry,
) -> Result<Option<String>, RestoreError> {
    for table in &now.tables {
        for key in table.schema.foreign_keys.iter().filter(|key| key.table == entry.table) {
            let Some(value) = entry.after.get(&key.to).filter(|value| !value.is_null()) else {
                continue;
            };
            let (name, column) = (&table.schema.name, quote(&key.column));
            let mut sql = format!("SELECT 1 FROM {} WHERE {column} = ?", quote(name));
            let mut binds: Vec<Value> = vec![value.clone()];
            if *name == entry.table {
                sql += &format!(" AND NOT ({})", where_key(&table.schema.primary_key));
                binds.extend(entry.key.iter().cloned());
            }
            sql += " LIMIT 1";
            if !session.query("look for rows that refer to it", &sql, &binds)?.is_empty() {
                return Ok(Some(name.clone()));
            }
        }
    }
    Ok(None)
}

fn is_constraint(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()?.parse::<i64>().ok());
    // The low byte is the kind of error: SQLITE_CONSTRAINT (sqlite.org/rescode).
    code.is_some_and(|code| code & 0xff == 19)
}

#[cfg(test)]
mod tests;
