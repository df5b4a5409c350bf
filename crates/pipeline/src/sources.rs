//! The kinds of sources that a pipeline can name. A new kind is one line in each of the two
//! lists here.

use std::path::{Path, PathBuf};

use restitch_connect::Connector;
use restitch_connect_calendar::CalendarFiles;
use restitch_connect_mail::{Credential, ImapMailbox, MailFiles};
use restitch_connect_stripe::{StripeApi, StripeFiles};
use restitch_connect_table::TableFiles;
use restitch_model::Secret;

use crate::error::PipelineError;
use crate::file::{Paths, Source, SourceKind};

/// The connector of a source; its paths are relative to the folder.
pub fn connector(source: &Source, folder: &Path) -> Result<Box<dyn Connector>, PipelineError> {
    let paths = paths(source, folder)?;
    Ok(match (source.kind, &source.key_env) {
        (SourceKind::Stripe, Some(variable)) => {
            let key = secret(variable, "a restricted, read-only Stripe key")?;
            Box::new(StripeApi {
                key,
                api_base: source.api_base.clone(),
                allow_write_key: source.allow_write_key,
            })
        }
        (SourceKind::Stripe, None) => Box::new(StripeFiles { paths }),
        (SourceKind::Calendar, _) => {
            Box::new(CalendarFiles { paths, timezone: source.timezone.clone() })
        }
        (SourceKind::Mail, _) => match &source.url {
            Some(url) => Box::new(mailbox(source, url, folder)?),
            None => Box::new(MailFiles { paths }),
        },
        (SourceKind::Table, _) => Box::new(TableFiles { paths }),
    })
}

/// The mailbox on a server that a source names.
fn mailbox(source: &Source, url: &str, folder: &Path) -> Result<ImapMailbox, PipelineError> {
    let credential = match (&source.token_env, &source.password_env, &source.password_file) {
        (Some(variable), ..) => {
            Credential::Token(secret(variable, "an access token for the mailbox")?)
        }
        (None, Some(variable), _) => {
            Credential::Password(secret(variable, "the password of the mailbox")?)
        }
        (None, None, file) => {
            let file = folder.join(file.as_deref().unwrap_or(Path::new("")));
            let text = std::fs::read_to_string(&file).map_err(|source| PipelineError::Secret {
                file: file.display().to_string(),
                source,
            })?;
            Credential::Password(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
    };
    Ok(ImapMailbox {
        folders: source.folders.clone().unwrap_or_default(),
        ca_file: source.ca_file.as_ref().map(|file| folder.join(file)),
        allow_plaintext: source.allow_plaintext,
        ..ImapMailbox::new(url, source.username.clone().unwrap_or_default(), credential)
    })
}

/// What a variable holds.
fn secret(variable: &str, what: &'static str) -> Result<Secret, PipelineError> {
    let missing = |_| PipelineError::Variable { name: variable.to_owned(), what };
    std::env::var(variable).map(Secret::new).map_err(missing)
}

/// Where a source's files are: what an operator mistyped should be said before anything is
/// begun.
pub fn paths(source: &Source, folder: &Path) -> Result<Vec<PathBuf>, PipelineError> {
    let paths: Vec<PathBuf> = match &source.path {
        None => Vec::new(),
        Some(Paths::One(path)) => vec![folder.join(path)],
        Some(Paths::Several(paths)) => paths.iter().map(|path| folder.join(path)).collect(),
    };
    match paths.iter().find(|path| !path.exists()) {
        None => Ok(paths),
        Some(missing) => Err(PipelineError::NoPath {
            name: source.name.clone(),
            path: missing.display().to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Pipeline;

    #[test]
    fn a_password_comes_from_a_file_without_its_line_end_and_never_shows() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[target]\nurl = \"sqlite:a\"\n[[source]]\nname = \"post\"\ntype = \"mail\"\n\
                    url = \"imaps://x\"\nusername = \"me\"\npassword_file = \"secret\"\n\
                    ca_file = \"ca.pem\"\nfolders = [\"INBOX\"]";
        let source = &Pipeline::parse(text, "incident.toml").unwrap().source[0];
        let error = mailbox(source, "imaps://x", folder.path()).unwrap_err();
        assert!(error.is_settings() && error.to_string().contains("password_file"), "{error}");
        std::fs::write(folder.path().join("secret"), "hunter2 \r\n").unwrap();
        let mailbox = mailbox(source, "imaps://x", folder.path()).unwrap();
        assert_eq!(mailbox.credential, Credential::Password(Secret::new("hunter2 ")));
        assert_eq!(mailbox.ca_file, Some(folder.path().join("ca.pem")));
        assert_eq!(mailbox.folders, ["INBOX"]);
        assert!(!format!("{mailbox:?}").contains("hunter2"));
    }

    #[test]
    fn a_path_that_is_not_there_is_a_wrong_setting() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("mail")).unwrap();
        let text = "[target]\nurl = \"sqlite:a\"\n[[source]]\nname = \"post\"\ntype = \"mail\"\n\
                    path = [\"mail\", \"male\"]";
        let pipeline = Pipeline::parse(text, "incident.toml").unwrap();
        let error = paths(&pipeline.source[0], folder.path()).unwrap_err();
        assert!(error.is_settings());
        let missing = folder.path().join("male").display().to_string();
        assert_eq!(
            error.to_string(),
            format!(
                "source post: {missing} does not exist; paths are relative to the pipeline file"
            )
        );
    }
}
