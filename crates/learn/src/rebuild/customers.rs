//! Who the lost reservations belong to: customers whom the backup knows, or new ones.

use std::collections::BTreeMap;

use restitch_model::{Candidate, Cell, EvidenceId, Field, Observation, RecordType, Value};

use super::{Bench, Marks, Rebuilt};
use crate::error::LearnError;
use crate::fold::{Told, choose};
use crate::knowledge::RecordKnowledge;
use crate::people::{People, Person, Who};
use crate::records::Group;
use crate::shape::{ColumnKind, View};

impl Bench<'_> {
    /// Finds each lost reservation's customer, or adds one.
    pub(super) fn add_customers(
        &self,
        view: &View,
        observed: &[Option<Observation>],
        lost: &mut [(&Group, Candidate)],
        rebuilt: &mut Rebuilt,
    ) -> Result<(), LearnError> {
        let Some(people) = &self.people else { return Ok(()) };
        let table = people.view().table.clone();
        let Some(column) = view
            .paths
            .iter()
            .find(|p| matches!(&p.kind, ColumnKind::Reference(t) if *t == table))
            .map(|p| p.name.clone())
        else {
            return Ok(());
        };
        let said: Vec<Vec<Field>> = lost
            .iter()
            .map(|(group, _)| {
                let observations = self.observations(group, observed);
                people
                    .view()
                    .paths
                    .iter()
                    .filter(|p| p.is_own())
                    .filter_map(|p| {
                        Some(choose(&format!("{column}.{}", p.name), &observations)?.field(&p.name))
                    })
                    .collect()
            })
            .collect();
        let person = |fields: &[Field]| -> Person {
            let value = |f: &Field| match &f.cell {
                Cell::Is(value) => Some((f.column.to_string(), value.clone())),
                Cell::KeyOf(_) => None,
            };
            fields.iter().filter_map(value).collect()
        };
        let wanted: Vec<(Option<&Value>, Person)> = lost
            .iter()
            .zip(&said)
            .map(|((group, _), fields)| (group.tenant.as_ref(), person(fields)))
            .collect();
        let found = people.find(&wanted)?;
        let new: Vec<usize> = (0..lost.len())
            .filter(|&i| found[i] == Who::New && people.is_somebody(&wanted[i].1))
            .collect();
        let persons: Vec<(Option<&Value>, Person)> =
            new.iter().map(|&i| wanted[i].clone()).collect();
        let mut first = people.group(&persons)?;
        if let Some(pins) = self.pins.get(RecordType::CUSTOMER) {
            let evidence: Vec<Vec<EvidenceId>> =
                new.iter().map(|&i| lost[i].1.evidence.clone()).collect();
            pins.part_people(&mut first, &evidence);
        }
        let mut cells: BTreeMap<usize, Cell> = BTreeMap::new();
        for (i, who) in found.iter().enumerate() {
            if let Who::Known(key) = who {
                cells.insert(i, Cell::Is(key.clone()));
            }
        }
        for leader in 0..new.len() {
            let members: Vec<usize> =
                (0..new.len()).filter(|&m| first[m] == leader).map(|m| new[m]).collect();
            if members.is_empty() {
                continue;
            }
            // What is older than the backup, which does not hold it, makes nobody older.
            let is_lost = |i: &usize| {
                lost[*i].1.first_seen.is_some_and(|first| first >= self.scope.window.start)
            };
            let those: Vec<usize> = members.iter().copied().filter(is_lost).collect();
            let those = if those.is_empty() { &members } else { &those };
            let customer = self.customer(people, those, &said, lost);
            for &i in &members {
                cells.insert(i, Cell::KeyOf(customer.id.clone()));
            }
            rebuilt.candidates.push(customer);
        }
        for (i, cell) in cells {
            let words = said[i].iter().map(|f| f.words.as_str()).collect::<Vec<_>>().join(" ");
            let evidence = said[i].first().and_then(|f| f.evidence);
            let confidence = said[i].iter().map(|f| f.confidence).fold(0.0, f64::max);
            let rule = format!("{column} ← the same person");
            let field = Field {
                column: (&column).into(),
                cell,
                rule: rule.into(),
                evidence,
                place: None,
                words,
                confidence,
            };
            lost[i].1.fields.push(field);
        }
        Ok(())
    }

    pub(super) fn customer(
        &self,
        people: &People<'_>,
        members: &[usize],
        said: &[Vec<Field>],
        lost: &[(&Group, Candidate)],
    ) -> Candidate {
        let items: Vec<usize> = members.iter().flat_map(|&i| lost[i].0.items.clone()).collect();
        let mut customer = self.blank(RecordType::CUSTOMER, people.view(), &items);
        let (group, _) = &lost[members[0]];
        customer.tenant = group.tenant.as_ref().map(ToString::to_string);
        let mut columns: BTreeMap<&str, &Field> = BTreeMap::new();
        for field in members.iter().flat_map(|&i| &said[i]) {
            let held = columns.entry(&field.column).or_insert(field);
            if field.confidence > held.confidence {
                *held = field;
            }
        }
        customer.fields = columns.into_values().cloned().collect();
        let reference =
            |table: Option<&str>| {
                people.view().paths.iter().find(
                    |p| matches!(&p.kind, ColumnKind::Reference(t) if Some(t.as_str()) == table),
                )
            };
        if let (Some((_, value)), Some(path)) =
            (self.tenant(group), reference(self.knowledge.bindings.tenant.as_deref()))
        {
            customer.fields.push(Field {
                column: (&path.name).into(),
                cell: Cell::Is(value.clone()),
                rule: format!("{} ← who speaks", path.name).into(),
                evidence: Some(customer.evidence[0]),
                place: None,
                words: String::new(),
                confidence: 0.99,
            });
        }
        // A customer is as old as the first reservation.
        if let (Some((p, format)), Some(first)) = (people.view().creation(), customer.first_seen) {
            let column = people.view().paths[p].name.clone();
            if !customer.fields.iter().any(|f| f.column == column) {
                customer.fields.push(Field {
                    column: (&column).into(),
                    cell: Cell::Is(format.format(jiff::tz::TimeZone::UTC.to_datetime(first))),
                    rule: format!("{column} ← the first evidence").into(),
                    evidence: Some(customer.evidence[0]),
                    place: None,
                    words: first.to_string(),
                    confidence: 0.9,
                });
            }
        }
        let none = RecordKnowledge::default();
        let known = self.knowledge.records.get(RecordType::CUSTOMER).unwrap_or(&none);
        let told = Told { last_heard: self.last_heard(&items), ..Told::default() };
        self.put_within(people.view(), known, &told, &mut customer.fields);
        customer.confidence = members
            .iter()
            .map(|&i| self.sort_confidence(RecordType::RESERVATION, lost[i].0, Marks::default()))
            .fold(0.0, f64::max);
        self.judge(people.view(), &mut customer);
        customer
    }
}
