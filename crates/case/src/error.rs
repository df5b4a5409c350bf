use std::io;
use std::path::{Path, PathBuf};

use restitch_model::EvidenceId;

/// What a case answers with.
pub type Result<T> = std::result::Result<T, CaseError>;

/// Why something could not be done with a case.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The folder is not a case.
    #[error("no case at {}: run `restitch recover PIPELINE` or give --case DIR", .0.display())]
    NoCase(PathBuf),
    /// A case was to be made where there is one.
    #[error("there is a case at {} already: open it, or choose another folder with --case DIR", .0.display())]
    Exists(PathBuf),
    /// A case was to be made in a folder that holds other things.
    #[error("{} holds other files: choose an empty or a new folder with --case DIR", .0.display())]
    NotEmpty(PathBuf),
    /// Another run works on the case.
    #[error("the case at {} is in use by {holder}: wait until that run ends, or stop it, and try again", .dir.display())]
    InUse {
        /// The case.
        dir: PathBuf,
        /// Who holds it, as far as that can be told: `process 4711`.
        holder: String,
    },
    /// The case was opened to be read only.
    #[error("the case at {} was opened for reading only: nothing is written to it", .0.display())]
    ReadOnly(PathBuf),
    /// The system refused something about a file or a folder.
    #[error("cannot {doing} {}: {source}; {}", .path.display(), advice(.source))]
    File {
        /// What was being done: `read`, `write`.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the case is not what was written.
    #[error("{} is damaged: {problem}; `restitch verify` lists all that is damaged", .path.display())]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it, and what mends it.
        problem: String,
    },
    /// The name of a result leads out of the case or into a part with a promise of its own.
    #[error(
        "{0:?} cannot be the name of a result: a relative path such as facts/payments.parquet is needed, outside of evidence/, the decisions and the log"
    )]
    Name(String),
    /// A result was asked for that no step has written.
    #[error("{name} is not in the case at {}: run the step that writes it first", .dir.display())]
    NotWritten {
        /// The case.
        dir: PathBuf,
        /// The result.
        name: String,
    },
    /// A table cannot be written or read as Parquet.
    #[error("the table {name} cannot be kept: {problem}")]
    Table {
        /// The result's name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No evidence has this name.
    #[error("no evidence {id} in the case at {}: run `restitch pull`, or look for the id in another case", .dir.display())]
    NoEvidence {
        /// The case.
        dir: PathBuf,
        /// The name asked for.
        id: EvidenceId,
    },
    /// A recipient is none.
    #[error("{0:?} is no age recipient: `age-keygen` shows one that begins with age1")]
    Recipient(String),
    /// A text that should hold identities does not.
    #[error("{origin} does not hold an age identity as `age-keygen` writes it: {problem}")]
    Identity {
        /// Where the text came from: a file, a variable.
        origin: String,
        /// What is wrong with it, without quoting it.
        problem: String,
    },
    /// Something is sealed, and nothing is known that opens it.
    #[error("{} is sealed: {why}; name a file with the identity by `identity_file`, or a variable that holds it by `identity_env`, under [case] in case.toml or the pipeline file", .path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
        /// Why it could not be opened.
        why: &'static str,
    },
    /// A sealed case was opened without recipients.
    #[error("the case at {} is sealed, and no recipients are named: put `recipients` back under [case]", .0.display())]
    Sealed(PathBuf),
    /// A case that is not sealed was opened with recipients.
    #[error("the case at {} was begun without recipients, and what it holds is not sealed: begin another with --case DIR, or take `recipients` out of [case]", .0.display())]
    NotSealed(PathBuf),
    /// An earlier write of evidence failed, so that nothing more is put after it.
    #[error("evidence cannot be added to {} because an earlier write failed: see to that error and run the command again", .0.display())]
    Halted(PathBuf),
}

/// What a person can do about an error of the file system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space and run the command again, what was written before is safe"
        }
        io::ErrorKind::PermissionDenied => {
            "run as the user that owns the case, or give that folder to this user"
        }
        io::ErrorKind::ReadOnlyFilesystem => "choose a folder that can be written with --case DIR",
        io::ErrorKind::NotFound => "check that it is there",
        io::ErrorKind::Unsupported => {
            "choose a folder on a local disk with --case DIR, this one cannot do that"
        }
        _ => "check the disk and run the command again",
    }
}

/// Adds to an error of the system what was being done, and to what.
pub(crate) trait Doing<T> {
    /// `doing` is a verb: `read`, `write`.
    fn doing(self, doing: &'static str, path: &Path) -> Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| CaseError::File { doing, path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_with_what_to_do() {
        let full: io::Result<()> = Err(io::ErrorKind::StorageFull.into());
        let text = full.doing("write", Path::new("case/plan.json")).unwrap_err().to_string();
        assert!(text.starts_with("cannot write case/plan.json: "), "{text}");
        assert!(text.ends_with(
            "free some space and run the command again, what was written before is safe"
        ));
    }

    #[test]
    fn a_folder_that_is_no_case_says_how_to_come_to_one() {
        assert_eq!(
            CaseError::NoCase("here".into()).to_string(),
            "no case at here: run `restitch recover PIPELINE` or give --case DIR"
        );
    }
}
