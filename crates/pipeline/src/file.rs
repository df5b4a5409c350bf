//! The pipeline file: what is pulled, which tables are which record types, what policy holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use restitch_case::{CaseError, Keys, identity_text};
use restitch_learn::rule::Read;
use restitch_learn::{ByHand, Damage};
use restitch_model::Instant;
use restitch_restore::{OnConflict, Waves};
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
    /// How the case is kept.
    #[serde(default, skip_serializing_if = "CaseSettings::is_default")]
    pub case: CaseSettings,
    /// The restored database.
    pub target: Target,
    /// Where evidence is pulled from.
    #[serde(default)]
    pub source: Vec<Source>,
    /// Record types whose table is named.
    #[serde(default)]
    pub record: BTreeMap<String, Record>,
    /// What helps learning.
    #[serde(default)]
    pub learn: LearnSettings,
    /// What may be done without asking.
    #[serde(default)]
    pub policy: Policy,
}

/// `[learn]`: what helps learning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnSettings {
    /// A folder with the templates of the business's own messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<PathBuf>,
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
    /// What was damaged, where that is not everything since the backup: see
    /// [`restitch_learn::damage`]. The rest of the database is then taken for true.
    #[serde(default, skip_serializing_if = "Damage::is_empty")]
    pub damage: Damage,
}

/// `[case]`: how the case is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSettings {
    /// To whom it is sealed: age recipients, `age1…`. Not sealed where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// A file with the identities that open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_file: Option<PathBuf>,
    /// The variable that holds an identity that opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_env: Option<String>,
}

impl CaseSettings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What seals the case and opens it. An identity that is named and not there is none, since
    /// a pull needs none: who reads then is told.
    pub fn keys(&self, folder: &Path) -> Result<Keys, CaseError> {
        let keys = Keys::to(&self.recipients)?;
        if let Some(path) = self.identity_file.as_ref().map(|path| folder.join(path)) {
            return match path.exists() {
                true => keys.opened_by(&identity_text(&path)?, &path.display().to_string()),
                false => Ok(keys),
            };
        }
        let said =
            self.identity_env.as_ref().and_then(|name| Some((name, std::env::var(name).ok()?)));
        match said {
            Some((name, text)) => keys.opened_by(&text, &format!("the variable {name}")),
            None => Ok(keys),
        }
    }
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
    /// The address of the backup, where that is another database than the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_url: Option<String>,
    /// The variable that holds the backup's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_url_env: Option<String>,
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
    /// Requests a second at most, where a part of what the provider allows must be left to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// A file with the keys by which the signatures of its messages are checked, of mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dkim_keys: Option<PathBuf>,
    /// The zone of times that name none, of calendars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The address of a server, or of a calendar on it; of a mailbox, `imaps://host[:port]` or
    /// `imap://host[:port]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The variable that holds the address, where that is a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_env: Option<String>,
    /// Who asks the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The variable that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// The file that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The variable that holds an OAuth access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// The calendars that are pulled, by patterns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendars: Option<Vec<String>>,
    /// The folders of a mailbox that are pulled, by patterns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folders: Option<Vec<String>>,
    /// Certificates that are trusted besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Let mail and password go unencrypted where the server offers nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_plaintext: bool,
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

impl SourceKind {
    /// As a pipeline file names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Calendar => "calendar",
            Self::Mail => "mail",
            Self::Table => "table",
        }
    }
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
    /// Of reservations: the tables that hang on them as lists, such as line items. Found where
    /// left out; `[]` where none is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<Vec<String>>,
    /// Rules by hand, by column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub column: BTreeMap<String, ColumnRule>,
}

/// `[record.NAME.column.COLUMN]`: a rule by hand, which comes before any that is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    /// Where its value stands, the first that is there: `KIND:VALUE`, such as
    /// `stripe.charge:/metadata/booking_ref`, or `FORM:VALUE`.
    pub from: Vec<String>,
    /// What is made of the value; what fits the rows best where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Read>,
}

impl ColumnRule {
    /// The kinds or forms, each with the value; `None` for what is not written so.
    pub fn places(&self) -> impl Iterator<Item = Option<(&str, &str)>> {
        self.from.iter().map(|from| {
            let (of, value) = from.split_once(':')?;
            Some((of.trim(), value.trim()))
        })
    }
}

/// `[policy]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Confidence from which a record needs no reviewer.
    pub accept_at: f64,
    /// Whether triggers fire when rows are written.
    pub triggers: TriggerPolicy,
    /// How sure, at most, a record is that nothing but messages tells of whose sender is not
    /// proved; 1 believes them as anything else.
    pub unproved_mail: f64,
    /// What becomes of a conflict with a surviving row.
    pub conflicts: OnConflict,
    /// Whether a plan for a server is one transaction, or one for each tenant.
    pub waves: Waves,
    /// How many different keys must sign a plan for a server; with 1, a person at a terminal may
    /// type the name of the database instead.
    pub approvals: usize,
    /// The file of those who may sign, as OpenSSH's `allowed_signers`; that in the case where
    /// left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signers: Option<PathBuf>,
    /// The database role that may be connected as though it has more rights than it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_role: Option<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            accept_at: 0.99,
            unproved_mail: 1.0,
            triggers: TriggerPolicy::Suppress,
            conflicts: OnConflict::Review,
            waves: Waves::One,
            approvals: 1,
            signers: None,
            allow_role: None,
        }
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

    /// The rules by hand, in the order in which they come.
    pub fn rules(&self) -> Vec<ByHand> {
        let mut rules = Vec::new();
        for (record_type, record) in &self.record {
            for (column, rule) in &record.column {
                let rule_of = |(of, from): (&str, &str)| ByHand {
                    record_type: record_type.clone(),
                    column: column.clone(),
                    of: of.to_owned(),
                    from: from.to_owned(),
                    read: rule.read.clone(),
                    pinned: false,
                };
                rules.extend(rule.places().flatten().map(rule_of));
            }
        }
        rules
    }

    /// The restored database's address, with a path in it made relative to the folder.
    pub fn target_url(&self, folder: &Path) -> Result<String, PipelineError> {
        let Target { url, url_env, .. } = &self.target;
        Ok(address(url, url_env, "the target's address", folder)?.unwrap_or_default())
    }

    /// The backup's address, where it is another database than the target, likewise.
    pub fn backup_url(&self, folder: &Path) -> Result<Option<String>, PipelineError> {
        let Target { backup_url, backup_url_env, .. } = &self.target;
        address(backup_url, backup_url_env, "the backup's address", folder)
    }
}

/// An address that stands in the file, or in the variable that it names.
fn address(
    url: &Option<String>,
    variable: &Option<String>,
    what: &'static str,
    folder: &Path,
) -> Result<Option<String>, PipelineError> {
    let url = match (url, variable) {
        (Some(url), _) => url.clone(),
        (None, Some(name)) => {
            std::env::var(name).map_err(|_| PipelineError::Variable { name: name.clone(), what })?
        }
        (None, None) => return Ok(None),
    };
    let Some(path) = url.strip_prefix("sqlite:") else { return Ok(Some(url)) };
    let path = Path::new(path.strip_prefix("//").unwrap_or(path));
    Ok(Some(format!("sqlite:{}", folder.join(path).display())))
}

/// Reads settings; `file` is named in errors, with the nearest right name where one is wrong.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, PipelineError> {
    toml::from_str(text).map_err(|error| PipelineError::Settings {
        file: file.to_owned(),
        problem: with_nearest(&error.to_string()),
    })
}

/// The error as toml says it, with the nearest right name where a name is wrong.
pub(crate) fn with_nearest(shown: &str) -> String {
    let is_unknown =
        |line: &&str| line.starts_with("unknown field") || line.starts_with("unknown variant");
    let message = shown.lines().find(is_unknown).unwrap_or_default();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let nearest = quoted.split_first().and_then(|(wrong, right)| {
        right.iter().min_by_key(|name| strsim::damerau_levenshtein(wrong, name))
    });
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
    fn a_rule_by_hand_names_kinds_and_values() {
        let text = "[target]\nurl = \"sqlite:a\"\n[record.reservation.column.pickup_at]\n\
                    from = [\"mail/booked:text:slot(2)#local\", \"mail:header:date\"]\n\
                    read = { time = \"utc\" }";
        let rules = Pipeline::parse(text, "incident.toml").unwrap().rules();
        let shown: Vec<_> = rules.iter().map(|r| (r.of.as_str(), r.from.as_str())).collect();
        assert_eq!(shown, [("mail/booked", "text:slot(2)#local"), ("mail", "header:date")]);
        assert!(rules.iter().all(|r| r.read.is_some() && r.column == "pickup_at" && !r.pinned));
    }

    #[test]
    fn a_reading_that_there_is_not_is_answered_with_the_nearest() {
        let text = "[target]\nurl = \"sqlite:a\"\n[record.reservation.column.total]\n\
                    from = [\"mail:text\"]\nread = \"minr\"";
        assert!(problem(text).ends_with("did you mean `minor`?"), "{}", problem(text));
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest_right_one() {
        insta::assert_snapshot!(problem("[target]\nurl = \"sqlite:a\"\n[policy]\nacept_at = 0.9"), @r"
        incident.toml: TOML parse error at line 4, column 1
          |
        4 | acept_at = 0.9
          | ^^^^^^^^
        unknown field `acept_at`, expected one of `accept_at`, `triggers`, `unproved_mail`, `conflicts`, `waves`, `approvals`, `signers`, `allow_role`
        did you mean `accept_at`?
        ");
    }
}
