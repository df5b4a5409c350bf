//! What learning changed in the rules since the last time.

use std::collections::BTreeMap;

use restitch_learn::Knowledge;
use restitch_learn::rule::{Read, Rule};
use serde::Serialize;

/// A smaller change of a rule's accuracy is not told.
const TOLD: f64 = 0.005;

/// What learning changed in the rules since the last time.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Changes {
    /// Rules that were not there.
    pub added: Vec<String>,
    /// Rules that are there no more.
    pub gone: Vec<String>,
    /// Rules whose accuracy is another, the largest change first.
    pub moved: Vec<Moved>,
}

/// A rule whose accuracy is another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// The rule.
    pub rule: String,
    /// How often it was right as it was measured the last time.
    pub from: f64,
    /// How often it is right now.
    pub to: f64,
}

impl Changes {
    /// What is not the same.
    pub fn between(before: &Knowledge, after: &Knowledge) -> Self {
        let (old, new) = (rules(before), rules(after));
        let without = |these: &Rules<'_>, those: &Rules<'_>| -> Vec<String> {
            these
                .iter()
                .filter(|(key, _)| !those.contains_key(key))
                .map(|(_, r)| r.0.clone())
                .collect()
        };
        let mut moved: Vec<Moved> = old
            .iter()
            .filter_map(|(key, (name, before))| {
                let (from, to) = (before.accuracy, new.get(key)?.1.accuracy);
                let is_told = (from - to).abs() >= TOLD;
                is_told.then(|| Moved { rule: name.clone(), from, to })
            })
            .collect();
        moved.sort_by(|a, b| (b.from - b.to).abs().total_cmp(&(a.from - a.to).abs()));
        Self { added: without(&new, &old), gone: without(&old, &new), moved }
    }

    /// Whether all is as it was.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.gone.is_empty() && self.moved.is_empty()
    }
}

/// A rule's record type, column, form, value and reading, with its name.
type Rules<'k> = BTreeMap<(&'k str, &'k str, &'k str, &'k str, &'k Read), (String, &'k Rule)>;

fn rules(knowledge: &Knowledge) -> Rules<'_> {
    let all = knowledge
        .records
        .iter()
        .flat_map(|(record_type, known)| known.rules.iter().map(move |rule| (record_type, rule)));
    all.map(|(record_type, rule)| {
        let key = (
            record_type.as_str(),
            rule.column.as_str(),
            rule.form.as_str(),
            rule.from.as_str(),
            &rule.read,
        );
        let table = knowledge.bindings.table(record_type).unwrap_or(record_type);
        (key, (format!("{table}.{}", rule.name()), rule))
    })
    .collect()
}
