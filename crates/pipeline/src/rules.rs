//! `rules.toml` in the case: what was learned, and what a person made of it.

use restitch_case::Case;
use restitch_learn::rule::Rule;
use restitch_learn::{Knowledge, LearnError};

use crate::error::PipelineError;

/// What was learned.
pub const RULES: &str = "rules.toml";
/// The rules that the last learning put others in the place of.
pub const PREVIOUS: &str = "rules.previous.toml";

/// The rules as they are now; `None` where nothing was learned yet. A file that cannot be
/// understood is an error of settings, since it is made to be edited.
pub fn read(case: &Case) -> Result<Option<Knowledge>, PipelineError> {
    if !case.has(RULES) {
        return Ok(None);
    }
    let fail = |problem: &str| PipelineError::Settings {
        file: case.path(RULES).display().to_string(),
        problem: format!(
            "{}\nmend it, or move the file out of the case to learn all of it anew",
            problem.trim_end()
        ),
    };
    match restitch_learn::from_toml(&case.read_text(RULES)?) {
        Err(LearnError::Document(problem)) => Err(fail(&problem)),
        knowledge => Ok(Some(knowledge?)),
    }
}

/// The rules that a person pinned, each with the type of the records that it is about, in the
/// order in which learning takes them.
pub fn pinned(case: &Case) -> Result<Vec<(String, Rule)>, PipelineError> {
    let records = read(case)?.map(|knowledge| knowledge.records).unwrap_or_default();
    // Learning puts each before those it has, so the first in the file has to come last.
    let rules = records.into_iter().flat_map(|(record_type, known)| {
        known.rules.into_iter().rev().map(move |rule| (record_type.clone(), rule))
    });
    Ok(rules.filter(|(_, rule)| rule.pinned).collect())
}

/// Writes what was learned. Where the rules were others before, these are kept first; gives
/// whether they were.
pub fn replace(case: &Case, text: &str) -> Result<bool, PipelineError> {
    let before = case.has(RULES).then(|| case.read(RULES)).transpose()?;
    let before = before.filter(|bytes| bytes != text.as_bytes());
    if let Some(bytes) = &before {
        case.write(PREVIOUS, bytes)?;
    }
    case.write(RULES, text)?;
    Ok(before.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> (tempfile::TempDir, Case) {
        let place = tempfile::tempdir().unwrap();
        let case = Case::create(place.path().join("case")).unwrap();
        (place, case)
    }

    #[test]
    fn rules_that_give_way_to_others_are_kept() {
        let (_place, case) = case();
        assert!(!replace(&case, "a = 1\n").unwrap(), "there were none");
        assert!(!replace(&case, "a = 1\n").unwrap(), "they are the same");
        assert!(!case.has(PREVIOUS));
        std::fs::write(case.path(RULES), "a = 2 # by hand\n").unwrap();
        assert!(replace(&case, "a = 1\n").unwrap());
        assert_eq!(case.read_text(PREVIOUS).unwrap(), "a = 2 # by hand\n");
        assert_eq!(case.read_text(RULES).unwrap(), "a = 1\n");
        assert_eq!(case.verify().problems, [""; 0]);
    }

    #[test]
    fn rules_that_cannot_be_understood_are_wrong_settings_with_file_and_line() {
        let (_place, case) = case();
        case.write(RULES, "zone = \"UTC\"\nincident = \n").unwrap();
        for error in [read(&case).unwrap_err(), pinned(&case).unwrap_err()] {
            assert!(error.is_settings());
            let said = error.to_string();
            for part in ["rules.toml: ", "line 2", "move the file out of the case"] {
                assert!(said.contains(part), "{part:?} is not in {said}");
            }
        }
    }

    #[test]
    fn where_nothing_was_learned_nothing_is_pinned() {
        let (_place, case) = case();
        assert!(read(&case).unwrap().is_none());
        assert_eq!(pinned(&case).unwrap(), []);
    }
}
