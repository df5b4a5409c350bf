//! A small rental in the words of three engines, and candidates for what it lost.

use std::path::Path;

use restitch_model::{
    Candidate, CandidateId, Cell, EvidenceId, Field, Instant, Place, RecordType, Snapshot, Value,
    Verdict,
};
use restitch_restore::{Approval, Plan, PlanPolicy, ServerApply, propose, snapshot};

use crate::host::{Base, Host};

pub fn noon() -> Instant {
    "2026-04-26T12:00:00Z".parse().unwrap()
}

/// Customers, bookings and payments: references, a counter, a default, a generated column.
pub fn schema(scheme: &str) -> &'static str {
    match scheme {
        "postgres" => {
            "CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
               name text NOT NULL, email varchar(80) UNIQUE);
             CREATE TABLE bookings (id serial PRIMARY KEY,
               customer_id int NOT NULL REFERENCES customers(id),
               reference varchar(20) NOT NULL UNIQUE,
               amount numeric(10,2) NOT NULL CHECK (amount >= 0),
               starts timestamptz NOT NULL, paid boolean NOT NULL DEFAULT false,
               status varchar(20) NOT NULL DEFAULT 'booked',
               twice numeric(12,2) GENERATED ALWAYS AS (amount * 2) STORED);
             INSERT INTO customers (name, email) VALUES ('Ann', 'ann@example.com'), ('Bo', NULL);
             INSERT INTO bookings (customer_id, reference, amount, starts) VALUES
               (1, 'R-1', 10, '2026-03-01 10:00+00'), (2, 'R-2', 25.5, '2026-03-02 10:00+00');"
        }
        "mysql" => {
            "CREATE TABLE customers (id int AUTO_INCREMENT PRIMARY KEY,
               name text NOT NULL, email varchar(80) UNIQUE);
             CREATE TABLE bookings (id int AUTO_INCREMENT PRIMARY KEY,
               customer_id int NOT NULL, reference varchar(20) NOT NULL UNIQUE,
               amount decimal(10,2) NOT NULL CHECK (amount >= 0),
               starts timestamp NOT NULL DEFAULT '2026-01-01 00:00:00',
               paid tinyint(1) NOT NULL DEFAULT 0, status varchar(20) NOT NULL DEFAULT 'booked',
               twice decimal(12,2) AS (amount * 2) STORED,
               FOREIGN KEY (customer_id) REFERENCES customers(id));
             SET time_zone = '+00:00';
             INSERT INTO customers (name, email) VALUES ('Ann', 'ann@example.com'), ('Bo', NULL);
             INSERT INTO bookings (customer_id, reference, amount, starts) VALUES
               (1, 'R-1', 10, '2026-03-01 10:00'), (2, 'R-2', 25.5, '2026-03-02 10:00');"
        }
        _ => {
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL,
               email TEXT UNIQUE);
             CREATE TABLE bookings (id INTEGER PRIMARY KEY,
               customer_id INTEGER NOT NULL REFERENCES customers(id),
               reference TEXT NOT NULL UNIQUE, amount TEXT NOT NULL, starts TEXT NOT NULL,
               paid INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT 'booked',
               twice TEXT GENERATED ALWAYS AS (printf('%.2f', amount * 2)) STORED);
             INSERT INTO customers (name, email) VALUES ('Ann', 'ann@example.com'), ('Bo', NULL);
             INSERT INTO bookings (customer_id, reference, amount, starts) VALUES
               (1, 'R-1', '10.00', '2026-03-01T10:00:00Z'),
               (2, 'R-2', '25.50', '2026-03-02T10:00:00Z');"
        }
    }
}

/// A database with the world in it.
pub fn world(host: &'static Host) -> Base {
    let base = host.base();
    base.run(schema(host.scheme));
    base
}

/// Runs statements on a SQLite file, which is made where there is none.
pub fn sqlite(path: &Path, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions, Connection};
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// An accepted candidate for a lost row.
pub fn lost(id: &str, table: &str, fields: &[(&str, Cell)]) -> Candidate {
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
pub fn changed(id: &str, table: &str, key: impl Into<Value>, fields: &[(&str, Cell)]) -> Candidate {
    Candidate { surviving: Some(vec![key.into()]), ..lost(id, table, fields) }
}

pub fn is(value: impl Into<Value>) -> Cell {
    Cell::Is(value.into())
}

pub fn key_of(id: &str) -> Cell {
    Cell::KeyOf(CandidateId(id.to_owned()))
}

/// A lost customer with two lost bookings, one with the id that evidence names, and a surviving
/// booking that was cancelled since.
pub fn candidates() -> Vec<Candidate> {
    vec![
        lost("cy", "customers", &[("name", is("Cy 'the' \"é\"")), ("email", is("cy@example.com"))]),
        lost(
            "b-9",
            "bookings",
            &[
                ("id", is(9)),
                ("customer_id", key_of("cy")),
                ("reference", is("R-9")),
                ("amount", is("45.00")),
                ("starts", is("2026-04-01T08:00:00Z")),
                ("paid", is(1)),
            ],
        ),
        lost(
            "b-x",
            "bookings",
            &[
                ("customer_id", is(1)),
                ("reference", is("R-10")),
                ("amount", is("0.05")),
                ("starts", is("2026-04-02T08:00:00Z")),
            ],
        ),
        changed("b-1", "bookings", 1, &[("status", is("cancelled")), ("paid", is(1))]),
    ]
}

pub fn plan(url: &str, candidates: &[Candidate]) -> Plan {
    propose(&snapshot(url).unwrap(), candidates, &[], &PlanPolicy::default())
}

pub fn typed(base: &Base) -> Approval {
    Approval::Typed(base.name.clone())
}

pub fn options() -> ServerApply {
    ServerApply::at(noon())
}

/// All rows as lines, by table, without what only an engine knows.
pub fn logical(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for table in &snapshot.tables {
        for row in &table.rows {
            let row: Vec<String> = row.iter().map(Value::to_string).collect();
            lines.push(format!("{}: {}", table.schema.name, row.join(" | ")));
        }
    }
    lines
}
