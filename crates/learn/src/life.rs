//! The life of a record: which value of a status goes with what has been heard of it, and
//! with where the present lies among its times. A decision list (Rivest 1987), found greedily.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{FactValue, Instant, Share, Value};
use serde::{Deserialize, Serialize};

use crate::shape::{ColumnKind, View};
use crate::source::Parts;

/// A status has at most so many values.
const VALUES: usize = 12;
/// A field of an item is a state when it has at most so many values in its form.
const STATES: usize = 6;
/// A branch of the list needs so many rows.
const LEAST: u64 = 4;

/// What is heard of a record in one item: its form, and one of its states where it has any.
pub type State = String;

/// The fields that give the items of a form their states.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateFields(pub BTreeMap<String, Vec<String>>);

impl StateFields {
    /// Finds, form by form, the fields with a few values that many items share.
    pub fn find<'p>(parts: impl Iterator<Item = &'p Parts>) -> Self {
        let mut values: BTreeMap<&str, BTreeMap<&str, BTreeMap<String, u64>>> = BTreeMap::new();
        for parts in parts {
            for source in parts.sources.iter().filter(|s| !s.name.contains(['(', '@'])) {
                if let Some(text) = state_text(&source.value) {
                    let fields = values.entry(&parts.form).or_default();
                    *fields.entry(&source.name).or_default().entry(text).or_default() += 1;
                }
            }
        }
        let few = |counts: &BTreeMap<String, u64>| {
            (2..=STATES).contains(&counts.len())
                && counts.values().sum::<u64>() >= 8 * counts.len() as u64
        };
        Self(
            values
                .into_iter()
                .map(|(form, fields)| {
                    let fields = fields.into_iter().filter(|(_, c)| few(c));
                    (form.to_owned(), fields.map(|(name, _)| name.to_owned()).collect())
                })
                .filter(|(_, fields): &(String, Vec<String>)| !fields.is_empty())
                .collect(),
        )
    }

    /// What an item says of its record's state.
    pub fn states(&self, parts: &Parts) -> Vec<State> {
        let fields = self.0.get(&parts.form).into_iter().flatten();
        let stated = fields.filter_map(|field| {
            let text = state_text(&parts.source(field)?.value)?;
            Some(format!("{} {field}={text}", parts.form))
        });
        std::iter::once(parts.form.clone()).chain(stated).collect()
    }
}

/// The states of a record, each as one of its form and as one of its kind: of each field all that
/// was heard together, since a payment that failed and then succeeded is another thing than one
/// that failed.
pub(crate) fn together<'s>(heard: impl Iterator<Item = &'s State> + Clone) -> Vec<[State; 2]> {
    let of_kind = |field: &str| {
        let (form, name) = field.split_once(' ').unwrap_or((field, ""));
        format!("{} {name}", form.split('/').next().unwrap_or(form))
    };
    let mut forms: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut kinds: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (field, value) in heard.filter_map(|state| state.rsplit_once('=')) {
        forms.entry(field).or_default().insert(value);
        kinds.entry(of_kind(field)).or_default().insert(value);
    }
    let stated = |field: &str, values: &BTreeSet<&str>| {
        let values: Vec<&str> = values.iter().copied().collect();
        format!("{field}={}", values.join("|"))
    };
    let both = |(field, values): (&&str, &BTreeSet<&str>)| {
        let kind = of_kind(field);
        [stated(field, values), stated(&kind, &kinds[&kind])]
    };
    forms.iter().map(both).collect()
}

/// The field that a state is of: `stripe.charge /paid` of `stripe.charge /paid=false`.
pub(crate) fn field_of(state: &str) -> &str {
    state.rsplit_once('=').map_or(state, |(field, _)| field)
}

/// What rehearsals showed of the states in which records are heard of, as `together` tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Soundness {
    /// States in which what was rebuilt mostly was no record.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub doubtful: BTreeSet<State>,
    /// The states of true records, of fields that many of them have.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sound: BTreeSet<State>,
}

impl Soundness {
    /// Whether a record of which this was heard is doubtful: most like it were none, or no true
    /// one was ever heard of so, such as a payment that failed.
    pub fn is_doubtful<'s>(&self, heard: impl Iterator<Item = &'s State> + Clone) -> bool {
        let is_known = |state: &State| {
            let field = format!("{}=", field_of(state));
            self.sound.range(field.clone()..).next().is_some_and(|s| s.starts_with(&field))
        };
        // What is known of a form's field outweighs what is known of the kind's.
        let is_new = |states: &[State; 2]| {
            let known = states.iter().find(|state| is_known(state));
            known.is_some_and(|state| !self.sound.contains(state))
        };
        together(heard).iter().any(|states| {
            states.iter().any(|state| self.doubtful.contains(state)) || is_new(states)
        })
    }
}

fn state_text(value: &FactValue) -> Option<String> {
    match value {
        FactValue::Text(text) if text.len() <= 30 => Some(text.clone()),
        FactValue::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// The columns of planned times: those that reach beyond the present in some of these rows.
pub fn planned_columns(view: &View, rows: &[usize], as_of: Instant) -> Vec<String> {
    let now = jiff::tz::TimeZone::UTC.to_datetime(as_of);
    let mut planned = Vec::new();
    for (p, path) in view.paths.iter().enumerate().filter(|(_, path)| path.is_own()) {
        if let ColumnKind::Time(format) = &path.kind {
            let ahead =
                rows.iter().filter(|&&r| format.parse(&view.rows[r][p]).is_some_and(|c| c > now));
            // A few rows of a clock that runs ahead make no plan.
            if ahead.count() * 200 > rows.len() {
                planned.push(path.name.clone());
            }
        }
    }
    planned
}

/// Where the present lies among planned times, each given as whether it is past.
pub fn phase(planned: &[(String, Option<bool>)]) -> String {
    let part = |(column, past): &(String, Option<bool>)| match past {
        Some(true) => format!("{column} past"),
        Some(false) => format!("{column} ahead"),
        None => format!("{column} unknown"),
    };
    planned.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// One branch of a decision list: the first whose condition holds decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// The column that it fills.
    pub column: String,
    /// What must have been heard; nothing means anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<State>,
    /// Where the present must lie; nothing means anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The value.
    pub value: Value,
    /// On how many rows that was tried.
    pub support: u64,
    /// How often it held.
    pub accuracy: f64,
}

/// One row with what was heard of it, to learn from.
#[derive(Debug, Clone)]
pub struct Example {
    /// The row's position in the view.
    pub row: usize,
    /// All that was heard.
    pub states: BTreeSet<State>,
    /// Where the present lies.
    pub phase: String,
}

/// The columns that look like a status: texts of a few values.
pub fn status_columns(view: &View) -> Vec<usize> {
    (0..view.paths.len())
        .filter(|&p| {
            let path = &view.paths[p];
            path.is_own() && path.kind == ColumnKind::Text && (2..=VALUES).contains(&path.distinct)
        })
        .collect()
}

/// The decision list of a column.
pub fn learn(view: &View, column: usize, examples: &[Example]) -> Vec<Branch> {
    let mut left: Vec<&Example> = examples.iter().collect();
    let mut list = Vec::new();
    while !left.is_empty() && list.len() < 60 {
        let Some(branch) = best_branch(view, column, &left) else { break };
        left.retain(|example| !holds(&branch, &example.states, &example.phase));
        list.push(branch);
    }
    list
}

/// What a list says of a record.
pub fn decide<'l>(
    list: &'l [Branch],
    column: &str,
    states: &BTreeSet<State>,
    phase: &str,
) -> Option<&'l Branch> {
    list.iter().find(|branch| branch.column == column && holds(branch, states, phase))
}

fn holds(branch: &Branch, states: &BTreeSet<State>, phase: &str) -> bool {
    branch.heard.as_ref().is_none_or(|heard| states.contains(heard))
        && branch.phase.as_ref().is_none_or(|p| p == phase)
}

fn best_branch(view: &View, column: usize, examples: &[&Example]) -> Option<Branch> {
    type Condition<'e> = (Option<&'e str>, Option<&'e str>);
    let mut counts: BTreeMap<Condition<'_>, BTreeMap<&Value, u64>> = BTreeMap::new();
    for example in examples {
        let value = &view.rows[example.row][column];
        let heard = example.states.iter().map(|s| Some(s.as_str())).chain([None]);
        for heard in heard {
            for phase in [None, Some(example.phase.as_str())] {
                *counts.entry((heard, phase)).or_default().entry(value).or_default() += 1;
            }
        }
    }
    let everything = examples.len() as u64;
    let scored = counts.iter().filter_map(|(&(heard, phase), values)| {
        let n: u64 = values.values().sum();
        let (value, &hits) = values.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?;
        // The branch for everything else may be small; others must show themselves.
        (n >= LEAST || n == everything).then_some((Share { hits, n }, heard, phase, *value))
    });
    let (share, heard, phase, value) = scored.max_by(|a, b| {
        let worth = |s: &Share| s.wilson().low;
        worth(&a.0).total_cmp(&worth(&b.0)).then((b.1, b.2).cmp(&(a.1, a.2)))
    })?;
    Some(Branch {
        column: view.paths[column].name.clone(),
        heard: heard.map(str::to_owned),
        phase: phase.map(str::to_owned),
        value: value.clone(),
        support: share.n,
        accuracy: share.rate()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{parts, snapshot, table, text};

    const AHEAD: &str = "starts ahead";
    const PAST: &str = "starts past";

    /// What is decided after learning from eight rows each: done when past and booked when
    /// ahead, but cancelled whenever a cancellation was heard, with or without a reminder.
    fn decided(heard: &[&str], phase: &str) -> String {
        let seen = [
            ("booked", AHEAD, &["mail/confirmed"][..]),
            ("booked", AHEAD, &["mail/confirmed", "mail/reminder"]),
            ("done", PAST, &["mail/confirmed", "mail/reminder"]),
            ("cancelled", AHEAD, &["mail/confirmed", "mail/cancelled", "mail/reminder"]),
            ("cancelled", PAST, &["mail/confirmed", "mail/cancelled"]),
        ];
        let mut rows = Vec::new();
        let mut examples = Vec::new();
        for n in 0..40 {
            let (status, phase, heard) = seen[n % 5];
            rows.push(format!("{n} | {status}"));
            let states = heard.iter().map(|s| (*s).to_owned()).collect();
            examples.push(Example { row: n, states, phase: phase.to_owned() });
        }
        let view = View::of(&snapshot(vec![table("bookings", "id status", &rows)]), "bookings");
        let view = view.unwrap();
        assert_eq!(status_columns(&view), [1]);
        let list = learn(&view, 1, &examples);
        let states = heard.iter().map(|s| (*s).to_owned()).collect();
        decide(&list, "status", &states, phase).unwrap().value.to_string()
    }

    /// Whether a record is doubtful of which this was heard, where only paid charges were true.
    fn is_doubtful(heard: &[&str]) -> bool {
        let true_ones = ["charge/full /paid=true", "charge/rest /paid=false|true"];
        let kinds = ["charge /paid=true", "charge /paid=false|true"];
        let sound = true_ones.iter().chain(&kinds).map(|s| (*s).to_owned()).collect();
        let states = Soundness { sound, doubtful: BTreeSet::new() };
        let heard: Vec<State> = heard.iter().map(|s| (*s).to_owned()).collect();
        states.is_doubtful(heard.iter())
    }

    #[test]
    fn a_state_in_which_no_true_record_was_heard_of_is_doubtful() {
        assert!(!is_doubtful(&["charge/full", "charge/full /paid=true"]));
        assert!(is_doubtful(&["charge/full", "charge/full /paid=false"]));
        assert!(is_doubtful(&["charge/new /paid=false"]), "whatever the template");
        assert!(!is_doubtful(&["charge/new /paid=true"]));
    }

    #[test]
    fn what_failed_and_then_succeeded_is_another_thing_than_what_failed() {
        assert!(!is_doubtful(&["charge/rest /paid=false", "charge/rest /paid=true"]));
        assert!(is_doubtful(&["charge/rest /paid=false"]));
    }

    #[test]
    fn a_field_that_no_true_record_has_tells_nothing() {
        assert!(!is_doubtful(&["charge/full /brand=visa"]));
    }

    #[test]
    fn the_phase_decides_where_nothing_else_was_heard() {
        assert_eq!(decided(&["mail/confirmed"], AHEAD), "booked");
        assert_eq!(decided(&["mail/confirmed"], PAST), "done");
    }

    #[test]
    fn a_late_reminder_undoes_no_cancellation() {
        let heard = ["mail/confirmed", "mail/cancelled", "mail/reminder"];
        assert_eq!(decided(&heard, AHEAD), "cancelled");
        assert_eq!(decided(&heard, PAST), "cancelled");
    }

    #[test]
    fn a_field_of_few_values_gives_an_item_its_state() {
        let charges: Vec<Parts> = (0..20)
            .map(|n| {
                let status = if n % 4 == 0 { "failed" } else { "succeeded" };
                let id = text(&format!("ch_{n}"));
                parts("charge/main", &[("/status", text(status)), ("/id", id)])
            })
            .collect();
        let fields = StateFields::find(charges.iter());
        assert_eq!(fields.states(&charges[0]), ["charge/main", "charge/main /status=failed"]);
        assert_eq!(fields.0["charge/main"], ["/status"], "an id is no state");
    }

    #[test]
    fn the_phase_says_which_times_are_past() {
        let planned = |past| [("starts".to_owned(), past)];
        assert_eq!(phase(&planned(Some(true))), PAST);
        assert_eq!(phase(&planned(Some(false))), AHEAD);
        assert_eq!(phase(&planned(None)), "starts unknown");
    }

    #[test]
    fn only_columns_that_reach_beyond_the_present_are_planned() {
        let rows: Vec<String> = (1..=9)
            .map(|n| format!("{n} | 2026-01-0{n}T00:00:00Z | 2026-02-0{n}T00:00:00Z"))
            .collect();
        let snapshot = snapshot(vec![table("bookings", "id made starts", &rows)]);
        let view = View::of(&snapshot, "bookings").unwrap();
        let all: Vec<usize> = (0..9).collect();
        let now = crate::sketch::at("2026-02-05T12:00:00Z");
        assert_eq!(planned_columns(&view, &all, now), ["starts"]);
    }
}
