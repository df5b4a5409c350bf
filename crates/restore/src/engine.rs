use std::path::PathBuf;

use restitch_model::Snapshot;

use crate::{RestoreError, sqlite};

/// A kind of database, with where it is. Each kind is one file of this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A SQLite file: embedded, read in place and written as a copy.
    Sqlite(PathBuf),
}

impl Engine {
    /// The engine of a URL: `sqlite:path` or `sqlite://path`, the path as the system knows it,
    /// with nothing to decode. What follows a `?` is left aside, since restitch itself decides
    /// how a backup is opened.
    pub fn of(url: &str) -> Result<Self, RestoreError> {
        let (scheme, rest) = url.split_once(':').ok_or(RestoreError::Url)?;
        if scheme != "sqlite" {
            return Err(RestoreError::Scheme { scheme: scheme.to_owned() });
        }
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        if path.is_empty() || path == ":memory:" || path.contains('\0') {
            return Err(RestoreError::Url);
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    /// Reads all tables but restitch's own and the engine's.
    pub fn snapshot(&self) -> Result<Snapshot, RestoreError> {
        match self {
            Self::Sqlite(path) => sqlite::snapshot(path),
        }
    }

    /// Whether the database is a file that is copied, and never touched itself.
    pub fn is_embedded(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
        }
    }
}

/// Reads a database: its tables with their rows by primary key, without restitch's own tables
/// and the engine's. Nothing is written, neither to the database nor beside it. The call
/// blocks.
pub fn snapshot(url: &str) -> Result<Snapshot, RestoreError> {
    Engine::of(url)?.snapshot()
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
    fn another_scheme_is_named_without_its_password() {
        let error = Engine::of("postgres://joe:secret@host/db").unwrap_err().to_string();
        assert!(error.contains("postgres") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn a_url_without_a_file_is_refused() {
        for url in ["", "backup.sqlite", "sqlite:", "sqlite::memory:", "sqlite:a\0b"] {
            assert!(matches!(Engine::of(url), Err(RestoreError::Url)), "{url:?}");
        }
    }
}
