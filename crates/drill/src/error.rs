use std::path::{Path, PathBuf};

/// Why a drill could not be run.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// A world could not be made.
    #[error(transparent)]
    World(#[from] restitch_worlds::WorldError),
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
    /// The truth of a world could not be read.
    #[error("reading the truth in {}: {problem}; name the folder `truth` of a world", path.display())]
    Truth {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A step of the recovery failed.
    #[error(transparent)]
    Pipeline(#[from] restitch_pipeline::PipelineError),
    /// A scratch copy could not be read or written.
    #[error(transparent)]
    Restore(#[from] restitch_restore::RestoreError),
}

impl DrillError {
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    pub(crate) fn database(path: &Path) -> impl FnOnce(sqlx::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Database { path, source }
    }
}
