//! A backup given as a file, brought up as a database with the engine's own tools.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use restitch_model::{Secret, Value};
use serde::Serialize;

use crate::server::{Family, Limits, Server, is_local};
use crate::{Engine, RestoreError, snapshot, sqlite};

/// What a backup file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupKind {
    /// A SQLite database.
    Sqlite,
    /// An archive of pg_dump: custom, directory or tar format.
    PgArchive,
    /// Statements, as pg_dump and mysqldump write them.
    Sql,
}

/// What kind of backup a file or folder is, by its beginning.
pub fn backup_kind(backup: &Path) -> Result<BackupKind, RestoreError> {
    let fail = |e| RestoreError::file("read", backup, e);
    if fs::metadata(backup).map_err(fail)?.is_dir() {
        return match backup.join("toc.dat").is_file() {
            true => Ok(BackupKind::PgArchive),
            false => Err(refused(backup, "is a folder without toc.dat, so none of pg_dump's")),
        };
    }
    let mut start = Vec::new();
    File::open(backup).and_then(|file| file.take(512).read_to_end(&mut start)).map_err(fail)?;
    let packed: [&[u8]; 4] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"BZh", b"\xfd7zXZ"];
    match &start[..] {
        [] => Err(refused(backup, "is empty")),
        _ if start.starts_with(b"SQLite format 3\0") => Ok(BackupKind::Sqlite),
        _ if start.starts_with(b"PGDMP") || start.starts_with(b"toc.dat\0") => {
            Ok(BackupKind::PgArchive)
        }
        _ if packed.iter().any(|magic| start.starts_with(magic)) => {
            Err(refused(backup, "is packed; unpack it first"))
        }
        _ if start.contains(&0) => {
            Err(refused(backup, "is neither a SQLite file, nor pg_dump's, nor SQL"))
        }
        _ => Ok(BackupKind::Sql),
    }
}

/// Restores a backup into an empty database, and gives the number of its tables. SQLite files
/// are copied; for servers `pg_restore`, `psql` or `mariadb` (else `mysql`) is run, with the
/// password in its environment and with commands of the client itself switched off, since a
/// dump can carry such. The backup is only read. The call blocks.
///
/// Refused, with nothing written, where the database is not empty, and where backup and
/// database are of different engines. PostgreSQL restores all or nothing; a dump that MySQL
/// refuses in the middle leaves what came before it, and the error says so.
pub fn restore_backup(backup: &Path, target_url: &str) -> Result<u64, RestoreError> {
    let kind = backup_kind(backup)?;
    let other = || Err(refused(backup, "is a backup of another engine than the target's"));
    let (family, url) = match (Engine::of(target_url)?, kind) {
        (Engine::Sqlite(target), BackupKind::Sqlite) => {
            if target.exists() {
                return Err(refused(&target, "is there already; name a new file"));
            }
            sqlite::copy(backup, &target)?;
            return Ok(snapshot(target_url)?.tables.len() as u64);
        }
        (Engine::Postgres(url), BackupKind::PgArchive | BackupKind::Sql) => (Family::Postgres, url),
        (Engine::MySql(url), BackupKind::Sql) => (Family::MySql, url),
        _ => return other(),
    };
    let mut server = Server::connect(family, &url, &Limits::default())?;
    let database = server.database().to_owned();
    let objects = server.objects()?;
    server.close()?;
    if objects > 0 {
        return Err(RestoreError::Refused(format!(
            "the database {database} is not empty ({objects} tables or other relations); a \
             backup is only ever restored into an empty one"
        )));
    }
    let address = Address::of(&url, family);
    match kind {
        BackupKind::PgArchive => address.run(address.pg_restore(backup), None, &database)?,
        _ => {
            let (command, first) = match family {
                Family::Postgres => address.psql(),
                Family::MySql => address.mysql(),
            };
            address.run(command, Some((backup, first)), &database)?;
        }
    }
    // Tools have been seen to end well without having loaded a row.
    let mut server = Server::connect(family, &url, &Limits::default())?;
    let tables = server.tables()?;
    server.close()?;
    match tables {
        0 => Err(failed(&database, "the tool ended well, and no table is there".to_owned())),
        _ => Ok(tables),
    }
}

impl Server {
    /// The number of tables, views and sequences that are not the server's own.
    fn objects(&mut self) -> Result<u64, RestoreError> {
        let sql = match self.family() {
            Family::Postgres => {
                "SELECT count(*) FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') \
                   AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
                   AND n.nspname !~ '^pg_' \
                   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' \
                       AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid)"
            }
            Family::MySql => {
                "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
            }
        };
        self.number(sql)
    }

    /// The number of tables that are not the server's own.
    fn tables(&mut self) -> Result<u64, RestoreError> {
        self.number(match self.family() {
            Family::Postgres => {
                "SELECT count(*) FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition \
                   AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
                   AND n.nspname !~ '^pg_' \
                   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' \
                       AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid)"
            }
            Family::MySql => {
                "SELECT COUNT(*) FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"
            }
        })
    }

    fn number(&mut self, sql: &str) -> Result<u64, RestoreError> {
        let n = self.ask("look at what is there", sql, &[])?;
        Ok(match n {
            Value::Integer(n) => u64::try_from(n).unwrap_or(0),
            _ => 0,
        })
    }
}

/// A server's address as its own tools take it.
struct Address {
    user: String,
    password: String,
    host: String,
    port: String,
    database: String,
}

impl Address {
    fn of(url: &Secret, family: Family) -> Self {
        let rest = url.expose().split_once("://").map_or("", |(_, rest)| rest);
        let address = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, database) = address.split_once('/').unwrap_or((address, ""));
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let usual = if family == Family::Postgres { "5432" } else { "3306" };
        // The colons of an address of IPv6 stand in brackets.
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (place, usual),
        };
        Self {
            user: decoded(user),
            password: decoded(password),
            host: decoded(host.trim_start_matches('[').trim_end_matches(']')),
            port: port.to_owned(),
            database: decoded(database),
        }
    }

    fn pg(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("PGHOST", &self.host)
            .env("PGPORT", &self.port)
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", &self.database);
        if !is_local(&self.host) {
            command.env("PGSSLMODE", "verify-full");
        }
        command
    }

    fn pg_restore(&self, backup: &Path) -> Command {
        let mut command = self.pg("pg_restore");
        command
            .args(["--no-password", "--no-owner", "--no-privileges", "--exit-on-error"])
            .arg("--single-transaction")
            .arg("--dbname")
            .arg(&self.database)
            .arg("--")
            .arg(backup);
        command
    }

    /// With what is sent before the dump: from then on, psql takes no command of its own, for
    /// which it must be 15.14, 16.10, 17.6 or newer.
    fn psql(&self) -> (Command, String) {
        let mut command = self.pg("psql");
        command.args(["--no-psqlrc", "--quiet", "--no-password", "--single-transaction"]);
        command.args(["--set", "ON_ERROR_STOP=1", "--output", "/dev/null", "--file", "-"]);
        let key = || RandomState::new().hash_one(0u8);
        (command, format!("\\restrict {:016x}{:016x}\n", key(), key()))
    }

    fn mysql(&self) -> (Command, String) {
        let there = |program: &&str| {
            Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok()
        };
        let program = ["mariadb", "mysql"].into_iter().find(there).unwrap_or("mariadb");
        let mut command = Command::new(program);
        command.env("MYSQL_PWD", &self.password);
        command.args(["--batch", "--default-character-set=utf8mb4", "--protocol=tcp"]);
        command.args(["--host", &self.host, "--port", &self.port, "--user", &self.user]);
        if !is_local(&self.host) {
            command.arg("--ssl-verify-server-cert");
        }
        command.args(["--database", &self.database]);
        (command, "/*M!999999\\- enable the sandbox mode */\n".to_owned())
    }

    /// Runs a tool to its end.
    fn run(
        &self,
        mut command: Command,
        input: Option<(&Path, String)>,
        database: &str,
    ) -> Result<(), RestoreError> {
        let program = Path::new(command.get_program()).to_owned();
        let fail = |e| RestoreError::file("run", &program, e);
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        let mut sent = Ok(());
        let errors = child.stderr.take();
        let reader = std::thread::spawn(move || {
            let mut said = Vec::new();
            // What cannot be read of what it says is not said.
            let _ = errors.map(|mut errors| errors.read_to_end(&mut said));
            String::from_utf8_lossy(&said).into_owned()
        });
        if let (Some(mut to), Some((backup, first))) = (child.stdin.take(), input) {
            sent = send(backup, &first, &mut to);
            if sent.is_err() {
                // Else the end of the input would be taken for the end of the dump.
                let _ = child.kill();
            }
        }
        let done = child.wait().map_err(fail)?;
        let said = reader.join().unwrap_or_default();
        sent?;
        match done.success() {
            true => Ok(()),
            false => Err(failed(database, first_error(&said))),
        }
    }
}

/// Sends a dump, without commands to the client that pg_dump itself puts around it, and refuses
/// one that would go to another database.
fn send(backup: &Path, first: &str, to: &mut impl Write) -> Result<(), RestoreError> {
    let fail = |e| RestoreError::file("read", backup, e);
    let mut from = BufReader::new(File::open(backup).map_err(fail)?);
    // A tool that stops reading says why by itself.
    let mut open = to.write_all(first.as_bytes()).is_ok();
    let mut line = Vec::new();
    let mut rows = false;
    while open && from.read_until(b'\n', &mut line).map_err(fail)? > 0 {
        let upper = |n: usize| line[..line.len().min(n)].to_ascii_uppercase();
        let own = line.starts_with(b"\\restrict ") || line.starts_with(b"\\unrestrict ");
        if !rows && (upper(4) == b"USE " || upper(16) == b"CREATE DATABASE ") {
            return Err(refused(
                backup,
                "goes to a database of its own choice (USE or CREATE DATABASE); dump it without \
                 --databases, or take these lines out",
            ));
        }
        if rows || !own {
            open = to.write_all(&line).is_ok();
        }
        rows = match rows {
            true => line != b"\\.\n" && line != b"\\.\r\n",
            false => upper(5) == b"COPY " && line.trim_ascii_end().ends_with(b"FROM stdin;"),
        };
        line.clear();
    }
    Ok(())
}

/// The first error that a tool names, without what it quotes after a colon, which may be a
/// customer's.
fn first_error(said: &str) -> String {
    let line = said.lines().find(|line| line.to_ascii_lowercase().contains("error"));
    let line = line.or_else(|| said.lines().next()).unwrap_or("it said nothing");
    let end = [": \"", "entry '", "value: '"].iter().filter_map(|mark| line.find(mark)).min();
    line[..end.unwrap_or(line.len())].to_owned()
}

fn failed(database: &str, said: String) -> RestoreError {
    RestoreError::Server {
        doing: "restore the backup (what came before the error may be there: empty it first)"
            .to_owned(),
        database: database.to_owned(),
        said,
    }
}

fn refused(path: &Path, why: &str) -> RestoreError {
    RestoreError::Refused(format!("{} {why}", path.display()))
}

/// A part of a URL with its escapes undone (RFC 3986, section 2.1).
fn decoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = part.get(i + 1..i + 3).filter(|_| bytes[i] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Db, RENTAL};

    #[test]
    fn a_sqlite_backup_is_copied_to_a_new_file_only() {
        let db = Db::new(RENTAL);
        let target = format!("sqlite:{}", db.output().display());
        assert_eq!(restore_backup(&db.path(), &target).unwrap(), 3);
        let error = restore_backup(&db.path(), &target).unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains("is there already"), "{error}");
        let other = restore_backup(&db.path(), "postgres://a@127.0.0.1:1/d").unwrap_err();
        assert!(other.is_refusal(), "{other}");
    }

    #[test]
    fn an_address_is_taken_apart_as_it_was_written() {
        let url = Secret::new("postgres://a%40b:p%3Aw%2f@[::1]:99/my%20db?sslmode=x");
        let address = Address::of(&url, Family::Postgres);
        let Address { user, password, host, port, database } = address;
        assert_eq!([user, password, host, port, database], ["a@b", "p:w/", "::1", "99", "my db"]);
        assert_eq!(Address::of(&Secret::new("mysql://a@h/d"), Family::MySql).port, "3306");
    }

    #[test]
    fn a_dump_that_chooses_its_database_is_refused_and_rows_are_sent_as_they_are() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("dump.sql");
        let mut sent = Vec::new();
        let dump = "\\restrict x\nCOPY t (a) FROM stdin;\n\\restrict y\nUSE me\n\\.\nSELECT 1;\n";
        fs::write(&file, dump).unwrap();
        send(&file, "", &mut sent).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap(), dump.replace("\\restrict x\n", ""));
        fs::write(&file, "SELECT 1;\nuse other;\n").unwrap();
        assert!(send(&file, "", &mut Vec::new()).unwrap_err().is_refusal());
    }

    #[test]
    fn what_a_tool_quotes_is_left_out() {
        let said = "psql:x:3: ERROR:  invalid input syntax for type integer: \"secret\"\nDETAIL: z";
        assert_eq!(first_error(said), "psql:x:3: ERROR:  invalid input syntax for type integer");
    }
}
