//! SQLite files: how they are opened, read and copied.
//!
//! A file that lies alone is opened as immutable, so that SQLite makes no `-wal`, `-shm` or
//! `-journal` beside it. Where a `-wal` or `-journal` was left, which holds a part of the truth
//! or undoes a part of the file, the files are copied to a private folder first, and SQLite
//! brings the copy in order.

mod schema;

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use restitch_model::{Row, Snapshot, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection, Row as _, SqliteConnection, TypeInfo,
    ValueRef,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::RestoreError;

/// Reads all tables of a file. Neither the file nor its folder is written to.
pub(crate) fn snapshot(path: &Path) -> Result<Snapshot, RestoreError> {
    let before = marks(path)?;
    let mut session = Session::read(path)?;
    let snapshot = session.snapshot()?;
    session.close()?;
    match marks(path)? == before {
        true => Ok(snapshot),
        false => Err(RestoreError::Changing { path: path.display().to_string() }),
    }
}

/// Copies a database with its leftovers to another path, byte by byte, so that even what SQL
/// does not show (row ids without a key, say) stays as it is.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), RestoreError> {
    let before = marks(from)?;
    remove(to)?;
    for suffix in ["", WAL, JOURNAL] {
        let (from, to) = (beside(from, suffix), beside(to, suffix));
        if suffix.is_empty() || length(&from) > 0 {
            // Not `fs::copy`: a backup is often read-only, and its copy must not be.
            let copied = File::open(&from)
                .and_then(|mut a| std::io::copy(&mut a, &mut private(&to)?).map(|_| ()));
            copied.map_err(|e| RestoreError::file("copy", &from, e))?;
        }
    }
    match marks(from)? == before {
        true => Ok(()),
        false => Err(RestoreError::Changing { path: from.display().to_string() }),
    }
}

/// Removes a copy of ours with all that SQLite may have left beside it.
pub(crate) fn remove(path: &Path) -> Result<(), RestoreError> {
    for suffix in ["", WAL, JOURNAL, "-shm"] {
        let path = beside(path, suffix);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(RestoreError::file("remove", &path, e));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a `-wal` or `-journal` with something in it lies beside the file: another program
/// has it open, or left it without closing it.
pub(crate) fn has_leftovers(path: &Path) -> bool {
    [WAL, JOURNAL].iter().any(|suffix| length(&beside(path, suffix)) > 0)
}

/// Has SQLite take back, or take in, what a program that ended in the middle left beside a copy of
/// ours. Where another program has it open, all stays as it is.
pub(crate) fn bring_in_order(path: &Path) {
    let doing = "bring it in order";
    let Ok(mut session) = Session::write(path) else { return };
    if session.execute(doing, "BEGIN EXCLUSIVE", &[]).is_ok() {
        // Nobody else is there, and what SQLite did not take back by now was never begun to be
        // carried out (sqlite.org/atomiccommit.html, section 4.2).
        let _ = fs::remove_file(beside(path, JOURNAL));
        let _ = session.execute(doing, "ROLLBACK", &[]);
    }
    let _ = session.close();
}

/// A table's or column's name as SQL.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An open database. All calls block; they must not be made from inside an async task.
pub(crate) struct Session {
    runtime: Runtime,
    connection: SqliteConnection,
    database: String,
    // Dropped last: what is open lies in it.
    _folder: Option<TempDir>,
}

impl Session {
    /// Opens a file for reading, with nothing written to it or beside it.
    pub(crate) fn read(path: &Path) -> Result<Self, RestoreError> {
        if !has_leftovers(path) {
            fs::metadata(path).map_err(|e| RestoreError::file("open", path, e))?;
            let options = SqliteConnectOptions::new().read_only(true).immutable(true);
            return Self::connect(path, options.filename(path), None);
        }
        let folder = TempDir::new()
            .map_err(|e| RestoreError::file("make a folder in", &std::env::temp_dir(), e))?;
        let private = folder.path().join("backup.sqlite");
        copy(path, &private)?;
        Self::connect(path, SqliteConnectOptions::new().filename(private), Some(folder))
    }

    /// Opens a file of ours for writing. It must exist.
    pub(crate) fn write(path: &Path) -> Result<Self, RestoreError> {
        fs::metadata(path).map_err(|e| RestoreError::file("open", path, e))?;
        Self::connect(path, SqliteConnectOptions::new().filename(path), None)
    }

    #[cfg(test)]
    pub(crate) fn create(path: &Path) -> Result<Self, RestoreError> {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        Self::connect(path, options, None)
    }

    /// Runs several statements, as another program would.
    #[cfg(test)]
    pub(crate) fn script(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection);
        self.runtime.block_on(script).map(|_| ())
    }

    fn connect(
        path: &Path,
        options: SqliteConnectOptions,
        folder: Option<TempDir>,
    ) -> Result<Self, RestoreError> {
        let database = path.display().to_string();
        let runtime = Builder::new_current_thread()
            .build()
            .map_err(|e| RestoreError::file("start a thread to open", path, e))?;
        // Statements can hold people's data; none may reach a log.
        let options = options.foreign_keys(true).disable_statement_logging();
        let connection =
            runtime.block_on(options.connect()).map_err(|e| RestoreError::Database {
                doing: "open it".into(),
                database: database.clone(),
                source: Box::new(e),
            })?;
        Ok(Self { runtime, connection, database, _folder: folder })
    }

    /// The file's path, for messages.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// All tables but restitch's own and SQLite's.
    pub(crate) fn snapshot(&mut self) -> Result<Snapshot, RestoreError> {
        schema::snapshot(self)
    }

    /// The rows of a query. `doing` says what for, should it fail.
    pub(crate) fn query(
        &mut self,
        doing: &str,
        sql: &str,
        binds: &[Value],
    ) -> Result<Vec<Row>, RestoreError> {
        let rows = self.runtime.block_on(bound(sql, binds).fetch_all(&mut self.connection));
        rows.and_then(|rows| rows.iter().map(values).collect()).map_err(|e| self.error(doing, e))
    }

    /// Carries a statement out and gives the number of rows that it changed.
    pub(crate) fn run(&mut self, sql: &str, binds: &[Value]) -> Result<u64, sqlx::Error> {
        let done = self.runtime.block_on(bound(sql, binds).execute(&mut self.connection))?;
        Ok(done.rows_affected())
    }

    /// As [`Session::run`], with an error that says what was being done.
    pub(crate) fn execute(
        &mut self,
        doing: &str,
        sql: &str,
        binds: &[Value],
    ) -> Result<u64, RestoreError> {
        self.run(sql, binds).map_err(|e| self.error(doing, e))
    }

    /// Closes the file and waits until it is closed. What was not committed is gone.
    pub(crate) fn close(self) -> Result<(), RestoreError> {
        let database = self.database;
        self.runtime.block_on(self.connection.close()).map_err(|e| RestoreError::Database {
            doing: "close it".into(),
            database,
            source: Box::new(e),
        })
    }

    fn error(&self, doing: &str, source: sqlx::Error) -> RestoreError {
        let (doing, database) = (doing.to_owned(), self.database.clone());
        RestoreError::Database { doing, database, source: Box::new(source) }
    }
}

const WAL: &str = "-wal";
const JOURNAL: &str = "-journal";

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// The one place where text becomes SQL. Names in it come from the catalogue, through
/// [`quote`]; values are bound, never written into it.
fn bound<'q>(sql: &str, binds: &[Value]) -> Query<'q> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    binds.iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(n) => query.bind(*n),
        Value::Real(x) => query.bind(*x),
        Value::Text(text) => query.bind(text.clone()),
        Value::Bytes(bytes) => query.bind(bytes.clone()),
    })
}

fn values(row: &SqliteRow) -> Result<Row, sqlx::Error> {
    row.columns().iter().map(|column| value(row, column.ordinal())).collect()
}

/// A value by the type that it has, whatever its column declares. Text that is not UTF-8,
/// which SQLite does not refuse, is given as bytes.
fn value(row: &SqliteRow, i: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(i)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    Ok(match kind.name() {
        "INTEGER" => Value::Integer(row.try_get_unchecked(i)?),
        "REAL" => Value::Real(row.try_get_unchecked(i)?),
        "TEXT" => {
            let bytes: Vec<u8> = row.try_get_unchecked(i)?;
            String::from_utf8(bytes).map_or_else(|e| Value::Bytes(e.into_bytes()), Value::Text)
        }
        _ => Value::Bytes(row.try_get_unchecked(i)?),
    })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |m| m.len())
}

/// A new file that only its owner may read: it will hold customers' data.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What shows that somebody wrote to a file: its length and time.
type Mark = (u64, Option<SystemTime>);

/// The marks of a database and what may lie beside it.
fn marks(path: &Path) -> Result<[Option<Mark>; 3], RestoreError> {
    let mark = |m: Metadata| (m.len(), m.modified().ok());
    let main = fs::metadata(path).map_err(|e| RestoreError::file("open", path, e))?;
    let other = |suffix| fs::metadata(beside(path, suffix)).ok().map(mark);
    Ok([Some(mark(main)), other(WAL), other(JOURNAL)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Db, RENTAL, folder, run};

    #[test]
    fn reading_a_backup_leaves_its_folder_as_it_is() {
        let db = Db::new(RENTAL);
        for journal in ["DELETE", "WAL"] {
            db.run(&format!("PRAGMA journal_mode = {journal}"));
            let before = folder(db.path().parent().unwrap());
            assert_eq!(before.len(), 1);
            assert_eq!(db.snapshot().tables.len(), 3);
            assert_eq!(folder(db.path().parent().unwrap()), before, "{journal}");
        }
    }

    #[test]
    fn rows_that_are_still_in_the_wal_are_read_and_the_folder_stays() {
        let db = Db::new(RENTAL);
        let mut writer = Session::create(&db.path()).unwrap();
        writer.script("PRAGMA journal_mode = WAL").unwrap();
        writer.script("INSERT INTO customers (id, name) VALUES (7, 'In the WAL')").unwrap();
        // Copied while the writer has it open, as a backup taken with `cp` is.
        let other = TempDir::new().unwrap();
        let path = other.path().join("b.sqlite");
        for suffix in ["", WAL] {
            fs::copy(beside(&db.path(), suffix), beside(&path, suffix)).unwrap();
        }
        let before = folder(other.path());
        assert_eq!(before.len(), 2);
        assert_eq!(snapshot(&path).unwrap().table("customers").unwrap().rows.len(), 3);
        assert_eq!(folder(other.path()), before);
        writer.close().unwrap();
    }

    #[test]
    fn a_read_only_file_can_be_read_and_copied_to_a_writable_one() {
        let db = Db::new(RENTAL);
        let mut rights = fs::metadata(db.path()).unwrap().permissions();
        rights.set_readonly(true);
        fs::set_permissions(db.path(), rights).unwrap();
        assert_eq!(db.snapshot().tables.len(), 3);
        copy(&db.path(), &db.output()).unwrap();
        run(&db.output(), "INSERT INTO outbox (text) VALUES ('x')");
    }

    #[test]
    fn a_file_that_is_missing_or_no_database_is_an_error_that_names_it() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("b.sqlite");
        assert!(snapshot(&path).unwrap_err().to_string().contains("b.sqlite"));
        assert!(folder(dir.path()).is_empty());
        fs::write(&path, vec![b'x'; 4096]).unwrap();
        assert!(snapshot(&path).unwrap_err().to_string().contains("not a database"));
    }

    #[test]
    fn every_type_of_value_survives() {
        let db = Db::new("CREATE TABLE t (id INTEGER PRIMARY KEY, v);");
        let mut session = Session::create(&db.path()).unwrap();
        let all = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Real(0.1),
            Value::Real(f64::INFINITY),
            Value::Text("a\0b \u{fffd} é".into()),
            Value::Text(String::new()),
            Value::Bytes(vec![0, 255]),
            Value::Bytes(Vec::new()),
        ];
        for value in &all {
            session.run("INSERT INTO t (v) VALUES (?)", std::slice::from_ref(value)).unwrap();
        }
        session.run("INSERT INTO t (v) VALUES (CAST(x'ff' AS TEXT))", &[]).unwrap();
        session.close().unwrap();
        let table = db.snapshot().tables.remove(0);
        let read: Vec<Value> = table.rows.into_iter().map(|mut row| row.remove(1)).collect();
        assert_eq!(read[..all.len()], all);
        assert_eq!(read[all.len()], Value::Bytes(vec![255]));
    }

    #[test]
    fn names_are_quoted() {
        let db = Db::new("CREATE TABLE \"a\"\"b; DROP\" (\"x\"\"y\" INTEGER PRIMARY KEY);");
        let snapshot = db.snapshot();
        assert_eq!(snapshot.tables[0].schema.name, "a\"b; DROP");
        assert_eq!(snapshot.tables[0].schema.primary_key, ["x\"y"]);
    }
}
