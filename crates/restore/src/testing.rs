//! Databases for tests: a schema and rows written to a file in a folder of their own, and
//! candidates in few words.

use std::path::{Path, PathBuf};

use restitch_model::{
    Answer, Candidate, CandidateId, Cell, Decision, EvidenceId, Field, Instant, Place, RecordType,
    RowKey, Snapshot, Value, Verdict,
};
use tempfile::TempDir;

use crate::sqlite::Session;
use crate::{Plan, PlanPolicy, propose};

/// A SQLite file in a folder that goes away with it.
pub(crate) struct Db {
    dir: TempDir,
}

impl Db {
    pub(crate) fn new(sql: &str) -> Self {
        let db = Self { dir: TempDir::new().unwrap() };
        db.run(sql);
        db
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("backup.sqlite")
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    /// Where the merged copy goes: another folder, as in a case.
    pub(crate) fn output(&self) -> PathBuf {
        let case = self.dir.path().join("case");
        std::fs::create_dir_all(&case).unwrap();
        case.join("restored.sqlite")
    }

    pub(crate) fn run(&self, sql: &str) {
        run(&self.path(), sql);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        crate::snapshot(&self.url()).unwrap()
    }

    pub(crate) fn plan(&self, candidates: &[Candidate]) -> Plan {
        propose(&self.snapshot(), candidates, &[], &PlanPolicy::default())
    }
}

/// Runs statements on a file, as some other program would.
pub(crate) fn run(path: &Path, sql: &str) {
    let mut session = Session::create(path).unwrap();
    session.script(sql).unwrap();
    session.close().unwrap();
}

/// The rows of a query on a file, each as a line.
pub(crate) fn lines(path: &Path, sql: &str) -> Vec<String> {
    let mut session = Session::create(path).unwrap();
    let rows = session.query("look", sql, &[]).unwrap();
    session.close().unwrap();
    let line = |row: Vec<Value>| row.iter().map(Value::to_string).collect::<Vec<_>>().join("|");
    rows.into_iter().map(line).collect()
}

/// All files below a folder with their bytes.
pub(crate) fn folder(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(folder(&path)),
            false => files.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    files.sort();
    files
}

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(crate) fn noon() -> Instant {
    at("2026-04-26T12:00:00Z")
}

/// An accepted candidate for a table.
pub(crate) fn lost(id: &str, table: &str, fields: &[(&str, Cell)]) -> Candidate {
    let field = |(column, cell): &(&str, Cell)| Field {
        column: (*column).into(),
        cell: cell.clone(),
        rule: format!("rule-{column}").into(),
        evidence: Some(EvidenceId::of(id.as_bytes())),
        place: Some(Place::whole("text")),
        words: format!("the words of {column}"),
        confidence: 0.995,
    };
    Candidate {
        id: CandidateId(id.to_owned()),
        record_type: RecordType::new("record"),
        table: table.to_owned(),
        surviving: None,
        fields: fields.iter().map(field).collect(),
        confidence: 0.999,
        verdict: Verdict::Accept,
        reasons: Vec::new(),
        tenant: None,
        first_seen: None,
        evidence: vec![EvidenceId::of(id.as_bytes())],
        conflicts: Vec::new(),
        links: Vec::new(),
        rivals: Vec::new(),
    }
}

/// An accepted candidate for changes of a surviving row.
pub(crate) fn changed(id: &str, table: &str, key: i64, fields: &[(&str, Cell)]) -> Candidate {
    Candidate { surviving: Some(RowKey::from([Value::Integer(key)])), ..lost(id, table, fields) }
}

pub(crate) fn is(value: impl Into<Value>) -> Cell {
    Cell::Is(value.into())
}

pub(crate) fn key_of(id: &str) -> Cell {
    Cell::KeyOf(CandidateId(id.to_owned()))
}

pub(crate) fn said(id: &str, answer: Answer, at_text: &str) -> Decision {
    Decision {
        candidate: CandidateId(id.to_owned()),
        answer,
        reviewer: "Ada".to_owned(),
        note: String::new(),
        at: at(at_text),
        seen: Default::default(),
    }
}

/// Customers and bookings, with what bites: a unique reference, a foreign key, a counted id,
/// a default, a trigger and a generated column.
pub(crate) const RENTAL: &str = "
    CREATE TABLE customers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        email TEXT UNIQUE,
        bookings INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE bookings (
        id INTEGER PRIMARY KEY,
        customer_id INTEGER NOT NULL REFERENCES customers(id),
        reference TEXT NOT NULL UNIQUE,
        amount INTEGER NOT NULL CHECK (amount >= 0),
        status TEXT NOT NULL DEFAULT 'booked',
        note TEXT,
        euros REAL GENERATED ALWAYS AS (amount / 100.0)
    );
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, text TEXT);
    CREATE TRIGGER mail_on_booking AFTER INSERT ON bookings BEGIN
        INSERT INTO outbox (text) VALUES ('to: ' || new.reference);
    END;
    INSERT INTO customers (id, name, email) VALUES (1, 'Ann', 'ann@example.com'), (2, 'Bo', 'bo@example.com');
    INSERT INTO bookings (id, customer_id, reference, amount) VALUES (10, 1, 'R-10', 1000), (11, 2, 'R-11', 2500);
    DELETE FROM outbox;
";

/// A lost customer with a lost booking, and a surviving booking that was cancelled since.
pub(crate) fn rental_candidates() -> Vec<Candidate> {
    vec![
        lost(
            "booking-a",
            "bookings",
            &[
                ("customer_id", key_of("customer-a")),
                ("reference", is("R-12")),
                ("amount", is(4500)),
            ],
        ),
        lost("customer-a", "customers", &[("name", is("Cy")), ("email", is("cy@example.com"))]),
        changed("booking-10", "bookings", 10, &[("status", is("cancelled"))]),
    ]
}
