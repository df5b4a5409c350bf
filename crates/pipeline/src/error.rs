use restitch_case::CaseError;
use restitch_connect::PullError;
use restitch_learn::LearnError;
use restitch_restore::RestoreError;

/// Why a step could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The pipeline file could not be opened.
    #[error("cannot open the pipeline file {file}: {source}")]
    Open {
        /// Which one.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder of the case could not be listed.
    #[error("cannot list the folder of the case, {dir}: {source}")]
    List {
        /// The folder.
        dir: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The pipeline file says something that cannot work.
    #[error("{file}: {problem}")]
    Settings {
        /// Which one.
        file: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A variable that the pipeline names is not set.
    #[error("the variable {name} is not set; it should hold {what}")]
    Variable {
        /// Which one.
        name: String,
        /// What it is for.
        what: &'static str,
    },
    /// A file that holds a secret could not be read.
    #[error("cannot read password_file {file}: {source}; paths are relative to the pipeline file")]
    Secret {
        /// Which one.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Files that a source names are not there.
    #[error("source {name}: {path} does not exist; paths are relative to the pipeline file")]
    NoPath {
        /// Which source.
        name: String,
        /// The file or folder, as it was looked for.
        path: String,
    },
    /// The keys that a source of mail names are not there, or are none.
    #[error("source {name}: dkim_keys: {path}: {problem}")]
    Keys {
        /// Which source.
        name: String,
        /// The file, as it was looked for.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A step needs the result of one before it.
    #[error("{missing} not there yet: run `restitch {command}` first")]
    Earlier {
        /// What is missing, with its verb: `the facts are`.
        missing: &'static str,
        /// What makes it.
        command: &'static str,
    },
    /// A table of the case is not as restitch writes it.
    #[error("{table} cannot be read: {problem}; run `restitch {command}`, which writes it anew")]
    Table {
        /// Which one.
        table: String,
        /// What is wrong.
        problem: String,
        /// What makes it anew.
        command: &'static str,
    },
    /// A folder of templates could not be read.
    #[error("[learn] templates: cannot read {path}: {source}")]
    Templates {
        /// The file or folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A template file is none.
    #[error("[learn] templates: {0}")]
    Template(#[from] restitch_learn::template_file::TemplateFileError),
    /// What is said to be damaged is not there.
    #[error("damage {0}")]
    Damage(String),
    /// There is no rule for what was asked about.
    #[error("{0}")]
    NoRule(String),
    /// A source could not be pulled.
    #[error("source {name}: {source}")]
    Pull {
        /// Which one.
        name: String,
        /// Why.
        source: PullError,
    },
    /// The case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// Learning or rebuilding.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// The database.
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

impl PipelineError {
    /// Whether the command line or a file of settings is wrong, and nothing was begun.
    pub fn is_settings(&self) -> bool {
        use PipelineError::{Keys, Learn, NoPath, NoRule, Open, Settings, Variable};
        match self {
            Open { .. }
            | Settings { .. }
            | Variable { .. }
            | Self::Secret { .. }
            | NoPath { .. }
            | Keys { .. }
            | Self::Templates { .. }
            | Self::Template(_)
            | Self::Damage(_)
            | NoRule(_) => true,
            Learn(error) => {
                matches!(error, LearnError::NoTable { .. } | LearnError::NoColumn { .. })
            }
            _ => false,
        }
    }

    /// Whether a guard refused, and nothing was written.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Restore(error) if error.is_refusal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_what_makes_it() {
        let said = |missing, command| PipelineError::Earlier { missing, command }.to_string();
        assert_eq!(
            [said("the facts are", "pull"), said("plan.json is", "plan")],
            [
                "the facts are not there yet: run `restitch pull` first",
                "plan.json is not there yet: run `restitch plan` first",
            ]
        );
    }

    #[test]
    fn a_table_that_the_pipeline_names_wrongly_is_a_matter_of_settings() {
        let table = LearnError::NoTable { record_type: "payment".into(), table: "folios".into() };
        assert!(PipelineError::from(table).is_settings());
        assert!(!PipelineError::from(LearnError::NoIncident).is_settings());
    }

    #[test]
    fn a_table_that_cannot_be_read_is_written_anew() {
        let table = PipelineError::Table {
            table: "facts/facts.parquet".to_owned(),
            problem: "it has no column name".to_owned(),
            command: "pull",
        };
        assert_eq!(
            table.to_string(),
            "facts/facts.parquet cannot be read: it has no column name; run `restitch pull`, \
             which writes it anew"
        );
    }
}
