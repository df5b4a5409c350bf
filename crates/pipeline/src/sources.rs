//! The kinds of sources that a pipeline can name. A new kind is one line in each of the two
//! lists here.

use std::path::{Path, PathBuf};

use restitch_connect::{Backoff, Connector};
use restitch_connect_calendar::CalendarFiles;
use restitch_connect_mail::{KeyedMail, Keys, MailFiles};
use restitch_connect_stripe::{Limits, StripeApi, StripeFiles};
use restitch_connect_table::TableFiles;
use restitch_model::Secret;

use crate::error::PipelineError;
use crate::file::{Paths, Source, SourceKind};
use crate::{calendars, mailboxes, servers};

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
                limits: source.requests_per_second.map(Limits::of_whole),
                backoff: Backoff::default(),
            })
        }
        (SourceKind::Stripe, None) => Box::new(StripeFiles { paths }),
        (SourceKind::Calendar, _) if servers::is_live(source) => {
            Box::new(calendars::server(source, folder)?)
        }
        (SourceKind::Calendar, _) => {
            Box::new(CalendarFiles { paths, timezone: source.timezone.clone() })
        }
        (SourceKind::Mail, _) => {
            let mail: Box<dyn Connector> = match &source.url {
                Some(url) => Box::new(mailboxes::server(source, url, folder)?),
                None => Box::new(MailFiles { paths }),
            };
            keyed(mail, source, folder)?
        }
        (SourceKind::Table, _) => Box::new(TableFiles { paths }),
    })
}

/// What a variable holds.
pub(crate) fn secret(variable: &str, what: &'static str) -> Result<Secret, PipelineError> {
    let missing = |_| PipelineError::Variable { name: variable.to_owned(), what };
    std::env::var(variable).map(Secret::new).map_err(missing)
}

/// What a file holds, without the end of its line.
pub(crate) fn secret_file(file: &Path) -> Result<Secret, PipelineError> {
    let failed = |source| PipelineError::Secret { file: file.display().to_string(), source };
    let text = std::fs::read_to_string(file).map_err(failed)?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

/// The mail with the keys of its senders, where the source names a file of them.
fn keyed(
    mail: Box<dyn Connector>,
    source: &Source,
    folder: &Path,
) -> Result<Box<dyn Connector>, PipelineError> {
    let Some(file) = &source.dkim_keys else { return Ok(mail) };
    let path = folder.join(file);
    let wrong = |problem: String| PipelineError::Keys {
        name: source.name.clone(),
        path: path.display().to_string(),
        problem,
    };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let keys = Keys::parse(&text).map_err(|error| wrong(error.to_string()))?;
    Ok(Box::new(KeyedMail { mail, keys }))
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
    fn keys_that_are_none_are_a_wrong_setting() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("mail")).unwrap();
        std::fs::write(folder.path().join("good"), "s._domainkey.x.example p=AA\n").unwrap();
        std::fs::write(folder.path().join("bad"), "s._domainkey.x.example\n").unwrap();
        let keyed = |keys: &str| {
            let text = format!(
                "[target]\nurl = \"sqlite:a\"\n[[source]]\nname = \"post\"\ntype = \"mail\"\n\
                 path = \"mail\"\ndkim_keys = {keys:?}"
            );
            let pipeline = Pipeline::parse(&text, "incident.toml").unwrap();
            connector(&pipeline.source[0], folder.path()).map(|_| ())
        };
        assert!(keyed("good").is_ok());
        for wrong in ["bad", "absent"] {
            let error = keyed(wrong).unwrap_err();
            assert!(error.is_settings() && error.to_string().contains("source post: dkim_keys:"));
        }
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
