/// Why nothing could be learned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// No table looks like the one of reservations.
    #[error(
        "no table looks like reservations (a table that refers to one with e-mail addresses and \
         holds times); name it in the pipeline: [record.reservation] table = \"…\""
    )]
    NoReservations,
    /// The pipeline names a table that the database does not have.
    #[error(
        "the pipeline names the table {table:?} for {record_type}, and the database has none of \
         that name; correct it, or take the line out to have the table found"
    )]
    NoTable {
        /// The record type.
        record_type: String,
        /// The table that is not there.
        table: String,
    },
    /// The pipeline takes a table for a list that is none.
    #[error(
        "the pipeline says that {table:?} is a list of reservations, and it is not one: its rows \
         must refer to reservations and to a table of what is on offer; correct lists in \
         [record.reservation]"
    )]
    NoList {
        /// The table.
        table: String,
    },
    /// A rule by hand fills a column that is not there.
    #[error(
        "a rule by hand fills {column:?} of {record_type}, and {table} has no such column; \
         {nearest}"
    )]
    NoColumn {
        /// The record type.
        record_type: String,
        /// Its table.
        table: String,
        /// The column that is not there.
        column: String,
        /// What there is, as a sentence.
        nearest: String,
    },
    /// Neither the pipeline nor the rows tell when the backup ends.
    #[error(
        "the rows do not tell when the backup ends; say it in the pipeline: \
         [incident] backup_at = \"…\" and lost_at = \"…\""
    )]
    NoIncident,
    /// `rules.toml` cannot be read.
    #[error("rules.toml: {0}")]
    Document(String),
    /// `rules.toml` says nothing of reservations.
    #[error("rules.toml: [records.reservation] is not there; run `restitch learn` again")]
    NothingLearned,
    /// The linkage model could not be made or used.
    #[error("linking evidence to records: {0}")]
    Matching(String),
}
