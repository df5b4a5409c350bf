//! The verdict on a lost record: inside the window, whole, and sure enough.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::DateTime;
use restitch_model::{Candidate, Cell, Field, Instant, Observation, RecordType, Verdict};

use super::{Bench, GRACE_MINUTES, Marks, UNMEASURED, confidence, is_measured, sort_of};
use crate::fold::{Told, within_fields};
use crate::knowledge::RecordKnowledge;
use crate::linking::is_faint;
use crate::new_key::uuid_field;
use crate::records::Group;
use crate::shape::{ColumnKind, View};

/// What was moved by more days than these is told apart by nothing.
const MOVED_DAYS: i32 = 3;

/// Of records within a few days of each other those that fewer kinds of evidence speak of, of equals
/// the later ones. Each is told by its position, when it begins, and its kinds.
fn weaker(records: &[(usize, DateTime, usize)]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for (n, &(a, when, kinds)) in records.iter().enumerate() {
        for &(b, other, others) in &records[n + 1..] {
            let apart = when.date().since(other.date()).map_or(i32::MAX, |span| span.get_days());
            if apart.abs() <= MOVED_DAYS {
                found.insert(if kinds < others { a } else { b });
            }
        }
    }
    found
}

impl Bench<'_> {
    pub(super) fn sort_confidence(&self, record_type: &str, group: &Group, marks: Marks) -> f64 {
        let known = self.knowledge.records.get(record_type);
        let heard = self.heard(&group.items);
        let is_doubtful = known.is_some_and(|k| k.states.is_doubtful(heard.keys()));
        let marks = Marks { has_key: !group.keys.is_empty(), is_doubtful, ..marks };
        let sort = sort_of(self.kinds(&group.items), marks);
        let items = &self.material.items;
        let first = group.items.iter().min_by_key(|&&i| (items[i].made_at, items[i].evidence));
        let form = first.map_or("", |&i| self.material.parts[i].form.as_str());
        known.map_or(UNMEASURED, |known| confidence(known, &sort, form))
    }

    /// Fills what the record itself tells.
    pub(super) fn put_within(
        &self,
        view: &View,
        known: &RecordKnowledge,
        told: &Told,
        fields: &mut Vec<Field>,
    ) {
        within_fields(self.material.snapshot, &self.look_ups, view, known, told, fields);
    }

    /// Fills what evidence is silent about, and says what is to become of a lost reservation.
    pub(super) fn finish(
        &self,
        view: &View,
        known: &RecordKnowledge,
        group: &Group,
        observations: &[&Observation],
        candidate: &mut Candidate,
    ) {
        let told = Told {
            last_heard: self.last_heard(&group.items),
            paid: self.paid(&group.items),
            beyond: Told::lists(view, observations),
            ..Told::default()
        };
        self.put_within(view, known, &told, &mut candidate.fields);
        let marks = Marks {
            has_conflict: !candidate.conflicts.is_empty(),
            // What names a record is not made doubtful by what else is like it.
            is_faint: group.keys.is_empty() && is_faint(group.link),
            ..Marks::default()
        };
        candidate.confidence = self.sort_confidence(RecordType::RESERVATION, group, marks);
        if group.keys.is_empty() {
            candidate
                .reasons
                .push("nothing names it: no reference was found in its evidence".to_owned());
            if !is_measured(known, "not named") {
                candidate.confidence = candidate.confidence.min(UNMEASURED);
            }
        }
        if !group.perhaps.is_empty() {
            let rows: Vec<String> = group.perhaps.iter().map(|&r| self.key_text(view, r)).collect();
            candidate
                .reasons
                .push(format!("may be the row typed in since the restore: {}", rows.join(", ")));
            candidate.confidence = candidate.confidence.min(0.5);
        }
        self.judge(view, candidate);
    }

    /// What was moved leaves two records where nothing names it: what was said of it before, and
    /// after. Of two of one person within a few days, the one that fewer sources speak of waits.
    pub(super) fn hold_what_was_moved(
        &self,
        view: &View,
        known: &RecordKnowledge,
        lost: &mut [(&Group, Candidate)],
    ) {
        let customer = self.knowledge.bindings.table(RecordType::CUSTOMER);
        let person = customer.and_then(|table| view.reference_to(table)).map(|p| &view.paths[p]);
        let begins = known.planned.first().and_then(|column| view.path(column));
        let (Some(person), Some(begins)) = (person, begins) else { return };
        let ColumnKind::Time(format) = &begins.kind else { return };
        let mut of_person: BTreeMap<String, Vec<(usize, DateTime, usize)>> = BTreeMap::new();
        for (i, (group, candidate)) in lost.iter().enumerate() {
            let who = candidate.field(&person.name).map(|field| &field.cell);
            let when = candidate.field(&begins.name).and_then(|field| match &field.cell {
                Cell::Is(value) => format.parse(value),
                Cell::KeyOf(_) => None,
            });
            if let Some((who, when)) = who.zip(when)
                && group.keys.is_empty()
                && candidate.verdict == Verdict::Accept
            {
                let kinds = self.kinds(&group.items);
                of_person.entry(format!("{who:?}")).or_default().push((i, when, kinds));
            }
        }
        let held: BTreeSet<usize> = of_person.values().flat_map(|told| weaker(told)).collect();
        for i in held {
            let (_, candidate) = &mut lost[i];
            candidate.verdict = Verdict::Review;
            candidate
                .reasons
                .push("may be another of the same person, before it was moved".to_owned());
        }
    }

    /// A row's key for people; its place in the table where that has no key.
    fn key_text(&self, view: &View, row: usize) -> String {
        let key: Vec<String> = self.key_of(view, row).iter().map(ToString::to_string).collect();
        if key.is_empty() { format!("no. {}", row + 1) } else { key.join(" ") }
    }

    /// The verdict on a lost record: inside the window, whole, and sure enough.
    pub(super) fn judge(&self, view: &View, candidate: &mut Candidate) {
        let table = self.material.snapshot.table(&view.table);
        if let Some(key) = table.and_then(|table| uuid_field(table, &candidate.id))
            && candidate.field(&key.column).is_none()
        {
            candidate.fields.push(key);
        }
        let window = self.scope.window;
        let grace = GRACE_MINUTES.minutes();
        let first = candidate.first_seen.unwrap_or(Instant::UNIX_EPOCH);
        let missing = self.missing(view, candidate);
        candidate.verdict = if first < window.start.checked_sub(grace).unwrap_or(window.start) {
            candidate
                .reasons
                .push("its evidence is older than the backup, which does not hold it".to_owned());
            Verdict::Reject
        } else if first >= window.end {
            candidate.reasons.push("its evidence is younger than the loss".to_owned());
            Verdict::Review
        } else if !missing.is_empty() {
            candidate.reasons.push(format!("no evidence for {}", missing.join(", ")));
            Verdict::Review
        } else if let Some((first, second)) = self.out_of_order(view, &candidate.fields) {
            candidate.reasons.push(format!("{first} would lie after {second}, as in no other row"));
            Verdict::Review
        } else if candidate.confidence < self.scope.accept_at {
            candidate.reasons.push(format!(
                "confidence {:.3} is under the {} asked for",
                candidate.confidence, self.scope.accept_at
            ));
            Verdict::Review
        } else {
            Verdict::Accept
        };
    }

    /// Two times of a record that lie in another order than in all rows of its table.
    pub(super) fn out_of_order(&self, view: &View, fields: &[Field]) -> Option<(String, String)> {
        let record = self.knowledge.records.iter().find(|(record_type, _)| {
            self.knowledge.bindings.table(record_type) == Some(view.table.as_str())
        });
        let value = |column: &str| {
            let field = fields.iter().find(|f| f.column == column)?;
            match (&field.cell, &view.path(column)?.kind) {
                (Cell::Is(value), ColumnKind::Time(format)) => format.parse(value),
                _ => None,
            }
        };
        let (_, known) = record?;
        let is_planned = |column: &String| known.planned.contains(column);
        let is_wrong = |(a, b): &&(String, String)| {
            is_planned(a)
                && is_planned(b)
                && value(a).zip(value(b)).is_some_and(|(first, second)| first > second)
        };
        known.orders.iter().find(is_wrong).cloned()
    }

    /// The columns that may not be empty and are.
    pub(super) fn missing(&self, view: &View, candidate: &Candidate) -> Vec<String> {
        let Some(table) = self.material.snapshot.table(&view.table) else { return Vec::new() };
        table
            .schema
            .columns
            .iter()
            .filter(|c| !c.nullable && c.default.is_none() && !c.generated)
            .filter(|c| !table.schema.primary_key.contains(&c.name))
            .filter(|c| candidate.field(&c.name).is_none())
            .map(|c| c.name.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these wait: each begins on a day of March, and so many kinds speak of it.
    fn waiting(records: &[(i8, usize)]) -> Vec<usize> {
        let record = |(i, &(day, kinds)): (usize, &(i8, usize))| {
            (i, jiff::civil::date(2026, 3, day).at(9, 0, 0, 0), kinds)
        };
        let records: Vec<_> = records.iter().enumerate().map(record).collect();
        weaker(&records).into_iter().collect()
    }

    #[test]
    fn of_two_within_days_that_waits_of_which_less_is_told() {
        assert_eq!(waiting(&[(2, 1), (4, 3)]), [0]);
        assert_eq!(waiting(&[(2, 3), (4, 1)]), [1]);
        assert_eq!(waiting(&[(2, 2), (4, 2)]), [1]);
    }

    #[test]
    fn who_comes_again_a_week_later_comes_twice() {
        assert_eq!(waiting(&[(2, 1), (9, 3)]), Vec::<usize>::new());
    }
}
