//! What is known of a record, as it is compared: the row that it is, or the best of what
//! observations tell of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use restitch_facts::words::fold;
use restitch_matching::{Bound, Comparison, MatchingError, Records, Values};
use restitch_model::{Name, Observation, Reading, Row, Value};

use crate::anchor::hash;
use crate::error::LearnError;
use crate::knowledge::RecordKnowledge;
use crate::rule::amount;
use crate::shape::{ColumnKind, Path, View};
/// What a hand-typed text mentions is compared under this name.
pub(crate) const WORDS: &str = "@words";

/// What is known of a record.
#[derive(Debug, Clone)]
pub(crate) enum Profile<'p> {
    /// The row that it is, as its view has it.
    Row(&'p Row),
    /// What observations say, by path.
    Said(BTreeMap<&'p str, &'p Value>),
}

impl<'p> Profile<'p> {
    /// What observations tell of one record: of each path the surest reading.
    pub(crate) fn said(observations: impl Iterator<Item = &'p Observation>) -> Self {
        let mut best: BTreeMap<&str, &Reading> = BTreeMap::new();
        // What is only near speaks where nothing tells the column itself.
        let sure = |reading: &Reading| (!reading.is_near, reading.accuracy);
        for reading in observations.flat_map(said_once) {
            let held = best.entry(&reading.column).or_insert(reading);
            if sure(reading) > sure(held) {
                *held = reading;
            }
        }
        Self::Said(best.into_iter().map(|(column, held)| (column, &held.value)).collect())
    }

    /// The value of a path, which stands at this position of the view; `None` where it has none.
    pub(crate) fn value(&self, path: &str, position: usize) -> Option<&'p Value> {
        let value = match self {
            Self::Row(row) => row.get(position),
            Self::Said(said) => said.get(path).copied(),
        };
        value.filter(|value| !value.is_null())
    }
}

/// The readings of an observation, of one time that is near several columns that which is surest:
/// it can agree once.
fn said_once(observation: &Observation) -> impl Iterator<Item = &Reading> {
    let is_said = |reading: &&Reading| {
        let is_surer = |other: &Reading| {
            other.is_near && other.place == reading.place && other.accuracy > reading.accuracy
        };
        !reading.is_near || !observation.readings.iter().any(is_surer)
    };
    observation.readings.iter().filter(is_said)
}

/// What observations tell of a record, and the words of their texts.
pub(crate) type Left<'p> = (Profile<'p>, Arc<[Name]>);

/// Records that observations tell of, ready to be compared with others.
pub(crate) fn bound(
    left: &[Left<'_>],
    right: &[Profile<'_>],
    view: &View,
    comparisons: &[Comparison],
) -> Result<Bound, LearnError> {
    let fail = |e: MatchingError| LearnError::Matching(e.to_string());
    let mut of_left =
        columns(left.iter().map(|(p, _)| p), view, comparisons.iter().map(|c| &c.left));
    let text = |words: &Arc<[Name]>| words.iter().map(ToString::to_string).collect();
    let words = left.iter().map(|(_, words)| text(words)).collect();
    of_left.push((WORDS.to_owned(), Values::Words(words)));
    let of_right = columns(right.iter(), view, comparisons.iter().map(|c| &c.right));
    let (left, right) =
        (Records::new(of_left).map_err(fail)?, Records::new(of_right).map_err(fail)?);
    Bound::new(&left, Some(&right), comparisons).map_err(fail)
}

/// The values of some paths, a column each, in the order of their names.
fn columns<'c>(
    profiles: impl Iterator<Item = &'c Profile<'c>> + Clone,
    view: &View,
    names: impl Iterator<Item = &'c String>,
) -> Vec<(String, Values)> {
    let names: BTreeSet<&String> = names.collect();
    let column = |name: &String| {
        let position = view.position(name)?;
        let values = profiles.clone().map(|profile| profile.value(name, position));
        let values = match &view.paths[position].kind {
            ColumnKind::Time(format) => Values::Number(
                values
                    .map(|v| {
                        let zoned = format.parse(v?)?.to_zoned(jiff::tz::TimeZone::UTC);
                        Some(zoned.ok()?.timestamp().as_second())
                    })
                    .collect(),
            ),
            kind if kind.is_number() => Values::Number(values.map(|v| amount(v?, kind)).collect()),
            _ => Values::Text(values.map(|v| v.map(ToString::to_string)).collect()),
        };
        Some((name.clone(), values))
    };
    names.into_iter().filter_map(column).collect()
}

/// The values by which a record is looked up before anything is compared, as numbers: two values
/// that share one cost a comparison, no more.
pub(crate) fn block_tokens(
    view: &View,
    known: &RecordKnowledge,
    profile: &Profile<'_>,
) -> HashSet<u64> {
    let token = |(p, path): (usize, &Path)| {
        let value = profile.value(&path.name, p);
        match (&path.kind, value?) {
            (ColumnKind::Time(format), value) if known.planned.contains(&path.name) => {
                Some(hash(&format!("{}:{}", path.name, format.parse(value)?.date())))
            }
            (ColumnKind::Text, Value::Text(text)) if path.distinct > 20 && text.len() > 3 => {
                Some(hash(&fold(text)))
            }
            _ => None,
        }
    };
    view.paths.iter().enumerate().filter_map(token).collect()
}
