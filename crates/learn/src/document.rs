//! `rules.toml`: all that was learned, for a person to read and to edit.

use crate::error::LearnError;
use crate::knowledge::Knowledge;

const HEAD: &str = "\
# What restitch learned from the overlap of the backup and the evidence.
#
# accuracy: how often a rule gave the row's own value, on rows that it was not found on
# (where there were fewer than 30 of those, on all). support: on how many rows it was tried.
# [measured] is the rehearsal: rows were forgotten, rebuilt from evidence alone, compared.
#
# You may edit this file. A rule with `pinned = true` is kept when learning runs again;
# a rule taken out is not used by `restitch match`.

";

/// The document of what was learned. The same knowledge gives the same bytes.
pub fn to_toml(knowledge: &Knowledge) -> Result<String, LearnError> {
    let body =
        toml::to_string_pretty(knowledge).map_err(|e| LearnError::Document(e.to_string()))?;
    Ok(format!("{HEAD}{body}"))
}

/// What a document says.
pub fn from_toml(text: &str) -> Result<Knowledge, LearnError> {
    toml::from_str(text).map_err(|e| LearnError::Document(e.to_string()))
}
