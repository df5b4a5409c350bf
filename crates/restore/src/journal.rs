//! restitch's own tables in a restored database: what was applied, each row before and after,
//! and for each column where it comes from.
//!
//! There are no indexes but that of the applies. The tables are written by the million and read
//! through by whoever asks, which takes a second; an index would cost more than it finds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use restitch_model::{Instant, Row, RowKey, TableSchema, Value};
use serde_json::Value as Json;

use crate::plain::{Plain, push, push_text};
use crate::plan::Change;
use crate::sqlite::{Session, quote};
use crate::told::Ways;
use crate::{ChangeKind, Plan, RestoreError, Triggers};

const DOING: &str = "write the journal";
/// Rows of one statement.
const BATCH: usize = 100;

const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS restitch_applied (
        apply_id TEXT PRIMARY KEY,
        plan_digest TEXT NOT NULL,
        plan_fingerprint TEXT NOT NULL,
        left_fingerprint TEXT NOT NULL,
        database TEXT NOT NULL,
        restitch TEXT NOT NULL,
        triggers TEXT NOT NULL,
        inserted INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        applied_at TEXT NOT NULL,
        undone_at TEXT,
        removed INTEGER,
        restored INTEGER,
        kept TEXT
    )",
    "CREATE TABLE IF NOT EXISTS restitch_journal (
        apply_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        table_name TEXT NOT NULL,
        row_key TEXT NOT NULL,
        before TEXT,
        after TEXT NOT NULL,
        candidate TEXT NOT NULL,
        way INTEGER,
        told TEXT
    )",
    "CREATE TABLE IF NOT EXISTS restitch_provenance (
        apply_id TEXT NOT NULL,
        way INTEGER NOT NULL,
        told TEXT NOT NULL
    )",
];

const JOURNAL: [&str; 10] = [
    "apply_id",
    "seq",
    "kind",
    "table_name",
    "row_key",
    "before",
    "after",
    "candidate",
    "way",
    "told",
];
const PROVENANCE: [&str; 3] = ["apply_id", "way", "told"];

/// A row's values by column, without those that the database computes.
pub(crate) type NamedRow = BTreeMap<String, Value>;

/// The values of a row by column.
pub(crate) fn named(schema: &TableSchema, row: &Row) -> NamedRow {
    let written = schema.columns.iter().zip(row).filter(|(column, _)| !column.generated);
    written.map(|(column, value)| (column.name.clone(), value.clone())).collect()
}

/// One apply, as the database remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) apply_id: String,
    pub(crate) plan_digest: String,
    /// The tenants whose part of the plan it is; `None` where it is all of it.
    pub(crate) wave: Option<String>,
    /// How it left the database: the fingerprint of a file, the marks of a server's tables.
    pub(crate) left: String,
    pub(crate) triggers: Triggers,
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) applied_at: String,
    pub(crate) undone_at: Option<String>,
}

/// One row that was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) kind: ChangeKind,
    pub(crate) table: String,
    pub(crate) key: RowKey,
    /// The row before; empty for an inserted one.
    pub(crate) before: NamedRow,
    pub(crate) after: NamedRow,
    pub(crate) candidate: String,
}

/// A written row as the journal takes it.
pub(crate) struct Note<'a> {
    pub(crate) change: &'a Change,
    /// The row before, where it was changed, and after, as the journal writes rows.
    pub(crate) before: Option<String>,
    pub(crate) after: String,
}

/// A cell of restitch's own tables, on its way there.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    Null,
    Whole(i64),
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    pub(crate) fn count(n: u64) -> Self {
        Self::Whole(i64::try_from(n).unwrap_or(i64::MAX))
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<&Cell<'_>> for Value {
    fn from(cell: &Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Whole(n) => Self::Integer(*n),
            Cell::Text(text) => Self::Text(text.as_ref().to_owned()),
        }
    }
}

impl<'p> Note<'p> {
    /// The row of the journal, with what it tells of where its columns come from.
    pub(crate) fn row<'a>(
        self,
        apply_id: &'a str,
        ways: Option<&mut Ways<'p>>,
    ) -> [Cell<'a>; JOURNAL.len()]
    where
        'p: 'a,
    {
        let Self { change, before, after } = self;
        let (way, told) = match ways.map(|ways| ways.told(change)) {
            Some((way, told)) => (Cell::count(way), told.into()),
            None => (Cell::Null, Cell::Null),
        };
        [
            apply_id.into(),
            Cell::count(change.seq),
            kind_name(change.kind).into(),
            change.table.as_str().into(),
            key_text(&change.key).into(),
            before.map_or(Cell::Null, Cell::from),
            after.into(),
            change.candidate.0.as_str().into(),
            way,
            told,
        ]
    }
}

impl Ways<'_> {
    /// The rows of the table of ways.
    pub(crate) fn rows(self, apply_id: &str) -> Vec<[Cell<'_>; PROVENANCE.len()]> {
        let texts = (0..).zip(self.texts());
        texts.map(|(way, text)| [apply_id.into(), Cell::count(way), text.into()]).collect()
    }
}

/// Makes the tables where they are not there.
pub(crate) fn create(session: &mut Session, provenance: bool) -> Result<(), RestoreError> {
    for sql in &TABLES[..if provenance { 3 } else { 2 }] {
        session.execute("make restitch's own tables", sql, &[])?;
    }
    Ok(())
}

/// Notes that a plan was applied.
pub(crate) fn record(
    session: &mut Session,
    record: &Record,
    plan: &Plan,
) -> Result<(), RestoreError> {
    let row = [
        record.apply_id.as_str().into(),
        record.plan_digest.as_str().into(),
        plan.fingerprint().to_string().into(),
        record.left.as_str().into(),
        plan.database().into(),
        env!("CARGO_PKG_VERSION").into(),
        triggers_name(record.triggers).into(),
        Cell::count(record.inserted),
        Cell::count(record.updated),
        record.applied_at.as_str().into(),
    ];
    let columns = [
        "apply_id",
        "plan_digest",
        "plan_fingerprint",
        "left_fingerprint",
        "database",
        "restitch",
        "triggers",
        "inserted",
        "updated",
        "applied_at",
    ];
    insert_all(session, "restitch_applied", &columns, [row])
}

/// Writes the rows before and after, and where their columns come from if there are ways to tell.
pub(crate) fn write<'p>(
    session: &mut Session,
    apply_id: &str,
    notes: Vec<Note<'p>>,
    mut ways: Option<Ways<'p>>,
) -> Result<(), RestoreError> {
    let rows = notes.into_iter().map(|note| note.row(apply_id, ways.as_mut()));
    insert_all(session, "restitch_journal", &JOURNAL, rows)?;
    let rows = ways.map(|ways| ways.rows(apply_id)).unwrap_or_default();
    insert_all(session, "restitch_provenance", &PROVENANCE, rows)
}

/// The last apply that this file holds; `None` where restitch never wrote to it.
pub(crate) fn latest(session: &mut Session) -> Result<Option<Record>, RestoreError> {
    Ok(records(session)?.into_iter().next())
}

/// All applies that this file holds, the last one first.
pub(crate) fn records(session: &mut Session) -> Result<Vec<Record>, RestoreError> {
    let doing = "read what was applied";
    if !has_table(session, "restitch_applied")? {
        return Ok(Vec::new());
    }
    let rows = session.query(
        doing,
        "SELECT apply_id, plan_digest, NULL, left_fingerprint, triggers, inserted, updated, \
         applied_at, undone_at FROM restitch_applied ORDER BY rowid DESC",
        &[],
    )?;
    Ok(rows.iter().map(applied).collect())
}

/// A record from the columns apply_id, plan_digest, wave, how it left the database, triggers,
/// inserted, updated, applied_at, undone_at.
pub(crate) fn applied(row: &Row) -> Record {
    let text = |i: usize| row[i].as_text().unwrap_or_default().to_owned();
    let number = |i: usize| row[i].as_integer().and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    Record {
        apply_id: text(0),
        plan_digest: text(1),
        wave: row[2].as_text().map(str::to_owned),
        left: text(3),
        triggers: match text(4) == triggers_name(Triggers::Fire) {
            true => Triggers::Fire,
            false => Triggers::Suppress,
        },
        inserted: number(5),
        updated: number(6),
        applied_at: text(7),
        undone_at: row[8].as_text().map(str::to_owned),
    }
}

/// The rows of an apply, the last written first.
pub(crate) fn read(session: &mut Session, apply_id: &str) -> Result<Vec<Entry>, RestoreError> {
    let rows = session.query(
        "read the journal",
        "SELECT seq, kind, table_name, row_key, before, after, candidate FROM restitch_journal \
         WHERE apply_id = ? ORDER BY seq DESC",
        &[apply_id.into()],
    )?;
    entries(&rows, session.database())
}

/// Notes that an apply was undone, and how the file stands now.
pub(crate) fn record_undo(
    session: &mut Session,
    apply_id: &str,
    undone: &crate::Undone,
    fingerprint: String,
    at: Instant,
) -> Result<(), RestoreError> {
    let binds = [
        at.to_string().into(),
        (&Cell::count(undone.removed)).into(),
        (&Cell::count(undone.restored)).into(),
        undone.kept.join("\n").into(),
        fingerprint.into(),
        apply_id.into(),
    ];
    let sql = "UPDATE restitch_applied SET undone_at = ?, removed = ?, restored = ?, kept = ?, \
               left_fingerprint = ? WHERE apply_id = ?";
    session.execute(DOING, sql, &binds).map(|_| ())
}

/// Whether a table is there.
pub(crate) fn has_table(session: &mut Session, name: &str) -> Result<bool, RestoreError> {
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    Ok(!session.query("look for a table", sql, &[name.into()])?.is_empty())
}

/// A key as the tables hold it: a list of its values.
pub(crate) fn key_text(key: &RowKey) -> String {
    let mut text = String::from("[");
    for (i, value) in key.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        push(value, &mut text);
    }
    text.push(']');
    text
}

/// The statement that inserts so many rows. A constraint that the schema declares with another
/// answer to a clash, such as ON CONFLICT REPLACE, is answered with an error all the same.
pub(crate) fn insert_sql(table: &str, columns: &[&str], rows: usize) -> String {
    let names: Vec<String> = columns.iter().map(|name| quote(name)).collect();
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let rows = vec![row; rows].join(", ");
    format!("INSERT OR ABORT INTO {} ({}) VALUES {rows}", quote(table), names.join(", "))
}

fn insert_all<'c, R: AsRef<[Cell<'c>]>>(
    session: &mut Session,
    table: &str,
    columns: &[&str],
    rows: impl IntoIterator<Item = R>,
) -> Result<(), RestoreError> {
    let mut rows = rows.into_iter();
    let full = insert_sql(table, columns, BATCH);
    loop {
        let batch: Vec<R> = rows.by_ref().take(BATCH).collect();
        let n = batch.len();
        let binds: Row = batch.iter().flat_map(|row| row.as_ref()).map(Value::from).collect();
        match n {
            0 => return Ok(()),
            BATCH => session.execute(DOING, &full, &binds)?,
            _ => session.execute(DOING, &insert_sql(table, columns, n), &binds)?,
        };
    }
}

/// A row of a table as the journal holds it, without what the database computes.
pub(crate) fn row_text(schema: &TableSchema, row: &Row) -> String {
    // Grown from nothing it would be moved over and over.
    let mut text = String::with_capacity(32 * (schema.columns.len() + 1));
    text.push('{');
    for (column, value) in schema.columns.iter().zip(row).filter(|(column, _)| !column.generated) {
        if text.len() > 1 {
            text.push(',');
        }
        push_text(&column.name, &mut text);
        text.push(':');
        push(value, &mut text);
    }
    text.push('}');
    text
}

/// The entries of rows that were asked for as seq, kind, table_name, row_key, before, after,
/// candidate.
pub(crate) fn entries(rows: &[Row], database: &str) -> Result<Vec<Entry>, RestoreError> {
    let entries: Option<Vec<Entry>> = rows.iter().map(entry).collect();
    entries.ok_or_else(|| RestoreError::Journal {
        database: database.to_owned(),
        problem: "a row of restitch's journal is not what restitch wrote".to_owned(),
    })
}

fn entry(row: &Row) -> Option<Entry> {
    let json = |value: &Value| serde_json::from_str::<Json>(value.as_text()?).ok();
    let object = |value: &Value| -> Option<NamedRow> {
        let json = json(value)?;
        let each = json.as_object()?.iter();
        each.map(|(name, value)| Some((name.clone(), Value::from_plain(value)?))).collect()
    };
    let kind = match row[1].as_text()? {
        "insert" => ChangeKind::Insert,
        "update" => ChangeKind::Update,
        _ => return None,
    };
    Some(Entry {
        seq: u64::try_from(row[0].as_integer()?).ok()?,
        kind,
        table: row[2].as_text()?.to_owned(),
        key: RowKey::from_plain(&json(&row[3])?)?,
        before: if kind == ChangeKind::Update { object(&row[4])? } else { NamedRow::new() },
        after: object(&row[5])?,
        candidate: row[6].as_text()?.to_owned(),
    })
}

/// The kind of a change in the journal.
pub(crate) fn kind_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Insert => "insert",
        ChangeKind::Update => "update",
    }
}

/// What triggers did, in the record.
pub(crate) fn triggers_name(triggers: Triggers) -> &'static str {
    match triggers {
        Triggers::Suppress => "suppress",
        Triggers::Fire => "fire",
    }
}
