//! restitch's own tables in a server's database: the schema `restitch` of PostgreSQL, tables
//! named `restitch_…` elsewhere. What is applied is noted in the transaction that applies it.

use std::collections::BTreeMap;

use restitch_model::{Column, Instant, Row, RowKey, TableSchema, Value};

use super::copy::push_cells;
use super::{Bind, Family, Relation, Server, Written};
use crate::journal::{Cell, Entry, Record, applied, entries, key_text, triggers_name};
use crate::kind::Kind;
use crate::plan::{Plan, TableMark};
use crate::told::{self, Ways};
use crate::{ProvenanceRow, RestoreError, Undone};

const DOING: &str = "write the journal";

/// The place of an apply among all of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(pub(super) i64);

/// The tables that a part of a plan wrote to, as it left them.
pub(super) type Left = BTreeMap<String, TableMark>;

const APPLIED: [(&str, bool); 16] = [
    ("apply_id", false),
    ("place", true),
    ("plan_digest", false),
    ("plan_fingerprint", false),
    ("database_name", false),
    ("restitch", false),
    ("wave", false),
    ("left_marks", false),
    ("triggers", false),
    ("inserted", true),
    ("updated", true),
    ("applied_at", false),
    ("undone_at", false),
    ("removed", true),
    ("restored", true),
    ("kept", false),
];
const JOURNAL: [(&str, bool); 10] = [
    ("apply_id", false),
    ("seq", true),
    ("kind", false),
    ("table_name", false),
    ("row_key", false),
    ("row_before", false),
    ("row_after", false),
    ("candidate", false),
    ("way", true),
    ("told", false),
];
const PROVENANCE: [(&str, bool); 3] = [("apply_id", false), ("way", true), ("told", false)];

/// Rows for one of restitch's own tables, in the form that the server takes.
pub(super) enum Rows {
    /// Lines for COPY.
    Lines(String),
    /// Values for INSERT.
    Values(Vec<Row>),
}

impl Rows {
    pub(super) fn of(family: Family) -> Self {
        match family {
            Family::Postgres => Self::Lines(String::new()),
            Family::MySql => Self::Values(Vec::new()),
        }
    }

    pub(super) fn push(&mut self, row: &[Cell<'_>]) {
        match self {
            Self::Lines(lines) => push_cells(row, lines),
            Self::Values(rows) => rows.push(row.iter().map(Value::from).collect()),
        }
    }
}

/// The statements that make the tables, for a role that may not.
pub(crate) fn statements(family: Family) -> Vec<String> {
    match family {
        Family::Postgres => [
            "CREATE SCHEMA restitch",
            "CREATE TABLE restitch.applied (apply_id text PRIMARY KEY, place bigint NOT NULL, \
             plan_digest text NOT NULL, plan_fingerprint text NOT NULL, \
             database_name text NOT NULL, restitch text NOT NULL, wave text, left_marks text, \
             triggers text NOT NULL, \
             inserted bigint NOT NULL, updated bigint NOT NULL, applied_at text NOT NULL, \
             undone_at text, removed bigint, restored bigint, kept text)",
            "CREATE TABLE restitch.journal (apply_id text NOT NULL, seq bigint NOT NULL, \
             kind text NOT NULL, table_name text NOT NULL, row_key text NOT NULL, \
             row_before text, row_after text NOT NULL, candidate text NOT NULL, \
             way bigint, told text)",
            "CREATE TABLE restitch.provenance (apply_id text NOT NULL, way bigint NOT NULL, \
             told text NOT NULL)",
        ]
        .map(str::to_owned)
        .to_vec(),
        Family::MySql => [
            "CREATE TABLE restitch_applied (apply_id VARCHAR(64) PRIMARY KEY, \
             place BIGINT NOT NULL, plan_digest VARCHAR(80) NOT NULL, \
             plan_fingerprint VARCHAR(80) NOT NULL, database_name VARCHAR(255) NOT NULL, \
             restitch VARCHAR(40) NOT NULL, wave LONGTEXT, left_marks LONGTEXT, \
             triggers VARCHAR(20) NOT NULL, \
             inserted BIGINT NOT NULL, updated BIGINT NOT NULL, \
             applied_at VARCHAR(40) NOT NULL, undone_at VARCHAR(40), removed BIGINT, \
             restored BIGINT, kept LONGTEXT)",
            "CREATE TABLE restitch_journal (apply_id VARCHAR(64) NOT NULL, \
             seq BIGINT NOT NULL, kind VARCHAR(20) NOT NULL, table_name VARCHAR(255) NOT NULL, \
             row_key LONGTEXT NOT NULL, row_before LONGTEXT, row_after LONGTEXT NOT NULL, \
             candidate VARCHAR(255) NOT NULL, way BIGINT, told LONGTEXT, \
             PRIMARY KEY (apply_id, seq))",
            "CREATE TABLE restitch_provenance (apply_id VARCHAR(64) NOT NULL, \
             way BIGINT NOT NULL, told LONGTEXT NOT NULL, PRIMARY KEY (apply_id, way))",
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

    /// The place of the next apply.
    pub(super) fn next_place(&mut self) -> Result<Place, RestoreError> {
        if !self.has_journal()? {
            return Ok(Place(1));
        }
        let table = name(self.family(), "applied");
        let last = self.ask(DOING, &format!("SELECT MAX(place) FROM {table}"), &[])?;
        Ok(Place(last.as_integer().unwrap_or(0) + 1))
    }

    /// Notes that a plan was applied, or a part of it, with how it left the tables where other
    /// parts follow.
    pub(super) fn record(
        &mut self,
        record: &Record,
        plan: &Plan,
        Place(place): Place,
        left: &Left,
    ) -> Result<(), RestoreError> {
        let left = match left.is_empty() {
            true => Cell::Null,
            false => serde_json::to_string(left).unwrap_or_default().into(),
        };
        let row = [
            record.apply_id.as_str().into(),
            Cell::Whole(place),
            record.plan_digest.as_str().into(),
            plan.fingerprint().to_string().into(),
            plan.database().into(),
            env!("CARGO_PKG_VERSION").into(),
            record.wave.as_deref().map_or(Cell::Null, Cell::from),
            left,
            triggers_name(record.triggers).into(),
            Cell::count(record.inserted),
            Cell::count(record.updated),
            record.applied_at.as_str().into(),
        ];
        let mut rows = Rows::of(self.family());
        rows.push(&row);
        self.insert_own("applied", &APPLIED[..row.len()], rows)
    }

    /// Writes rows before and after, with what they tell of where their columns come from.
    pub(super) fn note(&mut self, notes: Rows) -> Result<(), RestoreError> {
        self.insert_own("journal", &JOURNAL, notes)
    }

    /// Writes what the rows of an apply have in common of where their columns come from.
    pub(super) fn tell(&mut self, apply_id: &str, ways: Ways<'_>) -> Result<(), RestoreError> {
        let mut rows = Rows::of(self.family());
        ways.rows(apply_id).iter().for_each(|row| rows.push(row));
        self.insert_own("provenance", &PROVENANCE, rows)
    }

    fn insert_own(
        &mut self,
        table: &str,
        columns: &[(&str, bool)],
        rows: Rows,
    ) -> Result<(), RestoreError> {
        let rows = match rows {
            Rows::Lines(lines) => {
                let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
                let table = name(self.family(), table);
                let sql = format!("COPY {table} ({}) FROM STDIN", names.join(", "));
                let copied = self.copy_lines(&sql, &lines);
                return copied.map(|_| ()).map_err(|e| self.error(DOING, &e));
            }
            Rows::Values(rows) => rows,
        };
        let relation = own(self.family(), table, columns);
        let all: Vec<usize> = (0..columns.len()).collect();
        for rows in rows.chunks(self.batch(columns.len())) {
            let rows: Vec<Vec<&Value>> = rows.iter().map(|row| row.iter().collect()).collect();
            self.insert(&relation, &all, &rows).map_err(|e| self.error(DOING, &e))?;
        }
        Ok(())
    }

    /// The parts of a plan that stand, the first one first, each with how it left the tables.
    pub(super) fn standing_of(&mut self, plan: &str) -> Result<Vec<(Record, Left)>, RestoreError> {
        let mut all = Vec::new();
        for record in self.records()? {
            if record.plan_digest == plan && record.undone_at.is_none() {
                let left = serde_json::from_str(&record.left).unwrap_or_default();
                all.push((record, left));
            }
        }
        all.reverse();
        Ok(all)
    }

    /// All applies, the last one first.
    pub(super) fn records(&mut self) -> Result<Vec<Record>, RestoreError> {
        if !self.has_journal()? {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT apply_id, plan_digest, wave, left_marks, triggers, inserted, updated, \
             applied_at, undone_at FROM {} ORDER BY place DESC",
            name(self.family(), "applied")
        );
        let rows = self.query("read what was applied", &sql, &[])?;
        Ok(rows.iter().map(applied).collect())
    }

    /// The applies that stand, the first one first.
    pub(crate) fn standing(&mut self) -> Result<Vec<String>, RestoreError> {
        let stands = self.records()?.into_iter().filter(|record| record.undone_at.is_none());
        let mut names: Vec<String> = stands.map(|record| record.apply_id).collect();
        names.reverse();
        Ok(names)
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
        entries(&rows, self.database())
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
            Bind::One((&Cell::count(undone.removed)).into()),
            Bind::One((&Cell::count(undone.restored)).into()),
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
            "SELECT p.told, j.told, a.plan_digest, j.candidate, j.apply_id, a.applied_at, \
             a.undone_at FROM {} j JOIN {} a ON a.apply_id = j.apply_id \
             JOIN {} p ON p.apply_id = j.apply_id AND p.way = j.way \
             WHERE j.row_key = {a} AND j.table_name = {b} ORDER BY a.place DESC, j.seq",
            name(family, "journal"),
            name(family, "applied"),
            name(family, "provenance")
        );
        let rows =
            self.query("read where a row comes from", &sql, &[key_text(key).into(), table.into()])?;
        Ok(rows.iter().flat_map(told::columns).collect())
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
        ruled: false,
        transactional: true,
        unstoppable: Vec::new(),
    }
}
