//! What an apply is held against before it begins, and while it waits.

use restitch_model::{Secret, Value};
use serde::Serialize;

use super::error::contention;
use super::{Bind, Family, Relation, Server};
use crate::{Engine, RestoreError};

/// How long an apply may stand in anybody's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest wait for a lock that another program holds, in milliseconds.
    pub lock_ms: u64,
    /// The longest time of one statement, in milliseconds.
    pub statement_ms: u64,
}

impl Default for Limits {
    /// Five seconds for a lock, ten minutes for a statement.
    fn default() -> Self {
        Self { lock_ms: 5_000, statement_ms: 600_000 }
    }
}

/// What the role of a URL may do beyond what a restore needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rights {
    /// The role.
    pub role: String,
    /// The database.
    pub database: String,
    /// Each right that it had better not have, in the server's words.
    pub excess: Vec<String>,
}

/// The rights of the role of a server's URL. Only reads. Of an embedded database there is none
/// to tell: a copy is written, with the rights of who runs the program.
pub fn rights(url: &str) -> Result<Option<Rights>, RestoreError> {
    let Some((family, url)) = of(url)? else { return Ok(None) };
    let mut server = Server::connect(family, &url, &Limits::default())?;
    server.begin_reading()?;
    let tables = server.describe()?;
    let rights = server.rights(&tables.iter().collect::<Vec<_>>())?;
    server.close()?;
    Ok(Some(rights))
}

/// The server that a URL means, or `None` for a file.
pub(super) fn of(url: &str) -> Result<Option<(Family, Secret)>, RestoreError> {
    Ok(match Engine::of(url)? {
        Engine::Sqlite(_) => None,
        Engine::Postgres(url) => Some((Family::Postgres, url)),
        Engine::MySql(url) => Some((Family::MySql, url)),
    })
}

impl Server {
    pub(crate) fn rights(&mut self, tables: &[&Relation]) -> Result<Rights, RestoreError> {
        let (role, excess) = match self.family() {
            Family::Postgres => postgres(self, tables)?,
            Family::MySql => mysql(self, tables)?,
        };
        Ok(Rights { role, database: self.database().to_owned(), excess })
    }

    /// Keeps two applies apart, for as long as the connection lasts. Waits for another as long as
    /// for any lock: a server may take a while to notice that a connection is gone.
    pub(super) fn keep_others_out(&mut self) -> Result<(), RestoreError> {
        let sql = match self.family() {
            // "restitch" in ASCII.
            Family::Postgres => "SELECT 1 FROM pg_advisory_lock(8243122654982890344)",
            Family::MySql => {
                "SELECT GET_LOCK(CONCAT('restitch ', MD5(DATABASE())), @@lock_wait_timeout)"
            }
        };
        let asked = self.try_query(sql, &[]);
        match asked.as_ref().map(|rows| &rows[..]) {
            Ok([row]) if row[..] == [Value::Integer(1)] => Ok(()),
            Err(error) if contention(error).is_none() => {
                Err(self.error("keep a second apply out", error))
            }
            _ => Err(RestoreError::Refused(format!(
                "another restitch is writing to {}; wait until it has ended",
                self.database()
            ))),
        }
    }

    /// Whether two connections lead to the same database.
    pub(super) fn is_same(&mut self, other: &mut Self) -> Result<bool, RestoreError> {
        let nothing = restitch_model::Digest::of(b"");
        Ok(self.with_identity(nothing)? == other.with_identity(nothing)?)
    }
}

/// Refuses a role that could do more harm than a restore needs, unless it is allowed by name.
pub(super) fn refuse_excess(rights: &Rights, allowed: Option<&str>) -> Result<(), RestoreError> {
    if rights.excess.is_empty() || allowed == Some(&rights.role) {
        return Ok(());
    }
    Err(RestoreError::Refused(format!(
        "the role {role} may do more than a restore needs: {}; connect as one with fewer rights \
         (`restitch doctor --grants` prints the statements), or allow {role} by name",
        rights.excess.join(", "),
        role = rights.role
    )))
}

const DOING: &str = "look at the role's rights";

fn postgres(
    server: &mut Server,
    tables: &[&Relation],
) -> Result<(String, Vec<String>), RestoreError> {
    let sql = "SELECT current_user::text, rolsuper, rolcreatedb, rolcreaterole, rolreplication, \
               (SELECT pg_catalog.pg_has_role(d.datdba, 'MEMBER') FROM pg_catalog.pg_database d \
                WHERE d.datname = current_database()) \
               FROM pg_catalog.pg_roles WHERE rolname = current_user";
    let rows = server.query(DOING, sql, &[])?;
    let Some(row) = rows.first() else { return Ok((String::new(), Vec::new())) };
    let names = ["SUPERUSER", "CREATEDB", "CREATEROLE", "REPLICATION", "owns the database"];
    let yes = |value: &Value| *value == Value::Integer(1);
    let mut excess: Vec<String> = names
        .iter()
        .zip(&row[1..])
        .filter(|(_, has)| yes(has))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    // A superuser may do all of the following anyway.
    if !yes(&row[1]) {
        let sql = "SELECT 'may become ' || rolname FROM pg_catalog.pg_roles \
                   WHERE rolname <> current_user \
                     AND (rolsuper OR rolname IN ('pg_execute_server_program', \
                         'pg_write_server_files', 'pg_read_server_files', 'pg_write_all_data')) \
                     AND pg_catalog.pg_has_role(oid, 'MEMBER') \
                   UNION ALL \
                   SELECT 'owns the schema ' || nspname FROM pg_catalog.pg_namespace \
                   WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'restitch') \
                     AND pg_catalog.pg_has_role(nspowner, 'MEMBER') ORDER BY 1";
        excess.extend(server.query(DOING, sql, &[])?.iter().map(|row| row[0].to_string()));
        let sql = "SELECT n.place, pg_catalog.pg_has_role(c.relowner, 'MEMBER'), \
                   pg_catalog.has_table_privilege(c.oid, 'TRUNCATE') \
                   FROM unnest($1::text[]) WITH ORDINALITY AS n(name, place) \
                   JOIN pg_catalog.pg_class c ON c.oid = n.name::regclass ORDER BY 1";
        let names = tables.iter().map(|table| Some(table.name.clone())).collect();
        for may in server.query(DOING, sql, &[Bind::Many(names)])? {
            let at = may[0].as_integer().and_then(|place| usize::try_from(place - 1).ok());
            let Some(table) = at.and_then(|at| tables.get(at)) else { continue };
            match (yes(&may[1]), yes(&may[2])) {
                (true, _) => excess.push(format!("owns {}", table.schema.name)),
                (_, true) => excess.push(format!("TRUNCATE on {}", table.schema.name)),
                _ => {}
            }
        }
    }
    Ok((row[0].to_string(), excess))
}

fn mysql(server: &mut Server, tables: &[&Relation]) -> Result<(String, Vec<String>), RestoreError> {
    let role = server.ask(DOING, "SELECT CURRENT_USER()", &[])?.to_string();
    let grantee = match role.rsplit_once('@') {
        Some((user, host)) => format!("'{user}'@'{host}'"),
        None => format!("'{role}'"),
    };
    let mut excess = Vec::new();
    let sql = "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES \
               WHERE GRANTEE = ? AND PRIVILEGE_TYPE <> 'USAGE' ORDER BY 1";
    let whole: Vec<String> = server
        .query(DOING, sql, &[grantee.as_str().into()])?
        .iter()
        .map(|row| row[0].to_string())
        .collect();
    if !whole.is_empty() {
        let shown = whole.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        excess.push(format!("{} rights on the whole server ({shown} …)", whole.len()));
    }
    let sql = "SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES \
               WHERE GRANTEE = ? AND DATABASE() LIKE TABLE_SCHEMA \
               AND (PRIVILEGE_TYPE IN ('DROP', 'ALTER') OR IS_GRANTABLE = 'YES') ORDER BY 1";
    for row in server.query(DOING, sql, &[grantee.as_str().into()])? {
        excess.push(format!("{} on the whole database", row[0]));
    }
    let sql = "SELECT TABLE_NAME, PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES \
               WHERE GRANTEE = ? AND TABLE_SCHEMA = DATABASE() \
               AND PRIVILEGE_TYPE IN ('DROP', 'ALTER') ORDER BY 1, 2";
    for row in server.query(DOING, sql, &[grantee.as_str().into()])? {
        if tables.iter().any(|table| Value::from(table.schema.name.as_str()) == row[0]) {
            excess.push(format!("{} on {}", row[1], row[0]));
        }
    }
    Ok((role, excess))
}
