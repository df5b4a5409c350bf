use std::io;

use crate::AppliedWave;

/// Why a database could not be read, planned for, written or put back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The URL is of a kind of database that restitch does not write to.
    #[error(
        "the target is a {scheme} database, which restitch cannot restore into; \
         give sqlite:backup.sqlite, postgres://user@host/database or mysql://user@host/database"
    )]
    Scheme {
        /// What stands before the colon. The rest is left out: it may hold a password.
        scheme: String,
    },
    /// The URL names no database file.
    #[error("the target's URL names no file; write it as sqlite:backup.sqlite")]
    Url,
    /// The URL of a server lacks something.
    #[error(
        "the target's URL names not {missing}; write it as \
         {scheme}://user:password@host:port/database"
    )]
    ServerUrl {
        /// What stands before the colon.
        scheme: String,
        /// What it lacks.
        missing: &'static str,
    },
    /// A server could not be reached, or refused a statement.
    #[error("cannot {doing} in the database {database}: {said}")]
    Server {
        /// What was being done.
        doing: String,
        /// The database's name.
        database: String,
        /// What the server said, without the values that it quotes.
        said: String,
    },
    /// The connection was lost while the transaction was being committed.
    #[error(
        "the connection to {database} was lost at the very end, and whether {apply_id} was kept \
         is not known; run the same command again: it looks, and writes nothing twice"
    )]
    Unknown {
        /// The database's name.
        database: String,
        /// The apply.
        apply_id: String,
    },
    /// A file could not be read, copied or put in place.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another program writes to the file while it is being read.
    #[error("{path} changed while it was read; stop the program that writes to it, and try again")]
    Changing {
        /// The file.
        path: String,
    },
    /// The database refused a statement.
    #[error("cannot {doing} in {database}: {source}")]
    Database {
        /// What was being done.
        doing: String,
        /// The file.
        database: String,
        /// What the database said.
        source: Box<sqlx::Error>,
    },
    /// A table or column has a name that cannot be written safely.
    #[error("{database} has a table or column whose name holds a NUL; rename it first")]
    Name {
        /// The file.
        database: String,
    },
    /// A row of the plan could not be written; nothing of the plan was.
    #[error(
        "change {seq} of the plan (candidate {candidate}, table {table}) was refused by the \
         database: {said}; nothing was written. Answer no to this candidate in the review, \
         or correct it, and run `restitch plan` again"
    )]
    Row {
        /// Its number in the plan.
        seq: u64,
        /// The candidate that it comes from.
        candidate: String,
        /// Its table.
        table: String,
        /// What the database said, without the values that it quotes.
        said: String,
    },
    /// After writing, the database does not hold what the plan says; it was rolled back.
    #[error("after writing, {what}; nothing was kept. {remedy}")]
    Differs {
        /// What differs, without the values.
        what: String,
        /// What the reader can do.
        remedy: &'static str,
    },
    /// A text is not a plan.
    #[error("the plan cannot be read: {0}; run `restitch plan` again")]
    PlanFile(String),
    /// The plan's content and its digest do not belong together.
    #[error(
        "the plan was edited after it was made: its digest is {stands}, its content has {found}; \
         run `restitch plan` again, and say what should differ in the review"
    )]
    PlanEdited {
        /// The digest that it states.
        stands: String,
        /// The digest that its content has.
        found: String,
    },
    /// A journal in the database cannot be read.
    #[error("the journal in {database} cannot be read: {problem}; nothing was changed")]
    Journal {
        /// The file.
        database: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A part of a plan that is cut by tenant could not be written; what was written before it
    /// stands.
    #[error("{source}; that was about {tenants}. What was written before it stands: {done}")]
    Wave {
        /// The tenants of the part that was not written.
        tenants: String,
        /// The parts that stand.
        done: String,
        /// Why.
        source: Box<RestoreError>,
    },
    /// A guard refused; nothing was written.
    #[error("{0}")]
    Refused(String),
}

impl RestoreError {
    /// Whether a guard refused, and nothing failed: exit code 3.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::PlanEdited { .. })
    }

    /// The error of a wave, with what the same command wrote before it, if anything.
    pub(crate) fn after_waves(self, tenants: &Option<String>, done: &[AppliedWave]) -> Self {
        let Some(tenants) = tenants.clone().filter(|_| !done.is_empty()) else { return self };
        let done = done.iter().map(|wave| {
            format!("{} ({})", wave.tenants.as_deref().unwrap_or_default(), wave.apply_id)
        });
        let done = done.collect::<Vec<_>>().join("; ");
        Self::Wave { tenants, done, source: Box::new(self) }
    }

    pub(crate) fn file(doing: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::File { doing, path: path.display().to_string(), source }
    }
}
