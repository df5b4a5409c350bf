/// What can be wrong with tables or a model. Records never are: a value that cannot be read
/// is a missing value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MatchingError {
    /// Columns of one table differ in length.
    #[error(
        "column {column} has {found} values where the table has {expected} records; give one value, or none, for each record"
    )]
    ColumnLength {
        /// The column.
        column: String,
        /// How many values it has.
        found: usize,
        /// How many the first column has.
        expected: usize,
    },
    /// Two columns of one table have one name.
    #[error("column {0} stands twice in one table; rename one of them")]
    ColumnTwice(String),
    /// More records than a 32-bit number can count.
    #[error("a table of {0} records is too long to link at once; split it by time or tenant")]
    TooManyRecords(usize),
    /// The texts of one column are more than can be kept in one piece.
    #[error("the texts of column {0} are more than 4 GiB; split the table by time or tenant")]
    TooMuchText(String),
    /// A CSV file cannot be read on.
    #[error("row {row} of the CSV: {why}")]
    Csv {
        /// The row below the header, from 1; 0 is the header.
        row: usize,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A comparison or a blocking key names a column that is not there.
    #[error("{user} needs the column {column}, which is not there; there are: {known}")]
    NoColumn {
        /// The comparison or the blocking rule.
        user: String,
        /// The column that it names.
        column: String,
        /// The columns of that table.
        known: String,
    },
    /// A measure cannot compare columns of this kind.
    #[error(
        "comparison {comparison} cannot compare a column of {left} with one of {right}; choose another measure"
    )]
    Kind {
        /// The comparison.
        comparison: String,
        /// What the left column holds.
        left: &'static str,
        /// What the right column holds.
        right: &'static str,
    },
    /// More comparisons than a pattern of levels can hold.
    #[error("the model has {found} comparisons; at most {most} can be weighed together")]
    TooManyComparisons {
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// The weights were made for other comparisons.
    #[error(
        "the weights of the model do not fit its comparisons ({0}); remove [weights] to learn them again"
    )]
    Weights(String),
    /// There is nothing to go by.
    #[error(
        "no column of the two tables can be compared; give them columns of the same names, or a model that says which belong together"
    )]
    NothingToCompare,
    /// The text of a model is no model.
    #[error("the model cannot be read: {0}")]
    Model(String),
}
