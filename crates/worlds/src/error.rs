use std::path::{Path, PathBuf};

/// Why a world could not be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// Nobody described such a world.
    #[error("there is no world {asked:?}; there are: {known}")]
    UnknownWorld {
        /// The kind asked for.
        asked: String,
        /// The kinds there are, with commas between them.
        known: String,
    },
    /// The folder holds something already.
    #[error(
        "{} is not empty; name a new folder, so that nothing of yours is overwritten", .0.display()
    )]
    NotEmpty(PathBuf),
    /// A world of this size could not be told apart from noise.
    #[error("a world of {0} reservations is too small; ask for 40 or more")]
    TooSmall(usize),
    /// A file could not be written.
    #[error("writing {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refused something.
    #[error("writing the database {}: {source}", path.display())]
    Database {
        /// Which database.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
}

impl WorldError {
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    pub(crate) fn database(path: &Path) -> impl FnOnce(sqlx::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Database { path, source }
    }
}
