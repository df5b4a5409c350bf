//! The pipeline file: what is pulled, which tables are which record types, what policy holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use restitch_model::Instant;
use restitch_restore::OnConflict;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::PipelineError;

/// A pipeline file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// What it is called in texts.
    #[serde(default)]
    pub name: String,
    /// When the backup ends and when the rest was lost, where the operator knows.
    #[serde(default)]
    pub incident: IncidentSettings,
    /// The restored database.
    pub target: Target,
    /// Where evidence is pulled from.
    #[serde(default)]
    pub source: Vec<Source>,
    /// Record types whose table is named.
    #[serde(default)]
    pub record: BTreeMap<String, Record>,
    /// What may be done without asking.
    #[serde(default)]
    pub policy: Policy,
}

/// `[incident]`: each is found from the data where left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentSettings {
    /// The last moment that the backup holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_at: Option<Instant>,
    /// The moment of loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at: Option<Instant>,
    /// How many days before the backup evidence is learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_days: Option<i64>,
}

/// `[target]`: one of the two says where the restored database is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its address, without a password in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The variable that holds its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_env: Option<String>,
}

/// `[[source]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is called in the case.
    pub name: String,
    /// What kind of source it is.
    #[serde(rename = "type")]
    pub kind: SourceKind,
    /// Files and folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Paths>,
    /// The variable that holds an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// Another server than the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_base: Option<String>,
    /// Take a key that could also write.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_write_key: bool,
    /// The zone of times that name none, of calendars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Payments from Stripe.
    Stripe,
    /// Events.
    Calendar,
    /// Messages.
    Mail,
    /// Any table.
    Table,
}

/// One path or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Paths {
    /// One.
    One(PathBuf),
    /// Several.
    Several(Vec<PathBuf>),
}

/// `[record.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The table that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// `[policy]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Confidence from which a record needs no reviewer.
    pub accept_at: f64,
    /// Whether triggers fire when rows are written.
    pub triggers: TriggerPolicy,
    /// What becomes of a conflict with a surviving row.
    pub conflicts: OnConflict,
}

impl Default for Policy {
    fn default() -> Self {
        Self { accept_at: 0.99, triggers: TriggerPolicy::Suppress, conflicts: OnConflict::Review }
    }
}

/// Whether triggers fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerPolicy {
    /// An insert must not send two thousand e-mails.
    Suppress,
    /// They do.
    Fire,
}

impl Pipeline {
    /// Reads a pipeline file.
    pub fn load(path: &Path) -> Result<Self, PipelineError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| PipelineError::Open { file: file.clone(), source })?;
        Self::parse(&text, &file)
    }

    /// Reads the text of a pipeline file; `file` is named in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self, PipelineError> {
        let fail = |problem: String| PipelineError::Settings { file: file.to_owned(), problem };
        let pipeline: Self = from_toml(text, file)?;
        pipeline.check().map_err(fail)?;
        Ok(pipeline)
    }

    /// The restored database's address, with a path in it made relative to the folder.
    pub fn target_url(&self, folder: &Path) -> Result<String, PipelineError> {
        let url = match (&self.target.url, &self.target.url_env) {
            (Some(url), _) => url.clone(),
            (None, Some(name)) => std::env::var(name).map_err(|_| PipelineError::Variable {
                name: name.clone(),
                what: "the target's address",
            })?,
            (None, None) => String::new(),
        };
        let Some(path) = url.strip_prefix("sqlite:") else { return Ok(url) };
        let path = Path::new(path.strip_prefix("//").unwrap_or(path));
        Ok(format!("sqlite:{}", folder.join(path).display()))
    }
}

/// Reads settings; `file` is named in errors, with the nearest right name where one is wrong.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, PipelineError> {
    toml::from_str(text).map_err(|error| PipelineError::Settings {
        file: file.to_owned(),
        problem: with_nearest(&error.to_string(), error.message()),
    })
}

/// The error as toml says it, with the nearest right name where a name is wrong.
fn with_nearest(shown: &str, message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let is_unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    let nearest = match quoted.split_first() {
        Some((wrong, right)) if is_unknown => {
            right.iter().min_by_key(|name| strsim::damerau_levenshtein(wrong, name))
        }
        _ => None,
    };
    match nearest {
        Some(name) => format!("{}\ndid you mean `{name}`?", shown.trim_end()),
        None => shown.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Pipeline::parse(text, "incident.toml").unwrap_err().to_string()
    }

    #[test]
    fn the_least_pipeline_is_a_target_and_a_source() {
        let text = "[target]\nurl = \"sqlite:a.sqlite\"\n[[source]]\nname = \"mail\"\ntype = \"mail\"\npath = \"mail\"";
        let pipeline = Pipeline::parse(text, "incident.toml").unwrap();
        assert_eq!(pipeline.policy.accept_at, 0.99);
        assert_eq!(pipeline.target_url(Path::new("/data")).unwrap(), "sqlite:/data/a.sqlite");
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest_right_one() {
        insta::assert_snapshot!(problem("[target]\nurl = \"sqlite:a\"\n[policy]\nacept_at = 0.9"), @r"
        incident.toml: TOML parse error at line 4, column 1
          |
        4 | acept_at = 0.9
          | ^^^^^^^^
        unknown field `acept_at`, expected one of `accept_at`, `triggers`, `conflicts`
        did you mean `accept_at`?
        ");
    }
}
