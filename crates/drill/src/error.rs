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
    /// What is to be damaged is not there, or cannot be damaged so.
    #[error("damage {0}")]
    Damage(String),
    /// The case is about a damaged database.
    #[error(
        "the database of this case is damaged itself, as its [incident] says, so it is no truth \
             to hold a drill against; drill on a case whose target is a whole backup"
    )]
    NoTruth,
    /// Rows are copied, and none is lost.
    #[error(
        "rows that are copied are nothing to recover; name what is lost as well, such as \
             --damage window:2025-03-01..2025-03-09"
    )]
    NothingLost,
    /// There is a kind of world, and no pipeline file for it.
    #[error(
        "no pipeline file goes with worlds of the kind {kind}; make it with --write DIR, and \
             recover it by a pipeline file of your own"
    )]
    NoPipeline {
        /// Which kind.
        kind: String,
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
