//! Rebuilds records: facts, rules and surviving rows in, candidates out. What recovery,
//! rehearsals and drills all run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use restitch_model::{
    Candidate, CandidateId, Cell, Conflict, EvidenceId, Field, Instant, Observation, RecordType,
    TimeWindow, Value, Verdict,
};

use crate::error::LearnError;
use crate::fold::{Resolved, Told, choose, look_up, phase_of, status_fields, within_fields};
use crate::knowledge::{Knowledge, RecordKnowledge};
use crate::observe::Observer;
use crate::people::{People, Person};
use crate::records::{Group, group};
use crate::shape::{ColumnKind, View};
use crate::study::{Material, tenant_path, views};
use crate::zones::Zones;

/// What is to be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scope {
    /// The time in which lost records were made.
    pub window: TimeWindow,
    /// The moment whose state is to be restored.
    pub as_of: Instant,
    /// Confidence from which a record needs no reviewer.
    pub accept_at: f64,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Rebuilt {
    /// The records, by type and name.
    pub candidates: Vec<Candidate>,
    /// For each set of kinds of evidence, as a bit mask over `lists`, how many lost
    /// reservations exactly these saw.
    pub histories: BTreeMap<u32, u64>,
    /// The same for each tenant.
    pub histories_by_tenant: BTreeMap<String, BTreeMap<u32, u64>>,
    /// The kinds of evidence, in the order of the bits.
    pub lists: Vec<String>,
    /// Items of the window that no rule reads, by form.
    pub unread: BTreeMap<String, u64>,
}

/// A rule less sure than this changes no surviving row without a reviewer.
const NEWS: f64 = 0.9;
/// Records may be made a little before the last row of the backup was written.
const GRACE_MINUTES: i64 = 10;

struct Bench<'b> {
    material: &'b Material<'b>,
    knowledge: &'b Knowledge,
    scope: Scope,
    people: Option<People<'b>>,
    /// What each item says of a payment.
    payments: Vec<Option<Observation>>,
}

/// Rebuilds all records that the evidence tells of.
pub fn rebuild(
    material: &Material<'_>,
    knowledge: &Knowledge,
    scope: Scope,
) -> Result<Rebuilt, LearnError> {
    let views = views(material.snapshot, &knowledge.bindings);
    let view = views.get(RecordType::RESERVATION).ok_or(LearnError::NoReservations)?;
    let zones = Zones::of(views.values(), &knowledge.zone);
    let customer = knowledge.bindings.table(RecordType::CUSTOMER);
    let people = customer
        .and_then(|t| People::of(material.snapshot, t, knowledge.bindings.tenant.as_deref()));
    let mut bench = Bench { material, knowledge, scope, people, payments: Vec::new() };
    if let Some(view) = views.get(RecordType::PAYMENT) {
        bench.payments = bench.observe(RecordType::PAYMENT, view, &zones);
    }
    let observed = bench.observe(RecordType::RESERVATION, view, &zones);
    let known = &knowledge.records[RecordType::RESERVATION];
    let groups = group(view, knowledge, known, material.items, &observed)?;
    let mut rebuilt = Rebuilt::default();
    let owners = bench.reservations(view, known, &groups, &observed, &mut rebuilt)?;
    if let (Some(view), Some(known)) =
        (views.get(RecordType::PAYMENT), knowledge.records.get(RecordType::PAYMENT))
    {
        bench.add_payments(view, known, &owners, &mut rebuilt);
    }
    bench.completeness(&groups, &observed, &mut rebuilt);
    for (item, parts) in material.items.iter().zip(material.parts) {
        let is_read = |r: &RecordKnowledge| r.rules.iter().any(|rule| rule.form == parts.form);
        if scope.window.contains(item.made_at) && !knowledge.records.values().any(is_read) {
            *rebuilt.unread.entry(parts.form.clone()).or_default() += 1;
        }
    }
    rebuilt.candidates.sort_by(|a, b| (&a.record_type, &a.id).cmp(&(&b.record_type, &b.id)));
    Ok(rebuilt)
}

/// The sort of a record, by which confidence is measured: how many kinds of evidence speak
/// of it, whether anything names it, whether any of them disagree, and whether it was heard of
/// in a state that mostly was no record, such as a failed payment.
pub fn sort_of(kinds: usize, has_key: bool, has_conflict: bool, is_doubtful: bool) -> String {
    let key = if has_key { "named" } else { "not named" };
    let conflict = if has_conflict { ", in conflict" } else { "" };
    let doubtful = if is_doubtful { ", in a doubtful state" } else { "" };
    format!("{key}, seen by {kinds} kinds of evidence{conflict}{doubtful}")
}

fn confidence(known: &RecordKnowledge, sort: &str) -> f64 {
    known.confidence.iter().find(|c| c.sort == sort).map_or(0.5, |c| c.probability)
}

fn candidate_id(record_type: &str, first: EvidenceId) -> CandidateId {
    CandidateId(format!("{record_type}-{}", first.0.short()))
}

impl<'b> Bench<'b> {
    fn observe(&self, record_type: &str, view: &View, zones: &Zones) -> Vec<Option<Observation>> {
        let observer = Observer::new(record_type, view, self.knowledge, zones);
        let mut observed: Vec<Option<Observation>> = self
            .material
            .items
            .iter()
            .zip(self.material.parts)
            .map(|(i, p)| observer.observe(i, p))
            .collect();
        date_back_repetitions(&mut observed);
        observed
    }

    /// Candidates of reservations and of their customers. Gives, for each item, the
    /// reservation that it is about.
    fn reservations(
        &self,
        view: &View,
        known: &RecordKnowledge,
        groups: &[Group],
        observed: &[Option<Observation>],
        rebuilt: &mut Rebuilt,
    ) -> Result<BTreeMap<usize, Owner>, LearnError> {
        let mut owners = BTreeMap::new();
        let mut lost: Vec<(&Group, Candidate)> = Vec::new();
        for group in groups {
            let observations = self.observations(group, observed);
            let candidate = match group.row {
                Some(row) => {
                    let key = self.key_of(view, row);
                    for &item in &group.items {
                        owners.insert(item, Owner::Row(key.clone(), self.tenant_of(group)));
                    }
                    let changed = self.surviving(view, known, group, row, &observations);
                    rebuilt.candidates.extend(changed);
                    continue;
                }
                None => self.lost(view, known, group, &observations),
            };
            for &item in &group.items {
                owners.insert(item, Owner::Candidate(candidate.id.clone(), self.tenant_of(group)));
            }
            lost.push((group, candidate));
        }
        self.add_customers(view, observed, &mut lost, rebuilt)?;
        for (group, mut candidate) in lost {
            self.finish(view, known, group, &mut candidate);
            rebuilt.candidates.push(candidate);
        }
        Ok(owners)
    }

    fn observations<'o>(
        &self,
        group: &Group,
        observed: &'o [Option<Observation>],
    ) -> Vec<&'o Observation> {
        group.items.iter().filter_map(|&i| observed[i].as_ref()).collect()
    }

    fn tenant_of(&self, group: &Group) -> Option<Value> {
        group.tenant.clone()
    }

    fn tenant<'g>(&'g self, group: &'g Group) -> Option<(&'g str, &'g Value)> {
        self.knowledge.bindings.tenant.as_deref().zip(group.tenant.as_ref())
    }

    fn key_of(&self, view: &View, row: usize) -> Vec<Value> {
        let table = self.material.snapshot.table(&view.table).expect("a view's table is there");
        table.key(&table.rows[row])
    }

    fn blank(&self, record_type: &str, view: &View, items: &[usize]) -> Candidate {
        let mut evidence: Vec<(Instant, EvidenceId)> = items
            .iter()
            .map(|&i| (self.material.items[i].made_at, self.material.items[i].evidence))
            .collect();
        evidence.sort();
        Candidate {
            id: candidate_id(record_type, evidence[0].1),
            record_type: RecordType::new(record_type),
            table: view.table.clone(),
            surviving: None,
            fields: Vec::new(),
            confidence: 0.0,
            verdict: Verdict::Review,
            reasons: Vec::new(),
            tenant: None,
            first_seen: Some(evidence[0].0),
            evidence: evidence.into_iter().map(|(_, e)| e).collect(),
            conflicts: Vec::new(),
            links: Vec::new(),
        }
    }

    /// What evidence says of the own columns, references looked up.
    fn read_fields(
        &self,
        view: &View,
        tenant: Option<(&str, &Value)>,
        observations: &[&Observation],
        conflicts: &mut Vec<Conflict>,
    ) -> Vec<Field> {
        let customer = self.knowledge.bindings.table(RecordType::CUSTOMER);
        let mut fields = Vec::new();
        for path in view.paths.iter().filter(|p| p.is_own()) {
            match &path.kind {
                ColumnKind::Reference(table) if Some(table.as_str()) == customer => {}
                ColumnKind::Reference(table) if Some(table.as_str()) != tenant.map(|t| t.0) => {
                    let found =
                        look_up(self.material.snapshot, view, &path.name, tenant, observations);
                    fields.extend(found.map(|Resolved { field, .. }| field));
                }
                _ => {
                    if let Some(chosen) = choose(&path.name, observations) {
                        conflicts.extend(chosen.conflicts(&path.name));
                        fields.push(chosen.field(&path.name));
                    }
                }
            }
        }
        fields
    }

    fn lost(
        &self,
        view: &View,
        known: &RecordKnowledge,
        group: &Group,
        observations: &[&Observation],
    ) -> Candidate {
        let mut candidate = self.blank(RecordType::RESERVATION, view, &group.items);
        candidate.tenant = group.tenant.as_ref().map(ToString::to_string);
        candidate.links = group.notes.clone();
        let mut conflicts = Vec::new();
        candidate.fields = self.read_fields(view, self.tenant(group), observations, &mut conflicts);
        candidate.conflicts = conflicts;
        let phase = phase_of(view, known, &candidate.fields, self.scope.as_of);
        let heard = self.heard(&group.items);
        self.put_status(view, known, &heard, &phase, &mut candidate.fields);
        candidate
    }

    /// What was heard of a record, and in which item last.
    fn heard(&self, items: &[usize]) -> BTreeMap<String, EvidenceId> {
        let mut items = items.to_vec();
        items.sort_by_key(|&i| (self.material.items[i].at, self.material.items[i].evidence));
        let mut heard = BTreeMap::new();
        for i in items {
            for state in self.knowledge.states.states(&self.material.parts[i]) {
                heard.insert(state, self.material.items[i].evidence);
            }
        }
        heard
    }

    fn put_status(
        &self,
        view: &View,
        known: &RecordKnowledge,
        heard: &BTreeMap<String, EvidenceId>,
        phase: &str,
        fields: &mut Vec<Field>,
    ) {
        for status in status_fields(view, known, heard, phase) {
            match fields.iter_mut().find(|f| f.column == status.column) {
                Some(field) if field.confidence >= status.confidence => {}
                Some(field) => *field = status,
                None if status.confidence >= 0.6 => fields.push(status),
                None => {}
            }
        }
    }

    /// Finds each lost reservation's customer, or adds one.
    fn add_customers(
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
                Cell::Is(value) => Some((f.column.clone(), value.clone())),
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
        let tells = |p: &Person| people.columns().filter(|c| p.contains_key(*c)).count();
        let new: Vec<usize> =
            (0..lost.len()).filter(|&i| found[i].is_none() && tells(&wanted[i].1) >= 2).collect();
        let persons: Vec<(Option<&Value>, Person)> =
            new.iter().map(|&i| wanted[i].clone()).collect();
        let first = people.group(&persons)?;
        let mut cells: BTreeMap<usize, Cell> = BTreeMap::new();
        for (i, key) in found.iter().enumerate() {
            if let Some(key) = key {
                cells.insert(i, Cell::Is(key.clone()));
            }
        }
        for leader in 0..new.len() {
            let members: Vec<usize> =
                (0..new.len()).filter(|&m| first[m] == leader).map(|m| new[m]).collect();
            if members.is_empty() {
                continue;
            }
            let customer = self.customer(people, &members, &said, lost);
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
                column: column.clone(),
                cell,
                rule,
                evidence,
                place: None,
                words,
                confidence,
            };
            lost[i].1.fields.push(field);
        }
        Ok(())
    }

    fn customer(
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
                column: path.name.clone(),
                cell: Cell::Is(value.clone()),
                rule: format!("{} ← who speaks", path.name),
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
                    column: column.clone(),
                    cell: Cell::Is(format.format(jiff::tz::TimeZone::UTC.to_datetime(first))),
                    rule: format!("{column} ← the first evidence"),
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
        within_fields(self.material.snapshot, people.view(), known, &told, &mut customer.fields);
        customer.confidence = members
            .iter()
            .map(|&i| self.sort_confidence(RecordType::RESERVATION, lost[i].0, false))
            .fold(0.0, f64::max);
        self.judge(people.view(), &mut customer);
        customer
    }

    /// What the payments among these items add up to, by column. Payments that mostly were
    /// none, such as failed ones, do not count.
    fn paid(&self, items: &[usize]) -> BTreeMap<String, i64> {
        let Some(known) = self.knowledge.records.get(RecordType::PAYMENT) else { return BTreeMap::new() };
        let mut by_key: BTreeMap<&Value, &Observation> = BTreeMap::new();
        for &item in items {
            let Some(observation) = self.payments.get(item).and_then(Option::as_ref) else { continue };
            let states = self.knowledge.states.states(&self.material.parts[item]);
            let key = known.natural_keys.iter().find_map(|key| observation.reading(key));
            if let Some(key) = key
                && !states.iter().any(|state| known.doubtful.contains(state))
            {
                by_key.insert(&key.value, observation);
            }
        }
        let mut paid: BTreeMap<String, i64> = BTreeMap::new();
        for reading in by_key.values().flat_map(|o| &o.readings) {
            if let Some(n) = reading.value.as_integer() {
                *paid.entry(reading.column.clone()).or_default() += n;
            }
        }
        paid
    }

    fn last_heard(&self, items: &[usize]) -> Option<Instant> {
        items.iter().map(|&i| self.material.items[i].at).max()
    }

    fn kinds(&self, items: &[usize]) -> usize {
        let source = |i: &usize| source_of(&self.material.items[*i].kind).to_owned();
        items.iter().map(source).collect::<BTreeSet<_>>().len()
    }

    fn sort_confidence(&self, record_type: &str, group: &Group, in_conflict: bool) -> f64 {
        let known = self.knowledge.records.get(record_type);
        let heard = self.heard(&group.items);
        let is_doubtful =
            known.is_some_and(|k| k.doubtful.iter().any(|state| heard.contains_key(state)));
        let sort =
            sort_of(self.kinds(&group.items), !group.keys.is_empty(), in_conflict, is_doubtful);
        self.knowledge.records.get(record_type).map_or(0.5, |known| confidence(known, &sort))
            * group.link
    }

    /// Fills what evidence is silent about, and says what is to become of a lost reservation.
    fn finish(
        &self,
        view: &View,
        known: &RecordKnowledge,
        group: &Group,
        candidate: &mut Candidate,
    ) {
        let told = Told { last_heard: self.last_heard(&group.items), paid: self.paid(&group.items) };
        within_fields(self.material.snapshot, view, known, &told, &mut candidate.fields);
        candidate.confidence =
            self.sort_confidence(RecordType::RESERVATION, group, !candidate.conflicts.is_empty());
        if group.keys.is_empty() {
            candidate
                .reasons
                .push("nothing names it: no reference was found in its evidence".to_owned());
            candidate.confidence = candidate.confidence.min(0.9);
        }
        if !group.perhaps.is_empty() {
            let rows: Vec<String> =
                group.perhaps.iter().map(|&r| self.key_of(view, r)[0].to_string()).collect();
            candidate
                .reasons
                .push(format!("may be the row typed in since the restore: {}", rows.join(", ")));
            candidate.confidence = candidate.confidence.min(0.5);
        }
        self.judge(view, candidate);
    }

    /// The verdict on a lost record: inside the window, whole, and sure enough.
    fn judge(&self, view: &View, candidate: &mut Candidate) {
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

    /// The columns that may not be empty and are.
    fn missing(&self, view: &View, candidate: &Candidate) -> Vec<String> {
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

    /// The news of a surviving row: what evidence since the backup says, and neither the row
    /// nor earlier evidence did.
    fn surviving(
        &self,
        view: &View,
        known: &RecordKnowledge,
        group: &Group,
        row: usize,
        observations: &[&Observation],
    ) -> Option<Candidate> {
        let since = self.scope.window.start;
        let is_new = |o: &&&Observation| o.at >= since;
        let fresh: Vec<&Observation> = observations.iter().filter(is_new).copied().collect();
        if fresh.is_empty() {
            return None;
        }
        let mut candidate = self.blank(RecordType::RESERVATION, view, &group.items);
        candidate.surviving = Some(self.key_of(view, row));
        candidate.tenant = group.tenant.as_ref().map(ToString::to_string);
        candidate.links = group.notes.clone();
        let typed_in = view.created(row).is_some_and(|at| at >= self.scope.window.end);
        let earlier: Vec<&Observation> =
            observations.iter().filter(|o| o.at < since).copied().collect();
        let mut ignored = Vec::new();
        let now = self.read_fields(view, self.tenant(group), observations, &mut ignored);
        let before = self.read_fields(view, self.tenant(group), &earlier, &mut ignored);
        let fresh_ids: BTreeSet<EvidenceId> = fresh.iter().map(|o| o.evidence).collect();
        let mut changed: Vec<Field> = now
            .into_iter()
            .filter(|f| f.evidence.is_some_and(|e| fresh_ids.contains(&e)))
            .filter(|f| !before.iter().any(|b| b.column == f.column && b.cell == f.cell))
            .filter(|f| !self.is_near(known, &f.column))
            .collect();
        let heard = self.heard(&group.items);
        let merged = self.merged(view, row, &changed);
        let phase = phase_of(view, known, &merged, self.scope.as_of);
        let status = status_fields(view, known, &heard, &phase);
        changed.retain(|f| !status.iter().any(|s| s.column == f.column));
        changed.extend(
            status.into_iter().filter(|f| f.evidence.is_some_and(|e| fresh_ids.contains(&e))),
        );
        for field in changed {
            let Some(p) = view.position(&field.column) else { continue };
            let old = &view.rows[row][p];
            let Cell::Is(new) = &field.cell else { continue };
            if new == old || matches!(view.paths[p].kind, ColumnKind::Key) {
                continue;
            }
            if typed_in {
                candidate.conflicts.push(Conflict {
                    column: field.column.clone(),
                    kept: old.clone(),
                    other: new.clone(),
                    evidence: field.evidence,
                    reason: "the row was typed in since the restore and stands".to_owned(),
                });
            } else if field.confidence >= NEWS {
                candidate.fields.push(field);
            }
        }
        if candidate.fields.is_empty() && candidate.conflicts.is_empty() {
            return None;
        }
        candidate.confidence =
            candidate.fields.iter().map(|f| f.confidence).fold(group.link, f64::min);
        candidate.verdict = if candidate.confidence >= self.scope.accept_at {
            Verdict::Accept
        } else {
            Verdict::Review
        };
        if candidate.verdict == Verdict::Review {
            candidate.reasons.push(format!(
                "a surviving row would change, with confidence {:.3}",
                candidate.confidence
            ));
        }
        Some(candidate)
    }

    /// Whether a column's time is never told, only neared: such a time is no news.
    fn is_near(&self, known: &RecordKnowledge, column: &str) -> bool {
        let is_near = |r: &crate::rule::Rule| matches!(r.read, crate::rule::Read::Near { .. });
        let mut of_column = known.rules.iter().filter(|r| r.column == column).peekable();
        of_column.peek().is_some() && of_column.all(is_near)
    }

    /// The fields of a row with changes put on.
    fn merged(&self, view: &View, row: usize, changed: &[Field]) -> Vec<Field> {
        let mut fields = changed.to_vec();
        for (path, value) in view.paths.iter().zip(&view.rows[row]).filter(|(p, _)| p.is_own()) {
            if !fields.iter().any(|f| f.column == path.name) {
                fields.push(Field {
                    column: path.name.clone(),
                    cell: Cell::Is(value.clone()),
                    rule: String::new(),
                    evidence: None,
                    place: None,
                    words: String::new(),
                    confidence: 1.0,
                });
            }
        }
        fields
    }

    /// Candidates of payments: by their own keys, each for the reservation that its evidence
    /// is about.
    fn add_payments(
        &self,
        view: &View,
        known: &RecordKnowledge,
        owners: &BTreeMap<usize, Owner>,
        rebuilt: &mut Rebuilt,
    ) {
        let reservations = self.knowledge.bindings.table(RecordType::RESERVATION);
        let Some(column) = view
            .paths
            .iter()
            .find(
                |p| matches!(&p.kind, ColumnKind::Reference(t) if Some(t.as_str()) == reservations),
            )
            .map(|p| p.name.clone())
        else {
            return;
        };
        for group in crate::records::group_by_key(view, self.knowledge, known, &self.payments) {
            if group.row.is_some() || group.keys.is_empty() {
                continue;
            }
            let observations = self.observations(&group, &self.payments);
            let mut candidate = self.blank(RecordType::PAYMENT, view, &group.items);
            let owner = group.items.iter().find_map(|i| owners.get(i));
            let tenant_value =
                group.tenant.clone().or_else(|| owner.and_then(|o| o.tenant().cloned()));
            candidate.tenant = tenant_value.as_ref().map(ToString::to_string);
            let tenant = self.knowledge.bindings.tenant.as_deref().zip(tenant_value.as_ref());
            let mut conflicts = Vec::new();
            candidate.fields = self.read_fields(view, tenant, &observations, &mut conflicts);
            candidate.conflicts = conflicts;
            candidate.fields.retain(|f| f.column != column);
            if let Some(owner) = owner {
                candidate.fields.push(Field {
                    column: column.clone(),
                    cell: owner.cell(),
                    rule: format!("{column} ← the same evidence"),
                    evidence: Some(candidate.evidence[0]),
                    place: None,
                    words: String::new(),
                    confidence: 0.99,
                });
            }
            if let (Some(path), Some(value)) =
                (tenant_path(view, &self.knowledge.bindings), &tenant_value)
                && !candidate.fields.iter().any(|f| f.column == path)
            {
                candidate.fields.push(Field {
                    column: path.to_owned(),
                    cell: Cell::Is(value.clone()),
                    rule: format!("{path} ← who speaks"),
                    evidence: Some(candidate.evidence[0]),
                    place: None,
                    words: String::new(),
                    confidence: 0.99,
                });
            }
            let heard = self.heard(&group.items);
            let phase = phase_of(view, known, &candidate.fields, self.scope.as_of);
            self.put_status(view, known, &heard, &phase, &mut candidate.fields);
            let told = Told { last_heard: self.last_heard(&group.items), ..Told::default() };
            within_fields(self.material.snapshot, view, known, &told, &mut candidate.fields);
            candidate.confidence =
                self.sort_confidence(RecordType::PAYMENT, &group, !candidate.conflicts.is_empty());
            self.judge(view, &mut candidate);
            if let Some(Owner::Candidate(id, _)) = owner
                && candidate.verdict == Verdict::Accept
                && rebuilt.candidates.iter().any(|c| c.id == *id && c.verdict != Verdict::Accept)
            {
                candidate.verdict = Verdict::Review;
                candidate.reasons.push("its reservation is not sure".to_owned());
            }
            // A payment of nothing that is a reservation is none of ours.
            if owner.is_none() {
                candidate.verdict = Verdict::Reject;
                candidate.reasons = vec!["no reservation that it could be for".to_owned()];
            }
            rebuilt.candidates.push(candidate);
        }
    }

    /// Which kinds of evidence saw which lost reservations.
    fn completeness(
        &self,
        groups: &[Group],
        observed: &[Option<Observation>],
        rebuilt: &mut Rebuilt,
    ) {
        let kinds: BTreeSet<&str> = observed.iter().flatten().map(|o| source_of(&o.kind)).collect();
        rebuilt.lists = kinds.into_iter().map(str::to_owned).collect();
        for group in groups.iter().filter(|g| g.row.is_none()) {
            let first = group.items.iter().map(|&i| self.material.items[i].made_at).min();
            if !first.is_some_and(|at| self.scope.window.contains(at)) || group.keys.is_empty() {
                continue;
            }
            let mut mask = 0;
            for observation in self.observations(group, observed) {
                let list = rebuilt.lists.iter().position(|l| l == source_of(&observation.kind));
                mask |= list.map_or(0, |l| 1 << l);
            }
            *rebuilt.histories.entry(mask).or_default() += 1;
            let tenant = group.tenant.as_ref().map_or_else(String::new, ToString::to_string);
            *rebuilt.histories_by_tenant.entry(tenant).or_default().entry(mask).or_default() += 1;
        }
    }
}

/// What was said before in the same words is no news: a message sent again, or forwarded,
/// speaks from the time at which it was first sent.
fn date_back_repetitions(observed: &mut [Option<Observation>]) {
    let said = |o: &Observation| -> String {
        let readings = o.readings.iter().map(|r| format!("{}={}", r.column, r.value));
        std::iter::once(o.form.clone()).chain(readings).collect::<Vec<_>>().join("\n")
    };
    let mut first: BTreeMap<String, Instant> = BTreeMap::new();
    for observation in observed.iter().flatten().filter(|o| o.readings.len() > 2) {
        let at = first.entry(said(observation)).or_insert(observation.at);
        *at = (*at).min(observation.at);
    }
    for observation in observed.iter_mut().flatten() {
        if let Some(at) = first.get(&said(observation)) {
            observation.at = *at;
        }
    }
}

/// The source system behind a kind of evidence: all of Stripe's objects are one witness.
fn source_of(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

/// The reservation that an item is about.
enum Owner {
    Row(Vec<Value>, Option<Value>),
    Candidate(CandidateId, Option<Value>),
}

impl Owner {
    fn cell(&self) -> Cell {
        match self {
            Self::Row(key, _) => Cell::Is(key.first().cloned().unwrap_or(Value::Null)),
            Self::Candidate(id, _) => Cell::KeyOf(id.clone()),
        }
    }

    fn tenant(&self) -> Option<&Value> {
        match self {
            Self::Row(_, tenant) | Self::Candidate(_, tenant) => tenant.as_ref(),
        }
    }
}
