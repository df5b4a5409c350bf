//! The kinds of sources that a pipeline can name. A new kind is one line in each of the two
//! lists here.

use std::path::{Path, PathBuf};

use restitch_connect::{Connector, PullError};
use restitch_connect_calendar::CalendarFiles;
use restitch_connect_mail::MailFiles;
use restitch_connect_stripe::{StripeApi, StripeFiles};
use restitch_connect_table::TableFiles;
use restitch_model::Secret;

use crate::error::PipelineError;
use crate::file::{Paths, Source, SourceKind};

/// The connector of a source; its paths are relative to the folder.
pub fn connector(source: &Source, folder: &Path) -> Result<Box<dyn Connector>, PipelineError> {
    let paths: Vec<PathBuf> = match &source.path {
        None => Vec::new(),
        Some(Paths::One(path)) => vec![folder.join(path)],
        Some(Paths::Several(paths)) => paths.iter().map(|path| folder.join(path)).collect(),
    };
    // What an operator mistyped should be said before anything is pulled.
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        let path = missing.display().to_string();
        let source_error = PullError::File { path, source: std::io::ErrorKind::NotFound.into() };
        return Err(PipelineError::Pull { name: source.name.clone(), source: source_error });
    }
    Ok(match (source.kind, &source.key_env) {
        (SourceKind::Stripe, Some(variable)) => {
            let key = std::env::var(variable).map_err(|_| PipelineError::Variable {
                name: variable.clone(),
                what: "a restricted, read-only Stripe key",
            })?;
            Box::new(StripeApi {
                key: Secret::new(key),
                api_base: source.api_base.clone(),
                allow_write_key: source.allow_write_key,
            })
        }
        (SourceKind::Stripe, None) => Box::new(StripeFiles { paths }),
        (SourceKind::Calendar, _) => {
            Box::new(CalendarFiles { paths, timezone: source.timezone.clone() })
        }
        (SourceKind::Mail, _) => Box::new(MailFiles { paths }),
        (SourceKind::Table, _) => Box::new(TableFiles { paths }),
    })
}
