//! From the observations of one record to its fields: the surest rules speak, and among them
//! the last word wins.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{
    Cell, Conflict, EvidenceId, Field, Instant, Observation, Reading, Snapshot, Value,
};

use crate::arithmetic;
use crate::knowledge::RecordKnowledge;
use crate::life::{self, State};
use crate::look_up::LookUps;
use crate::rule::{Plain, amount};
use crate::shape::{ColumnKind, Path, View};
use crate::within::{How, Within};

/// How the rule of a status is called.
pub(crate) const LIFE: &str = "life of the record";

/// Rules less sure than the best by more than this keep silent.
pub(crate) const SILENT: f64 = 0.05;

/// What was chosen for a column, and what else was said.
#[derive(Debug, Clone)]
pub struct Chosen<'o> {
    /// The reading that won.
    pub reading: &'o Reading,
    /// Who said it.
    pub by: &'o Observation,
    /// As sure and at least as late, and different.
    pub against: Vec<(&'o Reading, &'o Observation)>,
}

/// Chooses among all that is said of a column.
pub fn choose<'o>(column: &str, observations: &[&'o Observation]) -> Option<Chosen<'o>> {
    choose_among(column, observations, &|_| true)
}

/// Chooses among what is said of a column and can be so.
pub fn choose_among<'o>(
    column: &str,
    observations: &[&'o Observation],
    can_be: &dyn Fn(&Reading) -> bool,
) -> Option<Chosen<'o>> {
    let mut said: Vec<(&Reading, &Observation)> = observations
        .iter()
        .filter_map(|o| Some((o.reading(column).filter(|r| can_be(r))?, *o)))
        .collect();
    // What is only near keeps silent where anything tells the column itself.
    if said.iter().any(|(r, _)| !r.is_near) {
        said.retain(|(r, _)| !r.is_near);
    }
    let best = said.iter().map(|(r, _)| r.accuracy).fold(0.0, f64::max);
    said.retain(|(r, _)| r.accuracy >= best - SILENT);
    said.sort_by_key(|(_, o)| (o.at, o.evidence));
    // Of a time that is only near, the first that was said is the nearest.
    let is_near = said.first()?.0.is_near;
    let (reading, by) = if is_near { *said.first()? } else { *said.last()? };
    let against = said
        .into_iter()
        .filter(|(r, o)| !is_near && r.value != reading.value && o.at >= by.at)
        .collect();
    Some(Chosen { reading, by, against })
}

impl Chosen<'_> {
    /// The field that it makes.
    pub fn field(&self, column: &str) -> Field {
        Field {
            column: column.into(),
            cell: Cell::Is(self.reading.value.clone()),
            rule: self.reading.rule.clone(),
            evidence: Some(self.by.evidence),
            place: Some(self.reading.place.clone()),
            words: self.reading.words.clone(),
            confidence: self.reading.accuracy,
        }
    }

    /// The conflicts that it leaves.
    pub fn conflicts(&self, column: &str) -> Vec<Conflict> {
        self.against
            .iter()
            .map(|(reading, by)| Conflict {
                column: column.to_owned(),
                kept: self.reading.value.clone(),
                other: reading.value.clone(),
                evidence: Some(by.evidence),
                reason: "both were said at the same time by rules of the same accuracy".to_owned(),
            })
            .collect()
    }
}

/// Fields of a status, from what was heard of the record and where the present lies.
pub fn status_fields(
    view: &View,
    known: &RecordKnowledge,
    heard: &BTreeMap<State, EvidenceId>,
    phase: &str,
) -> Vec<Field> {
    let states: BTreeSet<State> = heard.keys().cloned().collect();
    life::status_columns(view)
        .into_iter()
        .filter_map(|p| {
            let column = &view.paths[p].name;
            let branch = life::decide(&known.life, column, &states, phase)?;
            let told = branch.heard.as_ref();
            let words = told.map_or(phase, String::as_str).to_owned();
            Some(Field {
                column: column.into(),
                cell: Cell::Is(branch.value.clone()),
                rule: format!("{column} ← {LIFE}").into(),
                evidence: told.and_then(|state| heard.get(state)).copied(),
                place: None,
                words,
                confidence: branch.accuracy,
            })
        })
        .collect()
}

/// What the evidence of a record tells beside its readings.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// When it was last heard of.
    pub last_heard: Option<Instant>,
    /// What its payments add up to, by column, in ten-thousandths.
    pub paid: BTreeMap<String, i64>,
    /// What lies beyond its own columns, by path, with the item that tells it and how sure that is:
    /// what its lists add up to, and of a line what its record holds.
    pub beyond: BTreeMap<String, (Value, EvidenceId, f64)>,
    /// Of a line, how many come before it.
    pub nth: i64,
}

impl Told {
    /// What these observations tell that the lists of a record add up to.
    pub fn lists(
        view: &View,
        observations: &[&Observation],
    ) -> BTreeMap<String, (Value, EvidenceId, f64)> {
        let sum = |path: &Path| {
            let chosen = choose(&path.name, observations)?;
            let (value, sure) = (chosen.reading.value.clone(), chosen.reading.accuracy);
            Some((path.name.clone(), (value, chosen.by.evidence, sure)))
        };
        view.paths.iter().filter(|path| view.is_sum(&path.name)).filter_map(sum).collect()
    }
}

/// Fields that the record itself tells: what evidence is silent about. The surest first, since
/// one may follow from another.
pub fn within_fields(
    snapshot: &Snapshot,
    look_ups: &LookUps,
    view: &View,
    known: &RecordKnowledge,
    told: &Told,
    fields: &mut Vec<Field>,
) {
    let is_owners = |way: &Within, fields: &[Field]| {
        way.only.as_ref().is_none_or(|only| {
            let held = reach(snapshot, look_ups, view, fields, &only.column);
            held == Some(Cell::Is(only.is.clone()))
        })
    };
    let mut ways: Vec<&Within> = known.within.iter().filter(|way| is_owners(way, fields)).collect();
    // What all rows of an owner hold is surer than what a weak rule reads.
    for way in ways.iter().filter(|way| way.only.is_some()) {
        if let How::Constant(value) = &way.how {
            fields.retain(|field| {
                let is_weaker = field.confidence < way.accuracy - SILENT;
                field.column != way.column || !is_weaker || field.cell == Cell::Is(value.clone())
            });
        }
    }
    ways.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy).then(a.column.cmp(&b.column)));
    let silent: BTreeSet<String> = ways
        .iter()
        .map(|way| way.column.clone())
        .filter(|column| !fields.iter().any(|f| f.column == *column))
        .collect();
    ways.retain(|way| silent.contains(&way.column));
    // The surest way that serves, and then again, as what it gave may serve another.
    while let Some((at, field)) = ways.iter().enumerate().find_map(|(at, way)| {
        let field = follow(snapshot, look_ups, view, told, fields, way)?;
        Some((at, field))
    }) {
        let column = ways[at].column.clone();
        ways.retain(|way| way.column != column);
        fields.extend(field);
    }
}

/// The field that a way gives: `None` where it cannot be gone, no field where the column stays
/// empty.
fn follow(
    snapshot: &Snapshot,
    look_ups: &LookUps,
    view: &View,
    told: &Told,
    fields: &[Field],
    way: &Within,
) -> Option<Option<Field>> {
    let own = view.path(&way.column)?;
    let reached = |path: &str| match told.beyond.get(path) {
        Some((value, ..)) => Some(Cell::Is(value.clone())),
        None => reach(snapshot, look_ups, view, fields, path),
    };
    let known = |path: &str| match reached(path)? {
        Cell::Is(value) => Some((value, &view.path(path)?.kind)),
        Cell::KeyOf(_) => None,
    };
    let cell = match &way.how {
        How::Empty => return Some(None),
        How::Constant(value) => Cell::Is(value.clone()),
        How::SameAs(path) => reached(path)?,
        How::SumOf(column) => Cell::Is(Plain::Units(*told.paid.get(column)?).value(&own.kind)?),
        How::Of(sum) => Cell::Is(sum.of(known, &own.kind)?),
        How::Product(paths) => {
            let amounts =
                paths.iter().map(|path| known(path).and_then(|(v, kind)| amount(&v, kind)));
            let units = i64::try_from(arithmetic::product(amounts)?).ok()?;
            Cell::Is(Plain::Units(units).value(&own.kind)?)
        }
        How::Bill(bill) => Cell::Is(bill.solve(&way.column, known, &own.kind)?),
        How::Nth(from) => Cell::Is(Value::Integer(from + told.nth)),
        How::LastHeard => {
            let ColumnKind::Time(format) = &own.kind else { return None };
            Cell::Is(format.format(jiff::tz::TimeZone::UTC.to_datetime(told.last_heard?)))
        }
    };
    // What follows from a guess is no surer than it.
    let surest = |column: &str| fields.iter().find(|f| f.column == column).map(|f| f.confidence);
    let needs = way.how.needs().filter(|column| *column != way.column);
    let list = way.how.paths().find_map(|path| told.beyond.get(path));
    let least = needs.filter_map(surest).chain(list.map(|(.., sure)| *sure)).fold(1.0, f64::min);
    Some(Some(Field {
        column: (&way.column).into(),
        cell,
        rule: way.how.rule(&way.column).into(),
        evidence: list.map(|(_, evidence, _)| *evidence),
        place: None,
        words: String::new(),
        confidence: way.accuracy.min(least),
    }))
}

/// The value at a path of a record that is only fields yet.
fn reach(
    snapshot: &Snapshot,
    look_ups: &LookUps,
    view: &View,
    fields: &[Field],
    path: &str,
) -> Option<Cell> {
    let field = |column: &str| fields.iter().find(|f| f.column == column);
    let Some((column, further)) = path.split_once('.') else {
        return field(path).map(|f| f.cell.clone());
    };
    let Cell::Is(key) = &field(column)?.cell else { return None };
    let row = look_ups.row(snapshot, view, column, key)?;
    let value = row.get(further)?;
    (!value.is_null()).then(|| Cell::Is(value.clone()))
}

/// Whether a record's planned times, as its fields have them, are past.
pub fn phase_of(view: &View, known: &RecordKnowledge, fields: &[Field], as_of: Instant) -> String {
    let now = jiff::tz::TimeZone::UTC.to_datetime(as_of);
    let past = |column: &String| {
        let field = fields.iter().find(|f| f.column == *column)?;
        let (Cell::Is(value), ColumnKind::Time(format)) = (&field.cell, &view.path(column)?.kind)
        else {
            return None;
        };
        Some(format.parse(value)? <= now)
    };
    let planned: Vec<(String, Option<bool>)> =
        known.planned.iter().map(|column| (column.clone(), past(column))).collect();
    life::phase(&planned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::observation;

    /// What is chosen for a column when these values are said, one after the other.
    fn chosen(said: &[(&str, f64)]) -> String {
        let all: Vec<Observation> = said
            .iter()
            .enumerate()
            .map(|(n, &(value, accuracy))| observation(n, &[("price", value, accuracy)]))
            .collect();
        let chosen = choose("price", &all.iter().collect::<Vec<_>>()).unwrap();
        format!("{}, {} against", chosen.reading.value, chosen.against.len())
    }

    #[test]
    fn the_last_word_wins() {
        assert_eq!(chosen(&[("100", 0.99), ("120", 0.99)]), "120, 0 against");
    }

    #[test]
    fn a_rule_much_less_sure_keeps_silent() {
        assert_eq!(chosen(&[("100", 0.99), ("7", 0.8)]), "100, 0 against");
    }

    #[test]
    fn what_is_said_at_the_same_time_is_a_conflict() {
        let mut other = observation(2, &[("price", "120", 0.99)]);
        let one = observation(1, &[("price", "100", 0.99)]);
        other.at = one.at;
        let chosen = choose("price", &[&one, &other]).unwrap();
        assert_eq!(chosen.conflicts("price").len(), 1);
    }

    #[test]
    fn of_times_that_are_only_near_the_first_is_taken() {
        let mut first = observation(1, &[("made", "2026-01-01T00:01:00Z", 0.9)]);
        let mut second = observation(2, &[("made", "2026-01-01T09:00:00Z", 0.9)]);
        for observation in [&mut first, &mut second] {
            observation.readings[0].is_near = true;
        }
        let value = |all: &[&Observation]| choose("made", all).unwrap().reading.value.to_string();
        assert_eq!(value(&[&first, &second]), "2026-01-01T00:01:00Z");
        // But what tells the time itself is better than what is near it.
        let exact = observation(3, &[("made", "2026-01-01T00:00:30Z", 0.8)]);
        assert_eq!(value(&[&first, &second, &exact]), "2026-01-01T00:00:30Z");
    }
}
