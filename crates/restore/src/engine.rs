use std::path::PathBuf;

use restitch_model::{Secret, Snapshot};

use crate::server::{Family, Server};
use crate::{RestoreError, sqlite};

/// A kind of database, with where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A SQLite file: embedded, read in place and written as a copy.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server, version 12 or newer, with its whole address.
    Postgres(Secret),
    /// A database of a MySQL server (8) or a MariaDB server (10.5 or newer).
    MySql(Secret),
}

impl Engine {
    /// The engine of a URL: `sqlite:path` or `sqlite://path`, the path as the system knows it,
    /// with nothing to decode; `postgres://user:password@host:port/database` or the same with
    /// `postgresql`; `mysql://…` or `mariadb://…`. Of a SQLite URL, what follows a `?` is left
    /// aside, since restitch itself decides how a backup is opened.
    ///
    /// A server's URL must name its user and its database: drivers fall back to guesses.
    pub fn of(url: &str) -> Result<Self, RestoreError> {
        let (scheme, rest) = url.split_once(':').ok_or(RestoreError::Url)?;
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let path = path.split_once('?').map_or(path, |(path, _)| path);
                if path.is_empty() || path == ":memory:" || path.contains('\0') {
                    return Err(RestoreError::Url);
                }
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            "postgres" | "postgresql" => Ok(Self::Postgres(server_url("postgres", rest)?)),
            "mysql" | "mariadb" => Ok(Self::MySql(server_url("mysql", rest)?)),
            _ => Err(RestoreError::Scheme { scheme: scheme.to_owned() }),
        }
    }

    /// Reads all tables but restitch's own and the engine's.
    pub fn snapshot(&self) -> Result<Snapshot, RestoreError> {
        match self {
            Self::Sqlite(path) => sqlite::snapshot(path),
            Self::Postgres(url) => Server::snapshot_of(Family::Postgres, url),
            Self::MySql(url) => Server::snapshot_of(Family::MySql, url),
        }
    }

    /// Whether the database is a file that is copied, and never touched itself.
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// Reads a database: its tables with their rows by primary key, without restitch's own tables
/// and the engine's. Nothing is written: a SQLite file is opened as one that cannot change,
/// with nothing made beside it, and a server is read in one transaction that cannot write. The
/// call blocks, and must not be made from inside an async task.
pub fn snapshot(url: &str) -> Result<Snapshot, RestoreError> {
    Engine::of(url)?.snapshot()
}

fn server_url(scheme: &str, rest: &str) -> Result<Secret, RestoreError> {
    let bad = |missing| Err(RestoreError::ServerUrl { scheme: scheme.to_owned(), missing });
    let Some(address) = rest.strip_prefix("//") else { return bad("the two slashes") };
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let user = authority.rsplit_once('@').map_or("", |(login, _)| login);
    match (user.split(':').next().unwrap_or_default(), database) {
        ("", _) => bad("the user"),
        (_, "") => bad("the database"),
        _ => Ok(Secret::new(format!("{scheme}:{rest}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_sqlite_url_name_the_same_file() {
        let sqlite = |path: &str| Engine::Sqlite(PathBuf::from(path));
        assert_eq!(Engine::of("sqlite:a/b.sqlite").unwrap(), sqlite("a/b.sqlite"));
        assert_eq!(Engine::of("sqlite://a/b.sqlite").unwrap(), sqlite("a/b.sqlite"));
        assert_eq!(Engine::of("sqlite:///a/b.sqlite?mode=rwc").unwrap(), sqlite("/a/b.sqlite"));
    }

    #[test]
    fn servers_are_told_by_their_scheme_and_show_no_password() {
        let postgres = Engine::of("postgresql://joe:secret@host/db").unwrap();
        let maria = Engine::of("mariadb://joe:secret@host/db").unwrap();
        assert!(matches!(postgres, Engine::Postgres(_)) && matches!(maria, Engine::MySql(_)));
        assert!(!postgres.is_embedded() && !format!("{postgres:?}{maria:?}").contains("secret"));
    }

    #[test]
    fn a_server_without_user_or_database_is_refused() {
        for url in ["postgres://host/db", "mysql://joe@host", "postgres://:x@h/d", "mysql:joe@h/d"]
        {
            let error = Engine::of(url).unwrap_err();
            assert!(matches!(error, RestoreError::ServerUrl { .. }), "{url}");
        }
    }

    #[test]
    fn another_scheme_is_named_without_its_password() {
        let error = Engine::of("oracle://joe:secret@host/db").unwrap_err().to_string();
        assert!(error.contains("oracle") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn a_url_without_a_file_is_refused() {
        for url in ["", "backup.sqlite", "sqlite:", "sqlite::memory:", "sqlite:a\0b"] {
            assert!(matches!(Engine::of(url), Err(RestoreError::Url)), "{url:?}");
        }
    }
}
