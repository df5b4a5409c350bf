//! restitch's own tables in a server's database: the schema `restitch` of PostgreSQL, tables
//! named `restitch_…` elsewhere. What is applied is noted in the transaction that applies it.

use restitch_model::{Column, Instant, Row, RowKey, TableSchema, Value};
use serde::{Deserialize, Serialize};

use super::{Bind, Family, Relation, Server, Written};
use crate::journal::{Entry, Record, entry, key_text, kind_name, triggers_name};
use crate::kind::Kind;
use crate::plan::{Change, Plan};
use crate::{ProvenanceRow, RestoreError, Triggers, Undone};

const DOING: &str = "write the journal";

/// Where the columns of a row come from, as the table holds it: what they have in common once.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Told {
    /// The evidence of the row.
    evidence: Vec<String>,
    columns: Vec<ToldColumn>,
}

/// A column, the position of its evidence, the place in it, the rule, its accuracy.
type ToldColumn = (String, Option<usize>, Option<String>, String, f64);

impl Told {
    fn of(change: &Change) -> Self {
        let mut told = Self::default();
        let mut seen = Vec::new();
        for cell in &change.cells {
            let at = cell.evidence.map(|id| {
                seen.iter().position(|other| *other == id).unwrap_or_else(|| {
                    seen.push(id);
                    told.evidence.push(id.to_string());
                    seen.len() - 1
                })
            });
            let place = cell.place.as_ref().map(ToString::to_string);
            let (column, rule) = (cell.column.clone(), cell.rule.clone());
            told.columns.push((column, at, place, rule, cell.confidence));
        }
        told
    }
}

/// A written row as the journal takes it.
pub(super) struct Note<'a> {
    pub(super) change: &'a Change,
    /// The row before, where it was changed, and after, as the journal writes rows.
    pub(super) before: Option<String>,
    pub(super) after: String,
}

const APPLIED: [(&str, bool); 14] = [
    ("apply_id", false),
    ("place", true),
    ("plan_digest", false),
    ("plan_fingerprint", false),
    ("database_name", false),
    ("restitch", false),
    ("triggers", false),
    ("inserted", true),
    ("updated", true),
    ("applied_at", false),
    ("undone_at", false),
    ("removed", true),
    ("restored", true),
    ("kept", false),
];
const JOURNAL: [(&str, bool); 8] = [
    ("apply_id", false),
    ("seq", true),
    ("kind", false),
    ("table_name", false),
    ("row_key", false),
    ("row_before", false),
    ("row_after", false),
    ("candidate", false),
];
const PROVENANCE: [(&str, bool); 6] = [
    ("apply_id", false),
    ("seq", true),
    ("table_name", false),
    ("row_key", false),
    ("candidate", false),
    ("told", false),
];

/// The statements that make the tables, for a role that may not.
pub(crate) fn statements(family: Family) -> Vec<String> {
    match family {
        Family::Postgres => [
            "CREATE SCHEMA restitch",
            "CREATE TABLE restitch.applied (apply_id text PRIMARY KEY, place bigint NOT NULL, \
             plan_digest text NOT NULL, plan_fingerprint text NOT NULL, \
             database_name text NOT NULL, restitch text NOT NULL, triggers text NOT NULL, \
             inserted bigint NOT NULL, updated bigint NOT NULL, applied_at text NOT NULL, \
             undone_at text, removed bigint, restored bigint, kept text)",
            "CREATE TABLE restitch.journal (apply_id text NOT NULL, seq bigint NOT NULL, \
             kind text NOT NULL, table_name text NOT NULL, row_key text NOT NULL, \
             row_before text, row_after text NOT NULL, candidate text NOT NULL, \
             PRIMARY KEY (apply_id, seq))",
            "CREATE TABLE restitch.provenance (apply_id text NOT NULL, seq bigint NOT NULL, \
             table_name text NOT NULL, row_key text NOT NULL, candidate text NOT NULL, \
             told text NOT NULL)",
            "CREATE INDEX provenance_row ON restitch.provenance (row_key, table_name)",
        ]
        .map(str::to_owned)
        .to_vec(),
        Family::MySql => [
            "CREATE TABLE restitch_applied (apply_id VARCHAR(64) PRIMARY KEY, \
             place BIGINT NOT NULL, plan_digest VARCHAR(80) NOT NULL, \
             plan_fingerprint VARCHAR(80) NOT NULL, database_name VARCHAR(255) NOT NULL, \
             restitch VARCHAR(40) NOT NULL, triggers VARCHAR(20) NOT NULL, \
             inserted BIGINT NOT NULL, updated BIGINT NOT NULL, \
             applied_at VARCHAR(40) NOT NULL, undone_at VARCHAR(40), removed BIGINT, \
             restored BIGINT, kept LONGTEXT)",
            "CREATE TABLE restitch_journal (apply_id VARCHAR(64) NOT NULL, \
             seq BIGINT NOT NULL, kind VARCHAR(20) NOT NULL, table_name VARCHAR(255) NOT NULL, \
             row_key LONGTEXT NOT NULL, row_before LONGTEXT, row_after LONGTEXT NOT NULL, \
             candidate VARCHAR(255) NOT NULL, PRIMARY KEY (apply_id, seq))",
            "CREATE TABLE restitch_provenance (apply_id VARCHAR(64) NOT NULL, \
             seq BIGINT NOT NULL, table_name VARCHAR(255) NOT NULL, row_key LONGTEXT NOT NULL, \
             candidate VARCHAR(255) NOT NULL, told LONGTEXT NOT NULL, \
             PRIMARY KEY (apply_id, seq), KEY provenance_row (row_key(191)))",
        ]
        .map(|sql| {
            format!("{sql} ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        })
        .to_vec(),
    }
}

/// The names of the tables as SQL.
pub(crate) fn name(family: Family, table: &str) -> String {
    match family {
        Family::Postgres => format!("restitch.{table}"),
        Family::MySql => format!("restitch_{table}"),
    }
}

impl Server {
    /// Whether restitch's own tables are there.
    pub(crate) fn has_journal(&mut self) -> Result<bool, RestoreError> {
        let sql = match self.family() {
            Family::Postgres => "SELECT to_regclass('restitch.provenance') IS NOT NULL",
            Family::MySql => {
                "SELECT COUNT(*) > 0 FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'restitch_provenance'"
            }
        };
        Ok(self.ask("look for restitch's own tables", sql, &[])? == Value::Integer(1))
    }

    /// Makes the tables where they are not there.
    pub(super) fn make_journal(&mut self) -> Result<(), RestoreError> {
        if self.has_journal()? {
            return Ok(());
        }
        for sql in statements(self.family()) {
            // Without a transaction around it, a first try may have been cut off in between.
            let sql = match self.family() {
                Family::Postgres => sql,
                Family::MySql => sql.replacen("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1),
            };
            self.statement("make restitch's own tables", &sql)?;
        }
        Ok(())
    }

    /// The place of the next apply among all of this database.
    pub(super) fn next_place(&mut self) -> Result<i64, RestoreError> {
        if !self.has_journal()? {
            return Ok(1);
        }
        let table = name(self.family(), "applied");
        let last = self.ask(DOING, &format!("SELECT MAX(place) FROM {table}"), &[])?;
        Ok(last.as_integer().unwrap_or(0) + 1)
    }

    /// Notes that a plan was applied.
    pub(super) fn record(&mut self, record: &Record, plan: &Plan) -> Result<(), RestoreError> {
        let place = self.next_place()?;
        let row: Row = vec![
            record.apply_id.as_str().into(),
            place.into(),
            record.plan_digest.as_str().into(),
            plan.fingerprint().to_string().into(),
            plan.database().into(),
            env!("CARGO_PKG_VERSION").into(),
            triggers_name(record.triggers).into(),
            number(record.inserted),
            number(record.updated),
            record.applied_at.as_str().into(),
        ];
        self.insert_own("applied", &APPLIED[..row.len()], vec![row])
    }

    /// Writes rows before and after.
    pub(super) fn note(
        &mut self,
        apply_id: &str,
        notes: Vec<Note<'_>>,
    ) -> Result<(), RestoreError> {
        let row = |note: Note<'_>| {
            vec![
                apply_id.into(),
                number(note.change.seq),
                kind_name(note.change.kind).into(),
                note.change.table.as_str().into(),
                key_text(&note.change.key).into(),
                note.before.map_or(Value::Null, Value::Text),
                note.after.into(),
                note.change.candidate.0.as_str().into(),
            ]
        };
        self.insert_own("journal", &JOURNAL, notes.into_iter().map(row).collect())
    }

    /// Writes where each column of these rows comes from, a row of the table for each change.
    pub(super) fn tell(&mut self, apply_id: &str, changes: &[Change]) -> Result<(), RestoreError> {
        let row = |change: &Change| {
            vec![
                apply_id.into(),
                number(change.seq),
                change.table.as_str().into(),
                key_text(&change.key).into(),
                change.candidate.0.as_str().into(),
                serde_json::to_string(&Told::of(change)).unwrap_or_default().into(),
            ]
        };
        self.insert_own("provenance", &PROVENANCE, changes.iter().map(row).collect())
    }

    fn insert_own(
        &mut self,
        table: &str,
        columns: &[(&str, bool)],
        rows: Vec<Row>,
    ) -> Result<(), RestoreError> {
        let relation = own(self.family(), table, columns);
        let all: Vec<usize> = (0..columns.len()).collect();
        for rows in rows.chunks(self.batch(columns.len())) {
            let rows: Vec<Vec<&Value>> = rows.iter().map(|row| row.iter().collect()).collect();
            self.insert(&relation, &all, &rows).map_err(|e| self.error(DOING, &e))?;
        }
        Ok(())
    }

    /// The last apply, or the last of a plan; `None` where there is none.
    pub(super) fn latest(&mut self, plan: Option<&str>) -> Result<Option<Record>, RestoreError> {
        if !self.has_journal()? {
            return Ok(None);
        }
        let (family, mut binds) = (self.family(), Vec::<Bind>::new());
        let only = match (plan, family) {
            (None, _) => "",
            (Some(_), Family::Postgres) => "WHERE plan_digest = $1::text",
            (Some(_), Family::MySql) => "WHERE plan_digest = ?",
        };
        binds.extend(plan.map(Bind::from));
        let sql = format!(
            "SELECT apply_id, plan_digest, triggers, inserted, updated, applied_at, undone_at \
             FROM {} {only} ORDER BY place DESC LIMIT 1",
            name(family, "applied")
        );
        let rows = self.query("read what was applied", &sql, &binds)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let text = |i: usize| row[i].as_text().unwrap_or_default().to_owned();
        let number =
            |i: usize| row[i].as_integer().and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
        Ok(Some(Record {
            apply_id: text(0),
            plan_digest: text(1),
            left_fingerprint: String::new(),
            triggers: match text(2) == triggers_name(Triggers::Fire) {
                true => Triggers::Fire,
                false => Triggers::Suppress,
            },
            inserted: number(3),
            updated: number(4),
            applied_at: text(5),
            undone_at: row[6].as_text().map(str::to_owned),
        }))
    }

    /// The applies that stand, the first one first.
    pub(crate) fn standing(&mut self) -> Result<Vec<String>, RestoreError> {
        if !self.has_journal()? {
            return Ok(Vec::new());
        }
        let table = name(self.family(), "applied");
        let sql = format!("SELECT apply_id FROM {table} WHERE undone_at IS NULL ORDER BY place");
        let rows = self.query("read what was applied", &sql, &[])?;
        Ok(rows.iter().filter_map(|row| row[0].as_text().map(str::to_owned)).collect())
    }

    /// The rows of an apply, the last written first.
    pub(crate) fn entries(&mut self, apply_id: &str) -> Result<Vec<Entry>, RestoreError> {
        let place = match self.family() {
            Family::Postgres => "$1::text",
            Family::MySql => "?",
        };
        let sql = format!(
            "SELECT seq, kind, table_name, row_key, row_before, row_after, candidate \
             FROM {} WHERE apply_id = {place} ORDER BY seq DESC",
            name(self.family(), "journal")
        );
        let rows = self.query("read the journal", &sql, &[apply_id.into()])?;
        let entries: Option<Vec<Entry>> = rows.iter().map(entry).collect();
        entries.ok_or_else(|| RestoreError::Journal {
            database: self.database().to_owned(),
            problem: "a row of restitch's journal is not what restitch wrote".to_owned(),
        })
    }

    /// Notes that an apply was undone.
    pub(super) fn record_undo(&mut self, undone: &Undone, at: Instant) -> Result<(), RestoreError> {
        let p = |n: usize, kind: &str| match self.family() {
            Family::Postgres => format!("${n}::{kind}"),
            Family::MySql => "?".to_owned(),
        };
        let sql = format!(
            "UPDATE {} SET undone_at = {}, removed = {}, restored = {}, kept = {} \
             WHERE apply_id = {}",
            name(self.family(), "applied"),
            p(1, "text"),
            p(2, "int8"),
            p(3, "int8"),
            p(4, "text"),
            p(5, "text")
        );
        let binds = [
            at.to_string().into(),
            Bind::One(number(undone.removed)),
            Bind::One(number(undone.restored)),
            undone.kept.join("\n").into(),
            undone.apply_id.as_str().into(),
        ];
        self.execute(DOING, &sql, &binds).map(|_| ())
    }

    /// Where the columns of a row come from, the newest apply first.
    pub(crate) fn provenance(
        &mut self,
        table: &str,
        key: &RowKey,
    ) -> Result<Vec<ProvenanceRow>, RestoreError> {
        if !self.has_journal()? {
            return Ok(Vec::new());
        }
        let family = self.family();
        let (a, b) = match family {
            Family::Postgres => ("$1::text", "$2::text"),
            Family::MySql => ("?", "?"),
        };
        let sql = format!(
            "SELECT p.told, a.plan_digest, p.candidate, p.apply_id, a.applied_at, a.undone_at \
             FROM {} p JOIN {} a ON a.apply_id = p.apply_id \
             WHERE p.row_key = {a} AND p.table_name = {b} ORDER BY a.place DESC, p.seq",
            name(family, "provenance"),
            name(family, "applied")
        );
        let rows =
            self.query("read where a row comes from", &sql, &[key_text(key).into(), table.into()])?;
        let mut all = Vec::new();
        for row in &rows {
            let text = |i: usize| row[i].as_text().unwrap_or_default().to_owned();
            let mut told: Told = serde_json::from_str(&text(0)).unwrap_or_default();
            told.columns.sort_by(|a, b| a.0.cmp(&b.0));
            let Told { evidence, columns } = told;
            all.extend(columns.into_iter().map(|(column, at, place, rule, confidence)| {
                ProvenanceRow {
                    column,
                    evidence: at.and_then(|at| evidence.get(at).cloned()),
                    place,
                    rule,
                    confidence,
                    plan_digest: text(1),
                    candidate: text(2),
                    apply_id: text(3),
                    applied_at: text(4),
                    undone_at: row[5].as_text().map(str::to_owned),
                }
            }));
        }
        Ok(all)
    }
}

/// A table of restitch's own, as rows are inserted into it.
fn own(family: Family, table: &str, columns: &[(&str, bool)]) -> Relation {
    let column = |(name, counts): &(&str, bool)| Column {
        name: (*name).to_owned(),
        declared: if *counts { "bigint" } else { "text" }.to_owned(),
        nullable: true,
        default: None,
        generated: false,
    };
    let written = |(name, counts): &(&str, bool)| Written {
        name: (*name).to_owned(),
        kind: if *counts { Kind::Whole } else { Kind::Text },
        cast: if *counts { "bigint" } else { "text" }.to_owned(),
        read: (*name).to_owned(),
        touched: false,
    };
    Relation {
        schema: TableSchema {
            name: table.to_owned(),
            columns: columns.iter().map(column).collect(),
            primary_key: vec!["apply_id".to_owned()],
            foreign_keys: Vec::new(),
            uniques: Vec::new(),
            triggers: Vec::new(),
            next_id: None,
        },
        namespace: String::new(),
        name: name(family, table),
        columns: columns.iter().map(written).collect(),
        references: Vec::new(),
        sequence: None,
        identity: false,
        only: false,
        row_security: false,
        transactional: true,
        unstoppable: Vec::new(),
    }
}

fn number(n: u64) -> Value {
    Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}
