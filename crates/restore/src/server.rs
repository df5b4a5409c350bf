//! Databases of servers: PostgreSQL, MySQL and MariaDB behind one connection.
//!
//! Names in statements come from the catalogue and are quoted by [`Family::quote`]; values are
//! bound or copied, never written into a statement.

mod address;
mod apply;
mod check;
mod copy;
mod counters;
mod describe;
mod error;
mod guard;
mod journal;
mod keep;
mod mysql;
mod postgres;
mod rows;
mod target;
mod triggers;
mod undo;
mod waves;

use restitch_model::{Row, Secret, Snapshot, Value};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection, Executor, MySqlConnection,
    PgConnection, Row as _, TypeInfo, ValueRef,
};
use tokio::runtime::{Builder, Runtime};

pub(crate) use address::is_local;
pub use apply::{Rehearsal, ServerApply, apply_server, rehearse_server};
pub(crate) use describe::{Relation, Written};
pub use guard::{Limits, Rights, rights};
pub(crate) use journal::{name as own_table, statements as own_statements};
pub use undo::{LastApply, ServerUndo, last_apply, undo_server};
pub use waves::Waves;

use crate::RestoreError;

/// A family of servers that speak one protocol and one SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
}

impl Family {
    /// A table's or column's name as SQL.
    pub(crate) fn quote(self, name: &str) -> String {
        match self {
            Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::MySql => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// The name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL or MariaDB",
        }
    }
}

/// A value that a statement is given.
#[derive(Debug, Clone)]
pub(crate) enum Bind {
    /// One value.
    One(Value),
    /// A whole column of a batch, as PostgreSQL's `text[]`.
    Many(Vec<Option<String>>),
}

impl<T: Into<Value>> From<T> for Bind {
    fn from(value: T) -> Self {
        Self::One(value.into())
    }
}

/// An open connection. All calls block; they must not be made from inside an async task.
pub(crate) struct Server {
    runtime: Runtime,
    wire: Wire,
    database: String,
}

enum Wire {
    Postgres(Box<PgConnection>),
    MySql(Box<MySqlConnection>),
}

/// Rows as they came over the wire, to be read on whatever thread.
pub(crate) enum Raw {
    Postgres(std::vec::IntoIter<PgRow>),
    MySql(std::vec::IntoIter<MySqlRow>),
}

impl Iterator for Raw {
    type Item = Result<Row, sqlx::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Postgres(rows) => {
                let row = rows.next()?;
                Some((0..row.len()).map(|i| postgres_value(&row, i)).collect())
            }
            Self::MySql(rows) => {
                let row = rows.next()?;
                Some((0..row.len()).map(|i| mysql_value(&row, i)).collect())
            }
        }
    }
}

/// The bytes that are sent at once.
const PIECE: usize = 64 * 1024;

impl Server {
    /// Connects, and fixes what a session could have otherwise: time zone, forms of values,
    /// strictness, and how long anything may wait.
    pub(crate) fn connect(
        family: Family,
        url: &Secret,
        limits: &Limits,
    ) -> Result<Self, RestoreError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|source| {
            RestoreError::file("start a thread to reach", std::path::Path::new("a server"), source)
        })?;
        let fail = |database: &str, e: sqlx::Error| RestoreError::Server {
            doing: "connect".to_owned(),
            database: database.to_owned(),
            said: error::said(&e),
        };
        let (wire, database) = match family {
            Family::Postgres => {
                let options = address::postgres(url)?;
                let database = options.get_database().unwrap_or_default().to_owned();
                let options = options.disable_statement_logging();
                let wire = runtime.block_on(options.connect()).map_err(|e| fail(&database, e))?;
                (Wire::Postgres(Box::new(wire)), database)
            }
            Family::MySql => {
                let options = address::mysql(url)?;
                let database = options.get_database().unwrap_or_default().to_owned();
                let options = options.disable_statement_logging();
                let wire = runtime.block_on(options.connect()).map_err(|e| fail(&database, e))?;
                (Wire::MySql(Box::new(wire)), database)
            }
        };
        let mut server = Self { runtime, wire, database };
        match family {
            Family::Postgres => postgres::prepare(&mut server, limits)?,
            Family::MySql => mysql::prepare(&mut server, limits)?,
        }
        Ok(server)
    }

    /// Reads all tables in one transaction that cannot write.
    pub(crate) fn snapshot_of(family: Family, url: &Secret) -> Result<Snapshot, RestoreError> {
        let mut server = Self::connect(family, url, &Limits::default())?;
        server.begin_reading()?;
        let snapshot = server.snapshot()?;
        server.statement("end reading", "ROLLBACK")?;
        server.close()?;
        Ok(snapshot)
    }

    /// Begins a transaction that cannot write, and sees one state throughout.
    pub(crate) fn begin_reading(&mut self) -> Result<(), RestoreError> {
        match self.family() {
            Family::Postgres => {
                self.statement("begin", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            }
            Family::MySql => {
                self.statement("begin", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
                self.statement("begin", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            }
        }
    }

    /// What it is.
    pub(crate) fn family(&self) -> Family {
        match self.wire {
            Wire::Postgres(_) => Family::Postgres,
            Wire::MySql(_) => Family::MySql,
        }
    }

    /// The database's own name.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Runs a statement, or several, without values.
    pub(crate) fn statement(&mut self, doing: &str, sql: &str) -> Result<(), RestoreError> {
        self.try_statement(sql).map_err(|e| self.error(doing, &e))
    }

    /// As [`Server::statement`], with the driver's error.
    pub(crate) fn try_statement(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match &mut self.wire {
            Wire::Postgres(wire) => self.runtime.block_on(wire.execute(sql)).map(|_| ()),
            Wire::MySql(wire) => self.runtime.block_on(wire.execute(sql)).map(|_| ()),
        }
    }

    /// The rows of a query. `doing` says what for, should it fail.
    pub(crate) fn query(
        &mut self,
        doing: &str,
        sql: &str,
        binds: &[Bind],
    ) -> Result<Vec<Row>, RestoreError> {
        self.try_query(sql, binds).map_err(|e| self.error(doing, &e))
    }

    /// As [`Server::query`], with the driver's error.
    pub(crate) fn try_query(&mut self, sql: &str, binds: &[Bind]) -> Result<Vec<Row>, sqlx::Error> {
        self.fetch(sql, binds)?.collect()
    }

    /// The rows of a query as they came over the wire.
    pub(crate) fn fetch(&mut self, sql: &str, binds: &[Bind]) -> Result<Raw, sqlx::Error> {
        Ok(match &mut self.wire {
            Wire::Postgres(wire) => {
                let rows = postgres_query(sql, binds).fetch_all(&mut **wire);
                Raw::Postgres(self.runtime.block_on(rows)?.into_iter())
            }
            Wire::MySql(wire) => {
                let rows = mysql_query(sql, binds).fetch_all(&mut **wire);
                Raw::MySql(self.runtime.block_on(rows)?.into_iter())
            }
        })
    }

    /// Copies lines in the form of COPY into a table of PostgreSQL.
    pub(crate) fn copy_lines(&mut self, sql: &str, lines: &str) -> Result<u64, sqlx::Error> {
        let Wire::Postgres(wire) = &mut self.wire else { return Ok(0) };
        self.runtime.block_on(async {
            let mut copy = wire.copy_in_raw(sql).await?;
            // Messages need not end where lines do.
            for piece in lines.as_bytes().chunks(PIECE) {
                copy.send(piece).await?;
            }
            copy.finish().await
        })
    }

    /// Copies rows into a table of PostgreSQL, each as the line that `push` makes of it in the form
    /// of COPY, and gives their number. What is ready is sent on, so that the server works on it
    /// while the next lines are made.
    pub(crate) fn copy<R>(
        &mut self,
        sql: &str,
        rows: impl IntoIterator<Item = R>,
        push: impl Fn(R, &mut String),
    ) -> Result<u64, sqlx::Error> {
        let Wire::Postgres(wire) = &mut self.wire else { return Ok(0) };
        self.runtime.block_on(async {
            let mut copy = wire.copy_in_raw(sql).await?;
            let mut lines = String::with_capacity(2 * PIECE);
            for row in rows {
                push(row, &mut lines);
                if lines.len() > PIECE {
                    copy.send(lines.as_bytes()).await?;
                    lines.clear();
                }
            }
            copy.send(lines.as_bytes()).await?;
            copy.finish().await
        })
    }

    /// Carries a statement out and gives the number of rows that it changed.
    pub(crate) fn run(&mut self, sql: &str, binds: &[Bind]) -> Result<u64, sqlx::Error> {
        match &mut self.wire {
            Wire::Postgres(wire) => {
                let done = postgres_query(sql, binds).execute(&mut **wire);
                self.runtime.block_on(done).map(|done| done.rows_affected())
            }
            Wire::MySql(wire) => {
                let done = mysql_query(sql, binds).execute(&mut **wire);
                self.runtime.block_on(done).map(|done| done.rows_affected())
            }
        }
    }

    /// As [`Server::run`], with an error that says what was being done.
    pub(crate) fn execute(
        &mut self,
        doing: &str,
        sql: &str,
        binds: &[Bind],
    ) -> Result<u64, RestoreError> {
        self.run(sql, binds).map_err(|e| self.error(doing, &e))
    }

    /// What one query says in its first cell.
    pub(crate) fn ask(
        &mut self,
        doing: &str,
        sql: &str,
        binds: &[Bind],
    ) -> Result<Value, RestoreError> {
        let rows = self.query(doing, sql, binds)?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).unwrap_or(Value::Null))
    }

    /// Closes the connection. What was not committed is gone.
    pub(crate) fn close(self) -> Result<(), RestoreError> {
        let closed = match self.wire {
            Wire::Postgres(wire) => self.runtime.block_on(wire.close()),
            Wire::MySql(wire) => self.runtime.block_on(wire.close()),
        };
        closed.map_err(|e| RestoreError::Server {
            doing: "close the connection".to_owned(),
            database: self.database,
            said: error::said(&e),
        })
    }

    pub(crate) fn error(&self, doing: &str, source: &sqlx::Error) -> RestoreError {
        error::of(doing, &self.database, source)
    }
}

type PgQuery<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;
type MyQuery<'q> = sqlx::query::Query<'q, sqlx::MySql, sqlx::mysql::MySqlArguments>;

fn postgres_query<'q>(sql: &str, binds: &[Bind]) -> PgQuery<'q> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    binds.iter().fold(query, |query, bind| match bind {
        Bind::One(Value::Null) => query.bind(None::<String>),
        Bind::One(Value::Integer(n)) => query.bind(*n),
        Bind::One(Value::Real(x)) => query.bind(*x),
        Bind::One(Value::Text(text)) => query.bind(text.clone()),
        Bind::One(Value::Bytes(bytes)) => query.bind(bytes.clone()),
        Bind::Many(texts) => query.bind(&texts[..]),
    })
}

fn mysql_query<'q>(sql: &str, binds: &[Bind]) -> MyQuery<'q> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    binds.iter().fold(query, |query, bind| match bind {
        Bind::One(Value::Null) | Bind::Many(_) => query.bind(None::<String>),
        Bind::One(Value::Integer(n)) => query.bind(*n),
        Bind::One(Value::Real(x)) => query.bind(*x),
        Bind::One(Value::Text(text)) => query.bind(text.clone()),
        Bind::One(Value::Bytes(bytes)) => query.bind(bytes.clone()),
    })
}

fn postgres_value(row: &PgRow, i: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(i)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    Ok(match row.column(i).type_info().name() {
        "INT8" => Value::Integer(row.try_get_unchecked(i)?),
        "INT4" => Value::Integer(row.try_get_unchecked::<i32, _>(i)?.into()),
        "INT2" => Value::Integer(row.try_get_unchecked::<i16, _>(i)?.into()),
        "BOOL" => Value::Integer(row.try_get_unchecked::<bool, _>(i)?.into()),
        "FLOAT8" => Value::Real(row.try_get_unchecked(i)?),
        "BYTEA" => Value::Bytes(row.try_get_unchecked(i)?),
        _ => Value::Text(row.try_get_unchecked(i)?),
    })
}

/// Whole and floating numbers as such, everything else as text: bytes are asked for as
/// hexadecimal digits, since the protocol does not tell them surely from text.
fn mysql_value(row: &MySqlRow, i: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(i)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = row.column(i).type_info().name();
    Ok(match kind {
        "FLOAT" => {
            // By its own digits: 0.1 is not to become 0.10000000149011612.
            let narrow: f32 = row.try_get_unchecked(i)?;
            Value::Real(narrow.to_string().parse().unwrap_or_else(|_| f64::from(narrow)))
        }
        "DOUBLE" => Value::Real(row.try_get_unchecked(i)?),
        kind if kind.contains("INT") || kind == "BOOLEAN" || kind == "YEAR" => {
            match kind.contains("UNSIGNED") {
                false => Value::Integer(row.try_get_unchecked(i)?),
                true => {
                    let n: u64 = row.try_get_unchecked(i)?;
                    i64::try_from(n).map_or_else(|_| Value::Text(n.to_string()), Value::Integer)
                }
            }
        }
        _ => {
            let bytes: Vec<u8> = row.try_get_unchecked(i)?;
            String::from_utf8(bytes).map_or_else(|e| Value::Bytes(e.into_bytes()), Value::Text)
        }
    })
}
