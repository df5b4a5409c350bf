use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use restitch_model::{CandidateId, Digest, Instant, Remark, Row, Snapshot, Value};
use serde::Serialize;

use crate::RestoreError;
use crate::compare::{compare, differs};
use crate::engine::Engine;
use crate::journal::{self, Record};
use crate::plan::{Change, ChangeKind, Plan};
use crate::server::Rehearsal;
use crate::sqlite::{self, Session, quote};
use crate::summary::marks;
use crate::told::Ways;
use crate::triggers::{Suppressed, Triggers};

/// How a plan is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApplyOptions {
    /// What the triggers of the tables written to do meanwhile.
    pub triggers: Triggers,
    /// Whether to keep, in a table of restitch's own, where each column comes from.
    pub provenance: bool,
    /// When this is, for the record.
    pub at: Instant,
}

/// What was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The name of this apply, for `undo` and for the tables of restitch's own: the last one of
    /// a plan that is cut.
    pub apply_id: String,
    /// Rows put back.
    pub inserted: u64,
    /// Surviving rows changed.
    pub updated: u64,
    /// The same plan had been applied before; nothing was written.
    pub already: bool,
    /// What became of all rows of the plan.
    pub account: Account,
    /// The parts of a plan that is cut by tenant, each a transaction and an apply of its own.
    pub waves: Vec<AppliedWave>,
    /// Columns that triggers wrote over, where they were to fire.
    pub remarks: Vec<Remark>,
}

/// What became of the rows of a plan: those that were applied, held and refused are all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Rows that the plan has changes for, and rows that it holds.
    pub planned: u64,
    /// Rows that wait for a reviewer, or cannot be written.
    pub held: u64,
    /// Rows that wait because the database was found to refuse them.
    pub refused: u64,
}

impl Account {
    /// The account of a plan of which so many rows were written, by the database's own count.
    /// Tools have been seen to end well with rows missing: where rows are not accounted for, it
    /// is an error.
    pub(crate) fn of(plan: &Plan, applied: u64) -> Result<Self, RestoreError> {
        let refused = plan.held().iter().filter(|held| held.is_refused()).count() as u64;
        let held = plan.held().len() as u64 - refused;
        let planned = (plan.changes().len() + plan.held().len()) as u64;
        match applied + held + refused == planned {
            true => Ok(Self { planned, held, refused }),
            false => Err(differs(format!(
                "of {planned} rows planned, {applied} were written, {held} are held and {refused} \
                 refused, which is not all of them"
            ))),
        }
    }
}

/// A part of a plan that stands applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppliedWave {
    /// Whose rows they are; `None` where it is the whole plan.
    pub tenants: Option<String>,
    /// The name of this apply.
    pub apply_id: String,
    /// Rows put back.
    pub inserted: u64,
    /// Surviving rows changed.
    pub updated: u64,
}

impl AppliedWave {
    pub(crate) fn of(record: &Record) -> Self {
        let Record { wave, apply_id, inserted, updated, .. } = record.clone();
        Self { tenants: wave, apply_id, inserted, updated }
    }
}

/// Applies a plan to a copy of an embedded database and puts the copy at `output`, whole or
/// not at all. The database of the URL is only read. The call blocks.
///
/// Refused where the database is not as it was when the plan was made, and where `output` is
/// a file that restitch did not make or that somebody wrote to since. A plan that stands
/// applied in `output` is not applied again. The copy is a single file without a write-ahead
/// log, whatever mode the original was in.
pub fn apply_embedded(
    plan: &Plan,
    target_url: &str,
    output: &Path,
    options: &ApplyOptions,
) -> Result<Applied, RestoreError> {
    plan.verify()?;
    let target = file_of(target_url)?;
    if let (Ok(a), Ok(b)) = (fs::canonicalize(&target), fs::canonicalize(output))
        && a == b
    {
        return Err(RestoreError::Refused(format!(
            "{} is the target itself, which is never written to; name another file for the \
                 restored copy",
            output.display()
        )));
    }
    if let Some(already) = look_at_output(output, plan)? {
        return Ok(already);
    }
    let partial = partial(output);
    let applied = sqlite::copy(&target, &partial)
        .and_then(|()| write(plan, &partial, options))
        .and_then(|applied| publish(&partial, output).map(|()| applied));
    if applied.is_err() {
        // It holds customers' data and is of no use. Should it stay, the next apply removes it.
        let _ = sqlite::remove(&partial);
    }
    applied
}

fn partial(output: &Path) -> PathBuf {
    let mut name = OsString::from(output);
    name.push(".partial");
    name.into()
}

/// What already lies at `output`: nothing, a copy that may be replaced, or this very plan.
fn look_at_output(output: &Path, plan: &Plan) -> Result<Option<Applied>, RestoreError> {
    let name = output.display();
    let refuse = |why: &str| Err(RestoreError::Refused(format!("{name} {why}")));
    let strange = "is there and is no copy that restitch made; move it away, and apply again";
    if output.exists() {
        let Ok(mut session) = Session::read(output) else { return refuse(strange) };
        let Ok(Some(last)) = journal::latest(&mut session) else { return refuse(strange) };
        if last.undone_at.is_none() && last.plan_digest == plan.digest().to_string() {
            session.close()?;
            let account = Account::of(plan, last.inserted + last.updated)?;
            return Ok(Some(Applied { already: true, ..applied(last, account, Vec::new()) }));
        }
        if sqlite::has_leftovers(output) {
            session.close()?;
            // One that an undo was cut off in takes itself back; one that is open stays as it is.
            sqlite::bring_in_order(output);
            session = Session::read(output)?;
        }
        let stands = session.snapshot()?.fingerprint.to_string();
        session.close()?;
        if stands != last.left {
            return refuse(&format!(
                "was written to since restitch made it ({} of {}), and would be replaced; move it \
                 away to keep it, or take it as the target, and apply again",
                last.apply_id, last.applied_at
            ));
        }
    }
    if sqlite::has_leftovers(output) {
        return refuse(
            "is open in another program, or was not closed by it (a -wal or -journal file lies \
             beside it); close that program, and apply again",
        );
    }
    Ok(None)
}

/// Everything in one transaction on the copy.
fn write(plan: &Plan, copy: &Path, options: &ApplyOptions) -> Result<Applied, RestoreError> {
    let mut session = Session::write(copy)?;
    session.query("leave the write-ahead log", "PRAGMA journal_mode = DELETE", &[])?;
    // What makes the copy whole or nothing is how it is put in place: until then it is made safe
    // on the disk once, and one that is cut off is thrown away.
    session.query("prepare the copy", "PRAGMA journal_mode = MEMORY", &[])?;
    session.query("prepare the copy", "PRAGMA synchronous = OFF", &[])?;
    session.query("prepare the copy", "PRAGMA cache_size = -65536", &[])?;
    session.execute("begin", "BEGIN IMMEDIATE", &[])?;
    let before = session.snapshot()?;
    refuse_stale(plan, &before)?;
    journal::create(&mut session, options.provenance)?;
    let tables: BTreeSet<&str> = plan.changes().iter().map(|c| c.table.as_str()).collect();
    let suppressed = match options.triggers {
        Triggers::Suppress => Some(Suppressed::take(&mut session, &tables)?),
        Triggers::Fire => None,
    };
    write_rows(&mut session, &before, plan.changes(), None)?;
    if let Some(suppressed) = suppressed {
        suppressed.put_back(&mut session)?;
    }
    move_counters(&mut session, plan.next_ids())?;
    let after = session.snapshot()?;
    let (notes, remarks) = compare(plan, &before, &after, options.triggers)?;
    let count = |kind| notes.iter().filter(|note| note.change.kind == kind).count() as u64;
    let (inserted, updated) = (count(ChangeKind::Insert), count(ChangeKind::Update));
    let account = Account::of(plan, inserted + updated)?;
    let (digest, at) = (plan.digest().to_string(), options.at.to_string());
    let record = Record {
        apply_id: Digest::of_parts([digest.as_bytes(), at.as_bytes()]).short(),
        plan_digest: digest,
        wave: None,
        left: after.fingerprint.to_string(),
        triggers: options.triggers,
        inserted,
        updated,
        applied_at: at,
        undone_at: None,
    };
    journal::record(&mut session, &record, plan)?;
    let ways = options.provenance.then(Ways::default);
    journal::write(&mut session, &record.apply_id, notes, ways)?;
    session.execute("commit", "COMMIT", &[])?;
    session.close()?;
    Ok(applied(record, account, remarks))
}

fn applied(record: Record, account: Account, remarks: Vec<Remark>) -> Applied {
    let Record { apply_id, inserted, updated, .. } = record;
    Applied { apply_id, inserted, updated, already: false, account, waves: Vec::new(), remarks }
}

/// Carries a plan out in a copy of an embedded database, which is made in `folder`, for its owner
/// only, and removed again: what the database would refuse, by a CHECK for instance, is found row by row, before the plan
/// is shown. Whatever it refuses belongs to a reviewer. The database of the URL is only read.
pub fn rehearse_embedded(
    plan: &Plan,
    target_url: &str,
    folder: &Path,
    triggers: Triggers,
) -> Result<Rehearsal, RestoreError> {
    plan.verify()?;
    let target = file_of(target_url)?;
    let fail = |e| RestoreError::file("make a folder in", folder, e);
    // One that was cut off in the middle has left a copy of customers' data.
    let name = folder.join("rehearsal");
    match fs::remove_dir_all(&name) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(fail(e)),
        _ => {}
    }
    let mut builder = tempfile::Builder::new();
    let scratch = builder.prefix("rehearsal").rand_bytes(0).tempdir_in(folder).map_err(fail)?;
    let copy = scratch.path().join("copy.sqlite");
    sqlite::copy(&target, &copy)?;
    let refused = try_rows(plan, &copy, triggers)?;
    scratch.close().map_err(|e| RestoreError::file("remove the copy in", folder, e))?;
    let written = plan.changes().len() as u64 - refused.len() as u64;
    Ok(Rehearsal { written, refused: refused.into_iter().collect() })
}

fn try_rows(plan: &Plan, copy: &Path, triggers: Triggers) -> Result<Refusals, RestoreError> {
    let mut session = Session::write(copy)?;
    // Nothing of it is to be kept, so nothing need be safe on the disk.
    session.query("leave the write-ahead log", "PRAGMA journal_mode = MEMORY", &[])?;
    session.query("rehearse", "PRAGMA synchronous = OFF", &[])?;
    session.execute("begin", "BEGIN IMMEDIATE", &[])?;
    let before = session.snapshot()?;
    refuse_stale(plan, &before)?;
    let tables: BTreeSet<&str> = plan.changes().iter().map(|c| c.table.as_str()).collect();
    if triggers == Triggers::Suppress {
        Suppressed::take(&mut session, &tables)?;
    }
    let mut refused = Vec::new();
    write_rows(&mut session, &before, plan.changes(), Some(&mut refused))?;
    session.execute("take the rehearsal back", "ROLLBACK", &[])?;
    session.close()?;
    Ok(refused)
}

/// The file of a URL.
fn file_of(target_url: &str) -> Result<PathBuf, RestoreError> {
    let Engine::Sqlite(target) = Engine::of(target_url)? else {
        return Err(RestoreError::Refused(
            "the target is a server, which is written where it is, and only with an approval of \
             the plan"
                .to_owned(),
        ));
    };
    Ok(target)
}

fn refuse_stale(plan: &Plan, now: &Snapshot) -> Result<(), RestoreError> {
    if now.fingerprint == plan.fingerprint() {
        return Ok(());
    }
    let (then, now) = (plan.tables(), marks(now));
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let differing = names.into_iter().filter_map(|name| match (then.get(name), now.get(name)) {
        (Some(a), Some(b)) if a == b => None,
        (Some(a), Some(b)) if a.rows != b.rows => {
            Some(format!("{name} ({} rows then, {} now)", a.rows, b.rows))
        }
        (Some(_), Some(_)) => Some(format!("{name} (other values or columns)")),
        (Some(_), None) => Some(format!("{name} (gone)")),
        (None, _) => Some(format!("{name} (new)")),
    });
    let differing: Vec<String> = differing.collect();
    Err(RestoreError::Refused(format!(
        "the database is not as it was when the plan was made: {}; run `restitch plan` again",
        differing.join(", ")
    )))
}

/// Rows of one statement.
const BATCH: usize = 100;
/// SQLite's limit on bound values of a statement is 32766.
const BINDS: usize = 30_000;

/// Refused rows: the candidate, and what the database said.
type Refusals = Vec<(CandidateId, String)>;

/// Writes the rows. One that the database refuses ends it, or is collected where `refused` is
/// given.
fn write_rows(
    session: &mut Session,
    before: &Snapshot,
    changes: &[Change],
    mut refused: Option<&mut Refusals>,
) -> Result<(), RestoreError> {
    let mut rest = changes;
    while let Some(first) = rest.first() {
        if first.kind == ChangeKind::Update {
            let done = update(session, before, first)?;
            keep_or_end(first, done, refused.as_deref_mut())?;
            rest = &rest[1..];
            continue;
        }
        let alike = |change: &&Change| {
            change.kind == ChangeKind::Insert
                && change.table == first.table
                && change.cells.iter().map(|c| &c.column).eq(first.cells.iter().map(|c| &c.column))
        };
        let most = BATCH.min(BINDS / first.cells.len().max(1)).max(1);
        let n = rest.iter().take(most).take_while(alike).count();
        let (batch, later) = rest.split_at(n);
        rest = later;
        // A refused statement has written nothing; row by row, the one at fault is found.
        if insert(session, batch).is_err() {
            for change in batch {
                let done = insert(session, std::slice::from_ref(change));
                keep_or_end(change, done, refused.as_deref_mut())?;
            }
        }
    }
    Ok(())
}

fn insert(session: &mut Session, changes: &[Change]) -> Result<u64, sqlx::Error> {
    let columns: Vec<&str> = changes[0].cells.iter().map(|c| c.column.as_str()).collect();
    let sql = journal::insert_sql(&changes[0].table, &columns, changes.len());
    let binds: Row = changes.iter().flat_map(|c| &c.cells).map(|c| c.new.clone()).collect();
    session.run(&sql, &binds)
}

/// A row that the database refuses is collected where there is a place to collect it; what has
/// nothing to do with the row, such as a full disk, ends it in any case.
fn keep_or_end(
    change: &Change,
    done: Result<u64, sqlx::Error>,
    refused: Option<&mut Refusals>,
) -> Result<(), RestoreError> {
    match (done, refused) {
        (Ok(_), _) => Ok(()),
        (Err(error), Some(refused)) if is_about_the_row(&error) => {
            let said = error.as_database_error().map(|e| e.message().to_owned());
            refused.push((change.candidate.clone(), said.unwrap_or_default()));
            Ok(())
        }
        (Err(error), _) => Err(at_row(change, error)),
    }
}

/// Whether SQLite refused a row for what is in it: SQLITE_TOOBIG, SQLITE_CONSTRAINT or
/// SQLITE_MISMATCH, the lowest byte of its result codes (sqlite.org/rescode.html).
fn is_about_the_row(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok());
    code.is_some_and(|code| (18..=20).contains(&(code & 0xff)))
}

fn update(
    session: &mut Session,
    before: &Snapshot,
    change: &Change,
) -> Result<Result<u64, sqlx::Error>, RestoreError> {
    let table = before.table(&change.table);
    let key = table.map(|table| &table.schema.primary_key[..]).unwrap_or_default();
    let columns: Vec<&str> = change.cells.iter().map(|c| c.column.as_str()).collect();
    let binds: Row = change.cells.iter().map(|c| &c.new).chain(&change.key).cloned().collect();
    let sql = update_sql(&change.table, &columns, key);
    match session.run(&sql, &binds) {
        Ok(n) if n != 1 => {
            Err(differs(format!("change {} met {n} rows instead of one", change.seq)))
        }
        done => Ok(done),
    }
}

/// The statement that changes one row.
pub(crate) fn update_sql(table: &str, columns: &[&str], key: &[String]) -> String {
    let set: Vec<String> = columns.iter().map(|name| format!("{} = ?", quote(name))).collect();
    format!("UPDATE OR ABORT {} SET {} WHERE {}", quote(table), set.join(", "), where_key(key))
}

/// The condition that names one row.
pub(crate) fn where_key(key: &[String]) -> String {
    let key: Vec<String> = key.iter().map(|name| format!("{} = ?", quote(name))).collect();
    key.join(" AND ")
}

/// Moves counters past every id that evidence names; never back.
fn move_counters(
    session: &mut Session,
    next_ids: &BTreeMap<String, i64>,
) -> Result<(), RestoreError> {
    let doing = "move a counter on";
    if !journal::has_table(session, "sqlite_sequence")? {
        return Ok(());
    }
    for (table, next) in next_ids {
        // Other tables count from their highest row, and have no counter to move.
        let counted = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? \
                       AND sql LIKE '%AUTOINCREMENT%'";
        if session.query(doing, counted, &[table.as_str().into()])?.is_empty() {
            continue;
        }
        let (name, last): (Value, Value) = (table.as_str().into(), (next - 1).into());
        let sql = "UPDATE sqlite_sequence SET seq = ?1 WHERE name = ?2 AND seq < ?1";
        session.execute(doing, sql, &[last.clone(), name.clone()])?;
        let sql = "INSERT INTO sqlite_sequence (name, seq) SELECT ?2, ?1 \
                   WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?2)";
        session.execute(doing, sql, &[last, name])?;
    }
    Ok(())
}

fn at_row(change: &Change, source: sqlx::Error) -> RestoreError {
    RestoreError::Row {
        seq: change.seq,
        candidate: change.candidate.0.clone(),
        table: change.table.clone(),
        said: source.to_string(),
    }
}

/// Puts the finished copy in place, so that after a power cut it is there whole or not at all.
fn publish(partial: &Path, output: &Path) -> Result<(), RestoreError> {
    let synced = File::open(partial).and_then(|file| file.sync_all());
    synced.map_err(|e| RestoreError::file("write", partial, e))?;
    fs::rename(partial, output).map_err(|e| RestoreError::file("put in place", output, e))?;
    // Not every file system can sync a folder; the copy is in place whether or not it can.
    if let Some(folder) = output.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
