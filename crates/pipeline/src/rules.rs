//! `rules.toml` in the case: what was learned, and what a person made of it.

use restitch_case::Case;
use restitch_learn::{ByHand, Knowledge, LearnError, by_hand, study};
use restitch_model::Snapshot;

use crate::changes::Changes;
use crate::error::PipelineError;
use crate::file::with_nearest;

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
    match restitch_learn::from_toml(&case.read_text(RULES)?) {
        Err(LearnError::Document(problem)) => Err(wrong(case, &with_nearest(&problem))),
        knowledge => Ok(Some(knowledge?)),
    }
}

fn wrong(case: &Case, problem: &str) -> PipelineError {
    PipelineError::Settings {
        file: case.path(RULES).display().to_string(),
        problem: format!(
            "{}\nmend it, or move the file out of the case to learn all of it anew",
            problem.trim_end()
        ),
    }
}

/// Refuses rules for columns that the database does not have, with line and nearest name: they
/// would be passed over in silence.
pub fn check(case: &Case, knowledge: &Knowledge, snapshot: &Snapshot) -> Result<(), PipelineError> {
    let views = study::views(snapshot, &knowledge.bindings);
    for (record_type, known) in &knowledge.records {
        let Some(view) = views.get(record_type) else { continue };
        let stray = known.rules.iter().find(|rule| view.path(&rule.column).is_none());
        if let Some(rule) = stray {
            let text = case.read_text(RULES)?;
            let line = text.lines().position(|line| {
                let value =
                    line.strip_prefix("column").and_then(|l| l.trim_start().strip_prefix('='));
                value.is_some_and(|v| v.trim().trim_matches(['"', '\'']) == rule.column)
            });
            let at = line.map(|line| format!("line {}: ", line + 1)).unwrap_or_default();
            let (table, column) = (&view.table, &rule.column);
            let nearest = by_hand::nearest(view, column);
            return Err(wrong(
                case,
                &format!("{at}{table} has no column {column:?} to fill; {nearest}"),
            ));
        }
    }
    Ok(())
}

/// The rules that a person pinned, in the order of the file.
pub fn pinned(case: &Case) -> Result<Vec<ByHand>, PipelineError> {
    Ok(read(case)?.as_ref().map(pinned_in).unwrap_or_default())
}

/// The pinned ones of these rules.
pub(crate) fn pinned_in(knowledge: &Knowledge) -> Vec<ByHand> {
    let rules = knowledge
        .records
        .iter()
        .flat_map(|(record_type, known)| known.rules.iter().map(move |rule| (record_type, rule)));
    rules
        .filter(|(_, rule)| rule.pinned)
        .map(|(record_type, rule)| ByHand {
            record_type: record_type.clone(),
            column: rule.column.clone(),
            of: rule.form.clone(),
            from: rule.from.clone(),
            read: Some(rule.read.clone()),
            pinned: true,
        })
        .collect()
}

/// Writes what was learned. Where something would be lost by it, an edit or a rule that is
/// there no more, the rules as they were are kept first; gives whether they were.
pub fn replace(case: &Case, text: &str, changes: Option<&Changes>) -> Result<bool, PipelineError> {
    let before = if case.has(RULES) { case.read_text(RULES)? } else { text.to_owned() };
    let is_lost = before != text
        && (!restitch_learn::is_as_written(&before) || changes.is_some_and(|c| !c.gone.is_empty()));
    if is_lost {
        case.write(PREVIOUS, before)?;
    }
    case.write(RULES, text)?;
    Ok(is_lost)
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
    fn an_edited_file_that_gives_way_to_another_is_kept() {
        let (_place, case) = case();
        assert!(!replace(&case, "a = 1\n", None).unwrap(), "there were none");
        assert!(!replace(&case, "a = 1\n", None).unwrap(), "they are the same");
        assert!(!case.has(PREVIOUS));
        std::fs::write(case.path(RULES), "a = 2 # by hand\n").unwrap();
        assert!(replace(&case, "a = 1\n", None).unwrap());
        assert_eq!(case.read_text(PREVIOUS).unwrap(), "a = 2 # by hand\n");
        assert_eq!(case.read_text(RULES).unwrap(), "a = 1\n");
        assert_eq!(case.verify().problems, [""; 0]);
    }

    #[test]
    fn rules_that_cannot_be_understood_are_wrong_settings_with_file_and_line() {
        let (_place, case) = case();
        case.write(RULES, "zone = \"UTC\"\nincident = \n").unwrap();
        let error = read(&case).unwrap_err();
        assert!(error.is_settings());
        let said = error.to_string();
        for part in ["rules.toml: ", "line 2", "move the file out of the case"] {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
    }

    #[test]
    fn where_nothing_was_learned_there_are_no_rules() {
        let (_place, case) = case();
        assert!(read(&case).unwrap().is_none());
    }
}
